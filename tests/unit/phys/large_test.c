/* SPDX-License-Identifier: MIT */
/* large_test.c - four tebibytes on eight nodes with holes between them: brought up, used and checked in a moment. */
#include <time.h>

#include "phys_machine.h"

#define TIB ((uint64_t)1 << 40)
#define GIB ((uint64_t)1 << 30)

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void every_node(void)
{
	unsigned long before = nr_free_pages();
	struct page *pages[8], *huge[8];
	unsigned int wrong = 0;

	for (int nid = 0; nid < 8; nid++) {
		pages[nid] = alloc_pages_node(nid, GFP_KERNEL | __GFP_ZERO, 0);
		huge[nid] = alloc_pages_node(nid, GFP_HIGHUSER_MOVABLE, MAX_ORDER);
		wrong += !pages[nid] || (int)page_to_nid(pages[nid]) != nid || !huge[nid] || (int)page_to_nid(huge[nid]) != nid ||
			 pfn_to_page(page_to_pfn(pages[nid])) != pages[nid];
	}
	tap_is(wrong, 0, "every node gives its own memory");
	for (int nid = 0; nid < 8; nid++) {
		__free_page(pages[nid]);
		__free_pages(huge[nid], MAX_ORDER);
	}
	tap_is(nr_free_pages(), before, "and gets it back");
}

static void holes(void)
{
	unsigned int wrong = 0;

	for (int nid = 0; nid + 1 < 8; nid++) {
		pg_data_t *pgdat = node_data(nid);
		pfn_t end = pgdat->node_start_pfn + pgdat->node_spanned_pages;

		wrong += pfn_valid(end) || pfn_valid(end + (8 * GIB >> PAGE_SHIFT)) || !pfn_valid(end - 1);
	}
	tap_is(wrong, 0, "the holes between nodes have no frames");
}

/* Single frames from all over, as a busy machine takes them. */
static void many(void)
{
	enum { NR = 50000 };
	static struct page *pages[NR];
	unsigned long before = nr_free_pages();
	unsigned int got = 0;

	for (unsigned int i = 0; i < NR; i++) {
		pages[i] = alloc_pages_node((int)(i % 8), GFP_HIGHUSER_MOVABLE, 0);
		got += pages[i] != NULL;
	}
	tap_is(got, NR, "%d frames from eight nodes", NR);
	for (unsigned int i = 0; i < NR; i++)
		__free_page(pages[i]);
	tap_is(nr_free_pages(), before, "came back");
}

int main(void)
{
	struct hosted_config config = {.mem_bytes = 4 * TIB, .nodes = 8, .node_gap_bytes = 16 * GIB, .cpus = 4};
	struct hosted_machine *machine;
	double start = seconds(), each;

	tap_plan(0);
	if (sizeof(long) == 4)
		tap_skip_all("four tebibytes do not fit");
	machine = tap_machine_frames(&config);
	each = (seconds() - start) / 64;
	tap_ok(each < 1, "ready to allocate after %.4f s of work for each 64 GiB", each);
	tap_ok(this_phys()->totalram_pages > (4 * TIB >> PAGE_SHIFT) / 1000 * 999, "less than 0.1%% is spent beside the struct pages");
	every_node();
	holes();
	many();
	drain_all_frames();
	tap_is(phys_check(), 0, "every invariant holds");
	tap_machine_frames_end(machine);
	return tap_done();
}
