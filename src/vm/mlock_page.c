/* SPDX-License-Identifier: MIT */
/* mlock_page.c - which pages may not be evicted because some VMA has them locked. */
#include "object/lru.h"
#include "pgtable/walk.h"
#include "vm/fault_int.h"

void mlock_page(struct page *page)
{
	if (page_test_and_set_flag(page, PG_mlocked))
		return;
	mod_node_page_state(NR_MLOCK, 1);
	count_vm_event(UNEVICTABLE_MLOCKED);
	lru_set_unevictable(page, true);
}

void munlock_page(struct page *page)
{
	if (!page_test_and_clear_flag(page, PG_mlocked))
		return;
	mod_node_page_state(NR_MLOCK, -1);
	count_vm_event(UNEVICTABLE_MUNLOCKED);
	lru_set_unevictable(page, false);
}

void mlock_pages(struct mm_struct *mm, unsigned long start, unsigned long end, bool lock)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, &mm->pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++) {
			pte_t entry = pte_read(pte);

			if (!pte_present(entry) || pte_special(entry))
				continue;
			if (lock)
				mlock_page(pte_page(entry));
			else
				munlock_page(pte_page(entry));
		}
		spin_unlock(c.ptl);
	}
}
