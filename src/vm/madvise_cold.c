/* SPDX-License-Identifier: MIT */
/* madvise_cold.c - pages that a program will not need soon: cold, given up when memory is short, or thrown out at once. */
#include "object/lru.h"
#include "object/pagecache.h"
#include "pgtable/gather.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "vm/fault_int.h"
#include "vm/madvise.h"

/* Pages of objects on their way out: their owners are asked while no table is locked. */
#define OUT_BATCH 16

/* One sweep over a range. */
struct cold_sweep {
	const struct vm_area_struct *vma;
	struct mmu_gather tlb;   /* what was changed, and pages that are gone */
	bool out;                /* not only cold */
	bool files;              /* pages of the object, too */
	unsigned int nr;
	struct page *pages[OUT_BATCH];
};

/* Given up by MADV_FREE and not written since; nobody else knows the page. */
static bool given_up(const struct page *page, pte_t entry)
{
	return PageAnon(page) && !PageSwapBacked(page) && !PageDirty(page) && !pte_dirty(entry) && page_count(page) == 1;
}

/* Takes the entry of a given-up page away, unless the program writes it in this moment. The table is locked. */
static bool drop_given_up(struct cold_sweep *sweep, vaddr_t addr, pte_t *pte, pte_t entry)
{
	struct page *page = pte_page(entry);

	do {
		entry = pte_read(pte);
		if (pte_dirty(entry))
			return false;
	} while (!ptep_try_change(pte, entry, (pte_t){ 0 }));
	tlb_note_range(&sweep->tlb, addr, addr + PAGE_SIZE);
	page_remove_rmap(page);
	add_mm_counter(sweep->vma->vm_mm, MM_ANONPAGES, -1);
	tlb_remove_page(&sweep->tlb, page);
	count_vm_event(PGLAZYFREED);
	return true;
}

/* One entry; false when the batch has no room for its page. The table is locked. */
static bool cool_entry(struct cold_sweep *sweep, vaddr_t addr, pte_t *pte)
{
	pte_t entry = pte_read(pte);
	struct page *page;

	if (!pte_present(entry) || pte_special(entry))
		return true;
	page = pte_page(entry);
	/* What others map is not for one of them to judge. */
	if (page_mapcount(page) != 1 || (!sweep->files && !PageAnon(page)))
		return true;
	if (sweep->out && given_up(page, entry) && drop_given_up(sweep, addr, pte, entry))
		return true;
	if (sweep->out && !PageAnon(page) && !PageSwapBacked(page)) {
		if (sweep->nr == OUT_BATCH)
			return false;
		get_page(page);
		sweep->pages[sweep->nr++] = page;
	}
	/* A translation that a CPU keeps would not say that the page is used again. */
	if (pte_young(entry) && ptep_test_and_clear_young(pte))
		tlb_note_range(&sweep->tlb, addr, addr + PAGE_SIZE);
	lru_rotate_to_tail(page);
	return true;
}

static void drop_batch(struct cold_sweep *sweep)
{
	for (unsigned int i = 0; i < sweep->nr; i++) {
		(void)evict_clean_page(sweep->pages[i]);
		put_page(sweep->pages[i]);
	}
	sweep->nr = 0;
}

static void sweep_range(struct cold_sweep *sweep, unsigned long start, unsigned long end)
{
	struct pgtable *pgt = &sweep->vma->vm_mm->pgt;
	struct pgtable_cursor c;

	tlb_gather_mmu(&sweep->tlb, pgt, 0);
	for_each_leaf_table(&c, pgt, start, end) {
		vaddr_t addr = c.addr;

		while (addr < c.end) {
			pte_t *pte = c.pte + ((addr - c.addr) >> PAGE_SHIFT);

			spin_lock(c.ptl);
			for (; addr < c.end && cool_entry(sweep, addr, pte); addr += PAGE_SIZE)
				pte++;
			spin_unlock(c.ptl);
			drop_batch(sweep);
		}
	}
	tlb_finish_mmu(&sweep->tlb);
}

void make_cold(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct cold_sweep sweep = { .vma = vma, .files = true };

	sweep_range(&sweep, start, end);
}

void page_out(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct cold_sweep sweep = { .vma = vma, .files = vma_may_manage_cache(vma), .out = true };

	sweep_range(&sweep, start, end);
}

/* The contents may go when memory is short, unless they are written again: the entry and the page are clean from now on. */
static bool free_lazily_one(pte_t *pte)
{
	struct page *page;
	pte_t old;

	do {
		old = pte_read(pte);
		if (!pte_present(old) || pte_special(old) || !PageAnon(pte_page(old)))
			return false;
	} while (!ptep_try_change(pte, old, pte_mkold(pte_mkclean(old))));
	page = pte_page(old);
	ClearPageDirty(page);
	lru_lazyfree(page);
	/* A CPU that remembers the entry as dirty would not tell of the next write. */
	return pte_young(old) || pte_dirty(old);
}

void free_lazily(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct pgtable *pgt = &vma->vm_mm->pgt;
	struct pgtable_cursor c;
	bool flush = false;

	for_each_leaf_table(&c, pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++)
			flush |= free_lazily_one(pte);
		spin_unlock(c.ptl);
	}
	if (flush)
		flush_tlb_range(pgt, start, end);
}
