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
	bool poison = page_debug_option("page_poison=", false);
	int err = page_owner_init();

	if (poison)
		this_phys()->poison_bytes = PAGE_SIZE;
	else if (page_debug_option("page_poison=", QUIRE_DEBUG))
		this_phys()->poison_bytes = CACHE_LINE_BYTES;
	if (!err && (poison || this_phys()->owner))
		watch_all_cpus();
	return err;
}

/* ---- poison ---- */

/* Is there an address to fill the frame by? */
static bool can_poison(const struct page *page)
{
	return this_phys()->poison_bytes && page_zonenum(page) != ZONE_HIGHMEM;
}

static void report_written(struct page *page, const u8 *byte, unsigned int at)
{
	unsigned int i, nr = 0;

	for (i = at; i < this_phys()->poison_bytes; i++)
		nr += byte[i] != PAGE_POISON;
	__atomic_fetch_add(&this_phys()->bad_pages, 1, __ATOMIC_RELAXED);
	quire_log(QUIRE_LOG_ERR, "pagealloc: memory corruption: pfn %#lx was written while it was free, %u byte%s from offset %#x on: %02x",
		  page_to_pfn(page), nr, nr == 1 ? "" : "s", at, byte[at]);
	page_owner_report(page);
}

static void check_poison(struct page *page)
{
	const u8 *byte = page_address(page);
	unsigned int i;

	for (i = 0; i < this_phys()->poison_bytes; i++)
		if (unlikely(byte[i] != PAGE_POISON)) {
			report_written(page, byte, i);
			return;
		}
}

/* The mark that a frame was filled is its mapping word: frames that were never given out are not. */
static void unpoison(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1u << order; i++) {
		if (page[i].mapping_word != PAGE_POISON)
			continue;
		if (can_poison(page))
			check_poison(page + i);
		page[i].mapping_word = 0;
	}
}

static void poison(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; can_poison(page) && i < 1u << order; i++) {
		memset(page_address(page + i), PAGE_POISON, this_phys()->poison_bytes);
		page[i].mapping_word = PAGE_POISON;
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
