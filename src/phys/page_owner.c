/* SPDX-License-Identifier: MIT */
/* page_owner.c - poison of free pages. */
#include "phys/page_owner.h"

#include "base/string.h"
#include "phys/bootmap.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "sync/report.h"

/* Linux's PAGE_POISON: a byte that is no likely pointer, length or zero. */
#define PAGE_POISON 0xaa

void page_owner_init(void)
{
	const char *cmdline = this_quire()->boot->cmdline;
	const char *value = cmdline ? cmdline_find(cmdline, "page_poison=") : NULL;
	unsigned int cpu;

	this_phys()->poison = value && (*value == '1' || !strncmp(value, "on", 2));
	if (!this_phys()->poison)
		return;
	for_each_possible_cpu(cpu)
		__atomic_fetch_or(&this_phys()->cpu[cpu]->attention, ATTENTION_CHECKS, __ATOMIC_RELAXED);
	quire_host_slot_set((void *)(uintptr_t)&quire_slot_none);
}

static bool is_poisoned(const struct page *page)
{
	return page->mapping_word == PAGE_POISON;
}

static void check_poison(struct page *page)
{
	const u8 *byte = page_address(page);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE; i++)
		if (byte[i] != PAGE_POISON) {
			quire_log(QUIRE_LOG_ERR, "pagealloc: frame %#lx was written at offset %#x while it was free: %02x",
				  page_to_pfn(page), i, byte[i]);
			page_owner_report(page);
			return;
		}
}

void page_debug_alloc(struct page *page, unsigned int order, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; this_phys()->poison && i < 1u << order; i++)
		if (is_poisoned(page + i)) {
			check_poison(page + i);
			page[i].mapping_word = 0;
		}
}

void page_debug_free(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; this_phys()->poison && i < 1u << order; i++) {
		memset(page_address(page + i), PAGE_POISON, PAGE_SIZE);
		page[i].mapping_word = PAGE_POISON;
	}
}

void page_owner_report(const struct page *page)
{
	quire_log(QUIRE_LOG_ERR, "page: pfn %#lx flags %#x refcount %d mapcount %d mapping %#llx index %#lx", page_to_pfn(page),
		  atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed), page_count(page), page_mapcount(page),
		  (unsigned long long)page->mapping_word, (unsigned long)page->index_lo);
}
