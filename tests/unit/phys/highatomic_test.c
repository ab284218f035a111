/* SPDX-License-Identifier: MIT */
/* highatomic_test.c - the reserve for urgent requests of more than one page: how it grows, who may use it, and how it goes. */
#include <string.h>

#include "phys/relief.h"
#include "phys_machine.h"
#include "quire/stats.h"

#define URGENT (GFP_ATOMIC | __GFP_NOWARN)

static struct zone *zone;
static u32 taken = PAGE_NO_PFN, urgent = PAGE_NO_PFN; /* chains of frames through lru.next */

static void keep(u32 *chain, struct page *page)
{
	page->lru.next = *chain;
	*chain = (u32)page_to_pfn(page);
}

static void give(u32 *chain, unsigned int order)
{
	while (*chain != PAGE_NO_PFN) {
		struct page *page = pfn_to_page(*chain);

		*chain = page->lru.next;
		__free_pages(page, order);
	}
	drain_all_frames();
}

static unsigned int blocks_of_type(enum migratetype type)
{
	unsigned int nr = 0;

	for (u32 number = 0; number < this_phys()->nr_blocks; number++)
		nr += block_at(number)->present && block_at(number)->zone_id == zone->id && block_at(number)->mt == type;
	return nr;
}

static unsigned long limit(void)
{
	return zone->managed_pages / 100 / PAGEBLOCK_PAGES + (zone->managed_pages / 100 % PAGEBLOCK_PAGES != 0);
}

/* Urgent requests of 64 KiB until the next would not fit. */
static void grow(void)
{
	struct page *page = alloc_pages(URGENT, 4);
	unsigned int i;

	keep(&urgent, page);
	tap_is(zone->nr_reserved_highatomic, PAGEBLOCK_PAGES, "the first urgent request of more than a page sets its block apart");
	tap_is(pfn_to_block(page_to_pfn(page))->mt, MIGRATE_HIGHATOMIC, "the one that it was served from");
	for (i = 0; i < 200; i++)
		keep(&urgent, alloc_pages(URGENT, 4));
	tap_ok(limit() > 1 && zone->nr_reserved_highatomic == limit() * PAGEBLOCK_PAGES,
	       "after 200 more it is 1%% of the zone in whole blocks: %lu pages of %lu", zone->nr_reserved_highatomic, zone->managed_pages);
	tap_is(blocks_of_type(MIGRATE_HIGHATOMIC), limit(), "as many blocks have the type");
	give(&urgent, 4);
	tap_is(zone->nr_reserved_highatomic, limit() * PAGEBLOCK_PAGES, "and stay set apart when they are free");
	tap_is(zone->vm_stat[NR_ZONE_FREE_HIGHATOMIC], (long)(limit() * PAGEBLOCK_PAGES), "free in them is counted");
}

/* Runs that CPUs keep at hand: the lists are filled for everybody, and nothing that is set apart gets there. */
static void at_hand(void)
{
	unsigned int wrong = 0, order;
	struct page *page;

	for (order = 1; order <= PCP_MAX_SMALL_ORDER; order++) {
		unreserve_highatomic();
		drain_all_frames();
		page = alloc_pages(URGENT, order);
		wrong += zone->nr_reserved_highatomic != PAGEBLOCK_PAGES || pfn_to_block(page_to_pfn(page))->mt != MIGRATE_HIGHATOMIC;
		__free_pages(page, order);
		drain_all_frames();
		/* The list is refilled, once for the urgent one. */
		keep(&urgent, alloc_pages(URGENT, order));
		for (unsigned int i = 0; i < 500; i++) {
			page = alloc_pages(GFP_KERNEL, order);
			wrong += pfn_to_block(page_to_pfn(page))->mt == MIGRATE_HIGHATOMIC;
			keep(&taken, page);
		}
		give(&taken, order);
		give(&urgent, order);
	}
	tap_is(wrong, 0, "orders 1 to 3 set blocks apart too, and ordinary requests of them never get a run of one");
	unreserve_highatomic();
}

