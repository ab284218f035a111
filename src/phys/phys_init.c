/* SPDX-License-Identifier: MIT */
/* phys_init.c - brings physical memory up and hands it over to the buddy. */
#include "base/string.h"
#include "phys/movable.h"
#include "phys/page_alloc.h"
#include "phys/page_debug.h"
#include "phys/phys.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/errno.h"
#include "sync/report.h"

/* Defaults of the sysctls, as Linux has them. */
static const struct phys_sysctl default_sysctl = {
	.watermark_scale_factor = 10,   /* 0.1% of a zone between two watermarks       */
	.watermark_boost_factor = 15000, /* up to 1.5 high watermarks                   */
	.lowmem_reserve_ratio = {256, 256, 32, 0, 0, 0},
	.dirty_ratio = 20,
	.dirty_background_ratio = 10,
};

static int out_of_boot_memory(void)
{
	quire_log(QUIRE_LOG_CRIT, "Not enough memory: %lluK present, %lluK of it reserved; physical memory alone needs %lluK more",
		  (unsigned long long)memblock_phys_mem_size() >> 10, (unsigned long long)memblock_reserved_size() >> 10,
		  (unsigned long long)(memblock_phys_mem_size() >> 7 >> 10) + 512);
	return -ENOMEM;
}

static int make_cpus(const struct quire_boot *boot)
{
	struct phys_state *phys = this_phys();
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		int nid = boot->cpu_to_node ? boot->cpu_to_node[cpu] : 0;

		phys->cpu[cpu] = memblock_alloc_node(ALIGN(sizeof(struct phys_cpu), (size_t)CACHE_LINE_BYTES), CACHE_LINE_BYTES, nid);
		if (!phys->cpu[cpu])
			return -ENOMEM;
		/* A CPU whose own node has no memory lives off the first that has. */
		for (unsigned int i = 0; !node_data(nid) && i < QUIRE_MAX_NODES; i++)
			nid = (int)i;
		phys->cpu[cpu]->nid = (u8)nid;
	}
	return 0;
}

static int make_state(void)
{
	struct phys_state *phys = memblock_alloc(sizeof(*phys), CACHE_LINE_BYTES);
	pfn_t end = PFN_UP(memblock_end_of_DRAM());

	if (!phys)
		return -ENOMEM;
	this_quire()->phys = phys;
	phys->sysctl = default_sysctl;
	phys->placement = place_fullest;
	phys->max_pfn = end;
	memset(phys->movable_start, 0xff, sizeof(phys->movable_start));
	/* An even number of blocks, so that every block has a buddy to look at. */
	phys->nr_blocks = (u32)(ALIGN(end, (pfn_t)2 * PAGEBLOCK_PAGES) >> PAGEBLOCK_ORDER);
	phys->blocks = memblock_alloc(phys->nr_blocks * sizeof(struct pageblock), sizeof(struct pageblock));
	phys->columns = memblock_alloc(phys->nr_blocks, CACHE_LINE_BYTES);
	return phys->blocks && phys->columns ? 0 : -ENOMEM;
}

int phys_init_sections_and_zones(const struct quire_boot *boot)
{
	this_quire()->memblock->can_resize = true;
	if (PFN_DOWN(memblock_end_of_DRAM() - 1) >= PAGE_NO_PFN) {
		quire_log(QUIRE_LOG_WARNING, "memory above 16 TiB is not used");
		memblock_cap(PFN_PHYS(PAGE_NO_PFN - 1));
	}
	if (vmstat_init() || make_state())
		return out_of_boot_memory();
	movable_init();
	if (sparse_init() || free_area_init() || build_all_zonelists() ||
	    make_cpus(boot) || pcp_init() || device_init() || page_debug_init())
		return out_of_boot_memory();
	return 0;
}

/* ---- hand-over ---- */

/* Frees [start, end), all in one block. A whole block stays raw: nobody reads its struct pages before they are used. */
static void free_in_block(pfn_t start, pfn_t end)
{
	struct pageblock *block = pfn_to_block(start);
	struct zone *zone = zone_by_id(block->zone_id);
	unsigned long flags;
	pfn_t pfn = start;

	if (end - start == PAGEBLOCK_PAGES)
		block->flags |= PB_RAW;
	else
		memmap_init_free(start, end, zone_to_nid(zone), zone_idx(zone));
	spin_lock_irqsave(&zone->lock, flags);
	while (pfn < end) {
		unsigned int order = min_t(unsigned int, PAGEBLOCK_ORDER, __ffs(pfn | PAGEBLOCK_PAGES));

		while (pfn + (1ul << order) > end)
			order--;
		zone_free_run(zone, pfn, order);
		pfn += 1ul << order;
	}
	zone->managed_pages += end - start;
	spin_unlock_irqrestore(&zone->lock, flags);
	__atomic_fetch_add(&this_phys()->totalram_pages, end - start, __ATOMIC_RELAXED);
}

