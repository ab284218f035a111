/* SPDX-License-Identifier: MIT */
/* phys_check.c - the room's invariants as code: [B*] page blocks, [Z*] zones, [C*] per-CPU lists. */
#include "phys/page_alloc.h"
#include "phys/phys.h"
#include "phys/phys_state.h"
#include "sync/report.h"

/* Logs a broken invariant; counts it. */
static unsigned int broken(const char *which, const struct zone *zone, unsigned long where)
{
	quire_log(QUIRE_LOG_ERR, "phys_check: %s broken: node %d zone %s at %#lx", which, zone ? zone_to_nid(zone) : -1,
		  zone ? zone->name : "-", where);
	return 1;
}

/* [B2] [B3] from the bits alone; [B1] holds by the arithmetic of block_count_runs. */
static unsigned int check_block(struct zone *zone, struct pageblock *block)
{
	unsigned int runs[PAGEBLOCK_ORDER + 1], order, nr = 0, errors = 0;

	block_count_runs(block, runs);
	for (order = 0; order <= PAGEBLOCK_ORDER; order++) {
		nr += runs[order] << order;
		if (order < PAGEBLOCK_ORDER && runs[order] != block_nr_runs(block, order))
			errors += broken("[B3] runs", zone, block_start_pfn(block));
	}
	if (nr != block->nr_free)
		errors += broken("[B3] nr_free", zone, block_start_pfn(block));
	if (block->nr_free > block->present)
		errors += broken("[B3] present", zone, block_start_pfn(block));
	if (block->flags & PB_RAW && block->nr_free != PAGEBLOCK_PAGES)
		errors += broken("[B3] raw", zone, block_start_pfn(block));
	return errors;
}

/* Free frames' struct pages say so [P2]. */
static unsigned int check_free_pages(struct zone *zone, struct pageblock *block)
{
	pfn_t start = block_start_pfn(block);
	unsigned int i, errors = 0;

	if (block->flags & PB_RAW)
		return 0;
	for (i = 0; i < PAGEBLOCK_PAGES; i++) {
		struct page *page = pfn_to_page(start + i);

		if (!block_frame_free(block, i))
			continue;
		if (!PageBuddy(page) || page_count(page))
			errors += broken("[P2]", zone, start + i);
	}
	return errors;
}

/* [Z4] every list holds what its name says, and the offer tells which lists are not empty. */
static unsigned int check_lists(struct zone *zone, unsigned long *filed)
{
	unsigned int order, type, f, errors = 0;

	for (type = 0; type < MIGRATE_TYPES; type++)
		for (f = 0; f < NR_FULLNESS; f++)
			for (order = 0; order < NR_ORDERS; order++) {
				u32 number = zone->free_area[order].free_list[type][f], prev = NO_BLOCK;
				bool offered = zone->offer[type].avail[f] >> order & 1;

				if (offered != (number != NO_BLOCK))
					errors += broken("[Z4] offer", zone, order);
				for (; number != NO_BLOCK; prev = number, number = block_at(number)->next) {
					struct pageblock *block = block_at(number);

					++*filed;
					if (block->prev != prev || block->mt != type || block->zone_id != zone->id ||
					    block->filed != (order << 3 | f) || block_fullness(block->nr_free) != f)
						errors += broken("[Z4] list", zone, block_start_pfn(block));
					if (block->prev != prev)
						break;
				}
			}
	return errors;
}

static unsigned int check_zone(struct zone *zone)
{
	unsigned long free = 0, filed = 0, should_file = 0, flags;
	u32 number, last = (u32)((zone_end_pfn(zone) - 1) >> PAGEBLOCK_ORDER);
	unsigned int errors = 0;

	spin_lock_irqsave(&zone->lock, flags);
	for (number = (u32)(zone->zone_start_pfn >> PAGEBLOCK_ORDER); number <= last; number++) {
		struct pageblock *block = block_at(number);

		if (!block->present || block->zone_id != zone->id)
			continue;
		errors += check_block(zone, block);
		errors += check_free_pages(zone, block);
		free += block->nr_free;
		should_file += block->nr_free && !(block->flags & PB_PAIRED);
	}
	errors += check_lists(zone, &filed);
	if (free != zone->nr_free)
		errors += broken("[Z1]", zone, zone->nr_free - free);
	if (filed != should_file)
		errors += broken("[Z4] count", zone, filed);
	spin_unlock_irqrestore(&zone->lock, flags);
	if (zone->spanned_pages < zone->present_pages || zone->present_pages < zone->managed_pages)
		errors += broken("[Z2]", zone, zone->present_pages);
	return errors;
}

/* [C2] [C3] of this CPU's lists; the others are theirs. */
static unsigned int check_lists_of_cpu(struct phys_cpu *cpu)
{
	unsigned int id, i, errors = 0;

	for (id = 0; id < ARRAY_SIZE(cpu->zone_pcp); id++)
		for (i = 0; i < NR_PCP_LISTS; i++) {
			struct pcp_list *list = &cpu->zone_pcp[id]->lists[i];
			struct zone *zone = zone_by_id(pcp_zone_id(list));
			struct page **at;

			if (!list->base)
				continue;
			if (list->sp < list->base || list->sp > list->limit || list->limit > list->base + list->capacity)
				errors += broken("[C2]", zone, i);
			for (at = list->base; at < list->sp; at++) {
				pfn_t pfn = page_to_pfn(*at);

				if (!PageBuddy(*at) || page_zone(*at) != zone ||
				    !block_run_used(pfn_to_block(pfn), pfn & (PAGEBLOCK_PAGES - 1), list->order))
					errors += broken("[C3]", zone, pfn);
			}
		}
	return errors;
}

unsigned int phys_check(void)
{
	unsigned int errors = 0, id;
	struct zone *zone;

	for_each_populated_zone(zone, id)
		errors += check_zone(zone);
	return errors + check_lists_of_cpu(this_phys_cpu());
}

unsigned long phys_pages_in_use(void)
{
	unsigned long used = 0;
	struct zone *zone;
	unsigned int id;

	drain_all_frames();
	for_each_populated_zone(zone, id)
		used += zone->managed_pages - zone->nr_free - zone_pcp_pages(zone);
	return used;
}
