/* SPDX-License-Identifier: MIT */
/* cacheio_test.c - reads, writes and truncations of cached objects at random places against an array of bytes. */
#include <errno.h>
#undef errno
#include <string.h>

#include "tap.h"
#include "tap_machine.h"

#include "object/object.h"
#include "object/pagecache.h"
#include "phys/memmap.h"
#include "quire/errno.h"
#include "quire/stats.h"
#include "sync/rcu.h"

/* Pages of files that are not ours: none but in the booted kernel. */
static unsigned long others;

#define PG 4096u
#define NR_PAGES 200u
#define ROUNDS 3000

/* An object, what it should hold, and how many pages it was charged. */
static struct object {
	struct address_space mapping;
	u64 size;
	long charged, limit;
	unsigned char bytes[NR_PAGES * PG];
} object;

/* A caller's side of a transfer: how much of it can be had, and what happens on the way. */
struct caller {
	unsigned char *memory;
	size_t at, good;     /* bytes moved; bytes that can be */
	long other_inserts;  /* index at which somebody else inserts a page during the first copy, or -1 */
};

static unsigned char on_disk(u64 at)
{
	return (unsigned char)(at / PG * 31 + at % 251);
}

static u64 object_size(struct address_space *mapping)
{
	return ((struct object *)mapping->host)->size;
}

static int object_account(struct address_space *mapping, long nr)
{
	struct object *self = mapping->host;

	if (nr > 0 && self->charged + nr > self->limit)
		return -ENOSPC;
	self->charged += nr;
	return 0;
}

static int object_read_page(struct address_space *mapping, struct page *page)
{
	unsigned char *to = page_address(page);

	for (unsigned int i = 0; i < PG; i++)
		to[i] = on_disk((u64)page_index(page) * PG + i);
	SetPageUptodate(page);
	unlock_page(page);
	return 0;
}

static const struct address_space_operations ram_ops = { .size = object_size, .account_pages = object_account };
static const struct address_space_operations disk_ops = { .size = object_size, .read_page = object_read_page };

static size_t part_of(struct caller *caller, size_t bytes)
{
	return bytes < caller->good - caller->at ? bytes : caller->good - caller->at;
}

static size_t copy_in(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	struct caller *caller = cookie;
	size_t part = part_of(caller, bytes);
	int err;

	if (done != caller->at)
		return 0; /* then the sums do not come out right */
	if (caller->other_inserts >= 0) {
		put_page(ram_page_get(&object.mapping, (pgoff_t)caller->other_inserts, false, &err));
		caller->other_inserts = -1;
	}
	memcpy(kaddr, caller->memory + caller->at, part);
	caller->at += part;
	return part;
}

static size_t copy_out(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	struct caller *caller = cookie;
	size_t part = part_of(caller, bytes);

	(void)done;
	memcpy(caller->memory + caller->at, kaddr, part);
	caller->at += part;
	return part;
}

static unsigned char buffer[NR_PAGES * PG];

static bool write_agrees(u64 pos, size_t bytes, size_t good, long other)
{
	struct caller caller = { buffer, 0, good, other };
	long done;

	for (size_t i = 0; i < bytes; i++)
		buffer[i] = (unsigned char)tap_rand_below(256);
	done = page_cache_write(&object.mapping, pos, bytes, copy_in, &caller);
	if (done > 0)
		memcpy(object.bytes + pos, buffer, (size_t)done);
	if (done > 0 && pos + (u64)done > object.size)
		object.size = pos + (u64)done;
	return done == (good ? (long)good : bytes ? -EFAULT : 0) && caller.at == good;
}

static bool read_agrees(u64 pos, size_t bytes, size_t good)
{
	struct caller caller = { buffer, 0, good, -1 };
	size_t there = pos >= object.size ? 0 : (size_t)(object.size - pos < bytes ? object.size - pos : bytes);
	long done = page_cache_read(&object.mapping, pos, bytes, copy_out, &caller);
	size_t expect = there < good ? there : good;

	return done == (expect || !there ? (long)expect : -EFAULT) && !memcmp(buffer, object.bytes + pos, expect);
}

static void cut(u64 from, u64 to)
{
	if (to == ~0ull) {
		object.size = from;
		to = sizeof(object.bytes);
	}
	truncate_inode_pages_range(&object.mapping, from, to == sizeof(object.bytes) ? ~0ull : to);
	memset(object.bytes + from, 0, (size_t)(to - from));
}