static void order_zero(void)
{
	unsigned long before = zone->nr_reserved_highatomic;
	struct page *page;

	unreserve_highatomic();
	tap_is(zone->nr_reserved_highatomic, 0, "undone: nothing is set apart (%lu pages were)", before);
	page = alloc_page(URGENT);
	tap_is(zone->nr_reserved_highatomic, 0, "an urgent request of one page sets nothing apart");
	__free_page(page);
	page = alloc_pages(GFP_KERNEL, 4);
	tap_is(zone->nr_reserved_highatomic, 0, "nor one that may wait");
	__free_pages(page, 4);
	page = alloc_pages(URGENT | __GFP_NOMEMALLOC, 4);
	tap_is(zone->nr_reserved_highatomic, 0, "nor one that must not use reserves");
	__free_pages(page, 4);
}

static char *pagetypeinfo;

static int collect(struct text_sink *sink, const char *text, size_t len)
{
	size_t have = pagetypeinfo ? strlen(pagetypeinfo) : 0;

	pagetypeinfo = realloc(pagetypeinfo, have + len + 1);
	memcpy(pagetypeinfo + have, text, len);
	pagetypeinfo[have + len] = '\0';
	return 0;
}

static void shown(void)
{
	struct text_sink sink = {.write = collect};
	unsigned long unmovable, movable, reclaimable, highatomic = 0;
	char line[64], *at;

	quire_show_pagetypeinfo(&sink);
	snprintf(line, sizeof(line), "Node 0, zone %8s ", zone->name);
	at = strstr(pagetypeinfo, "Number of blocks type");
	at = at ? strstr(at, line) : NULL;
	tap_ok(at && sscanf(at + strlen(line), "%lu %lu %lu %lu", &unmovable, &movable, &reclaimable, &highatomic) == 4, "pagetypeinfo has the zone's blocks");
	tap_is(highatomic, limit(), "and those set apart among them");
	free(pagetypeinfo);
	pagetypeinfo = NULL;
}

/* Takes all that these flags reach; how many. */
static unsigned long take_all(gfp_t gfp)
{
	unsigned long nr = 0;
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		keep(&taken, page);
		nr++;
	}
	return nr;
}

static unsigned long pages_taken_from(enum migratetype type)
{
	unsigned long nr = 0;

	for (u32 pfn = taken; pfn != PAGE_NO_PFN; pfn = pfn_to_page(pfn)->lru.next)
		nr += pfn_to_block(pfn)->mt == type;
	return nr;
}

/* The reserve is full size and free. Requests that may not wait do not get the ladder, so that nothing dissolves it. */
static void who_may(void)
{
	struct page *page;

	take_all(GFP_NOWAIT);
	tap_ok(zone->nr_reserved_highatomic && !pages_taken_from(MIGRATE_HIGHATOMIC), "whoever takes all that ordinary requests get finds no page of it");
	page = alloc_pages(__GFP_HIGH | __GFP_NOMEMALLOC | __GFP_NOWARN, 2);
	tap_ok(!page || pfn_to_block(page_to_pfn(page))->mt != MIGRATE_HIGHATOMIC, "nor one that is urgent and must not use reserves");
	if (page)
		__free_pages(page, 2);
	page = alloc_pages(URGENT, 4);
	tap_ok(page && pfn_to_block(page_to_pfn(page))->mt == MIGRATE_HIGHATOMIC, "an urgent run is served from there");
	if (page)
		__free_pages(page, 4);
}

/* All is taken, and the reserve is free: a request that may wait gets it rather than NULL. */
static void pressure(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, 3);

	tap_ok(page != NULL, "under pressure it is dissolved before a request fails");
	tap_is(zone->nr_reserved_highatomic, 0, "all of it");
	tap_is(blocks_of_type(MIGRATE_HIGHATOMIC) + (unsigned long)zone->vm_stat[NR_ZONE_FREE_HIGHATOMIC], 0, "no block has the type any more");
	tap_ok(this_phys()->relief.unreserve.nr_given >= PAGEBLOCK_PAGES, "by that step of the ladder: %lu pages", this_phys()->relief.unreserve.nr_given);
	__free_pages(page, 3);
	give(&taken, 0);
}

int main(void)
{
	struct hosted_config config = {.mem_bytes = 640ull << 20, .cpus = 1, .log = stdout};
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine_frames(&config);
	zone = zone_by_id(pfn_to_block((256ul << 20) >> PAGE_SHIFT)->zone_id);
	grow();
	order_zero();
	at_hand();
	grow();
	shown();
	who_may();
	pressure();
	tap_machine_frames_end(machine);
	return tap_done();
}
