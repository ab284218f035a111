/* SPDX-License-Identifier: MIT */
/*
 * gather.h - unmap now, flush once, free after: what was taken out of a tree belongs to the gather until no CPU translates to
 * it any more.
 *
 *	tlb_gather_mmu(&tlb, pgt, 0);
 *	    tlb_note_range(&tlb, addr, addr + PAGE_SIZE);              before the page is handed over
 *	    pte = ptep_get_and_clear(p);
 *	    tlb_remove_page(&tlb, pte_page(pte));
 *	    pgtable_free_tables(&tlb, ...);
 *	tlb_finish_mmu(&tlb);
 *
 * [GA1] A page or a table in the gather is freed after the flush that covers its address has returned.
 * [GA2] The flushed range is the smallest that covers what was noted since the last flush.
 * [GA3] tlb_remove_page always has room: a full gather without memory for more flushes and frees right there.
 *
 * Locks: none of its own. Context: IRQs on, no lock of rank 70 or higher; a leaf table's lock may be held. Sleeps: never.
 * Allocates: one page a 500 removed ones, without waiting; without it flushes come more often.
 */
#ifndef PGTABLE_GATHER_H
#define PGTABLE_GATHER_H

#include "pgtable/pgtable.h"
#include "pgtable/table.h"

/* On the stack: enough for most single unmaps. */
#define GATHER_LOCAL 30

enum gather_flags {
	GATHER_FULLMM = 1,       /* the whole tree goes and nobody runs on it: no ranges, no flush of pages */
	GATHER_FREED_TABLES = 2, /* internal */
};

struct gather_batch {
	struct gather_batch *next;
	unsigned int nr, max;
	struct page **pages;
};

struct mmu_gather {
	struct pgtable *pgt;
	vaddr_t start, end;          /* to flush; empty when start >= end                        */
	u32 flags;                   /* enum gather_flags                                        */
	u32 tables;                  /* pfn of the first table to free, PAGE_NO_PFN: none        */
	struct gather_batch *batch;  /* the one being filled                                     */
	unsigned int nr_batches;     /* allocated ones                                           */
	struct gather_batch local;   /* the first; its pages are local_pages                     */
	struct page *local_pages[GATHER_LOCAL];
};

static inline void tlb_gather_mmu(struct mmu_gather *tlb, struct pgtable *pgt, unsigned int flags)
{
	tlb->pgt = pgt;
	tlb->start = ~0ul;
	tlb->end = 0;
	tlb->flags = flags;
	tlb->tables = PAGE_NO_PFN;
	tlb->batch = &tlb->local;
	tlb->nr_batches = 0;
	tlb->local.pages = tlb->local_pages;
	tlb->local.next = NULL;
	tlb->local.nr = 0;
	tlb->local.max = GATHER_LOCAL;
}

/* The entries of [addr, end) were changed or cleared. */
static __always_inline void tlb_note_range(struct mmu_gather *tlb, vaddr_t addr, vaddr_t end)
{
	if (addr < tlb->start)
		tlb->start = addr;
	if (end > tlb->end)
		tlb->end = end;
}

void tlb_remove_page_slow(struct mmu_gather *tlb, struct page *page);

/* The reference that an entry, whose address was noted, held on the page is the gather's now. */
static __always_inline void tlb_remove_page(struct mmu_gather *tlb, struct page *page)
{
	struct gather_batch *batch = tlb->batch;

	if (likely(batch->nr < batch->max))
		batch->pages[batch->nr++] = page;
	else
		tlb_remove_page_slow(tlb, page);
}

/* A table that was unlinked. */
void tlb_remove_table(struct mmu_gather *tlb, struct page *page);

void tlb_flush_mmu(struct mmu_gather *tlb);
void tlb_finish_mmu(struct mmu_gather *tlb);

#endif
