/* SPDX-License-Identifier: MIT */
/* page_bulk.c - requests made of many: bulk, by address, and of a length that is no power of two. */
#include "base/math.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"

unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr, struct page **pages)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (pages[i])
			continue;
		/* Only the first may wait: whoever asks for many can live with fewer. */
		pages[i] = alloc_pages(i ? (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN : gfp, 0);
		if (!pages[i])
			break;
	}
	return i;
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp & ~__GFP_HIGHMEM, order);

	return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	unsigned int order = order_of(bytes, PAGE_SHIFT);
	unsigned long wanted = (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT, i;
	struct page *page;

	if (!bytes || order > MAX_ORDER)
		return NULL;
	page = alloc_pages(gfp & ~(__GFP_COMP | __GFP_HIGHMEM), order);
	if (!page)
		return NULL;
	split_page(page, order);
	for (i = wanted; i < 1ul << order; i++)
		__free_page(page + i);
	return page_address(page);
}

void free_pages_exact(void *virt, size_t bytes)
{
	unsigned long nr = (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT, i;
	struct page *page;

	if (!virt)
		return;
	page = virt_to_page(virt);
	for (i = 0; i < nr; i++)
		__free_page(page + i);
}

unsigned long unreserve_highatomic(void)
{
	unsigned long given = 0, flags;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id) {
		struct placement place;

		spin_lock_irqsave(&zone->lock, flags);
		while (zone->nr_reserved_highatomic && place_best_fit(&zone->offer[MIGRATE_HIGHATOMIC], 0, &place)) {
			struct pageblock *block =
				block_at(zone->free_area[place.order].free_list[MIGRATE_HIGHATOMIC][place.fullness]);

			given += block->nr_free;
			zone->nr_reserved_highatomic -= min_t(unsigned long, PAGEBLOCK_PAGES, zone->nr_reserved_highatomic);
			zone_set_block_type(zone, block, MIGRATE_UNMOVABLE);
		}
		spin_unlock_irqrestore(&zone->lock, flags);
	}
	return given;
}
