/* SPDX-License-Identifier: MIT */
/* zone_init.c - makes nodes and zones out of memblock's regions, and orders the zonelists. */
#include "base/string.h"
#include "phys/memblock.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "quire/quire.h"
#include "sync/report.h"

/* Distances that SLIT uses: to oneself, and to another node of unknown place. */
#define LOCAL_DISTANCE 10
#define REMOTE_DISTANCE 20

pg_data_t *node_data(int nid)
{
	return nid >= 0 && nid < QUIRE_MAX_NODES ? this_phys()->nodes[nid] : NULL;
}

struct zone *zone_by_id(unsigned int id)
{
	pg_data_t *pgdat = node_data((int)(id >> 3));

	return pgdat && (id & 7) < MAX_NR_ZONES ? &pgdat->node_zones[id & 7] : NULL;
}

struct zone *page_zone(const struct page *page)
{
	return zone_by_id(atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed) >> PAGE_ZONE_SHIFT);
}

const char *zone_type_name(enum zone_type type)
{
	static const char *const names[MAX_NR_ZONES] = {"DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"};

	return type < MAX_NR_ZONES ? names[type] : "?";
}

int only_node(void)
{
	return this_phys()->only_node;
}

int node_distance(int from, int to)
{
	return this_phys()->distance[from][to];
}

/* Where the zones end by address; Movable takes its part from the others. */
static enum zone_type zone_of_address(paddr_t addr)
{
	if (addr >= ARCH_LOWMEM_END)
		return ZONE_HIGHMEM;
	if (addr < ARCH_ZONE_DMA_END)
		return ZONE_DMA;
	return addr < ARCH_ZONE_DMA32_END ? ZONE_DMA32 : ZONE_NORMAL;
}

/* Which zone a block that starts (as far as RAM goes) at `pfn` of `region` belongs to. */
static u8 zone_id_for(const struct memblock_region *region, pfn_t pfn)
{
	const struct phys_state *phys = this_phys();
	enum zone_type type = zone_of_address(PFN_PHYS(pfn));

	if ((region->flags & MEMBLOCK_HOTPLUG && phys->movable_node) || pfn >= phys->movable_start[region->nid])
		type = ZONE_MOVABLE;
	return (u8)((unsigned int)region->nid << 3 | type);
}

static pg_data_t *make_node(int nid)
{
	pg_data_t *pgdat = memblock_alloc_node(sizeof(*pgdat), CACHE_LINE_BYTES, nid);
	unsigned int type;

	if (!pgdat)
		return NULL;
	pgdat->node_id = nid;
	for (type = 0; type < MAX_NR_ZONES; type++) {
		struct zone *zone = &pgdat->node_zones[type];

		zone->zone_pgdat = pgdat;
		zone->id = (u8)((unsigned int)nid << 3 | type);
		zone->name = zone_type_name(type);
		zone_init_lists(zone);
	}
	this_phys()->nodes[nid] = pgdat;
	return pgdat;
}

static void grow_zone(struct zone *zone, pfn_t start, pfn_t end)
{
	if (!zone->present_pages)
		zone->zone_start_pfn = start;
	zone->present_pages += end - start;
	zone->spanned_pages = end - zone->zone_start_pfn;
}

/* The frames [start, end) of a region, all in one block. The block's first RAM decides for all of it [Z3]. */
static void add_to_block(const struct memblock_region *region, pfn_t start, pfn_t end)
{
	struct pageblock *block = pfn_to_block(start);

	if (!block->present) {
		block->zone_id = zone_id_for(region, start);
		block->filed = 0xff;
		block_set_type(block, MIGRATE_MOVABLE);
	}
	block->present = (u16)(block->present + (end - start));
	grow_zone(zone_by_id(block->zone_id), start, end);
}

static void span_nodes(void)
{
	pg_data_t *pgdat;
	int nid, i;

	for_each_online_pgdat(pgdat, nid) {
		pfn_t start = ~0ul, end = 0;

		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &pgdat->node_zones[i];

			if (!populated_zone(zone))
				continue;
			start = min_t(pfn_t, start, zone->zone_start_pfn);
			end = max_t(pfn_t, end, zone_end_pfn(zone));
			pgdat->node_present_pages += zone->present_pages;
		}
		pgdat->node_start_pfn = start;
		pgdat->node_spanned_pages = end - start;
	}
}

static void print_range(const char *name, pfn_t start, pfn_t end)
{
	if (start < end)
		quire_log(QUIRE_LOG_INFO, "  %-8s [mem 0x%016llx-0x%016llx]", name, (unsigned long long)PFN_PHYS(start),
			  (unsigned long long)PFN_PHYS(end) - 1);
	else
		quire_log(QUIRE_LOG_INFO, "  %-8s empty", name);
}

