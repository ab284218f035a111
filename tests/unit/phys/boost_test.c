/* SPDX-License-Identifier: MIT */
/* boost_test.c - watermark_boost: a block that is taken from another kind of page makes the background keep more free for a while. */
#include "phys/relief.h"
#include "phys_machine.h"

#define MOVABLE (__GFP_MOVABLE | __GFP_NOWARN)

static u32 held = PAGE_NO_PFN; /* a chain of frames through lru.next */

static void on_wake(struct zone *zone, unsigned int order)
{
}

/* Fills memory with movable pages and frees every other: all blocks are movable, and half free. */
static void scatter(void)
{
	u32 kept = PAGE_NO_PFN;
	struct page *page;
	unsigned int nr = 0;

	while ((page = alloc_page(MOVABLE))) {
		page->lru.next = held;
		held = (u32)page_to_pfn(page);
	}
	while (held != PAGE_NO_PFN) {
		page = pfn_to_page(held);
		held = page->lru.next;
		if (nr++ % 2) {
			__free_page(page);
			continue;
		}
		page->lru.next = kept;
		kept = (u32)page_to_pfn(page);
	}
	held = kept;
	drain_all_frames();
}

static void gather(void)
{
	while (held != PAGE_NO_PFN) {
		struct page *page = pfn_to_page(held);

		held = page->lru.next;
		__free_page(page);
	}
	drain_all_frames();
}

/* Unmovable pages until a block of movable ones was taken over for them. */
static void steal(struct zone *zone, unsigned long times)
{
	unsigned long before = zone->nr_steals;

	while (zone->nr_steals < before + times) {
		struct page *page = alloc_page(GFP_NOWAIT);

		if (!page)
			return;
		page->lru.next = held;
		held = (u32)page_to_pfn(page);
	}
}

static void boosted(struct zone *zone)
{
	unsigned long most = zone->_watermark[WMARK_HIGH] * 3 / 2, low = wmark_pages(zone, WMARK_LOW);

	scatter();
	steal(zone, 1);
	tap_ok(zone->nr_steals > 0 && zone->watermark_boost == PAGEBLOCK_PAGES, "a block that held others' pages was taken: boosted by its size");
	tap_is(wmark_pages(zone, WMARK_LOW) - low, PAGEBLOCK_PAGES, "the marks are higher by that");
	steal(zone, 5);
	tap_ok(zone->watermark_boost > PAGEBLOCK_PAGES && zone->watermark_boost <= most, "more of it: up to 1.5 times the high mark, %lu of %lu pages",
	       zone->watermark_boost, most);
	gather();
	setup_per_zone_wmarks();
	tap_is(zone->watermark_boost, 0, "marks that are set anew have none");
}

static void not_boosted(struct zone *zone, const char *why)
{
	unsigned long before = zone->nr_steals;

	scatter();
	steal(zone, 3);
	tap_ok(zone->nr_steals > before && zone->watermark_boost == 0, "%s: no boost", why);
	gather();
}

int main(void)
{
	struct hosted_config config = {.mem_bytes = 128 << 20, .cpus = 1, .log = stdout};
	struct hosted_machine *machine;
	struct zone *zone;

	tap_plan(0);
	machine = tap_machine_frames(&config);
	zone = zone_by_id(pfn_to_block((64ul << 20) >> PAGE_SHIFT)->zone_id);
	not_boosted(zone, "with nobody in the background");
	relief_set_background(on_wake);
	boosted(zone);
	this_phys()->sysctl.watermark_boost_factor = 0;
	not_boosted(zone, "watermark_boost_factor 0");
	relief_set_background(NULL);
	tap_machine_frames_end(machine);
	return tap_done();
}
