/* SPDX-License-Identifier: MIT */
/* dirty.c - the limits of what waits to be written; the arithmetic is Linux's. */
#include "phys/dirty.h"

#include "base/math.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"

static unsigned long pages_of(unsigned long bytes)
{
	return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

/* A share of memory by one of the two ways to say it. */
static unsigned long share(unsigned long bytes, unsigned long per_cent, unsigned long dirtyable)
{
	/* Steps of a page in each page: finer than one in a hundred, and no product that overflows. */
	unsigned long part = per_cent * PAGE_SIZE / 100;

	if (bytes)
		return pages_of(bytes);
	return dirtyable / PAGE_SIZE * part + dirtyable % PAGE_SIZE * part / PAGE_SIZE;
}

void dirty_thresholds(const struct dirty_limits *limits, unsigned long dirtyable, unsigned long *background, unsigned long *dirty)
{
	*dirty = min_t(unsigned long, share(limits->bytes, limits->ratio, dirtyable), 0xffffffff);
	*background = share(limits->background_bytes, limits->background_ratio, dirtyable);
	if (*background >= *dirty)
		*background = *dirty / 2;
}

unsigned long dirty_limit_of_node(const struct dirty_limits *limits, unsigned long dirtyable, unsigned long machine)
{
	if (limits->bytes)
		return (unsigned long)((u64)min_t(unsigned long, pages_of(limits->bytes), 0xffffffff) * dirtyable / machine);
	return limits->ratio * dirtyable / 100;
}

static struct dirty_limits limits_now(void)
{
	const struct phys_sysctl *sysctl = &this_phys()->sysctl;

	return (struct dirty_limits){
		.ratio = hint_read(sysctl->dirty_ratio), .background_ratio = hint_read(sysctl->dirty_background_ratio),
		.bytes = hint_read(sysctl->dirty_bytes), .background_bytes = hint_read(sysctl->dirty_background_bytes),
	};
}

unsigned long node_dirtyable_memory(const pg_data_t *pgdat)
{
	unsigned long sum = 0;
	unsigned int i;

	/* What CPUs have at hand is left out: it is little, and to count it on every request is much. */
	for (i = 0; i < MAX_NR_ZONES; i++)
		if (populated_zone(&pgdat->node_zones[i]))
			sum += hint_read(pgdat->node_zones[i].nr_free);
	sum -= min(sum, hint_read(pgdat->totalreserve_pages));
	return sum + node_page_state(pgdat->node_id, NR_INACTIVE_FILE) + node_page_state(pgdat->node_id, NR_ACTIVE_FILE);
}

/* High memory holds no page that a driver may write from: it is not counted. Never 0, so that it may divide. */
unsigned long global_dirtyable_memory(void)
{
	unsigned long sum = 0, high = 0;
	pg_data_t *pgdat;
	int nid;

	for_each_online_pgdat(pgdat, nid) {
		sum += node_dirtyable_memory(pgdat);
		if (populated_zone(&pgdat->node_zones[ZONE_HIGHMEM]))
			high += hint_read(pgdat->node_zones[ZONE_HIGHMEM].nr_free);
	}
	return sum - min(sum, high) + 1;
}

void global_dirty_limits(unsigned long *background, unsigned long *dirty)
{
	struct dirty_limits limits = limits_now();

	dirty_thresholds(&limits, global_dirtyable_memory(), background, dirty);
}

bool node_dirty_ok(const pg_data_t *pgdat)
{
	struct dirty_limits limits = limits_now();
	unsigned long machine = limits.bytes ? global_dirtyable_memory() : 1;
	unsigned long limit = dirty_limit_of_node(&limits, node_dirtyable_memory(pgdat), machine);

	return node_page_state(pgdat->node_id, NR_FILE_DIRTY) + node_page_state(pgdat->node_id, NR_WRITEBACK) <= limit;
}
