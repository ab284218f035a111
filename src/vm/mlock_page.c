/* SPDX-License-Identifier: MIT */
/* mlock_page.c - which pages may not be evicted because some VMA has them locked. */
#include "object/lru.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "vm/fault_int.h"

/* Another mapping than those of [start, end) in `mine` has the page locked. */
struct locked_elsewhere {
	struct rmap_visit visit;
	const struct pgtable *mine;
	unsigned long start, end;
};

static bool stop_where_locked(struct rmap_visit *visit, struct rmap_area *area, unsigned long addr, void *pte,
			      struct page *page)
{
	const struct locked_elsewhere *search = container_of(visit, struct locked_elsewhere, visit);

	if (area->pgtable == search->mine && addr >= search->start && addr < search->end)
		return true;
	return !(READ_ONCE(area->flags) & RMAP_LOCKED);
}

/* Pages that others map too, on which their references wait until no table is locked: the reverse walk sleeps. */
#define MUNLOCK_BATCH 16
struct munlock_batch {
	struct locked_elsewhere search;
	unsigned int nr;
	struct page *pages[MUNLOCK_BATCH];
};

static void munlock_batch(struct munlock_batch *batch)
{
	for (unsigned int i = 0; i < batch->nr; i++) {
		if (rmap_walk(batch->pages[i], &batch->search.visit))
			munlock_page(batch->pages[i]);
		put_page(batch->pages[i]);
	}
	batch->nr = 0;
}

/* One entry; false when the batch is full. The table is locked. */
static bool munlock_entry(struct munlock_batch *batch, pte_t entry)
{
	bool moving = is_migration_pte(entry);
	struct page *page;

	if ((!pte_present(entry) && !moving) || (!moving && pte_special(entry)))
		return true;
	/* Where a page that is being moved goes, areas that lock it will say so again. */
	page = moving ? pfn_to_page(softpte_pfn(entry)) : pte_page(entry);
	if (!PageMlocked(page))
		return true;
	if (!moving && page_mapcount(page) == 1) {
		munlock_page(page);
		return true;
	}
	if (batch->nr == MUNLOCK_BATCH)
		return false;
	get_page(page);
	batch->pages[batch->nr++] = page;
	return true;
}

static void munlock_pages(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct munlock_batch batch;
	struct pgtable_cursor c;

	batch.search = (struct locked_elsewhere){
		.visit = { .entry = stop_where_locked }, .mine = &mm->pgt, .start = start, .end = end,
	};
	batch.nr = 0;
	for_each_leaf_table(&c, &mm->pgt, start, end) {
		vaddr_t addr = c.addr;

		while (addr < c.end) {
			const pte_t *pte = c.pte + ((addr - c.addr) >> PAGE_SHIFT);

			spin_lock(c.ptl);
			for (; addr < c.end && munlock_entry(&batch, pte_read(pte)); addr += PAGE_SIZE)
				pte++;
			spin_unlock(c.ptl);
			munlock_batch(&batch);
		}
	}
}

void mlock_pages(struct mm_struct *mm, unsigned long start, unsigned long end, bool lock)
{
	struct pgtable_cursor c;

	if (!lock) {
		munlock_pages(mm, start, end);
		return;
	}
	for_each_leaf_table(&c, &mm->pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++) {
			pte_t entry = pte_read(pte);

			if (pte_present(entry) && !pte_special(entry))
				mlock_page(pte_page(entry));
		}
		spin_unlock(c.ptl);
	}
}
