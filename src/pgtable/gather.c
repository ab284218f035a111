/* SPDX-License-Identifier: MIT */
/* gather.c - flush, then free. */
#include "pgtable/gather.h"

#include "base/bitmap.h"
#include "pgtable/tlb.h"

/* Pages that one gather holds back at most: about 40 MiB, so that a big unmap gives memory back on its way. */
#define GATHER_MAX_BATCHES 20

static bool add_batch(struct mmu_gather *tlb)
{
	struct gather_batch *batch;

	if (tlb->nr_batches >= GATHER_MAX_BATCHES)
		return false;
	batch = (struct gather_batch *)__get_free_pages(GFP_NOWAIT, 0);
	if (!batch)
		return false;
	batch->next = NULL;
	batch->nr = 0;
	batch->pages = (struct page **)(batch + 1);
	batch->max = (PAGE_SIZE - sizeof(*batch)) / sizeof(*batch->pages);
	tlb->batch->next = batch;
	tlb->batch = batch;
	tlb->nr_batches++;
	return true;
}

void tlb_remove_page_slow(struct mmu_gather *tlb, struct page *page)
{
	if (!add_batch(tlb))
		tlb_flush_mmu(tlb);
	tlb->batch->pages[tlb->batch->nr++] = page;
}

void tlb_remove_table(struct mmu_gather *tlb, struct page *page)
{
	page->lru.next = tlb->tables;
	tlb->tables = (u32)page_to_pfn(page);
	tlb->flags |= GATHER_FREED_TABLES;
}

static void free_tables(struct mmu_gather *tlb)
{
	while (tlb->tables != PAGE_NO_PFN) {
		struct page *page = pfn_to_page(tlb->tables);

		tlb->tables = page->lru.next;
		table_free(page);
	}
}

static void free_pages_of(struct mmu_gather *tlb)
{
	struct gather_batch *batch = &tlb->local, *next;

	for (; batch; batch = next) {
		next = batch->next;
		put_pages(batch->pages, batch->nr);
		if (batch != &tlb->local)
			free_page((unsigned long)batch);
	}
	tlb->local.next = NULL;
	tlb->local.nr = 0;
	tlb->batch = &tlb->local;
	tlb->nr_batches = 0;
}

void tlb_flush_mmu(struct mmu_gather *tlb)
{
	if (tlb->flags & GATHER_FULLMM) {
		/* Whoever still has the tree loaded, idles on it: away with it before its tables go. */
		if (!bitmap_empty(tlb->pgt->cpus, QUIRE_MAX_CPUS))
			flush_tlb_range_flags(tlb->pgt, 0, ~0ul, TLB_FREED_TABLES);
	} else if (tlb->start < tlb->end) {
		flush_tlb_range_flags(tlb->pgt, tlb->start, tlb->end,
				      tlb->flags & GATHER_FREED_TABLES ? TLB_FREED_TABLES : 0);
	}
	free_pages_of(tlb);
	free_tables(tlb);
	tlb->flags &= ~(u32)GATHER_FREED_TABLES;
	tlb->start = ~0ul;
	tlb->end = 0;
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	tlb_flush_mmu(tlb);
}
