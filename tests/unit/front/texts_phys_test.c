/* SPDX-License-Identifier: MIT */
/* texts_phys_test.c - the texts about frames parse as Linux's do, and their figures add up. */
#include <stdio.h>
#include <string.h>

#include "../phys/phys_machine.h"
#include "quire/errno.h"
#include "quire/stats.h"

static struct {
	struct text_sink sink;
	size_t len;
	char text[65536];
} out;

static int collect(struct text_sink *sink, const char *text, size_t len)
{
	if (out.len + len >= sizeof(out.text))
		return -ENOMEM;
	memcpy(out.text + out.len, text, len);
	out.len += len;
	out.text[out.len] = '\0';
	return 0;
}

static struct text_sink *start(void)
{
	out.len = 0;
	out.text[0] = '\0';
	out.sink.write = collect;
	return &out.sink;
}

static unsigned long value_after(const char *name)
{
	const char *at = strstr(out.text, name);
	unsigned long value = ~0ul;

	if (at)
		sscanf(at + strlen(name), " %lu", &value);
	return value;
}

static unsigned long pages_in_buddyinfo(void)
{
	unsigned long total = 0, nr[NR_ORDERS];
	char zone[16];
	int node;

	tap_is(quire_show_buddyinfo(start()), 0, "buddyinfo");
	for (char *line = strtok(out.text, "\n"); line; line = strtok(NULL, "\n")) {
		int n = sscanf(line, "Node %d, zone %15s %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu", &node, zone, &nr[0], &nr[1],
			       &nr[2], &nr[3], &nr[4], &nr[5], &nr[6], &nr[7], &nr[8], &nr[9], &nr[10]);

		tap_is(n, 2 + NR_ORDERS, "a line of buddyinfo has a node, a zone and %d orders", NR_ORDERS);
		for (unsigned int order = 0; order < NR_ORDERS; order++)
			total += nr[order] << order;
	}
	return total;
}

static unsigned long pages_in_pagetypeinfo(void)
{
	unsigned long total = 0, nr[NR_ORDERS];
	char zone[16], type[16];
	int node;

	tap_is(quire_show_pagetypeinfo(start()), 0, "pagetypeinfo");
	for (char *line = strtok(out.text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "Node %d, zone %15[^,], type %15s %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu", &node, zone, type,
			   &nr[0], &nr[1], &nr[2], &nr[3], &nr[4], &nr[5], &nr[6], &nr[7], &nr[8], &nr[9], &nr[10]) != 14)
			continue;
		for (unsigned int order = 0; order < NR_ORDERS; order++)
			total += nr[order] << order;
	}
	return total;
}

static void figures_add_up(void)
{
	unsigned long buddy = pages_in_buddyinfo(), pcp = 0, id;
	struct zone *zone;

	tap_is(pages_in_pagetypeinfo(), buddy, "pagetypeinfo and buddyinfo agree");
	for_each_populated_zone(zone, id)
		pcp += zone_pcp_pages(zone);
	tap_is(quire_show_vmstat(start()), 0, "vmstat");
	tap_is(value_after("nr_free_pages"), buddy + pcp, "nr_free_pages is buddyinfo and the per-CPU lists");
	tap_ok(value_after("pgfree") < ~0ul && value_after("pgfault") == 0, "events are there");
}

static void zoneinfo(void)
{
	unsigned long managed = 0;
	char *at;

	tap_is(quire_show_zoneinfo(start()), 0, "zoneinfo");
	tap_ok(strstr(out.text, "Node 0, zone      DMA") && strstr(out.text, "\n  pages free     "), "begins as Linux's");
	tap_ok(strstr(out.text, "\n        protection: (0, ") && strstr(out.text, "\n  start_pfn:           1\n"), "has the reserves");
	for (at = out.text; (at = strstr(at, "\n        managed  ")); at++) {
		unsigned long n = 0;

		sscanf(at, " managed %lu", &n);
		managed += n;
	}
	tap_is(managed, this_phys()->totalram_pages, "the managed pages of all zones are MemTotal");
	tap_ok(strstr(out.text, "\n    cpu: 1\n              count:    "), "every CPU's page set is shown");
}

