/* SPDX-License-Identifier: MIT */
/* compact.c - large free runs out of scattered ones: vacates the emptiest blocks into the fullest. */
#include "base/math.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/stats.h"
#include "reclaim/reclaim.h"

/* Attempts that are left out after a failure, at most two to the power of it. */
#define COMPACT_MAX_DEFER_SHIFT 6

/* Is this block worth vacating: movable, in use, of this fullness? A racy look; the block is looked at again under the lock. */
static bool candidate(const struct zone *zone, const struct pageblock *block, unsigned int fullness)
{
	unsigned int nr_free = READ_ONCE(block->nr_free);

	return block->zone_id == zone->id && READ_ONCE(block->mt) == MIGRATE_MOVABLE && nr_free && nr_free < block->present &&
	       block->present == PAGEBLOCK_PAGES && block_fullness(nr_free) == fullness;
}

static bool run_is_there(struct zone *zone, unsigned int order)
{
	unsigned long flags;
	bool there;

	if (order > MAX_ORDER)
		return false;
	spin_lock_irqsave(&zone->lock, flags);
	there = zone_has_run(zone, order, 0);
	spin_unlock_irqrestore(&zone->lock, flags);
	return there;
}

unsigned int compact_zone(struct zone *zone, unsigned int order)
{
	u32 first = (u32)(zone->zone_start_pfn >> PAGEBLOCK_ORDER);
	u32 behind = (u32)((zone_end_pfn(zone) + PAGEBLOCK_PAGES - 1) >> PAGEBLOCK_ORDER);
	unsigned int vacated = 0;

	/* From the emptiest on; blocks that are more than half full cost more than they give. */
	for (unsigned int fullness = NR_FULLNESS; fullness-- > NR_FULLNESS / 2;)
		for (u32 number = first; number < min(behind, this_phys()->nr_blocks); number++) {
			if (!candidate(zone, block_at(number), fullness))
				continue;
			if (run_is_there(zone, order))
				return vacated;
			/* What moves must find room above the watermark that is kept for those who cannot wait. */
			if (zone_nr_free_pages(zone) < wmark_pages(zone, WMARK_LOW) + 2 * PAGEBLOCK_PAGES)
				return vacated;
			vacated += vacate_block(zone, number);
		}
	return vacated;
}

/* After failures so many requests are turned away: what could not be moved once cannot be a moment later. */
static bool deferred(struct reclaim_state *reclaim)
{
	unsigned int shift = __atomic_load_n(&reclaim->defer_shift, __ATOMIC_RELAXED);

	return __atomic_add_fetch(&reclaim->defer_count, 1, __ATOMIC_RELAXED) < 1u << shift;
}

static void remember(struct reclaim_state *reclaim, bool success)
{
	unsigned int shift = __atomic_load_n(&reclaim->defer_shift, __ATOMIC_RELAXED);

	__atomic_store_n(&reclaim->defer_shift, success ? 0 : min(shift + 1, (unsigned int)COMPACT_MAX_DEFER_SHIFT),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&reclaim->defer_count, 0, __ATOMIC_RELAXED);
	count_vm_event(success ? COMPACTSUCCESS : COMPACTFAIL);
}

unsigned long compact_relief(struct relief *self, const struct pressure *pressure)
{
	struct reclaim_state *reclaim = this_reclaim();
	unsigned long vacated = 0;
	bool success = false;
	struct zone *zone;
	unsigned int id;

	if (!(pressure->gfp & __GFP_IO) || deferred(reclaim))
		return 0;
	count_vm_event(COMPACTSTALL);
	for_each_populated_zone(zone, id) {
		if (zone_idx(zone) > pressure->highest_zone)
			continue;
		vacated += compact_zone(zone, pressure->order);
		success = run_is_there(zone, pressure->order);
		if (success)
			break;
	}
	remember(reclaim, success);
	return vacated << PAGEBLOCK_ORDER;
}

void compact_all(void)
{
	struct zone *zone;
	unsigned int id;

	drain_all_frames();
	for_each_populated_zone(zone, id)
		compact_zone(zone, MAX_ORDER + 1);
}
