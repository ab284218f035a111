/* SPDX-License-Identifier: MIT */
/* zoneinfo.c - /proc/zoneinfo: sizes, watermarks, reserves and per-CPU sets of every zone. */
#include "front/text.h"
#include "front/vmstat_names.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"

/* Figures that belong to the node stand under its first populated zone. */
static bool is_first_populated(const struct zone *zone)
{
	const struct zone *at;

	for (at = zone->zone_pgdat->node_zones; at < zone; at++)
		if (populated_zone(at))
			return false;
	return populated_zone(zone);
}

static int show_node_stats(struct text_sink *sink, int nid)
{
	int err = text_puts(sink, "\n  per-node stats"), i;

	for (i = 0; !err && i < NR_NODE_STAT_ITEMS; i++)
		if (node_stat_name((enum node_stat_item)i))
			err = text_printf(sink, "\n      %-12s %lu", node_stat_name((enum node_stat_item)i),
					  node_page_state(nid, (enum node_stat_item)i));
	return err;
}

static int show_sizes(struct text_sink *sink, const struct zone *zone)
{
	int err, i;

	err = text_printf(sink,
			  "\n  pages free     %lu"
			  "\n        boost    %lu"
			  "\n        min      %lu"
			  "\n        low      %lu"
			  "\n        high     %lu"
			  "\n        promo    %lu"
			  "\n        spanned  %lu"
			  "\n        present  %lu"
			  "\n        managed  %lu"
			  "\n        cma      %lu",
			  zone_nr_free_pages(zone), hint_read(zone->watermark_boost), wmark_pages(zone, WMARK_MIN),
			  wmark_pages(zone, WMARK_LOW), wmark_pages(zone, WMARK_HIGH), wmark_pages(zone, WMARK_PROMO),
			  zone->spanned_pages, zone->present_pages, hint_read(zone->managed_pages), 0ul);
	if (!err)
		err = text_printf(sink, "\n        protection: (%lu", hint_read(zone->lowmem_reserve[0]));
	for (i = 1; !err && i < MAX_NR_ZONES; i++)
		if (zone_type_is_shown((enum zone_type)i))
			err = text_printf(sink, ", %lu", hint_read(zone->lowmem_reserve[i]));
	return err ? err : text_puts(sink, ")");
}

static int show_pageset(struct text_sink *sink, const struct zone *zone, unsigned int cpu)
{
	const struct per_cpu_pages *pcp = zone->per_cpu_pageset[cpu];
	unsigned long count = 0, high = 0, high_max = 0;
	int i;

	for (i = 0; i < NR_PCP_LISTS; i++) {
		const struct pcp_list *list = &pcp->lists[i];
		struct pcp_view view = pcp_view_of(pcp, (unsigned int)i);

		count += (unsigned long)view.count << list->order;
		high += (unsigned long)view.high << list->order;
		high_max += (unsigned long)hint_read(list->high_max) << list->order;
	}
	return text_printf(sink,
			   "\n    cpu: %u"
			   "\n              count:    %lu"
			   "\n              high:     %lu"
			   "\n              batch:    %u"
			   "\n              high_min: %u"
			   "\n              high_max: %lu",
			   cpu, count, high, zone->pageset_batch, 2 * zone->pageset_batch, high_max);
}

static int show_counters(struct text_sink *sink, const struct zone *zone)
{
	return text_printf(sink, "\n      %-12s %lu\n      %-12s %lu\n      %-12s %lu", "nr_free_pages",
			   zone_nr_free_pages(zone), "nr_free_cma", (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_CMA]),
			   "nr_free_highatomic", (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_HIGHATOMIC]));
}

static int show_zone(struct text_sink *sink, struct zone *zone)
{
	unsigned int cpu;
	int err = text_printf(sink, "Node %d, zone %8s", zone_to_nid(zone), zone->name);

	if (!err && is_first_populated(zone))
		err = show_node_stats(sink, zone_to_nid(zone));
	if (!err)
		err = show_sizes(sink, zone);
	if (err || !populated_zone(zone))
		return err ? err : text_puts(sink, "\n");
	err = show_counters(sink, zone);
	if (!err)
		err = text_puts(sink, "\n  pagesets");
	for (cpu = 0; !err && zone->per_cpu_pageset && cpu < this_quire()->nr_cpus; cpu++)
		err = show_pageset(sink, zone, cpu);
	return err ? err : text_printf(sink, "\n  node_unreclaimable:  0\n  start_pfn:           %lu\n", zone->zone_start_pfn);
}

int quire_show_zoneinfo(struct text_sink *sink)
{
	pg_data_t *pgdat;
	int nid, i, err = 0;

	for_each_online_pgdat(pgdat, nid)
		for (i = 0; !err && i < MAX_NR_ZONES; i++)
			if (zone_type_is_shown((enum zone_type)i))
				err = show_zone(sink, &pgdat->node_zones[i]);
	return err;
}