static void free_range(pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		pfn_t stop = min_t(pfn_t, end, ALIGN(pfn + 1, (pfn_t)PAGEBLOCK_PAGES));

		free_in_block(pfn, stop);
		pfn = stop;
	}
}

static enum page_owner reserved_owner(pfn_t pfn)
{
	const struct phys_range *image = &this_quire()->boot->image;
	paddr_t addr = PFN_PHYS(pfn);

	return addr >= image->start && addr < image->end ? PAGE_OWNER_TEXT : PAGE_OWNER_RESERVED;
}

static void init_reserved(pfn_t pfn, pfn_t end)
{
	for (; pfn < end; pfn++) {
		u8 id = pfn_to_block(pfn)->zone_id;

		memmap_init_reserved(pfn, pfn + 1, id >> 3, id & 7, reserved_owner(pfn));
	}
}

/* Struct pages of all that is not free: frames that do not exist in blocks that do, and reserved ones. */
static void init_not_free(void)
{
	struct memblock_region *region;
	paddr_t pos, start, end;
	u32 number;
	int nid;

	for (number = 0; number < this_phys()->nr_blocks; number++) {
		pfn_t first = block_start_pfn(block_at(number));

		if (block_at(number)->present && block_at(number)->present < PAGEBLOCK_PAGES)
			memmap_init_hole(first, first + PAGEBLOCK_PAGES);
	}
	for_each_mem_region(region) {
		pfn_t pfn = PFN_UP(region->base), last = PFN_DOWN(region->base + region->size);

		pos = region->base;
		while (pfn < last) {
			bool more = memblock_next_free(&pos, &start, &end, &nid) && PFN_UP(start) < last;

			init_reserved(pfn, more ? max_t(pfn_t, pfn, PFN_UP(start)) : last);
			pfn = more ? max_t(pfn_t, PFN_UP(start), PFN_DOWN(end)) : last;
		}
	}
}

void memblock_free_all(void)
{
	paddr_t pos, start, end;
	int nid;

	memblock_dump_all();
	init_not_free();
	for_each_free_mem_range(pos, &start, &end, &nid)
		if (PFN_UP(start) < PFN_DOWN(end))
			free_range(PFN_UP(start), PFN_DOWN(end));
}

static unsigned long long kib(const struct phys_range *range)
{
	return (range->end - range->start) >> 10;
}

static void print_memory(void)
{
	const struct quire_boot *boot = this_quire()->boot;
	unsigned long long present = memblock_phys_mem_size() >> 10;
	unsigned long long available = (unsigned long long)this_phys()->totalram_pages << (PAGE_SHIFT - 10);

	quire_log(QUIRE_LOG_INFO,
		  "Memory: %lluK/%lluK available (%lluK kernel code, %lluK rwdata, %lluK rodata, %lluK init, %lluK bss, %lluK reserved, 0K cma-reserved)",
		  available, present, kib(&boot->text), kib(&boot->data), kib(&boot->rodata), kib(&boot->init), kib(&boot->bss),
		  present - available);
}

void setup_min_free_kbytes(void)
{
	struct phys_sysctl *sysctl = &this_phys()->sysctl;

	if (!sysctl->min_free_set)
		sysctl->min_free_kbytes = default_min_free_kbytes(nr_free_buffer_pages() << (PAGE_SHIFT - 10));
	setup_per_zone_wmarks();
	setup_per_zone_lowmem_reserve();
}

/* ---- the allocator's own steps of the ladder ---- */

static unsigned long run_drain(struct relief *self, const struct pressure *pressure)
{
	return drain_all_frames();
}

static unsigned long run_unreserve(struct relief *self, const struct pressure *pressure)
{
	return unreserve_highatomic();
}

void phys_init_late(void)
{
	struct relief_ladder *ladder = &this_phys()->relief;

	setup_min_free_kbytes();
	ladder->drain = (struct relief){.cost = RELIEF_DRAIN, .name = "drain", .run = run_drain};
	ladder->unreserve = (struct relief){.cost = RELIEF_UNRESERVE, .name = "unreserve", .run = run_unreserve};
	relief_register(&ladder->drain);
	relief_register(&ladder->unreserve);
	print_memory();
}

void quire_free_range(const char *name, paddr_t start, paddr_t end)
{
	pfn_t pfn = PFN_UP(start), last = PFN_DOWN(end);

	if (pfn >= last)
		return;
	for (pfn_t i = pfn; i < last; i++)
		if (WARN_ON(!pfn_valid(i) || !PageReserved(pfn_to_page(i))))
			return;
	free_range(pfn, last);
	quire_log(QUIRE_LOG_INFO, "Freeing %s memory: %luK", name, (last - pfn) << (PAGE_SHIFT - 10));
}
