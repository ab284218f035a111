/* SPDX-License-Identifier: MIT */
/* pagecache_test.c - one object's cached pages: adding, finding, holes, reading and writing, truncation, and accounting. */
#include <errno.h>
#undef errno
#include <string.h>

#include "object/object.h"
#include "object/pagecache.h"
#include "phys/memmap.h"
#include "quire/errno.h"
#include "quire/gfp.h"
#include "quire/stats.h"
#include "sync/rcu.h"
#include "tap.h"
#include "tap_machine.h"

#define PG PAGE_SIZE
#define KEEP GFP_HIGHUSER_MOVABLE

/* An object whose size and room are the test's. */
struct object {
	struct address_space mapping;
	u64 bytes;
	long room, used;           /* pages that account_pages allows, and has given */
	unsigned int reads;
	int read_error;
};

static u64 object_size(struct address_space *mapping)
{
	return ((struct object *)mapping->host)->bytes;
}

static int object_account(struct address_space *mapping, long nr)
{
	struct object *object = mapping->host;

	if (nr > object->room - object->used)
		return -ENOSPC;
	object->used += nr;
	return 0;
}

/* The page's number in every byte. */
static int object_read(struct address_space *mapping, struct page *page)
{
	struct object *object = mapping->host;
	int err = object->read_error;

	object->reads++;
	memset(page_address(page), (int)page_index(page) + 1, PG);
	if (!err)
		SetPageUptodate(page);
	unlock_page(page);
	return err;
}

static const struct address_space_operations ram_ops = { .size = object_size, .account_pages = object_account };
static const struct address_space_operations file_ops = { .size = object_size, .read_page = object_read };

static void begin(struct object *object, const struct address_space_operations *ops, u64 bytes)
{
	memset(object, 0, sizeof(*object));
	object->bytes = bytes;
	object->room = 1 << 20;
	address_space_init(&object->mapping, ops, object, KEEP, ops == &ram_ops ? 1ul << AS_SWAPBACKED : 0);
}

static void end(struct object *object, const char *name)
{
	address_space_destroy(&object->mapping);
	tap_is(object->mapping.nrpages, 0, "%s: [M2] no page is left", name);
	tap_is(object->used, 0, "%s: all room was given back", name);
	tap_is(global_node_page_state(NR_FILE_PAGES), 0, "%s: none counts as cached", name);
	tap_is(global_node_page_state(NR_SHMEM), 0, "%s: nor as shmem", name);
	tap_is(object_check(), 0, "%s: reclaim lists are in order", name);
}

static size_t put_byte(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	memset(kaddr, *(int *)cookie, bytes);
	return bytes;
}

static size_t sum_bytes(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	for (size_t i = 0; i < bytes; i++)
		*(long *)cookie += ((unsigned char *)kaddr)[i];
	return bytes;
}

static size_t half(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	return bytes / 2;
}

static long write_bytes(struct object *object, u64 pos, size_t bytes, int value)
{
	return page_cache_write(&object->mapping, pos, bytes, put_byte, &value);
}

/* The sum of the bytes, or -errno. */
static long read_sum(struct object *object, u64 pos, size_t bytes, long *got)
{
	long sum = 0;

	*got = page_cache_read(&object->mapping, pos, bytes, sum_bytes, &sum);
	return sum;
}

static bool cached(struct object *object, pgoff_t index)
{
	struct page *page = find_get_page(&object->mapping, index);

	if (page)
		put_page(page);
	return page != NULL;
}