static void print_ranges(void)
{
	struct memblock_region *region;
	pg_data_t *pgdat;
	int nid, i;

	quire_log(QUIRE_LOG_INFO, "Zone ranges:");
	for (i = 0; i < ZONE_MOVABLE; i++) {
		pfn_t start = ~0ul, end = 0;

		for_each_online_pgdat(pgdat, nid)
			if (populated_zone(&pgdat->node_zones[i])) {
				start = min_t(pfn_t, start, pgdat->node_zones[i].zone_start_pfn);
				end = max_t(pfn_t, end, zone_end_pfn(&pgdat->node_zones[i]));
			}
		if (zone_type_is_shown((enum zone_type)i))
			print_range(zone_type_name(i), start, end);
	}
	quire_log(QUIRE_LOG_INFO, "Movable zone start for each node");
	for_each_online_pgdat(pgdat, nid)
		if (populated_zone(&pgdat->node_zones[ZONE_MOVABLE]))
			quire_log(QUIRE_LOG_INFO, "  Node %d: 0x%016llx", nid,
				  (unsigned long long)PFN_PHYS(pgdat->node_zones[ZONE_MOVABLE].zone_start_pfn));
	quire_log(QUIRE_LOG_INFO, "Early memory node ranges");
	for_each_mem_region(region)
		quire_log(QUIRE_LOG_INFO, "  node %3d: [mem 0x%016llx-0x%016llx]", region->nid,
			  (unsigned long long)region->base, (unsigned long long)(region->base + region->size - 1));
	for_each_online_pgdat(pgdat, nid)
		quire_log(QUIRE_LOG_INFO, "Initmem setup node %d [mem 0x%016llx-0x%016llx]", nid,
			  (unsigned long long)PFN_PHYS(pgdat->node_start_pfn),
			  (unsigned long long)PFN_PHYS(pgdat->node_start_pfn + pgdat->node_spanned_pages) - 1);
	for_each_online_pgdat(pgdat, nid)
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &pgdat->node_zones[i];

			if (zone->spanned_pages > zone->present_pages)
				quire_log(QUIRE_LOG_INFO, "On node %d, zone %s: %lu pages in unavailable ranges", nid, zone->name,
					  zone->spanned_pages - zone->present_pages);
		}
}

int free_area_init(void)
{
	struct memblock_region *region;

	for_each_mem_region(region) {
		pfn_t pfn = PFN_UP(region->base), end = PFN_DOWN(region->base + region->size);

		if (!node_data(region->nid) && !make_node(region->nid))
			return -ENOMEM;
		while (pfn < end) {
			pfn_t stop = min_t(pfn_t, end, ALIGN(pfn + 1, (pfn_t)PAGEBLOCK_PAGES));

			add_to_block(region, pfn, stop);
			pfn = stop;
		}
	}
	span_nodes();
	print_ranges();
	return 0;
}

/* ---- zonelists ---- */

static void read_distances(void)
{
	const struct quire_boot *boot = this_quire()->boot;
	unsigned int from, to;

	for (from = 0; from < QUIRE_MAX_NODES; from++)
		for (to = 0; to < QUIRE_MAX_NODES; to++) {
			u8 distance = from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;

			if (boot->distances && from < boot->nr_distances && to < boot->nr_distances &&
			    boot->distances[from * boot->nr_distances + to] >= LOCAL_DISTANCE)
				distance = boot->distances[from * boot->nr_distances + to];
			this_phys()->distance[from][to] = distance;
		}
}

/* The node nearest to `from` that is not in `used`; among equals the next one round, so that the load spreads. */
static int nearest_node(int from, unsigned long used)
{
	int best = NUMA_NO_NODE, i;

	for (i = 0; i < QUIRE_MAX_NODES; i++) {
		int nid = (from + i) % QUIRE_MAX_NODES;

		if (!node_data(nid) || used >> nid & 1)
			continue;
		if (best == NUMA_NO_NODE || node_distance(from, nid) < node_distance(from, best))
			best = nid;
	}
	return best;
}

static struct zoneref *append_node(struct zoneref *ref, pg_data_t *pgdat)
{
	int type;

	for (type = MAX_NR_ZONES - 1; type >= 0; type--)
		if (type != ZONE_DEVICE && populated_zone(&pgdat->node_zones[type]))
			*ref++ = (struct zoneref){&pgdat->node_zones[type], (u8)type};
	return ref;
}

int build_all_zonelists(void)
{
	unsigned int nr_nodes = 0;
	unsigned long total = 0;
	pg_data_t *pgdat;
	int nid, next;

	read_distances();
	for_each_online_pgdat(pgdat, nid) {
		this_phys()->only_node = nr_nodes++ ? NUMA_NO_NODE : nid;
		total += pgdat->node_present_pages;
	}
	for_each_online_pgdat(pgdat, nid) {
		unsigned long used = 0;
		struct zoneref *ref = memblock_alloc_node((nr_nodes * MAX_NR_ZONES + MAX_NR_ZONES + 2) * sizeof(*ref), sizeof(void *),
							  nid);

		if (!ref)
			return -ENOMEM;
		pgdat->node_zonelists[ZONELIST_NOFALLBACK] = ref;
		ref = append_node(ref, pgdat) + 1;
		pgdat->node_zonelists[ZONELIST_FALLBACK] = ref;
		while ((next = nearest_node(nid, used)) != NUMA_NO_NODE) {
			used |= 1ul << next;
			ref = append_node(ref, node_data(next));
		}
	}
	quire_log(QUIRE_LOG_INFO, "Built %u zonelists, mobility grouping on.  Total pages: %lu", nr_nodes, total);
	return 0;
}
