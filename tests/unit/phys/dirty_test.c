/* SPDX-License-Identifier: MIT */
/* dirty_test.c - how much may be dirty: the arithmetic, the sysctls, and what __GFP_WRITE does on a machine of two nodes. */
#include <string.h>

#include "phys/dirty.h"
#include "phys_machine.h"
#include "quire/errno.h"

static void thresholds(void)
{
	struct dirty_limits limits = {.ratio = 20, .background_ratio = 10};
	unsigned long background, dirty, wrong = 0;

	dirty_thresholds(&limits, 100000, &background, &dirty);
	tap_ok(dirty > 19950 && dirty <= 20000 && background > 9970 && background <= 10000, "20 and 10 per cent of 100000 pages: %lu, %lu", dirty, background);
	limits.background_ratio = 30;
	dirty_thresholds(&limits, 100000, &background, &dirty);
	tap_is(background, dirty / 2, "the background begins at half where it would begin too late");
	limits.bytes = 10 * PAGE_SIZE + 1;
	limits.background_bytes = PAGE_SIZE;
	dirty_thresholds(&limits, 100000, &background, &dirty);
	tap_ok(dirty == 11 && background == 1, "bytes count before shares, in whole pages");
	for (limits.ratio = 0; limits.ratio <= 100; limits.ratio++)
		for (unsigned long pages = 1; pages < 1ul << 30; pages = pages * 5 + 3) {
			limits.bytes = limits.background_bytes = 0;
			dirty_thresholds(&limits, pages, &background, &dirty);
			wrong += dirty > pages || (background >= dirty && dirty) || dirty + pages / 1000 + 1 < pages / 100 * limits.ratio;
		}
	tap_is(wrong, 0, "for every share and many sizes: never more than there is, and the background below");
	limits = (struct dirty_limits){.ratio = 40};
	tap_is(dirty_limit_of_node(&limits, 1000, 5000), 400, "a node's limit is the share of its own");
	limits.bytes = 100 * PAGE_SIZE;
	tap_is(dirty_limit_of_node(&limits, 1000, 5000), 20, "and of bytes its part");
}

/* The nodes that two requests in a row come from, as digits. */
static int nodes_of(gfp_t gfp, unsigned int order)
{
	struct page *one = alloc_pages_node(0, gfp, order), *two = alloc_pages_node(1, gfp, order);
	int nodes = (one ? (int)page_to_nid(one) : 9) * 10 + (two ? (int)page_to_nid(two) : 9);

	if (one)
		__free_pages(one, order);
	if (two)
		__free_pages(two, order);
	return nodes;
}

static void two_nodes(enum node_stat_item item)
{
	unsigned long limit = this_phys()->sysctl.dirty_ratio * node_dirtyable_memory(node_data(0)) / 100;

	tap_ok(limit > 1000 && node_dirty_ok(node_data(0)) && node_dirty_ok(node_data(1)), "two nodes, both clean, %lu pages may be dirty", limit);
	mod_node_page_state(0, item, (long)limit - 100);
	tap_is(nodes_of(GFP_KERNEL | __GFP_WRITE, 0), 01, "below the limit: near");
	mod_node_page_state(0, item, 200);
	tap_is(nodes_of(GFP_KERNEL, 0), 01, "above it: others do not care");
	tap_is(nodes_of(GFP_KERNEL | __GFP_WRITE, 0), 11, "__GFP_WRITE goes to the other node");
	tap_is(nodes_of(GFP_KERNEL | __GFP_WRITE, 3), 11, "a run too");
	tap_is(nodes_of(GFP_HIGHUSER_MOVABLE | __GFP_WRITE, 0), 11, "and a program's page");
	tap_is(nodes_of(GFP_KERNEL | __GFP_WRITE | __GFP_THISNODE, 0), 01, "where there is no other, it stays");
	tap_ok(node_data(0)->numa_foreign >= 3, "they are counted as wanted elsewhere");
	mod_node_page_state(1, item, (long)limit * 2);
	tap_is(nodes_of(GFP_KERNEL | __GFP_WRITE, 0), 01, "both above it: near again, nobody is refused");
	mod_node_page_state(1, item, -(long)limit * 2);
	mod_node_page_state(0, item, -(long)limit - 100);
	tap_is(nodes_of(GFP_KERNEL | __GFP_WRITE, 0), 01, "all is written: near");
}

/* Clean cache can be dropped: it counts with what is free. */
static void cache(void)
{
	unsigned long before = node_dirtyable_memory(node_data(1));

	mod_node_page_state(1, NR_INACTIVE_FILE, 1000);
	mod_node_page_state(1, NR_ACTIVE_FILE, 500);
	tap_is(node_dirtyable_memory(node_data(1)) - before, 1500, "cached files are dirtyable");
	tap_ok(global_dirtyable_memory() >= node_dirtyable_memory(node_data(0)) + node_dirtyable_memory(node_data(1)), "of the machine: of all nodes");
	mod_node_page_state(1, NR_INACTIVE_FILE, -1000);
	mod_node_page_state(1, NR_ACTIVE_FILE, -500);
	tap_is(global_node_page_state(NR_ACTIVE_FILE) + node_page_state(0, NR_INACTIVE_FILE), 0, "nodes are counted apart");
}

int main(void)
{
	struct hosted_config config = {.mem_bytes = 128 << 20, .cpus = 2, .nodes = 2, .log = stdout};
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine_frames(&config);
	thresholds();
	two_nodes(NR_FILE_DIRTY);
	two_nodes(NR_WRITEBACK);
	cache();
	tap_machine_frames_end(machine);
	return tap_done();
}
