/* SPDX-License-Identifier: MIT */
/* compact_test.c - pages move out of named frames, and out of the way of large runs. */
#include "../vm/vm_machine.h"

#include "object/migrate.h"
#include "pgtable/walk.h"
#include "phys/page_alloc.h"
#include "phys/frames.h"
#include "phys/phys.h"
#include "phys/phys_state.h"
#include "reclaim/reclaim.h"

#define MEMORY (64ul << 20)
#define PAGES 10000ul /* of 16384 */

static pfn_t frame_at(struct mm_struct *mm, unsigned long addr)
{
	const pte_t *pte = pgtable_find_pte(&mm->pgt, addr);

	return pte && pte_present(pte_read(pte)) ? pte_pfn(pte_read(pte)) : 0;
}

static unsigned char mark_of(unsigned long page)
{
	return (unsigned char)(page * 7 + page / 256 + 1);
}

static unsigned long wrong_marks(unsigned long a, unsigned long step)
{
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < PAGES; i += step)
		wrong += peek(a + i * PG) != mark_of(i);
	return wrong;
}

/* Most of memory, then only every step-th page of it: every block is in use, none is full. */
static unsigned long scatter(struct mm_struct *mm, unsigned long step)
{
	unsigned long a = map_anon(mm, PAGES, PROT_READ | PROT_WRITE, 0);

	for (unsigned long i = 0; i < PAGES; i++)
		poke(a + i * PG, mark_of(i));
	for (unsigned long i = 0; i < PAGES; i++)
		if (i % step)
			do_madvise(mm, a + i * PG, PG, 4);
	return a;
}

static unsigned long large_runs(void)
{
	unsigned long runs[NR_ORDERS], sum = 0;
	struct zone *zone;
	unsigned int id;

	drain_all_pages();
	for_each_populated_zone(zone, id) {
		zone_count_runs(zone, MIGRATE_TYPES, runs);
		sum += runs[PAGEBLOCK_ORDER] + 2 * runs[MAX_ORDER];
	}
	return sum;
}

/* An address whose page lies in a block with nothing but such pages. */
static unsigned long among_its_like(struct mm_struct *mm, unsigned long a)
{
	for (unsigned long i = 0; i < PAGES; i += 4) {
		pfn_t start = frame_at(mm, a + i * PG) & ~(pfn_t)(PAGEBLOCK_PAGES - 1), pfn = start;

		while (pfn < start + PAGEBLOCK_PAGES && (frame_owner(pfn) == PAGE_OWNER_ANON || frame_owner(pfn) == PAGE_OWNER_BUDDY))
			pfn++;
		if (pfn == start + PAGEBLOCK_PAGES)
			return a + i * PG;
	}
	return a;
}

static void test_contig(struct mm_struct *mm)
{
	unsigned long a = scatter(mm, 4), at = among_its_like(mm, a), moved = global_vm_event(PGMIGRATE_SUCCESS);
	pfn_t start = frame_at(mm, at) & ~(pfn_t)(PAGEBLOCK_PAGES - 1);
	struct page *pin;

	tap_is(get_user_pages(mm, at, 1, 0, &pin), 1, "a page that somebody refers to");
	tap_is(alloc_contig_range(start, start + PAGEBLOCK_PAGES, GFP_KERNEL), -EBUSY, "keeps its block from being had");
	tap_is(wrong_marks(a, 4), 0, "nothing is lost");
	tap_is(phys_check() + object_check() + vm_check() + vm_check_sums(), 0, "and all is as it was");
	put_page(pin);
	tap_is(alloc_contig_range(start, start + PAGEBLOCK_PAGES, GFP_KERNEL), 0, "then the block is to be had");
	tap_ok(global_vm_event(PGMIGRATE_SUCCESS) > moved, "its pages moved");
	tap_ok(page_owner(pfn_to_page(start + 7)) == PAGE_OWNER_KERNEL && frame_at(mm, at) >> PAGEBLOCK_ORDER != start >> PAGEBLOCK_ORDER,
	       "out of it");
	tap_is(wrong_marks(a, 4), 0, "with their contents");
	free_contig_range(start, PAGEBLOCK_PAGES);
	do_munmap(mm, a, PAGES * PG);
	tap_is(phys_check() + object_check() + vm_check() + vm_check_sums(), 0, "in order");
}

static void test_compaction(struct mm_struct *mm)
{
	unsigned long a = scatter(mm, 4), before = large_runs(), after;

	compact_all();
	after = large_runs();
	tap_ok(after > before + 8, "compaction: %lu blocks free, of %lu", after, before);
	tap_is(wrong_marks(a, 4), 0, "every page is somewhere");
	tap_is(phys_check() + object_check() + vm_check() + vm_check_sums(), 0, "in order");
	do_munmap(mm, a, PAGES * PG);
}

/* Scattered memory without a single large run left; a large request makes one. */
static void test_demand(struct mm_struct *mm)
{
	static struct page *runs[64];
	unsigned long a = scatter(mm, 3), nr = 0, stalls;
	struct page *page;

	while (nr < 64 && (page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, PAGEBLOCK_ORDER)) != NULL)
		runs[nr++] = page;
	stalls = global_vm_event(COMPACTSTALL);
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, PAGEBLOCK_ORDER);
	tap_ok(page != NULL, "a block on demand, where there was none");
	tap_ok(global_vm_event(COMPACTSTALL) > stalls && global_vm_event(COMPACTSUCCESS) > 0, "by compaction");
	if (page)
		__free_pages(page, PAGEBLOCK_ORDER);
	while (nr)
		__free_pages(runs[--nr], PAGEBLOCK_ORDER);
	tap_is(wrong_marks(a, 3), 0, "every page is somewhere");
	do_munmap(mm, a, PAGES * PG);
	tap_is(phys_check() + object_check() + vm_check() + vm_check_sums(), 0, "in order");
}

int main(void)
{
	struct mm_struct *mm;

	tap_plan(0);
	mm = vm_machine_start(MEMORY, 2);
	test_contig(mm);
	test_compaction(mm);
	test_demand(mm);
	vm_machine_end(mm);
	return tap_done();
}