static void others(void)
{
	tap_is(quire_show_iomem(start()), 0, "iomem");
	tap_is_str(out.text, "00000000-00000fff : Reserved\n00001000-03ffffff : System RAM\n", "the map of a hosted machine");
	tap_is(quire_show_node(0, "distance", start()), 0, "a node's distances");
	tap_is_str(out.text, "10\n", "to itself");
	tap_is(quire_show_node(0, "cpulist", start()), 0, "a node's CPUs");
	tap_is_str(out.text, "0-1\n", "both");
	tap_is(quire_show_node(0, "meminfo", start()), 0, "a node's memory");
	tap_is(value_after("Node 0 MemTotal:"), this_phys()->totalram_pages * 4, "in kB");
	tap_is(quire_show_node(3, "meminfo", start()), -ENOENT, "no such node");
	tap_is(quire_show_node(0, "nonsense", start()), -ENOENT, "no such file");
}

static void sysctls(void)
{
	unsigned long low = node_data(0)->node_zones[ZONE_DMA32]._watermark[WMARK_LOW];

	tap_is(quire_sysctl_read("min_free_kbytes", start()), 0, "min_free_kbytes can be read");
	tap_is(quire_sysctl_write("min_free_kbytes", "4096\n", 5), 0, "and written");
	tap_ok(node_data(0)->node_zones[ZONE_DMA32]._watermark[WMARK_LOW] > low, "which moves the watermarks");
	tap_is(quire_sysctl_write("min_free_kbytes", "x", 1), -EINVAL, "no number");
	tap_is(quire_sysctl_write("watermark_scale_factor", "0", 1), -EINVAL, "below the range");
	tap_is(quire_sysctl_write("watermark_scale_factor", "3001", 4), -EINVAL, "above the range");
	tap_is(quire_sysctl_write("no_such", "1", 1), -ENOENT, "no such value");
	tap_is(quire_sysctl_read("lowmem_reserve_ratio", start()), 0, "a vector can be read");
	tap_is_str(out.text, ARCH_LOWMEM_END == ~0ull ? "256\t256\t32\t0\t0\n" : "256\t256\t32\t0\t0\t0\n", "as Linux prints it");
	tap_is(quire_sysctl_write("lowmem_reserve_ratio", "128 64", 6), 0, "and written in part");
	quire_sysctl_read("lowmem_reserve_ratio", start());
	tap_is_str(out.text, ARCH_LOWMEM_END == ~0ull ? "128\t64\t32\t0\t0\n" : "128\t64\t32\t0\t0\t0\n", "the rest stays");
	tap_is(quire_sysctl_read("watermark_boost_factor", start()), 0, "watermark_boost_factor can be read");
}

static void frames(void)
{
	struct page *page = alloc_page(GFP_KERNEL), *run = alloc_pages(GFP_KERNEL, 4), *slab = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);

	page_set_owner(slab, PAGE_OWNER_SLAB);
	SetPageUptodate(page);
	tap_is(quire_kpageflags(page_to_pfn(page)), 1ull << 3, "a kernel page that is up to date");
	tap_is(quire_kpageflags(page_to_pfn(slab)), 1ull << 7 | 1ull << 15, "a slab's head");
	tap_is(quire_kpageflags(page_to_pfn(slab) + 1), 1ull << 7 | 1ull << 16, "a slab's tail");
	tap_is(quire_kpageflags(page_to_pfn(run) + 9), 0, "the tail of a run is in use");
	tap_is(quire_kpageflags(0), 1ull << 20, "the firmware's frame is none of ours");
	tap_is(quire_kpageflags(1ul << 30), 1ull << 20, "no such frame");
	__free_pages(run, 4);
	tap_is(quire_kpageflags(page_to_pfn(run) + 9), 1ull << 10, "free again");
	ClearPageUptodate(page);
	__free_page(page);
	__free_pages(slab, 1);
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = phys_machine(64 << 20, 2, 1);
	figures_add_up();
	zoneinfo();
	others();
	frames();
	sysctls();
	tap_machine_frames_end(machine);
	return tap_done();
}