static void test_add_and_find(void)
{
	struct object object;
	struct page *page = alloc_page(KEEP | __GFP_ZERO), *other = alloc_page(KEEP), *found;

	begin(&object, &ram_ops, 100 * PG);
	tap_ok(!find_get_page(&object.mapping, 0), "nothing is found in an empty object");
	lock_page(page);
	tap_is(add_to_page_cache(page, &object.mapping, 7, KEEP), 0, "a page is added");
	tap_is(object.mapping.nrpages, 1, "[M2] and counted");
	tap_is(page_count(page), 2, "[M1] the tree has a reference");
	tap_ok(page_mapping(page) == &object.mapping && page_index(page) == 7, "[M1] it knows its place");
	tap_is(page_owner(page), PAGE_OWNER_FILE, "[M1] and its owner");
	tap_is(global_node_page_state(NR_SHMEM), 1, "it counts as shmem");
	lock_page(other);
	tap_is(add_to_page_cache(other, &object.mapping, 7, KEEP), -EEXIST, "no second one at its place");
	tap_is(page_count(other), 1, "which stays its owner's");
	tap_ok(!page_mapping(other), "and has no object");
	unlock_page(other);
	__free_page(other);
	found = find_get_page(&object.mapping, 7);
	tap_ok(found == page, "it is found");
	tap_is(page_count(page), 3, "with a reference");
	put_page(found);
	tap_ok(!find_get_page(&object.mapping, 6) && !find_get_page(&object.mapping, 8), "its neighbours are holes");
	unlock_page(page);
	object.used = 1;
	truncate_inode_pages_range(&object.mapping, 7 * PG, 8 * PG);
	tap_is(object.mapping.nrpages, 0, "[M2] taken out");
	tap_is(page_count(page), 1, "the last reference is the test's");
	put_page(page);
	end(&object, "add and find");
}

/* A tree that holds high indices only must take low ones, and the other way round: every order of a spread of places. */
static void test_sparse(void)
{
	/* The last is the highest that an object can have where indices are 32 bits: ~0 is the end of no range. */
	static const pgoff_t places[] = { 0, 1, 63, 64, 65, 4095, 4096, 262143, 262144, 1ul << 24, 0xfffffffeul };
	unsigned int nr = sizeof(places) / sizeof(places[0]);
	struct object object;

	for (unsigned int first = 0; first < nr; first++) {
		unsigned int missing = 0;

		begin(&object, &ram_ops, ~0ull);
		for (unsigned int i = 0; i < nr; i++) {
			/* From `first` downwards, then what is left upwards. */
			pgoff_t index = places[i <= first ? first - i : i];

			missing += write_bytes(&object, (u64)index * PG, 1, 1) != 1;
		}
		for (unsigned int i = 0; i < nr; i++)
			missing += !cached(&object, places[i]);
		tap_is(missing, 0, "every place is found, begun at %#lx", places[first]);
		tap_is(object.mapping.nrpages, nr, "[M2]");
		end(&object, "sparse");
	}
}

static void test_holes(void)
{
	struct object object;
	struct page *page;
	long got;

	begin(&object, &ram_ops, 10 * PG + 100);
	tap_is(read_sum(&object, 0, 20 * PG, &got), 0, "a hole reads as zeros");
	tap_is(got, 10 * PG + 100, "up to the object's end");
	tap_is(object.mapping.nrpages, 0, "and reading it makes no page");
	tap_is(write_bytes(&object, 3 * PG + 10, 2 * PG, 1), 2 * PG, "two pages of bytes, not aligned");
	tap_is(object.mapping.nrpages, 3, "lie on three pages");
	tap_is(object.used, 3, "which were accounted");
	tap_is(read_sum(&object, 0, 20 * PG, &got), 2 * PG, "and nowhere else");
	page = read_cache_page(&object.mapping, 9);
	tap_ok(!IS_ERR(page) && PageUptodate(page), "a hole that is asked for as a page is filled");
	put_page(page);
	object.room = object.used;
	page = read_cache_page(&object.mapping, 8);
	tap_is(PTR_ERR(page), -ENOSPC, "no more room: no page");
	tap_is(write_bytes(&object, 5 * PG + 10, PG, 1), PG - 10, "a write that reaches a full object is short");
	tap_is(write_bytes(&object, 6 * PG, PG, 1), -ENOSPC, "and fails where it begins there");
	tap_is(page_cache_write(&object.mapping, 3 * PG, PG, half, NULL), PG / 2, "a fault in the middle ends a write");
	end(&object, "holes");
}