/* A place and a length; short ones, such within a page and such of many pages are all common. */
static size_t some_bytes(u64 *pos)
{
	size_t bytes = tap_rand_below(3) ? tap_rand_below(40 * PG) : tap_rand_below(PG);

	*pos = tap_rand_below(3) ? tap_rand_below(NR_PAGES) * PG : tap_rand_below(NR_PAGES * PG);
	if (tap_rand_below(2))
		bytes &= ~(size_t)(PG - 1);
	return *pos + bytes > sizeof(object.bytes) ? (size_t)(sizeof(object.bytes) - *pos) : bytes;
}

static bool one_round(bool ram)
{
	u64 pos;
	size_t bytes = some_bytes(&pos), good = tap_rand_below(8) ? bytes : tap_rand_below(bytes + 1);
	unsigned int what = (unsigned int)tap_rand_below(20);

	if (what < 8)
		return write_agrees(pos, bytes, good, -1);
	if (what < 16)
		return read_agrees(pos, bytes, good);
	if (!ram)
		return true;
	if (what < 18)
		cut(pos, ~0ull);
	else if (bytes)
		cut(pos, pos + bytes);
	return true;
}

static void object_begin(const struct address_space_operations *ops, bool ram)
{
	memset(&object, 0, sizeof(object));
	object.limit = NR_PAGES;
	address_space_init(&object.mapping, ops, &object, GFP_HIGHUSER_MOVABLE, ram ? 1ul << AS_SWAPBACKED : 0);
}

static void object_end(void)
{
	tap_is(object_check(), 0, "reclaim lists are in order");
	address_space_destroy(&object.mapping);
	tap_is(object.charged, 0, "every page's charge was given back");
	tap_is(object.mapping.nrpages, 0, "no page is left");
	tap_is(global_node_page_state(NR_FILE_PAGES), others, "and none is counted");
}

static void test_random(bool ram)
{
	bool good = true;

	object_begin(ram ? &ram_ops : &disk_ops, ram);
	if (!ram) {
		object.size = sizeof(object.bytes);
		for (u64 i = 0; i < object.size; i++)
			object.bytes[i] = on_disk(i);
	}
	for (int i = 0; i < ROUNDS && good; i++) {
		good = one_round(ram);
		if (ram)
			good = good && object.charged == (long)object.mapping.nrpages;
	}
	tap_ok(good, "%d random transfers with an object %s agree with an array", ROUNDS, ram ? "in memory" : "on a disk");
	tap_ok(read_agrees(0, sizeof(object.bytes), sizeof(object.bytes)), "and so does all of it");
	object_end();
}

/* While the caller's bytes are on their way into a new page, a fault puts a page there: both are kept. */
static void test_other_inserts(void)
{
	object_begin(&ram_ops, true);
	tap_ok(write_agrees(2 * PG, 3 * PG, 3 * PG, 2), "a write goes on when somebody else inserts its page");
	tap_ok(read_agrees(0, 5 * PG, 5 * PG), "the bytes are those of the write, in their places");
	tap_is(object.charged, 3, "and each page is charged once");
	object.limit = 4;
	tap_ok(write_agrees(5 * PG, PG, PG, -1), "the last page that fits");
	tap_is(page_cache_write(&object.mapping, 6 * PG, PG, copy_in, &(struct caller){ buffer, 0, PG, -1 }), -ENOSPC,
	       "one more does not");
	tap_is(object.charged, 4, "and is not charged");
	object_end();
}

/* The tree grows at its end and in the middle: its nodes are bought for what it needs, not for the index. */
static void test_backwards(void)
{
	bool good = true;

	object_begin(&ram_ops, true);
	for (unsigned int i = NR_PAGES; i-- > 0;)
		good = good && (i % 66 ? true : write_agrees((u64)i * PG, PG, PG, -1));
	tap_ok(good, "pages far apart, from the last to the first");
	tap_ok(read_agrees(0, sizeof(object.bytes), sizeof(object.bytes)), "holes between them read as zeros");
	object_end();
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine(64 << 20, 1, 1);
	others = global_node_page_state(NR_FILE_PAGES);
	test_random(true);
	test_random(false);
	test_other_inserts();
	test_backwards();
	rcu_barrier();
	tap_machine_end(machine);
	return tap_done();
}
