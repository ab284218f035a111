/* SPDX-License-Identifier: MIT */
/* zones_test.c - nodes, zones, zonelists, reserves: who is asked for memory, in which order, and how deep. */
#include "phys_machine.h"

static const u8 slit[9] = {10, 30, 20, 30, 10, 15, 20, 15, 10};

/* Three nodes with memory from 0, 2 GiB and 6 GiB on, each a little unlike the others. */
static struct hosted_machine *three_nodes(struct quire_boot *boot)
{
	static const struct quire_map_entry map[] = {
		{0, 64ull << 20, QUIRE_RANGE_RAM}, {2ull << 30, 100ull << 20, QUIRE_RANGE_RAM}, {6ull << 30, 65ull << 20, QUIRE_RANGE_RAM},
	};
	static const struct quire_node_range nodes[] = {
		{0, 1ull << 30, 0, false}, {2ull << 30, 3ull << 30, 1, false}, {6ull << 30, 7ull << 30, 2, false},
	};
	static const u8 cpu_to_node[] = {0, 1, 2};
	struct hosted_config config = {.map = map, .nr_map = 3, .cpus = 3, .log = stdout};
	struct hosted_machine *machine = tap_world_create(&config);
	struct quire *quire = hosted_quire(machine);

	*boot = *hosted_boot_info(machine);
	boot->nodes = nodes;
	boot->nr_nodes = 3;
	boot->distances = slit;
	boot->nr_distances = 3;
	boot->cpu_to_node = cpu_to_node;
	quire->boot = boot;
	bootmap_init(boot);
	sync_init(memblock_alloc(sync_state_bytes(3), CACHE_LINE_BYTES), 3);
	tap_is(phys_init_sections_and_zones(boot), 0, "a machine of three nodes comes up");
	memblock_free_all();
	phys_init_late();
	return machine;
}

