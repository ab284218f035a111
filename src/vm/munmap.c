/* SPDX-License-Identifier: MIT */
/* munmap.c - take a range out of an address space. */
#include "base/assert.h"
#include "base/math.h"
#include "object/zap.h"
#include "quire/errno.h"
#include "vm/mm_int.h"
#include "vm/userfault.h"

/* Uncounts `pages` of a VMA that leave the address space. */
static void uncount(struct mm_struct *mm, const struct vm_area_struct *vma, unsigned long pages)
{
	vm_stat_account(mm, vma->vm_flags, -(long)pages);
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm -= pages;
	if (vma->vm_flags & VM_ACCOUNT)
		vm_unacct_memory((long)pages);
}

/*
 * Cuts [start, end) out of the tree: VMAs at the ends shrink, those inside go. Their pages have been unmapped, so that a reverse
 * walk never finds a range smaller than what is still mapped.
 */
static void cut_vmas(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	while (vma && vma->vm_start < end) {
		struct vm_area_struct *next = vma->vm_next;

		if (vma->vm_start < start) {
			uncount(mm, vma, (vma->vm_end - start) >> PAGE_SHIFT);
			vma_adjust_range(vma, vma->vm_start, start, vma->vm_pgoff);
		} else if (vma->vm_end > end) {
			uncount(mm, vma, (end - vma->vm_start) >> PAGE_SHIFT);
			vma_adjust_range(vma, end, vma->vm_end, linear_page_index(vma, end));
		} else {
			uncount(mm, vma, vma_pages(vma));
			vma_remove(mm, vma);
			vma_free(vma);
		}
		vma = next;
	}
}

/* From `vma` on the range has sealed, locked or watched VMAs: nothing may change before all are known not to be sealed. */
static struct vm_area_struct *prepare_slow(struct mm_struct *mm, struct vm_area_struct *first, struct vm_area_struct *vma,
					   unsigned long start, unsigned long end, struct list_head *notes)
{
	struct vm_area_struct *at;
	int err;

	for (at = vma; at && at->vm_start < end; at = at->vm_next) {
		if (at->vm_flags & VM_SEALED)
			return ERR_PTR(-EPERM);
		vma_start_write(at);
	}
	for (at = vma; at && at->vm_start < end; at = at->vm_next) {
		err = at->userfault ? userfault_note_unmap(notes, at, start, end) : 0;
		if (err)
			return ERR_PTR(err);
	}
	for (at = vma; at && at->vm_start < end; at = at->vm_next)
		if (at->vm_flags & VM_LOCKED)
			mlock_pages(mm, max(start, at->vm_start), min(end, at->vm_end), false);
	return first;
}

/* Cuts what lies half in the range, and write-locks everything. The first VMA of the range, NULL for none, or ERR_PTR. */
static struct vm_area_struct *prepare(struct mm_struct *mm, unsigned long start, unsigned long end, struct list_head *notes)
{
	struct vm_area_struct *first = find_vma_intersection(mm, start, end), *vma;
	int err;

	if (first && first->vm_start < start && first->vm_end > end) {
		/* A hole in the middle: the upper part becomes a VMA of its own. */
		if (first->vm_flags & VM_SEALED)
			return ERR_PTR(-EPERM);
		err = split_vma(mm, first, end, false);
		if (err)
			return ERR_PTR(err);
	}
	for (vma = first; vma && vma->vm_start < end; vma = vma->vm_next) {
		vma_start_write(vma);
		if (unlikely(vma->vm_flags & (VM_LOCKED | VM_SEALED | VM_UFFD_FLAGS)))
			return prepare_slow(mm, first, vma, start, end, notes);
	}
	return first;
}

/* Takes the VMAs of the range out, and then the tables that nothing needs any more. */
static void finish(struct mm_struct *mm, struct mmu_gather *tlb, struct vm_area_struct *first, unsigned long start,
		   unsigned long end)
{
	struct vm_area_struct *prev, *next;

	prev = first->vm_start < start ? first : first->vm_prev;
	cut_vmas(mm, first, start, end);
	next = prev ? prev->vm_next : mm->mmap;
	pgtable_free_tables(tlb, start, end, prev ? prev->vm_end : 0, next ? next->vm_start : 0);
	tlb_finish_mmu(tlb);
}

int munmap_locked(struct mm_struct *mm, unsigned long start, unsigned long end, struct list_head *notes)
{
	struct vm_area_struct *first = prepare(mm, start, end, notes);
	struct zap_range range = { .start = start, .end = end };
	struct mmu_gather tlb;

	if (!first || IS_ERR(first))
		return (int)PTR_ERR(first);
	update_hiwater_rss(mm);
	tlb_gather_mmu(&tlb, &mm->pgt, 0);
	zap_page_range(&tlb, &range);
	finish(mm, &tlb, first, start, end);
	return 0;
}

int munmap_moved(struct mm_struct *mm, unsigned long start, unsigned long end, struct list_head *notes)
{
	struct vm_area_struct *first = prepare(mm, start, end, notes);
	struct mmu_gather tlb;

	if (!first || IS_ERR(first))
		return (int)PTR_ERR(first);
	tlb_gather_mmu(&tlb, &mm->pgt, 0);
	finish(mm, &tlb, first, start, end);
	return 0;
}

int do_munmap(struct mm_struct *mm, unsigned long addr, size_t len)
{
	unsigned long bytes = PAGE_ALIGN(len);
	LIST_HEAD(notes);
	int err;

	if ((addr & ~PAGE_MASK) || addr > TASK_SIZE || len > TASK_SIZE - addr || !bytes)
		return -EINVAL;
	mmap_write_lock(mm);
	err = munmap_locked(mm, addr, addr + bytes, &notes);
	mmap_write_unlock(mm);
	userfault_notes_tell(&notes);
	return err;
}

/* The VMA shows its page of an object that was mapped as a whole at addr. */
static bool shows_from(const struct vm_area_struct *vma, unsigned long addr, const struct address_space_operations *ops)
{
	return vma->vm_mapping && vma->vm_mapping->ops == ops && (vma->vm_start - addr) >> PAGE_SHIFT == vma->vm_pgoff;
}

int do_shmdt(struct mm_struct *mm, unsigned long addr, const struct address_space_operations *ops)
{
	struct vm_area_struct *vma, *next;
	const void *file = NULL;
	unsigned long size = 0;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	mmap_write_lock(mm);
	for (vma = find_vma(mm, addr); vma; vma = next) {
		next = vma->vm_next;
		/* The first that fits tells which attachment it is, and how far its parts may lie. */
		if (file && vma->vm_end - addr > size)
			break;
		if (!shows_from(vma, addr, ops) || (file && vma->vm_file != file))
			continue;
		file = vma->vm_file;
		size = PAGE_ALIGN((unsigned long)ops->size(vma->vm_mapping));
		/* What cannot be unmapped stays, and the rest goes, as on Linux. */
		(void)munmap_locked(mm, vma->vm_start, vma->vm_end, NULL);
	}
	mmap_write_unlock(mm);
	return file ? 0 : -EINVAL;
}
