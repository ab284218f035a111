/* SPDX-License-Identifier: MIT */
/* page_free.c - the long way back: checks, compound pages, last references, bulk. */
#include "phys/account.h"
#include "phys/page_alloc.h"
#include "phys/page_debug.h"
#include "phys/page_owner.h"
#include "phys/phys_state.h"

/* Tells what is wrong with a page that is about to be freed, or NULL. */
static const char *reason_bad(struct page *page, unsigned int order, u32 flags)
{
	if (!(flags & PAGE_OWNER_ALLOCATED_BIT))
		return PageBuddy(page) ? "it is free already (double free?)" : "it was never given out (reserved?)";
	if (flags & 1u << PG_tail)
		return "it is a tail of a compound page";
	if (flags & PAGE_FLAGS_BAD_AT_FREE)
		return "a flag says that it is in use";
	if (order > MAX_ORDER || page_to_pfn(page) & ((1ul << order) - 1))
		return "its order does not fit its frame number";
	if (flags & (1u << PG_head | 1u << PG_run) && (page[1].compound_info & 0xff) != order)
		return "it was given out with another order";
	if (order && !(flags & (1u << PG_head | 1u << PG_run)))
		return "it was given out as single pages";
	return NULL;
}

bool free_page_is_good(struct page *page, unsigned int order)
{
	const char *why;

	if (unlikely(!ram_pfn_valid(page_to_pfn(page)))) {
		bad_page(NULL, "a page that is none was freed");
		return false;
	}
	if (unlikely(pfn_to_block(page_to_pfn(page))->flags & PB_RAW))
		why = "it is free already, and was never given out";
	else
		why = reason_bad(page, order, atomic_load_explicit(&page->flags, memory_order_relaxed));
	if (likely(!why))
		return true;
	bad_page(page, why);
	return false;
}

/* Takes a compound page apart: its tails become free struct pages. */
static void destroy_compound(struct page *page, unsigned int order, u32 free_flags)
{
	unsigned int i;

	for (i = 1; i < 1u << order; i++) {
		atomic_store_explicit(&page[i].flags, free_flags, memory_order_relaxed);
		atomic_store_explicit(&page[i]._refcount, 0, memory_order_relaxed);
	}
}

/* Takes a page that passed the checks out of its owner's hands; its flags word before. */
static u32 strip(struct page *page, unsigned int order)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed);

	if (QUIRE_DEBUG || unlikely(hint_read(this_phys_cpu()->attention) & ATTENTION_CHECKS))
		page_debug_free(page, order);
	if (unlikely(flags & 1u << PG_accounted))
		account_uncharge(page, order);
	if (flags & 1u << PG_head)
		destroy_compound(page, order, page_flags_free(flags));
	atomic_store_explicit(&page->flags, page_flags_free(flags), memory_order_relaxed);
	return flags;
}

/* Past the lists of this CPU. */
static void free_to_zone(struct zone *zone, struct page *page, unsigned int order)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	zone_free_run(zone, page_to_pfn(page), order);
	hint_write(zone->nr_free_direct, zone->nr_free_direct + (1ul << order));
	spin_unlock_irqrestore(&zone->lock, flags);
}

void free_slow(struct page *page, unsigned int order)
{
	struct zone *zone;

	if (unlikely(hint_read(this_phys_cpu()->attention) & ATTENTION_DRAIN))
		drain_local_pages(NULL);
	if (unlikely(page_owner(page) == PAGE_OWNER_DEVICE)) {
		free_device_page(page);
		return;
	}
	if (!free_page_is_good(page, order))
		return;
	zone = zone_by_id(strip(page, order) >> PAGE_ZONE_SHIFT);
	if (!pcp_free(zone, page, order, page_column(page)))
		free_to_zone(zone, page, order);
}