static const char *zonelist_text(int nid)
{
	static char text[128];
	struct zoneref *ref;
	int len = 0;

	for (ref = node_data(nid)->node_zonelists[ZONELIST_FALLBACK]; ref->zone; ref++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%d.%s ", zone_to_nid(ref->zone), ref->zone->name);
	return text;
}

static void lists(void)
{
	tap_is_str(zonelist_text(0), "0.DMA32 0.DMA 2.Normal 1.DMA32 ", "node 0: itself, then by distance, high before low");
	tap_is_str(zonelist_text(1), "1.DMA32 2.Normal 0.DMA32 0.DMA ", "node 1");
	tap_is_str(zonelist_text(2), "2.Normal 1.DMA32 0.DMA32 0.DMA ", "node 2");
	tap_ok(node_data(1)->node_present_pages == (100 << 20) >> 12 && node_data(2)->node_start_pfn == (6ull << 30) >> 12,
	       "sizes of nodes");
	tap_is(node_data(0)->node_zones[ZONE_DMA].spanned_pages, 4095, "DMA spans 16 MiB but the first frame");
	tap_ok(!pfn_valid((1ul << 30) >> 12) && pfn_valid((2ul << 30) >> 12) && !pfn_valid((4ull << 30) >> 12), "holes have no struct pages");
}

static int nid_of(struct page *page)
{
	int nid = page ? (int)page_to_nid(page) : -1;

	if (page)
		__free_page(page);
	return nid;
}

static void requests(void)
{
	unsigned long only1 = 1ul << 1;
	struct page *first, *page;

	tap_is(nid_of(alloc_pages(GFP_KERNEL, 0)), 0, "near the CPU");
	tap_is(nid_of(alloc_pages_node(2, GFP_KERNEL, 0)), 2, "near a named node");
	tap_is(nid_of(alloc_pages_node(2, GFP_DMA32, 0)), 1, "the nearest node that has the zone");
	tap_is(nid_of(alloc_pages_node(2, GFP_DMA, 0)), 0, "DMA memory is on node 0 only");
	tap_is(nid_of(__alloc_pages_nodemask(GFP_KERNEL, 0, 0, &only1)), 1, "a mask keeps to its nodes");
	tap_is(nid_of(alloc_pages_node(2, GFP_DMA | __GFP_THISNODE | __GFP_NOWARN, 0)), -1, "__GFP_THISNODE: there or nowhere");
	tap_ok(!alloc_pages_node(9, GFP_KERNEL, 0), "no such node");
	/* Fill node 0 with its own requests: the next come from the nearest other. */
	first = NULL;
	while ((page = alloc_pages_node(0, GFP_KERNEL, 0)) && page_to_nid(page) == 0) {
		page->owner_ptr = first;
		first = page;
	}
	tap_is(page ? (int)page_to_nid(page) : -1, 2, "a full node's requests go to the nearest");
	tap_ok(node_data(2)->numa_miss > 0 && node_data(0)->numa_foreign > 0, "and are counted as misses");
	__free_page(page);
	while (first) {
		page = first;
		first = page->owner_ptr;
		__free_page(page);
	}
}

/* A context that may use some nodes only. */
static void hardwall(void)
{
	unsigned long only0 = 1ul << 0;
	struct page *first = NULL, *page;
	unsigned long nr = 0;

	__free_page(alloc_page(GFP_USER));
	this_ctx()->mems_allowed = 1u << 1;
	tap_is(nid_of(alloc_page(GFP_USER)), 1, "__GFP_HARDWALL: of the allowed nodes, also when the CPU has a frame of another at hand");
	page = alloc_pages(GFP_USER, 3);
	tap_is(page ? (int)page_to_nid(page) : -1, 1, "a run too");
	__free_pages(page, 3);
	tap_is(nid_of(alloc_pages_node(2, GFP_USER, 0)), 1, "whatever node is named");
	tap_is(nid_of(alloc_page(GFP_KERNEL)), 0, "the kernel's own pages come from everywhere");
	tap_ok(!__alloc_pages_nodemask(GFP_USER | __GFP_NOWARN, 0, 0, &only0), "a mask that leaves nothing of it gets nothing");
	this_ctx()->flags |= QUIRE_CTX_OOM_VICTIM;
	tap_is(nid_of(alloc_page(GFP_USER)), 0, "whoever is being killed is let out");
	this_ctx()->flags &= ~(u32)QUIRE_CTX_OOM_VICTIM;
	while ((page = alloc_page(GFP_USER | __GFP_NOWARN)) && page_to_nid(page) == 1) {
		page->owner_ptr = first;
		first = page;
		nr++;
	}
	tap_ok(!page && nr > 1000, "a full node: NULL after %lu frames, while others have some", nr);
	this_ctx()->mems_allowed = 0;
	tap_is(nid_of(alloc_page(GFP_USER)), 0, "no mask: everywhere again");
	while (first) {
		page = first;
		first = page->owner_ptr;
		__free_page(page);
	}
}

static void reserves(void)
{
	const struct zone *dma = &node_data(0)->node_zones[ZONE_DMA], *dma32 = &node_data(0)->node_zones[ZONE_DMA32];
	unsigned long min = 0, kbytes = this_phys()->sysctl.min_free_kbytes;
	struct zone *zone;
	unsigned int id;

	tap_is(dma->lowmem_reserve[ZONE_NORMAL], dma32->managed_pages / 256, "DMA keeps 1/256 of what lies above from those who could go there");
	tap_is(dma->lowmem_reserve[ZONE_DMA], 0, "nothing from its own users");
	for_each_populated_zone(zone, id) {
		min += zone->_watermark[WMARK_MIN];
		tap_ok(zone->_watermark[WMARK_LOW] > zone->_watermark[WMARK_MIN] && zone->_watermark[WMARK_HIGH] > zone->_watermark[WMARK_LOW],
		       "node %d %s: min < low < high", zone_to_nid(zone), zone->name);
	}
	tap_ok(min <= kbytes / 4 && min + 4 >= kbytes / 4, "the min watermarks share out min_free_kbytes: %lu of %lu pages", min, kbytes / 4);
}

static void highatomic(void)
{
	struct zone *zone = &node_data(1)->node_zones[ZONE_DMA32];
	struct page *page;

	if (zone->managed_pages / 100 < PAGEBLOCK_PAGES) {
		tap_is(zone->nr_reserved_highatomic, 0, "a small zone sets nothing apart");
		page = alloc_pages_node(1, GFP_ATOMIC, 3);
		tap_is(zone->nr_reserved_highatomic, 0, "also after an urgent request");
		__free_pages(page, 3);
	}
}

int main(void)
{
	struct hosted_machine *machine;
	static struct quire_boot boot;

	tap_plan(0);
	if (sizeof(long) == 4)
		tap_skip_all("seven gigabytes of addresses do not fit");
	machine = three_nodes(&boot);
	lists();
	requests();
	hardwall();
	reserves();
	highatomic();
	tap_machine_frames_end(machine);
	return tap_done();
}
