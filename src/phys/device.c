/* SPDX-License-Identifier: MIT */
/* device.c - ZONE_DEVICE: struct pages for frames that the allocator does not have. */
#include "arch/mmu.h"
#include "base/math.h"
#include "phys/bootmap.h"
#include "phys/memblock.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "quire/memremap.h"
#include "sync/report.h"

/* Maps are few, and looked through only for frames that are no RAM. Acquire: pairs with the release of add_map. */
struct dev_pagemap *get_dev_pagemap(pfn_t pfn)
{
	struct dev_pagemap *map = __atomic_load_n(&this_phys()->devices, __ATOMIC_ACQUIRE);

	while (map && (PFN_PHYS(pfn) < map->range.start || PFN_PHYS(pfn) >= map->range.end))
		map = __atomic_load_n(&map->next, __ATOMIC_ACQUIRE);
	return map;
}

static pg_data_t *node_of(const struct dev_pagemap *map)
{
	pg_data_t *pgdat = node_data(map->nid);
	int nid;

	if (pgdat)
		return pgdat;
	for_each_online_pgdat(pgdat, nid)
		return pgdat;
	return NULL;
}

static int check_range(const struct dev_pagemap *map)
{
	const paddr_t block = (paddr_t)PAGEBLOCK_PAGES << PAGE_SHIFT;
	paddr_t at;

	if (map->range.start >= map->range.end || (map->range.start | map->range.end) & (block - 1) ||
	    PFN_DOWN(map->range.end) >= PAGE_NO_PFN || !node_of(map))
		return -EINVAL;
	for (at = map->range.start; at < map->range.end; at += block) {
		if (ram_pfn_valid(PFN_DOWN(at)))
			return -EINVAL;
		if (get_dev_pagemap(PFN_DOWN(at)))
			return -EBUSY;
	}
	return 0;
}

/* The zone spans from its first device to its last. */
static void span_zone(struct zone *zone)
{
	struct dev_pagemap *map;
	pfn_t start = ~0ul, end = 0;

	for (map = this_phys()->devices; map; map = map->next) {
		if (node_of(map) != zone->zone_pgdat)
			continue;
		start = min(start, PFN_DOWN(map->range.start));
		end = max(end, PFN_DOWN(map->range.end));
	}
	zone->zone_start_pfn = start < end ? start : 0;
	zone->spanned_pages = start < end ? end - start : 0;
}

int memremap_pages(struct dev_pagemap *map)
{
	pfn_t start = PFN_DOWN(map->range.start), end = PFN_DOWN(map->range.end);
	pg_data_t *pgdat;
	int err = check_range(map);

	if (err)
		return err;
	pgdat = node_of(map);
	err = arch_vmemmap_populate((vaddr_t)pfn_to_page(start), (vaddr_t)pfn_to_page(end), pgdat->node_id);
	if (err)
		return err;
	memmap_init_device(start, end, pgdat->node_id);
	map->next = this_phys()->devices;
	/* Release: who finds the map finds its struct pages written. */
	__atomic_store_n(&this_phys()->devices, map, __ATOMIC_RELEASE);
	span_zone(&pgdat->node_zones[ZONE_DEVICE]);
	quire_log(QUIRE_LOG_INFO, "Device memory: [mem 0x%016llx-0x%016llx] on node %d", (unsigned long long)map->range.start,
		  (unsigned long long)map->range.end - 1, pgdat->node_id);
	return 0;
}

int memunmap_pages(struct dev_pagemap *map)
{
	struct dev_pagemap **at = &this_phys()->devices;
	pfn_t start = PFN_DOWN(map->range.start), end = PFN_DOWN(map->range.end), pfn;

	while (*at && *at != map)
		at = &(*at)->next;
	if (!*at)
		return -EINVAL;
	for (pfn = start; pfn < end; pfn++)
		if (page_count(pfn_to_page(pfn)) != 1)
			return -EBUSY;
	__atomic_store_n(at, map->next, __ATOMIC_RELEASE);
	memmap_init_hole(start, end);
	span_zone(&node_of(map)->node_zones[ZONE_DEVICE]);
	return 0;
}

void free_device_page(struct page *page)
{
	struct dev_pagemap *map = get_dev_pagemap(page_to_pfn(page));

	if (!map) {
		bad_page(page, "a device's page that no device has");
		return;
	}
	if (map->page_free)
		map->page_free(page);
	/* Release: the next user sees the page as page_free left it. */
	atomic_store_explicit(&page->_refcount, 1, memory_order_release);
}

int device_init(void)
{
	const struct bootmap *firmware = boot_map();
	const paddr_t block = (paddr_t)PAGEBLOCK_PAGES << PAGE_SHIFT;
	unsigned int i;

	for (i = 0; i < firmware->nr; i++) {
		const struct quire_map_entry *e = &firmware->entry[i];
		struct phys_range inside = {ALIGN(e->start, block), ALIGN_DOWN(e->start + e->size, block)};
		struct dev_pagemap *map;

		if (e->type != QUIRE_RANGE_PMEM || inside.start >= inside.end)
			continue;
		map = memblock_alloc(sizeof(*map), CACHE_LINE_BYTES);
		if (!map)
			return -ENOMEM;
		*map = (struct dev_pagemap){.range = inside, .nid = NUMA_NO_NODE};
		if (memremap_pages(map))
			quire_log(QUIRE_LOG_WARNING, "persistent memory at 0x%016llx gets no struct pages",
				  (unsigned long long)inside.start);
	}
	return 0;
}
