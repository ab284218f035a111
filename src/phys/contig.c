/* SPDX-License-Identifier: MIT */
/* contig.c - takes named frames: isolates their blocks, empties them, and takes them all or none. */
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "quire/errno.h"

/* Frames on their way between a CPU's list and its zone are seen at the next try. */
#define CONTIG_TRIES 5

/* The zone that all of [start, end) lies in, or NULL. */
static struct zone *zone_of_range(pfn_t start, pfn_t end)
{
	struct zone *zone;
	pfn_t pfn;

	if (start >= end || !ram_pfn_valid(start))
		return NULL;
	zone = zone_by_id(pfn_to_block(start)->zone_id);
	for (pfn = start; pfn < end; pfn = ALIGN(pfn + 1, (pfn_t)PAGEBLOCK_PAGES))
		if (!ram_pfn_valid(pfn) || pfn_to_block(pfn)->zone_id != zone->id)
			return NULL;
	return zone;
}

/* Sets the blocks of the range apart. -EBUSY: somebody else is at one of them. */
static int isolate_blocks(struct zone *zone, u32 first, u32 last)
{
	unsigned long flags;
	u32 number;
	int err = 0;

	spin_lock_irqsave(&zone->lock, flags);
	for (number = first; number <= last; number++)
		if (block_at(number)->mt == MIGRATE_ISOLATE)
			err = -EBUSY;
	for (number = first; !err && number <= last; number++) {
		struct pageblock *block = block_at(number);

		block->type_before = block->mt;
		zone_set_block_type(zone, block, MIGRATE_ISOLATE);
		zone->nr_isolate_pageblock++;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return err;
}

static void restore_blocks(struct zone *zone, u32 first, u32 last)
{
	unsigned long flags;
	u32 number;

	spin_lock_irqsave(&zone->lock, flags);
	for (number = first; number <= last; number++) {
		zone_set_block_type(zone, block_at(number), (enum migratetype)block_at(number)->type_before);
		zone->nr_isolate_pageblock--;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

static bool range_is_free(pfn_t start, pfn_t end)
{
	pfn_t pfn;

	for (pfn = start; pfn < end; pfn++)
		if (!block_frame_free(pfn_to_block(pfn), pfn & (PAGEBLOCK_PAGES - 1)))
			return false;
	return true;
}

static bool try_take(struct zone *zone, pfn_t start, pfn_t end)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&zone->lock, flags);
	taken = range_is_free(start, end);
	if (taken) {
		zone_take_range(zone, start, end);
		hint_write(zone->nr_alloc_direct, zone->nr_alloc_direct + (end - start));
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return taken;
}

void phys_set_migrate(int (*migrate)(pfn_t start, pfn_t end))
{
	this_phys()->migrate = migrate;
}

bool vacate_block(struct zone *zone, u32 number)
{
	pfn_t start = (pfn_t)number << PAGEBLOCK_ORDER;
	bool vacated;

	might_sleep();
	if (!this_phys()->migrate || isolate_blocks(zone, number, number) != 0)
		return false;
	/* Its frames on the CPUs' lists would be given out as targets. What is freed from now on goes to the block itself. */
	drain_all_frames();
	(void)this_phys()->migrate(start, start + PAGEBLOCK_PAGES);
	vacated = READ_ONCE(block_at(number)->nr_free) == block_at(number)->present;
	restore_blocks(zone, number, number);
	return vacated;
}

int alloc_contig_range(pfn_t start, pfn_t end, gfp_t gfp)
{
	u32 first = (u32)(start >> PAGEBLOCK_ORDER), last = (u32)((end - 1) >> PAGEBLOCK_ORDER);
	struct zone *zone = zone_of_range(start, end);
	bool taken = false;
	int try, err;
	pfn_t pfn;

	if (!zone)
		return -EINVAL;
	might_sleep();
	err = isolate_blocks(zone, first, last);
	if (err)
		return err;
	for (try = 0; try < CONTIG_TRIES && !taken; try++) {
		drain_all_frames();
		/* Whoever can move pages away does it now; frames of the isolated blocks are not given out again. */
		if (this_phys()->migrate && this_phys()->migrate(start, end))
			break;
		taken = try_take(zone, start, end);
	}
	restore_blocks(zone, first, last);
	if (!taken)
		return -EBUSY;
	for (pfn = start; pfn < end; pfn++) {
		prep_new_page(pfn_to_page(pfn), 0, gfp);
		atomic_store_explicit(&pfn_to_page(pfn)->_refcount, 1, memory_order_release);
	}
	return 0;
}

void free_contig_range(pfn_t start, unsigned long nr_pages)
{
	for (; nr_pages; nr_pages--, start++)
		__free_page(pfn_to_page(start));
}
