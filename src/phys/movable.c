/* SPDX-License-Identifier: MIT */
/* movable.c - shares memory out between what the kernel may use and ZONE_MOVABLE. */
#include "phys/movable.h"

#include "base/math.h"
#include "base/string.h"
#include "phys/bootmap.h"
#include "phys/memblock.h"
#include "phys/phys_state.h"
#include "sync/report.h"

unsigned long movable_level(const struct movable_node *nodes, unsigned int nr, unsigned long core)
{
	unsigned long low = 0, high = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		high = max(high, nodes[i].total);
	while (low < high) {
		unsigned long level = low + (high - low) / 2, sum = 0;

		for (i = 0; i < nr; i++)
			sum += movable_core_of(&nodes[i], level);
		if (sum < core)
			low = level + 1;
		else
			high = level;
	}
	return low;
}

/* "512M" or "30%" in pages of `total`. */
static unsigned long parse_amount(const char *value, unsigned long total)
{
	u64 amount = memparse(value, &value);

	if (*value == '%')
		return (unsigned long)((u64)total * min_t(u64, amount, 100) / 100);
	return (unsigned long)min_t(u64, amount >> PAGE_SHIFT, total);
}

unsigned long movable_wanted_core(const char *cmdline, unsigned long total)
{
	const char *core = cmdline_find(cmdline, "kernelcore="), *movable = cmdline_find(cmdline, "movablecore=");
	unsigned long wanted = 0;

	if (core && !strncmp(core, "mirror", 6))
		quire_log(QUIRE_LOG_WARNING, "The system has no mirror memory, ignore kernelcore=mirror.");
	else if (core)
		wanted = parse_amount(core, total);
	/* Where both are given, the kernel gets the larger share of the two. */
	if (movable) {
		unsigned long amount = ALIGN(parse_amount(movable, total), 1ul << MAX_ORDER);

		wanted = max(wanted, total - min(amount, total));
	}
	return wanted ? min(wanted, total) : total;
}

/* Where the highest zone that has memory begins. */
static paddr_t start_of_highest_zone(void)
{
	paddr_t end = memblock_end_of_DRAM();

	if (end > ARCH_LOWMEM_END)
		return ARCH_LOWMEM_END;
	if (end > ARCH_ZONE_DMA32_END)
		return ARCH_ZONE_DMA32_END;
	return end > ARCH_ZONE_DMA_END ? ARCH_ZONE_DMA_END : 0;
}

static unsigned long count_nodes(struct movable_node nodes[QUIRE_MAX_NODES], pfn_t highest)
{
	struct memblock_region *region;
	unsigned long total = 0;

	for_each_mem_region(region) {
		pfn_t start = PFN_UP(region->base), end = PFN_DOWN(region->base + region->size);

		if (start >= end)
			continue;
		nodes[region->nid].total += end - start;
		nodes[region->nid].low += start < highest ? min(end, highest) - start : 0;
		total += end - start;
	}
	return total;
}

/* The frame of a node before which `core` pages of its RAM lie. */
static pfn_t frame_after(int nid, unsigned long core)
{
	struct memblock_region *region;

	for_each_mem_region(region) {
		pfn_t start = PFN_UP(region->base), end = PFN_DOWN(region->base + region->size);

		if (region->nid != nid || start >= end)
			continue;
		if (core < end - start)
			return ALIGN(start + core, 1ul << MAX_ORDER);
		core -= end - start;
	}
	return ~0ul;
}

void movable_init(void)
{
	const char *cmdline = this_quire()->boot->cmdline;
	struct movable_node nodes[QUIRE_MAX_NODES] = {{0}};
	unsigned long total = count_nodes(nodes, PFN_DOWN(start_of_highest_zone()));
	unsigned long core = cmdline ? movable_wanted_core(cmdline, total) : total;
	unsigned long level;
	int nid;

	this_phys()->movable_node = cmdline && cmdline_find(cmdline, "movable_node");
	if (core >= total)
		return;
	level = movable_level(nodes, QUIRE_MAX_NODES, core);
	for (nid = 0; nid < QUIRE_MAX_NODES; nid++)
		if (nodes[nid].total)
			this_phys()->movable_start[nid] = frame_after(nid, movable_core_of(&nodes[nid], level));
}
