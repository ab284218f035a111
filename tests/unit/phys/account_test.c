/* SPDX-License-Identifier: MIT */
/* account_test.c - who pays for a frame: charges, limits, and how each way of giving a frame back returns the charge. */
#include <string.h>

#include "phys/account.h"
#include "phys/page_debug.h"
#include "phys_machine.h"
#include "quire/errno.h"

#define ACCOUNTED (GFP_KERNEL | __GFP_ACCOUNT)
#define QUIET (ACCOUNTED | __GFP_NOWARN)

static struct mem_group root, parent, child, sibling;

static void counters(void)
{
	struct page_counter top, mid, leaf, *fail = NULL;

	page_counter_init(&top, NULL);
	page_counter_init(&mid, &top);
	page_counter_init(&leaf, &mid);
	tap_is(page_counter_set_max(&mid, 10), 0, "a limit in the middle");
	tap_ok(page_counter_try_charge(&leaf, 7, &fail), "below it");
	tap_ok(page_counter_read(&leaf) == 7 && page_counter_read(&mid) == 7 && page_counter_read(&top) == 7, "all above are charged");
	tap_ok(!page_counter_try_charge(&leaf, 4, &fail) && fail == &mid, "above it: refused, by the middle one");
	tap_ok(page_counter_read(&leaf) == 7 && page_counter_read(&mid) == 7 && page_counter_read(&top) == 7, "and nothing has changed");
	tap_ok(mid.failcnt == 1 && leaf.failcnt == 0 && top.failcnt == 0, "but its count of refusals");
	tap_ok(page_counter_try_charge(&leaf, 3, &fail), "to the last page");
	page_counter_charge(&leaf, 5);
	tap_ok(page_counter_read(&mid) == 15 && mid.watermark == 15, "who must not be refused goes above it");
	tap_ok(!page_counter_try_charge(&leaf, 1, &fail) && !page_counter_try_charge(&mid, ~0ul, &fail), "then nothing fits, nor a sum that wraps");
	tap_is(page_counter_set_max(&leaf, 14), -EBUSY, "no limit below what is used");
	tap_is(leaf.max, PAGE_COUNTER_MAX, "the old one stays");
	page_counter_uncharge(&leaf, 15);
	tap_ok(!page_counter_read(&leaf) && !page_counter_read(&mid) && !page_counter_read(&top), "all back");
	tap_is(mid.watermark, 15, "the most that ever was is remembered");
}

static bool usage_is(unsigned long of_child, unsigned long of_sibling)
{
	return mem_group_usage(&child) == of_child && mem_group_usage(&sibling) == of_sibling &&
	       mem_group_usage(&parent) == of_child + of_sibling && mem_group_usage(&root) == of_child + of_sibling;
}

