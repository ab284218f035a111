/* SPDX-License-Identifier: MIT */
/* pagetypeinfo.c - /proc/pagetypeinfo: free runs and page blocks by mobility. */
#include "front/text.h"
#include "phys/phys_state.h"
#include "quire/stats.h"

static int show_free(struct text_sink *sink, struct zone *zone, enum migratetype type)
{
	unsigned long runs[NR_ORDERS];
	unsigned int order;
	int err;

	zone_count_runs(zone, type, runs);
	err = text_printf(sink, "Node %4d, zone %8s, type %12s ", zone_to_nid(zone), zone->name, migratetype_name(type));
	for (order = 0; !err && order < NR_ORDERS; order++)
		err = text_printf(sink, "%6lu ", runs[order]);
	return err ? err : text_puts(sink, "\n");
}

static int show_all_free(struct text_sink *sink)
{
	struct zone *zone;
	unsigned int id, order;
	int err, type;

	err = text_printf(sink, "%-43s ", "Free pages count per migrate type at order");
	for (order = 0; !err && order < NR_ORDERS; order++)
		err = text_printf(sink, "%6u ", order);
	if (!err)
		err = text_puts(sink, "\n");
	for_each_populated_zone(zone, id)
		for (type = 0; !err && type < MIGRATE_TYPES; type++)
			err = show_free(sink, zone, (enum migratetype)type);
	return err;
}

static int show_blocks(struct text_sink *sink, struct zone *zone)
{
	unsigned long nr[MIGRATE_TYPES] = {0};
	u32 number, last = (u32)((zone_end_pfn(zone) - 1) >> PAGEBLOCK_ORDER);
	int err, type;

	for (number = (u32)(zone->zone_start_pfn >> PAGEBLOCK_ORDER); number <= last; number++) {
		const struct pageblock *block = block_at(number);

		if (block->present && block->zone_id == zone->id)
			nr[__atomic_load_n(&block->mt, __ATOMIC_RELAXED)]++;
	}
	err = text_printf(sink, "Node %d, zone %8s ", zone_to_nid(zone), zone->name);
	for (type = 0; !err && type < MIGRATE_TYPES; type++)
		err = text_printf(sink, "%12lu ", nr[type]);
	return err ? err : text_puts(sink, "\n");
}

int quire_show_pagetypeinfo(struct text_sink *sink)
{
	struct zone *zone;
	unsigned int id;
	int err, type;

	err = text_printf(sink, "Page block order: %d\nPages per block:  %u\n\n", PAGEBLOCK_ORDER, PAGEBLOCK_PAGES);
	if (!err)
		err = show_all_free(sink);
	if (!err)
		err = text_printf(sink, "\n%-23s", "Number of blocks type ");
	for (type = 0; !err && type < MIGRATE_TYPES; type++)
		err = text_printf(sink, "%12s ", migratetype_name((enum migratetype)type));
	if (!err)
		err = text_puts(sink, "\n");
	for_each_populated_zone(zone, id)
		if (!err)
			err = show_blocks(sink, zone);
	return err;
}
