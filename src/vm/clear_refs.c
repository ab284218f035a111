/* SPDX-License-Identifier: MIT */
/* clear_refs.c - /proc/PID/clear_refs: from now on count anew which pages are used, and how large the program was at most. */
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "vm/mm_int.h"

static bool is_meant(const struct vm_area_struct *vma, enum clear_refs what)
{
	if (vma->vm_flags & VM_PFNMAP)
		return false;
	if (what == CLEAR_REFS_ALL)
		return true;
	return (what == CLEAR_REFS_MAPPED) == (vma->vm_mapping != NULL);
}

/* True when an entry has changed. */
static bool clear_vma(const struct vm_area_struct *vma)
{
	struct pgtable_cursor c;
	bool changed = false;

	for_each_leaf_table(&c, &vma->vm_mm->pgt, vma->vm_start, vma->vm_end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++) {
			pte_t entry = pte_read(pte);

			if (!pte_present(entry) || pte_special(entry))
				continue;
			if (pte_young(entry))
				changed |= ptep_test_and_clear_young(pte);
			ClearPageReferenced(pte_page(entry));
		}
		spin_unlock(c.ptl);
	}
	return changed;
}

void mm_clear_refs(struct mm_struct *mm, enum clear_refs what)
{
	bool changed = false;

	mmap_read_lock(mm);
	for (const struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next)
		if (is_meant(vma, what))
			changed |= clear_vma(vma);
	mmap_read_unlock(mm);
	/* A CPU that keeps a translation would not say that the page is used again. */
	if (changed)
		flush_tlb_mm(&mm->pgt);
}

void mm_reset_hiwater_rss(struct mm_struct *mm)
{
	mmap_write_lock(mm);
	WRITE_ONCE(mm->hiwater_rss, get_mm_rss(mm));
	mmap_write_unlock(mm);
}
