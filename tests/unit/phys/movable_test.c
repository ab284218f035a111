/* SPDX-License-Identifier: MIT */
/* movable_test.c - memory set apart: for movable pages by kernelcore= and movablecore=, for devices by memremap_pages. */
#include <string.h>

#include "phys_machine.h"
#include "phys/frames.h"
#include "phys/movable.h"
#include "quire/errno.h"
#include "quire/memremap.h"

static void levels(void)
{
	static const struct movable_node nodes[] = {{1000, 100}, {500, 0}, {0, 0}, {4000, 3000}};
	unsigned int wrong = 0;

	for (unsigned long core = 0; core <= 5500; core += 7) {
		unsigned long level = movable_level(nodes, 4, core), sum = 0, less = 0;

		for (unsigned int i = 0; i < 4; i++) {
			sum += movable_core_of(&nodes[i], level);
			less += level ? movable_core_of(&nodes[i], level - 1) : 0;
		}
		wrong += sum < core || (level && less >= core);
	}
	tap_is(wrong, 0, "the smallest level that keeps so much core, for every amount");
	tap_is(movable_core_of(&nodes[3], 10), 3000, "what devices with few address bits need stays core");
}

static void options(void)
{
	unsigned long mib256 = (256ul << 20) >> PAGE_SHIFT;

	tap_is(movable_wanted_core("quiet", mib256), mib256, "nothing said: nothing movable");
	tap_is(movable_wanted_core("kernelcore=64M", mib256), mib256 / 4, "kernelcore=");
	tap_is(movable_wanted_core("movablecore=64M", mib256), mib256 / 4 * 3, "movablecore=");
	tap_is(movable_wanted_core("kernelcore=50%", mib256), mib256 / 2, "per cent of memory");
	tap_is(movable_wanted_core("kernelcore=64M movablecore=64M", mib256), mib256 / 4 * 3, "both: the larger core");
	tap_is(movable_wanted_core("kernelcore=1T", mib256), mib256, "more than there is");
	tap_is(movable_wanted_core("kernelcore=", mib256), mib256, "nothing after the sign");
}

static void mirror(void)
{
	char *text = NULL;
	size_t len;
	FILE *log = open_memstream(&text, &len);
	struct hosted_config config = {.mem_bytes = 64 << 20, .cpus = 1, .cmdline = "kernelcore=mirror", .log = log};
	struct hosted_machine *machine = tap_machine_frames(&config);

	fflush(log);
	tap_ok(strstr(text, "The system has no mirror memory, ignore kernelcore=mirror."), "kernelcore=mirror is refused aloud");
	tap_ok(!populated_zone(&node_data(0)->node_zones[ZONE_MOVABLE]), "and changes nothing");
	tap_machine_frames_end(machine);
	fclose(log);
	free(text);
}

static void two_nodes(void)
{
	struct hosted_config config = {.mem_bytes = 256 << 20, .nodes = 2, .cpus = 2, .cmdline = "movablecore=100M", .log = stdout};
	struct hosted_machine *machine = tap_machine_frames(&config);
	unsigned long movable = 0;
	struct page *page;
	u32 chain = PAGE_NO_PFN;
	unsigned int wrong = 0, nr = 0;

	for (int nid = 0; nid < 2; nid++) {
		struct zone *zone = &node_data(nid)->node_zones[ZONE_MOVABLE];

		movable += zone->present_pages;
		tap_ok(populated_zone(zone) && !(zone->zone_start_pfn & ((1ul << MAX_ORDER) - 1)), "node %d has a part, whole runs", nid);
	}
	tap_ok(movable <= (100ul << 20) >> PAGE_SHIFT && movable >= (92ul << 20) >> PAGE_SHIFT, "100 MiB in all, less what makes whole runs: %lu pages",
	       movable);
	tap_is(node_data(0)->node_zones[ZONE_MOVABLE].present_pages, node_data(1)->node_zones[ZONE_MOVABLE].present_pages,
	       "the same from each");
	while ((page = alloc_page(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN))) {
		wrong += page_zonenum(page) == ZONE_MOVABLE;
		page->lru.next = chain;
		chain = (u32)page_to_pfn(page);
	}
	tap_is(wrong, 0, "the kernel never gets a page of it, not even the last");
	page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_NOWARN);
	tap_ok(page && page_zonenum(page) == ZONE_MOVABLE, "programs do");
	__free_page(page);
	for (; chain != PAGE_NO_PFN; nr++) {
		page = pfn_to_page(chain);
		chain = page->lru.next;
		__free_page(page);
	}
	tap_machine_frames_end(machine);
}

