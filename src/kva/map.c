/* SPDX-License-Identifier: MIT */
/*
 * map.c - writes and clears entries of the kernel's tables.
 *
 * No lock is held: each entry belongs to one area, and an area to whoever allocated it; only the linking of missing tables
 * is shared, and pgtable_populate() locks it.
 */
#include "arch/mmu.h"
#include "base/math.h"
#include "kva/kva.h"
#include "pgtable/walk.h"
#include "quire/errno.h"

/* The entry of addr, and in *nr how many of the following ones are in the same table, at most `left`. NULL: no memory. */
static pte_t *entries_at(vaddr_t addr, unsigned long left, unsigned long *nr)
{
	struct pgtable *tables = &this_kva()->tables;
	pte_t *pte = pgtable_find_pte(tables, addr);

	if (unlikely(!pte)) {
		if (pgtable_populate(tables, addr, GFP_KERNEL))
			return NULL;
		pte = pgtable_find_pte(tables, addr);
	}
	*nr = min(left, (unsigned long)(PTRS_PER_TABLE - pt_index(addr, 0)));
	return pte;
}

/* Maps @nr frames at addr: those of @pages, or from @phys on when that is NULL. */
static int map_frames(vaddr_t addr, struct page **pages, paddr_t phys, unsigned long nr, pgprot_t prot)
{
	unsigned long done = 0, part;

	prot = arch_pgprot_supported(prot);
	for (; done < nr; done += part) {
		pte_t *pte = entries_at(addr + done * PAGE_SIZE, nr - done, &part);

		if (!pte) {
			kva_unmap(addr, done, false);
			return -ENOMEM;
		}
		for (unsigned long i = done; i < done + part; i++, pte++)
			set_pte(pte, pages ? mk_pte(pages[i], prot) : pte_mkspecial(pfn_pte(PFN_DOWN(phys) + i, prot)));
	}
	arch_sync_kernel_mappings(addr, addr + nr * PAGE_SIZE);
	return 0;
}

int kva_map_pages(vaddr_t addr, struct page **pages, unsigned long nr, pgprot_t prot)
{
	return map_frames(addr, pages, 0, nr, prot);
}

int kva_map_phys(vaddr_t addr, paddr_t phys, unsigned long nr, pgprot_t prot)
{
	return map_frames(addr, NULL, phys, nr, prot);
}

void kva_unmap(vaddr_t addr, unsigned long nr, bool free_pages)
{
	unsigned long done = 0, part, i;

	for (; done < nr; done += part) {
		pte_t *pte = pgtable_find_pte(&this_kva()->tables, addr + done * PAGE_SIZE);

		part = min(nr - done, (unsigned long)(PTRS_PER_TABLE - pt_index(addr + done * PAGE_SIZE, 0)));
		for (i = 0; pte && i < part; i++) {
			pte_t old = ptep_get_and_clear(&pte[i]);

			if (free_pages && pte_present(old)) {
				page_set_owner(pte_page(old), PAGE_OWNER_KERNEL);
				__free_page(pte_page(old));
			}
		}
	}
	arch_sync_kernel_mappings(addr, addr + nr * PAGE_SIZE);
}
