/* SPDX-License-Identifier: MIT */
/* watermark.c - how much of a zone is kept back, and for whom; the arithmetic is Linux's. */
#include "base/math.h"
#include "phys/phys_state.h"
#include "phys/zone.h"

/* Bounds of the default of min_free_kbytes, KiB. */
#define MIN_FREE_KBYTES_LOW 128
#define MIN_FREE_KBYTES_HIGH 262144
/* Fewest and most pages kept back in a zone that the kernel itself does not live in. */
#define HIGHMEM_MIN_LOW 32
#define HIGHMEM_MIN_HIGH 128

bool watermark_ok(const struct watermark_view *view, unsigned int order, unsigned long mark, unsigned int alloc_flags)
{
	long free = (long)view->free - (long)view->isolated - (long)((1ul << order) - 1);
	long min = (long)mark;

	if (!(alloc_flags & (ALLOC_HIGHATOMIC | ALLOC_OOM)))
		free -= (long)view->highatomic;
	if (!(alloc_flags & ALLOC_CMA))
		free -= (long)view->cma;
	if (alloc_flags & ALLOC_MIN_RESERVE) {
		min -= min / 2;
		if (alloc_flags & ALLOC_NON_BLOCK)
			min -= min / 4;
	}
	if (alloc_flags & ALLOC_OOM)
		min -= min / 2;
	if (free <= min + (long)view->reserve)
		return false;
	return !order || view->has_run;
}

bool zone_watermark_ok(struct zone *zone, unsigned int order, unsigned long mark, enum zone_type highest,
		       unsigned int alloc_flags)
{
	struct watermark_view view = {
		.free = hint_read(zone->nr_free),
		.reserve = hint_read(zone->lowmem_reserve[highest]),
		.highatomic = (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_HIGHATOMIC]),
		.cma = (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_CMA]),
		.isolated = (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_ISOLATED]),
	};

	view.has_run = !order || zone_has_run(zone, order, alloc_flags);
	return watermark_ok(&view, order, mark, alloc_flags);
}

static unsigned long int_sqrt(unsigned long x)
{
	unsigned long root = 0, bit = 1ul << (BITS_PER_LONG - 2);

	while (bit > x)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (x >= root + bit) {
			x -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

unsigned long default_min_free_kbytes(unsigned long lowmem_kbytes)
{
	/* The root, because what is used in an emergency grows more slowly than the machine. */
	return clamp_t(unsigned long, int_sqrt(lowmem_kbytes * 16), MIN_FREE_KBYTES_LOW, MIN_FREE_KBYTES_HIGH);
}

unsigned long nr_free_buffer_pages(void)
{
	unsigned long sum = 0;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id) {
		unsigned long high = hint_read(zone->_watermark[WMARK_HIGH]);

		if (zone_idx(zone) <= ZONE_NORMAL && hint_read(zone->managed_pages) > high)
			sum += hint_read(zone->managed_pages) - high;
	}
	return sum;
}

static unsigned long mult_frac(unsigned long x, unsigned long numer, unsigned long denom)
{
	return x / denom * numer + x % denom * numer / denom;
}

static bool is_high(const struct zone *zone)
{
	return zone_idx(zone) == ZONE_HIGHMEM || zone_idx(zone) == ZONE_MOVABLE;
}

static void set_zone_wmarks(struct zone *zone, unsigned long pages_min, unsigned long lowmem_pages)
{
	const struct phys_sysctl *sysctl = &this_phys()->sysctl;
	unsigned long managed = hint_read(zone->managed_pages);
	unsigned long share = lowmem_pages ? mult_frac(pages_min, managed, lowmem_pages) : 0;
	unsigned long gap;

	if (is_high(zone))
		hint_write(zone->_watermark[WMARK_MIN],
			   clamp_t(unsigned long, managed / 1024, HIGHMEM_MIN_LOW, HIGHMEM_MIN_HIGH));
	else
		hint_write(zone->_watermark[WMARK_MIN], share);
	gap = max_t(unsigned long, share / 4, mult_frac(managed, sysctl->watermark_scale_factor, 10000));
	hint_write(zone->watermark_boost, 0);
	hint_write(zone->_watermark[WMARK_LOW], zone->_watermark[WMARK_MIN] + gap);
	hint_write(zone->_watermark[WMARK_HIGH], zone->_watermark[WMARK_LOW] + gap);
	hint_write(zone->_watermark[WMARK_PROMO], zone->_watermark[WMARK_HIGH] + gap);
}

/* What a careful accountant leaves out of "available": high watermarks and the largest reserve of each zone. */
static void calculate_totalreserve(void)
{
	unsigned long of_node[QUIRE_MAX_NODES] = {0}, total = 0;
	struct zone *zone;
	pg_data_t *pgdat;
	unsigned int id, i;
	int nid;

	for_each_populated_zone(zone, id) {
		unsigned long most = 0;

		for (i = zone_idx(zone); i < MAX_NR_ZONES; i++)
			most = max_t(unsigned long, most, zone->lowmem_reserve[i]);
		of_node[zone_to_nid(zone)] += min_t(unsigned long, most + zone->_watermark[WMARK_HIGH], zone->managed_pages);
	}
	for_each_online_pgdat(pgdat, nid) {
		hint_write(pgdat->totalreserve_pages, of_node[nid]);
		total += of_node[nid];
	}
	hint_write(this_phys()->totalreserve_pages, total);
}

void setup_per_zone_wmarks(void)
{
	unsigned long pages_min = this_phys()->sysctl.min_free_kbytes >> (PAGE_SHIFT - 10), lowmem_pages = 0;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id)
		if (!is_high(zone))
			lowmem_pages += hint_read(zone->managed_pages);
	for_each_populated_zone(zone, id)
		set_zone_wmarks(zone, pages_min, lowmem_pages);
	calculate_totalreserve();
}

void setup_per_zone_lowmem_reserve(void)
{
	const unsigned int *ratio = this_phys()->sysctl.lowmem_reserve_ratio;
	pg_data_t *pgdat;
	int nid, i, j;

	for_each_online_pgdat(pgdat, nid)
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &pgdat->node_zones[i];
			bool clear = !ratio[i] || !zone->managed_pages;
			unsigned long above = 0;

			for (j = i + 1; j < MAX_NR_ZONES; j++) {
				above += pgdat->node_zones[j].managed_pages;
				hint_write(zone->lowmem_reserve[j], clear ? 0 : above / ratio[i]);
			}
		}
	calculate_totalreserve();
}

void boost_watermark(struct zone *zone)
{
	unsigned int factor = this_phys()->sysctl.watermark_boost_factor;
	unsigned long max_boost = mult_frac(zone->_watermark[WMARK_HIGH], factor, 10000);

	/* A zone where one block more or less is the whole boost gains nothing by it. */
	if (!factor || PAGEBLOCK_PAGES * 4ul > zone->managed_pages || max_boost < PAGEBLOCK_PAGES ||
	    !this_phys()->relief.wake_background)
		return;
	hint_write(zone->watermark_boost, min_t(unsigned long, zone->watermark_boost + PAGEBLOCK_PAGES, max_boost));
	__atomic_fetch_or(&zone->flags, ZONE_BOOSTED, __ATOMIC_RELAXED);
}
