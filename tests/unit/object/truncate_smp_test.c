/* SPDX-License-Identifier: MIT */
/* truncate_smp_test.c - writers, readers and truncations of one object side by side: no page is lost, doubled or left behind. */
#include <errno.h>
#undef errno
#include <string.h>

#include "object/object.h"
#include "object/pagecache.h"
#include "phys/memmap.h"
#include "quire/gfp.h"
#include "quire/stats.h"
#include "sync/rcu.h"
#include "tap.h"
#include "tap_machine.h"

#define CPUS 3
#define PAGES 24ul
#define ROUNDS 150
/* Bytes written at the start of a page; cuts within a page begin there, since which of two that meet comes last is their callers'
 * business. */
#define WRITTEN 32

/* Every byte of a page is its index + 1, or zero where it was cut. */
static struct shared {
	struct address_space mapping;
	u64 bytes;
	atomic_long_t used;
	unsigned int next, wrong, refused;
} shared;

static u64 size(struct address_space *mapping)
{
	return READ_ONCE(shared.bytes);
}

static int account(struct address_space *mapping, long nr)
{
	atomic_long_add(nr, &shared.used);
	return 0;
}

static const struct address_space_operations ops = { .size = size, .account_pages = account };

static size_t fill(void *cookie, void *kaddr, size_t bytes, size_t done)
{
	for (size_t i = 0; i < bytes; i++)
		__atomic_store_n((unsigned char *)kaddr + i, *(unsigned char *)cookie, __ATOMIC_RELAXED);
	return bytes;
}

static void write_page(pgoff_t index)
{
	unsigned char value = (unsigned char)(index + 1);

	if (page_cache_write(&shared.mapping, (u64)index * PAGE_SIZE, WRITTEN, fill, &value) != WRITTEN)
		__atomic_fetch_add(&shared.refused, 1, __ATOMIC_RELAXED);
}

static void look_page(pgoff_t index)
{
	struct page *page = find_lock_page(&shared.mapping, index);
	unsigned char first;

	if (!page)
		return;
	first = __atomic_load_n((unsigned char *)page_address(page), __ATOMIC_RELAXED);
	if (page_mapping(page) != &shared.mapping || page_index(page) != index || (first && first != index + 1))
		__atomic_fetch_add(&shared.wrong, 1, __ATOMIC_RELAXED);
	unlock_page(page);
	put_page(page);
}

static void worker(void *unused)
{
	struct tap_random random = tap_random_stream(__atomic_fetch_add(&shared.next, 1, __ATOMIC_RELAXED));

	for (int round = 0; round < ROUNDS; round++) {
		pgoff_t index = (pgoff_t)tap_random_below(&random, PAGES);

		switch (tap_random_below(&random, 8)) {
		case 0:
			truncate_inode_pages_range(&shared.mapping, (u64)index * PAGE_SIZE + WRITTEN, ~0ull);
			break;
		case 1:
			truncate_inode_pages_range(&shared.mapping, (u64)index * PAGE_SIZE, (u64)(index + 3) * PAGE_SIZE);
			break;
		case 2:
		case 3:
			look_page(index);
			break;
		default:
			write_page(index);
			break;
		}
	}
}

int main(void)
{
	struct hosted_machine *machine;
	unsigned long there = 0;

	tap_plan(0);
	machine = tap_machine(32 << 20, CPUS, 1);
	shared.bytes = PAGES * PAGE_SIZE;
	address_space_init(&shared.mapping, &ops, &shared, GFP_HIGHUSER_MOVABLE, 1ul << AS_SWAPBACKED);
	tap_run(machine, CPUS, worker, NULL);
	tap_is(shared.wrong, 0, "a page that is found and locked is the object's, at its place");
	tap_is(shared.refused, 0, "a write succeeds, also where somebody else made the page meanwhile");
	for (pgoff_t i = 0; i < PAGES; i++) {
		struct page *page = find_get_page(&shared.mapping, i);

		if (!page)
			continue;
		there++;
		tap_is(page_count(page), 2, "[M1] page %lu has the tree's reference and ours", i);
		put_page(page);
	}
	tap_is(shared.mapping.nrpages, there, "[M2] as many as are counted");
	tap_is(atomic_long_read(&shared.used), there, "and accounted");
	tap_is(global_node_page_state(NR_SHMEM), there, "and count as shmem");
	address_space_destroy(&shared.mapping);
	tap_is(atomic_long_read(&shared.used), 0, "all given back");
	tap_is(object_check(), 0, "reclaim lists are in order");
	rcu_barrier();
	tap_machine_end(machine);
	return tap_done();
}
