/* SPDX-License-Identifier: MIT */
/* clear_refs.c - /proc/PID/clear_refs: from now on count anew which pages are used or written, and how large the program was at most. */
#include "pgtable/softpte.h"
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

/* The entry as of a page that nobody has written: the next write is a fault, which says so. True when a right is gone. */
static bool forget_write(pte_t *pte)
{
	pte_t old, new;

	do {
		old = pte_read(pte);
		if (is_migration_pte(old))
			new = pte_with_soft_flags(migration_pte_wrprotect(old), pte_soft_flags(old) & ~(unsigned int)SOFT_WRITTEN);
		else if (pte_present(old))
			new = pte_clear_soft_dirty(pte_wrprotect(old));
		else
			return false;
	} while (!ptep_try_change(pte, old, new));
	return pte_present(old) && pte_write(old);
}

/*
 * Entries that may be written say that they were: with that the right to write goes, and comes back with a fault. Which areas are new
 * is forgotten, too, so that nothing may fault meanwhile.
 */
static void forget_writes(struct mm_struct *mm)
{
	struct pgtable_cursor c;
	bool changed = false;

	mmap_write_lock(mm);
	for (struct vm_area_struct *vma = mm->mmap; vma; vma = vma->vm_next) {
		if (vma->vm_flags & VM_PFNMAP)
			continue;
		vma_start_write(vma);
		vma->counts_writes = true;
		for_each_leaf_table(&c, &mm->pgt, vma->vm_start, vma->vm_end) {
			spin_lock(c.ptl);
			for (unsigned long i = 0; i < (c.end - c.addr) >> PAGE_SHIFT; i++)
				changed |= forget_write(&c.pte[i]);
			spin_unlock(c.ptl);
		}
	}
	if (changed)
		flush_tlb_mm(&mm->pgt);
	mmap_write_unlock(mm);
}

void mm_clear_refs(struct mm_struct *mm, enum clear_refs what)
{
	bool changed = false;

	if (what == CLEAR_REFS_SOFT_DIRTY) {
		forget_writes(mm);
		return;
	}

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