static unsigned int put_last;

static void count_put(struct page *page)
{
	put_last++;
	SetPageDirty(page);
}

static void use_device(struct dev_pagemap *map)
{
	struct zone *zone = &node_data(0)->node_zones[ZONE_DEVICE];
	pfn_t first = PFN_DOWN(map->range.start);
	struct page *page = pfn_to_page(first + 5);
	unsigned long free = nr_free_pages(), bad = this_phys()->bad_pages;

	tap_is(memremap_pages(map), 0, "a device's 16 MiB get struct pages");
	tap_ok(zone->spanned_pages == 4096 && zone->zone_start_pfn == first && !zone->present_pages && !zone->managed_pages,
	       "[DV2] spanned, neither present nor managed");
	tap_ok(pfn_valid(first) && pfn_valid(first + 4095) && page_zone(page) == zone &&
		       page_owner(page) == PAGE_OWNER_DEVICE && frame_owner(first + 5) == PAGE_OWNER_DEVICE && page_count(page) == 1,
	       "each is a page of the device");
	tap_is(nr_free_pages(), free, "[DV1] and none is free");
	tap_is(memremap_pages(&(struct dev_pagemap){.range = map->range}), -EBUSY, "not twice");
	get_page(page);
	tap_is(memunmap_pages(map), -EBUSY, "not taken away while somebody uses one");
	put_page(page);
	tap_is(put_last, 0, "a user goes");
	put_page(page);
	tap_ok(put_last == 1 && page_count(page) == 1 && PageDirty(page), "the last put tells the device, and the page stays its own");
	__free_page(page);
	tap_ok(put_last == 2 && nr_free_pages() == free && this_phys()->bad_pages == bad, "also by another name");
	tap_is(alloc_contig_range(first, first + 10, GFP_KERNEL), -EINVAL, "no range of it is to be had");
	tap_is(memunmap_pages(map), 0, "taken away");
	tap_ok(!zone->spanned_pages && !pfn_valid(first + 5) && memunmap_pages(map) == -EINVAL, "nothing is left");
}

static void devices(void)
{
	static struct dev_pagemap map = {.range = {64 << 20, 80 << 20}, .page_free = count_put};
	struct hosted_config config = {.mem_bytes = 128 << 20, .cpus = 1, .cmdline = "memmap=16M$64M memmap=8M!32M", .log = stdout};
	struct hosted_machine *machine = tap_machine_frames(&config);
	struct zone *zone = &node_data(0)->node_zones[ZONE_DEVICE];

	tap_ok(zone->spanned_pages == 2048 && pfn_valid((32 << 20) >> PAGE_SHIFT) && get_dev_pagemap((33 << 20) >> PAGE_SHIFT),
	       "the firmware's persistent memory is a device from the start");
	tap_is(memremap_pages(&(struct dev_pagemap){.range = {16 << 20, 20 << 20}}), -EINVAL, "RAM is no device");
	tap_is(memremap_pages(&(struct dev_pagemap){.range = {65 << 20, 67 << 20}}), -EINVAL, "borders are those of page blocks");
	tap_is(memremap_pages(&(struct dev_pagemap){.range = {66 << 20, 66 << 20}}), -EINVAL, "nothing is no range");
	tap_is(memunmap_pages(get_dev_pagemap((32 << 20) >> PAGE_SHIFT)), 0, "the persistent memory goes");
	use_device(&map);
	tap_machine_frames_end(machine);
}

int main(void)
{
	tap_plan(0);
	levels();
	options();
	mirror();
	two_nodes();
	devices();
	return tap_done();
}