void free_cold_page(struct page *page)
{
	struct zone *zone;

	if (!put_page_testzero(page))
		return;
	if (unlikely(page_owner(page) == PAGE_OWNER_DEVICE)) {
		free_device_page(page);
		return;
	}
	if (!free_page_is_good(page, 0))
		return;
	zone = zone_by_id(strip(page, 0) >> PAGE_ZONE_SHIFT);
	if (!pcp_free_cold(zone, page, 0, page_column(page)))
		free_to_zone(zone, page, 0);
}

/* The order that the allocation had which starts here. */
static unsigned int allocated_order(const struct page *page)
{
	u32 flags = atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed);

	return flags & (1u << PG_head | 1u << PG_run) ? page[1].compound_info & 0xff : 0;
}

void phys_set_lru_release(void (*release)(struct page **pages, unsigned long nr))
{
	this_phys()->lru_release = release;
}

void phys_set_compound_dtor(enum compound_dtor_id id, compound_page_dtor *dtor)
{
	BUG_ON(id == COMPOUND_PAGE_DTOR || id >= NR_COMPOUND_DTORS);
	hint_write(this_phys()->compound_dtor[id], dtor);
}

void set_compound_page_dtor(struct page *page, enum compound_dtor_id id)
{
	QUIRE_ASSERT_MSG(PageHead(page), "a destructor for what is no compound page");
	BUG_ON(id >= NR_COMPOUND_DTORS || (id != COMPOUND_PAGE_DTOR && !hint_read(this_phys()->compound_dtor[id])));
	page[1].compound_info = (page[1].compound_info & 0xff) | (u32)id << 8;
}

/* Nobody has the page any more. */
static void free_unreferenced(struct page *page)
{
	unsigned int id = PageHead(page) ? page[1].compound_info >> 8 : COMPOUND_PAGE_DTOR;

	if (likely(id == COMPOUND_PAGE_DTOR))
		free_frozen_pages(page, allocated_order(page));
	else
		hint_read(this_phys()->compound_dtor[id])(page);
}

static __noinline void free_last_reference(struct page *page)
{
	if (unlikely(page_count(page) < 0)) {
		bad_reference(page, "put_page without a reference");
		return;
	}
	if (PageLRU(page) && this_phys()->lru_release)
		this_phys()->lru_release(&page, 1);
	free_unreferenced(page);
}

void put_page(struct page *page)
{
	page = compound_head(page);
	/* Zero: nobody else has it, so that the count holds still. */
	if (page_ref_dec_return(page) <= 0)
		free_last_reference(page);
}

void put_pages(struct page **pages, unsigned long nr)
{
	unsigned long i, nr_last = 0;

	for (i = 0; i < nr; i++) {
		struct page *page = compound_head(pages[i]);

		if (likely(page_ref_dec_return(page) > 0))
			continue;
		if (likely(page_count(page) == 0))
			pages[nr_last++] = page;
		else
			bad_reference(page, "put_pages without a reference");
	}
	if (nr_last && this_phys()->lru_release)
		this_phys()->lru_release(pages, nr_last);
	/* What is freed last is given out first: the other way round, a range comes back in its order and lies in one piece again. */
	while (nr_last--)
		free_unreferenced(pages[nr_last]);
}

void free_pages_bulk(struct page **pages, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (i + 2 < nr)
			cpu_prefetch(pages[i + 2]);
		__free_pages(pages[i], 0);
	}
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page((void *)addr), order);
}

void split_page(struct page *page, unsigned int order)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed) & ~(1u << PG_run);
	unsigned int i;

	BUG_ON(PageCompound(page) || !page_count(page));
	if (!order)
		return;
	if (unlikely(this_phys()->owner))
		page_owner_split(page, order);
	if (unlikely(flags & 1u << PG_accounted))
		account_split(page, order);
	for (i = 0; i < 1u << order; i++) {
		atomic_store_explicit(&page[i].flags, flags, memory_order_relaxed);
		atomic_store_explicit(&page[i]._mapcount, -1, memory_order_relaxed);
		page[i].index_lo = 0;
		page[i].mapping_word = 0;
		if (i)
			atomic_store_explicit(&page[i]._refcount, 1, memory_order_release);
	}
}