static void test_truncate(void)
{
	struct object object;
	long got;

	begin(&object, &ram_ops, 8 * PG);
	write_bytes(&object, 0, 8 * PG, 2);
	truncate_inode_pages_range(&object.mapping, 2 * PG + 100, 2 * PG + 200);
	tap_is(object.mapping.nrpages, 8, "a hole within a page takes no page");
	tap_is(read_sum(&object, 0, 8 * PG, &got), 2 * (8 * PG - 100), "but its bytes");
	truncate_inode_pages_range(&object.mapping, 2 * PG + 100, 5 * PG + 50);
	tap_is(object.mapping.nrpages, 6, "whole pages of a hole go");
	tap_ok(cached(&object, 2) && !cached(&object, 3) && !cached(&object, 4) && cached(&object, 5), "those between");
	tap_is(read_sum(&object, 0, 8 * PG, &got), 2 * (5 * PG - 50 + 100), "the ends are zeroed in part");
	tap_is(object.used, 6, "and the room comes back");
	object.bytes = PG + 1;
	truncate_inode_pages_range(&object.mapping, PG + 1, ~0ull);
	tap_is(object.mapping.nrpages, 2, "to the end");
	object.bytes = 2 * PG;
	tap_is(read_sum(&object, 0, 8 * PG, &got), 2 * (PG + 1), "a longer object shows zeros where it was cut");
	truncate_inode_pages_range(&object.mapping, PG, PG);
	tap_is(object.mapping.nrpages, 2, "an empty range takes nothing");
	end(&object, "truncate");
}

static void test_backed(void)
{
	struct object object;
	struct page *page;
	long got;

	begin(&object, &file_ops, 3 * PG);
	tap_is(read_sum(&object, 0, 3 * PG, &got), 6 * PG, "pages are read in");
	tap_is(object.reads, 3, "once each");
	read_sum(&object, 0, 3 * PG, &got);
	tap_is(object.reads, 3, "and then cached");
	object.read_error = -EIO;
	page = read_cache_page(&object.mapping, 5);
	tap_is(PTR_ERR(page), -EIO, "an error of the owner comes through");
	object.read_error = 0;
	page = read_cache_page(&object.mapping, 5);
	tap_ok(!IS_ERR(page) && PageUptodate(page), "and is tried again");
	if (!IS_ERR(page))
		put_page(page);
	tap_is(global_node_page_state(NR_SHMEM), 0, "they are no shmem");
	end(&object, "backed");
}

/* Runs of pages, as fault-around takes them. */
static void test_runs(void)
{
	struct object object;
	struct page *pages[16];
	pgoff_t index = 0;
	unsigned int nr;

	begin(&object, &ram_ops, 100 * PG);
	for (pgoff_t i = 0; i < 40; i += 3)
		write_bytes(&object, (u64)i * PG, 1, 1);
	nr = find_get_pages(&object.mapping, &index, 20, 16, pages);
	tap_is(nr, 7, "pages up to a limit");
	tap_is(index, 19, "and where to go on");
	while (nr)
		put_page(pages[--nr]);
	nr = find_get_run(&object.mapping, 3, 8, pages);
	tap_ok(nr == 8 && pages[0] && !pages[1] && !pages[2] && pages[3] && pages[6], "a run shows its holes");
	for (unsigned int i = 0; i < nr; i++)
		if (pages[i])
			put_page(pages[i]);
	end(&object, "runs");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine(64 << 20, 1, 1);
	test_add_and_find();
	test_sparse();
	test_holes();
	test_truncate();
	test_backed();
	test_runs();
	rcu_barrier();
	tap_machine_end(machine);
	return tap_done();
}