static void orders(void)
{
	static const struct {
		gfp_t gfp;
		unsigned int order;
	} shapes[] = {
		{0, 0}, {0, 1}, {0, 3}, {__GFP_COMP, 2}, {0, 4}, {__GFP_COMP, 9}, {0, 9}, {0, 10}, {__GFP_COMP, 10}, {__GFP_COLD, 0}, {__GFP_ZERO, 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		unsigned int order = shapes[i].order;
		struct page *page = alloc_pages(ACCOUNTED | shapes[i].gfp, order);

		tap_ok(page && usage_is(1ul << order, 0) && page_group(page) == &child, "order %u, flags %#x: its pages are charged", order,
		       shapes[i].gfp);
		tap_ok(!(shapes[i].gfp & __GFP_COMP) || page_group(page + (1u << order) - 1) == &child, "a tail names the head's group");
		__free_pages(page, order);
		tap_ok(usage_is(0, 0), "and given back");
	}
}

static void ways_back(void)
{
	struct page *pages[20] = {NULL}, *page;
	void *exact;

	page = alloc_page(ACCOUNTED);
	get_page(page);
	put_page(page);
	tap_ok(usage_is(1, 0), "a reference more or less changes nothing");
	put_page(page);
	tap_ok(usage_is(0, 0), "put_page");
	free_cold_page(alloc_page(ACCOUNTED));
	tap_ok(usage_is(0, 0), "free_cold_page");
	free_frozen_pages(alloc_frozen_pages(ACCOUNTED, 3), 3);
	tap_ok(usage_is(0, 0), "free_frozen_pages");
	tap_is(alloc_pages_bulk(ACCOUNTED, 20, pages), 20, "bulk");
	tap_ok(usage_is(20, 0), "each page of it is charged");
	free_pages_bulk(pages, 10);
	put_pages(pages + 10, 10);
	tap_ok(usage_is(0, 0), "free_pages_bulk and put_pages");
	exact = alloc_pages_exact(5 * PAGE_SIZE, ACCOUNTED);
	tap_ok(exact && usage_is(5, 0), "alloc_pages_exact: the rest is given back at once");
	free_pages_exact(exact, 5 * PAGE_SIZE);
	tap_ok(usage_is(0, 0), "free_pages_exact");
	free_pages(get_zeroed_page(ACCOUNTED), 0);
	tap_ok(usage_is(0, 0), "by address");
}

static void split(unsigned int order)
{
	struct page *page = alloc_pages(ACCOUNTED, order);
	unsigned int wrong = 0;

	split_page(page, order);
	tap_ok(usage_is(1ul << order, 0), "split_page of order %u: still as many", order);
	this_ctx()->group = &sibling;
	for (unsigned int i = 0; i < 1u << order; i++) {
		wrong += page_group(page + i) != &child;
		__free_page(page + i);
		wrong += !usage_is((1ul << order) - i - 1, 0);
	}
	this_ctx()->group = &child;
	tap_is(wrong, 0, "each page is given back alone, by another group's context, to the one that paid");
}

static void limits(void)
{
	struct page *page = alloc_pages(ACCOUNTED, 3), *other, *pages[20] = {NULL};
	unsigned long free;

	tap_is(mem_group_set_max(&parent, 10), 0, "a limit of the parent");
	free = nr_free_pages();
	tap_ok(!alloc_pages(QUIET, 2) && usage_is(8, 0) && nr_free_pages() == free, "a run above it: NULL, and nothing has changed");
	tap_is(alloc_pages_bulk(QUIET, 20, pages), 2, "bulk gets what is left");
	this_ctx()->group = &sibling;
	tap_ok(!alloc_page(QUIET), "a sibling meets the same limit");
	other = alloc_page(QUIET | __GFP_NOFAIL);
	tap_ok(other && usage_is(10, 1), "__GFP_NOFAIL goes above it");
	tap_ok(!alloc_page(QUIET), "for itself only");
	this_ctx()->group = &root;
	__free_page(alloc_page(ACCOUNTED));
	tap_is(mem_group_usage(&root), 11, "who is above the limit does not meet it");
	this_ctx()->group = NULL;
	__free_page(alloc_page(ACCOUNTED));
	tap_is(mem_group_usage(&root), 11, "who has no group is not charged");
	this_ctx()->group = &child;
	__free_page(alloc_page(GFP_KERNEL));
	tap_ok(usage_is(10, 1), "nor a request without the flag");
	tap_is(mem_group_set_max(&parent, 5), -EBUSY, "the limit cannot fall below what is used");
	tap_is(mem_group_exit(&child), -EBUSY, "a group that pays for pages stays");
	__free_pages(page, 3);
	__free_page(other);
	free_pages_bulk(pages, 2);
	tap_ok(usage_is(0, 0) && mem_group_set_max(&parent, PAGE_COUNTER_MAX) == 0, "all back");
}

/* Every allocation that a charged request makes fails once: memory for the page, and for what notes who pays. */
static void failing(void)
{
	unsigned long free, nth;
	unsigned int failed = 0, wrong = 0;
	struct page *held, *page;

	/* A block that has had no such page: its table is still to be made. */
	for (nth = 1; nth < 20; nth++) {
		held = alloc_pages(GFP_KERNEL, 10);
		free = nr_free_pages();
		page_alloc_fail_nth(nth);
		page = alloc_pages(QUIET | __GFP_DMA, 10);
		page_alloc_fail_nth(0);
		__free_pages(held, 10);
		if (page) {
			__free_pages(page, 10);
			break;
		}
		failed++;
		wrong += !usage_is(0, 0) || nr_free_pages() < free;
	}
	tap_ok(failed >= 2 && nth < 20, "%u requests failed, one for each thing that they need", failed);
	tap_is(wrong, 0, "and left no charge and no page behind");
}

static char *text;
static size_t text_len;

static void report(FILE *log)
{
	struct page *page;

	mem_group_set_max(&parent, 3);
	page = alloc_pages(ACCOUNTED, 1);
	this_phys()->last_report_ns = 0;
	tap_ok(!alloc_pages(ACCOUNTED, 1), "refused");
	fflush(log);
	tap_ok(text && strstr(text, "page allocation failure: its group may have no more: order:1") && strstr(text, "GFP_KERNEL_ACCOUNT") &&
		       strstr(text, "group child: usage 8kB, most ever ") && strstr(text, "group parent: usage 8kB, most ever ") &&
		       strstr(text, "limit 12kB: refused it"),
	       "the report tells who refused, and what each group has");
	__free_pages(page, 1);
	mem_group_set_max(&parent, PAGE_COUNTER_MAX);
}

#define ROUNDS 2000

/* Two CPUs charge two groups up to a limit that both meet, and free each other's pages. */
static _Atomic(struct page *) handed;

static void on_cpu(void *arg)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct page *page;

		this_ctx()->group = this_cpu() ? &child : &sibling;
		page = alloc_pages(QUIET, i % 3);
		if (page && i % 3 == 0)
			page = atomic_exchange(&handed, page);
		if (page)
			__free_pages(page, i % 3);
	}
	this_ctx()->group = NULL;
}

static void on_two_cpus(struct hosted_machine *machine)
{
	this_ctx()->group = NULL;
	mem_group_set_max(&parent, 6);
	tap_run(machine, 2, on_cpu, NULL);
	if (handed)
		__free_page(handed);
	handed = NULL;
	tap_ok(usage_is(0, 0), "two CPUs at once: every charge came back");
	tap_ok(parent.kmem.watermark >= 4 && mem_group_set_max(&parent, PAGE_COUNTER_MAX) == 0, "and the limit held");
}

int main(void)
{
	FILE *log = open_memstream(&text, &text_len);
	struct hosted_config config = {.mem_bytes = 96 << 20, .cpus = 2, .log = log};
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine_frames(&config);
	counters();
	__free_page(alloc_page(ACCOUNTED));
	tap_ok(!this_phys()->accounts, "without groups there are no tables");
	tap_ok(!mem_group_init(&root, NULL, "root") && !mem_group_init(&parent, &root, "parent") &&
		       !mem_group_init(&child, &parent, "child") && !mem_group_init(&sibling, &parent, "sibling"),
	       "four groups");
	this_ctx()->group = &child;
	failing();
	orders();
	ways_back();
	split(3);
	split(10);
	limits();
	report(log);
	on_two_cpus(machine);
	tap_ok(!mem_group_exit(&sibling) && !mem_group_exit(&child) && !mem_group_exit(&parent) && !mem_group_exit(&root), "groups that pay for nothing go");
	account_exit();
	tap_machine_frames_end(machine);
	fclose(log);
	free(text);
	return tap_done();
}
