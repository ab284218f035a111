/* SPDX-License-Identifier: MIT */
/* frames.c - tells the owner of any frame. */
#include "phys/frames.h"

#include "phys/phys_state.h"

/* Is `head` the first of an allocation in one piece that reaches `pfn`? */
static bool run_covers(const struct page *head, pfn_t pfn)
{
	return page_test_flag(head, PG_run) && pfn - page_to_pfn(head) < 1ul << (head[1].compound_info & 0xff);
}

struct page *frame_head(pfn_t pfn)
{
	const struct pageblock *block;
	struct page *page;
	unsigned int order;

	if (!ram_pfn_valid(pfn))
		return pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
	block = pfn_to_block(pfn);
	if (hint_read(block->flags) & PB_RAW || block_frame_free(block, pfn & (PAGEBLOCK_PAGES - 1)))
		return NULL;
	page = pfn_to_page(pfn);
	if (PageTail(page))
		return pfn_to_page(page->compound_head);
	if (!PageBuddy(page))
		return page;
	/* Not free, and nobody said so here: a tail of a run, or on a per-CPU list. */
	for (order = 1; order <= MAX_ORDER; order++) {
		page = pfn_to_page(pfn & ~((1ul << order) - 1));
		if (run_covers(page, pfn))
			return page;
	}
	return NULL;
}

enum page_owner frame_owner(pfn_t pfn)
{
	struct page *page = frame_head(pfn);

	if (page)
		return page_owner(page);
	return pfn_valid(pfn) ? PAGE_OWNER_BUDDY : PAGE_OWNER_NONE;
}

const char *page_owner_name(enum page_owner owner)
{
	static const char *const names[NR_PAGE_OWNERS] = {
		"none", "reserved", "free", "kernel image", "memmap", "zero page", "offline", "device",
		"kernel", "slab", "page table", "vmalloc", "kernel stack", "anonymous", "file", "host",
	};

	return owner < NR_PAGE_OWNERS ? names[owner] : "?";
}
