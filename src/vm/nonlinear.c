/* SPDX-License-Identifier: MIT */
/* nonlinear.c - remap_file_pages: pages of one shared mapping in any order, remembered in the entries themselves. */
#include "base/math.h"
#include "object/zap.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/mm_int.h"

/* Tables for the whole range first, so that what follows cannot fail half-way. */
static int make_tables(struct mm_struct *mm, vaddr_t start, vaddr_t end)
{
	for (vaddr_t addr = start; addr < end; addr = pt_addr_end(addr, end, 1))
		if (pgtable_populate(&mm->pgt, addr, GFP_KERNEL) != 0)
			return -ENOMEM;
	return 0;
}

/* Each entry of the range remembers which page of the file it stands for. */
static void write_offsets(struct mm_struct *mm, vaddr_t start, vaddr_t end, pgoff_t pgoff)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, &mm->pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++)
			set_pte(pte, pte_mksoft(SOFT_NONLINEAR, pgoff++, 0));
		spin_unlock(c.ptl);
	}
}

static int remap_locked(struct mm_struct *mm, unsigned long start, unsigned long end, pgoff_t pgoff)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	struct zap_range range = { .start = start, .end = end };
	struct mmu_gather tlb;
	int err;

	if (!vma || !(vma->vm_flags & VM_SHARED) || !vma->vm_mapping || end > vma->vm_end)
		return -EINVAL;
	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	err = make_tables(mm, start, end);
	if (err)
		return err;
	vma_start_write(vma);
	/* A mapping in its natural order stays an ordinary one. */
	if (!(vma->vm_flags & VM_NONLINEAR) && pgoff != linear_page_index(vma, start)) {
		vma_set_flags(vma, vma->vm_flags | VM_NONLINEAR);
		rmap_set_range(&vma->rmap, vma->vm_mapping, NULL, vma->vm_start, vma->vm_pgoff, vma_pages(vma));
	}
	tlb_gather_mmu(&tlb, &mm->pgt, 0);
	zap_page_range(&tlb, &range);
	tlb_finish_mmu(&tlb);
	if (vma->vm_flags & VM_NONLINEAR)
		write_offsets(mm, start, end, pgoff);
	return 0;
}

int do_remap_file_pages(struct mm_struct *mm, unsigned long addr, unsigned long size, unsigned long prot,
			unsigned long pgoff, unsigned long flags)
{
	unsigned long end;
	int err;

	if (prot)
		return -EINVAL;
	addr &= PAGE_MASK;
	size &= PAGE_MASK;
	end = addr + size;
	if (end <= addr || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	/* Behind the largest file, and behind what an entry can remember. */
	if ((u64)pgoff + (size >> PAGE_SHIFT) > 1ull << PTE_SOFT_PAYLOAD_BITS)
		return -EOVERFLOW;
	mmap_write_lock(mm);
	err = remap_locked(mm, addr, end, pgoff);
	mmap_write_unlock(mm);
	if (!err && !(flags & MAP_NONBLOCK))
		mm_populate(mm, addr, size);
	return err;
}
