/* SPDX-License-Identifier: MIT */
/* buddyinfo.c - /proc/buddyinfo: free runs of each zone by order. */
#include "front/text.h"
#include "phys/phys_state.h"
#include "quire/stats.h"

static int show_zone(struct text_sink *sink, struct zone *zone)
{
	unsigned long runs[NR_ORDERS];
	unsigned int order;
	int err;

	zone_count_runs(zone, MIGRATE_TYPES, runs);
	err = text_printf(sink, "Node %d, zone %8s ", zone_to_nid(zone), zone->name);
	for (order = 0; !err && order < NR_ORDERS; order++)
		err = text_printf(sink, "%6lu ", runs[order]);
	return err ? err : text_puts(sink, "\n");
}

int quire_show_buddyinfo(struct text_sink *sink)
{
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id) {
		int err = show_zone(sink, zone);

		if (err)
			return err;
	}
	return 0;
}
