/* SPDX-License-Identifier: MIT */
/* page_debug.c - poison of free frames, the hooks for what debugging keeps, and requests that fail on purpose. */
#include "phys/page_debug.h"

#include "base/string.h"
#include "phys/bootmap.h"
#include "phys/page_alloc.h"
#include "phys/page_owner.h"
#include "phys/phys_state.h"
#include "sync/report.h"

/* Linux's PAGE_POISON: a byte that is no likely pointer, length or zero. */
#define PAGE_POISON 0xaa
/* In the mapping word of a free frame: how much of it was filled. */
#define FILLED_LINE PAGE_POISON
#define FILLED_WHOLE (PAGE_POISON << 8 | PAGE_POISON)
/* Without the option, runs above this order get their frames' first lines filled only: a debug build is to be fast enough to be used. */
#define WHOLE_MAX_ORDER 3

bool page_debug_option(const char *name, bool otherwise)
{
	const char *cmdline = this_quire()->boot->cmdline;
	const char *value = cmdline ? cmdline_find(cmdline, name) : NULL;

	if (!value)
		return otherwise;
	return *value == '1' || *value == 'y' || !strncmp(value, "on", 2);
}

/* From now on every frame passes the long ways. */
static void watch_all_cpus(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		__atomic_fetch_or(&this_phys()->cpu[cpu]->attention, ATTENTION_CHECKS, __ATOMIC_RELAXED);
	quire_host_slot_set((void *)(uintptr_t)&quire_slot_none);
}

int page_debug_init(void)
{
	bool always = page_debug_option("page_poison=", false);
	int err = page_owner_init();

	if (always)
		this_phys()->poison = POISON_ALWAYS;
	else if (page_debug_option("page_poison=", QUIRE_DEBUG))
		this_phys()->poison = POISON_SMALL;
	if (!err && (always || this_phys()->owner))
		watch_all_cpus();
	return err;
}

/* ---- poison ---- */

/* Is there an address to fill the frame by? */
static bool can_poison(const struct page *page)
{
	return this_phys()->poison && page_zonenum(page) != ZONE_HIGHMEM;
}

static void report_written(struct page *page, const u8 *byte, unsigned int at, unsigned int end)
{
	unsigned int i, nr = 0;

	for (i = at; i < end; i++)
		nr += byte[i] != PAGE_POISON;
	__atomic_fetch_add(&this_phys()->bad_pages, 1, __ATOMIC_RELAXED);
	quire_log(QUIRE_LOG_ERR, "pagealloc: memory corruption: pfn %#lx was written while it was free, %u byte%s from offset %#x on: %02x",
		  page_to_pfn(page), nr, nr == 1 ? "" : "s", at, byte[at]);
	page_owner_report(page);
}

static void check_poison(struct page *page, unsigned int bytes)
{
	const unsigned long *word = page_address(page), poison = ~0ul / 0xff * PAGE_POISON;
	const u8 *byte = page_address(page);
	unsigned int i;

	for (i = 0; word[i] == poison; i++)
		if (i == bytes / sizeof(*word) - 1)
			return;
	for (i *= sizeof(*word); byte[i] == PAGE_POISON; i++)
		;
	report_written(page, byte, i, bytes);
}

/* Frames that were never given out are not filled. */
static void unpoison(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1u << order; i++) {
		if (page[i].mapping_word != FILLED_LINE && page[i].mapping_word != FILLED_WHOLE)
			continue;
		if (can_poison(page))
			check_poison(page + i, page[i].mapping_word == FILLED_WHOLE ? PAGE_SIZE : CACHE_LINE_BYTES);
		page[i].mapping_word = 0;
	}
}

static void poison(struct page *page, unsigned int order)
{
	bool whole = this_phys()->poison == POISON_ALWAYS || order <= WHOLE_MAX_ORDER;
	unsigned int i;

	for (i = 0; can_poison(page) && i < 1u << order; i++) {
		memset(page_address(page + i), PAGE_POISON, whole ? PAGE_SIZE : CACHE_LINE_BYTES);
		page[i].mapping_word = whole ? FILLED_WHOLE : FILLED_LINE;
	}
}

/* ---- hooks ---- */

bool page_debug_listed(struct page *page)
{
	if ((uintptr_t)page % sizeof(*page) || page < memmap_base() || !ram_pfn_valid(page_to_pfn(page))) {
		bad_page(NULL, "a per-CPU list is corrupt: it holds what is no page");
		return false;
	}
	if (PageBuddy(page) && !page_count(page))
		return true;
	bad_page(page, "a per-CPU list is corrupt: it holds a page that is in use");
	return false;
}

void page_debug_alloc(struct page *page, unsigned int order, gfp_t gfp)
{
	unpoison(page, order);
	if (this_phys()->owner)
		page_owner_set(page, order, gfp);
}

void page_debug_free(struct page *page, unsigned int order)
{
	poison(page, order);
	if (this_phys()->owner)
		page_owner_reset(page, order);
}

void page_alloc_fail_nth(unsigned long nth)
{
	__atomic_store_n(&this_phys()->fail_nth, nth, __ATOMIC_RELAXED);
	if (nth)
		watch_all_cpus();
}

bool page_alloc_should_fail(gfp_t gfp)
{
	unsigned long *nth = &this_phys()->fail_nth;

	if (likely(!__atomic_load_n(nth, __ATOMIC_RELAXED)) || gfp & __GFP_NOFAIL)
		return false;
	return __atomic_fetch_sub(nth, 1, __ATOMIC_RELAXED) == 1;
}
