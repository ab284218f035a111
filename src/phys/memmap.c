/* SPDX-License-Identifier: MIT */
/* memmap.c - gives sections with RAM their struct pages, and writes those. */
#include "phys/memmap.h"

#include "arch/mmu.h"
#include "phys/memblock.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "quire/memremap.h"
#include "sync/report.h"

bool ram_pfn_valid(pfn_t pfn)
{
	const struct phys_state *phys = this_phys();

	return phys && pfn < phys->max_pfn && pfn_to_block(pfn)->present != 0;
}

bool pfn_valid(pfn_t pfn)
{
	return likely(ram_pfn_valid(pfn)) || (this_phys() && this_phys()->devices && get_dev_pagemap(pfn));
}

/* Backs the memmap of [start, end), whole sections but for the end of memory. */
static int populate(pfn_t start, pfn_t end, int nid)
{
	vaddr_t from = (vaddr_t)pfn_to_page(start), to = ALIGN((vaddr_t)pfn_to_page(end), PAGE_SIZE);

	return arch_vmemmap_populate(from, to, nid);
}

int sparse_init(void)
{
	pfn_t last = ALIGN(this_phys()->max_pfn, (pfn_t)2 * PAGEBLOCK_PAGES), done = 0;
	struct memblock_region *region;

	this_quire()->memmap = memmap_base();
	for_each_mem_region(region) {
		pfn_t start = max_t(pfn_t, ALIGN_DOWN(PFN_DOWN(region->base), PAGES_PER_SECTION), done);
		pfn_t end = min_t(pfn_t, ALIGN(PFN_UP(region->base + region->size), PAGES_PER_SECTION), last);
		int err = start < end ? populate(start, end, region->nid) : 0;

		if (err)
			return err;
		done = max_t(pfn_t, done, end);
	}
	return 0;
}

static void init_pages(pfn_t start, pfn_t end, u32 flags, int count)
{
	struct page *page = pfn_to_page(start), *last = pfn_to_page(end);

	for (; page < last; page++) {
		atomic_store_explicit(&page->flags, flags, memory_order_relaxed);
		atomic_store_explicit(&page->_refcount, count, memory_order_relaxed);
		atomic_store_explicit(&page->_mapcount, -1, memory_order_relaxed);
		page->index_lo = 0;
		page->lru = (struct page_link){0, 0};
		page->mapping_word = 0;
	}
}

static u32 place_flags(int nid, unsigned int zone, enum page_owner owner)
{
	return (u32)nid << PAGE_NODE_SHIFT | (u32)zone << PAGE_ZONE_SHIFT | (u32)owner << PAGE_OWNER_SHIFT;
}

void memmap_init_reserved(pfn_t start, pfn_t end, int nid, unsigned int zone, enum page_owner owner)
{
	init_pages(start, end, place_flags(nid, zone, owner) | 1u << PG_reserved, 1);
}

void memmap_init_free(pfn_t start, pfn_t end, int nid, unsigned int zone)
{
	init_pages(start, end, place_flags(nid, zone, PAGE_OWNER_BUDDY), 0);
}

void memmap_init_device(pfn_t start, pfn_t end, int nid)
{
	init_pages(start, end, place_flags(nid, ZONE_DEVICE, PAGE_OWNER_DEVICE) | 1u << PG_reserved, 1);
}

void memmap_init_hole(pfn_t start, pfn_t end)
{
	init_pages(start, end, 1u << PG_reserved, 1);
}

void *page_to_virt(const struct page *page)
{
	return page_address(page);
}
