/* SPDX-License-Identifier: MIT */
/* userfault_range.c - which VMAs a monitor watches. */
#include "base/math.h"
#include "object/pagecache.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/userfault.h"
#include "vm/vma_merge.h"

void vma_watch(struct vm_area_struct *vma, struct userfault *uf, unsigned long flags)
{
	struct userfault *old = vma->userfault;

	if (uf)
		userfault_get(uf);
	vma->userfault = uf;
	vma_set_flags(vma, (vma->vm_flags & ~VM_UFFD_FLAGS) | flags);
	WRITE_ONCE(vma->mmap_lock_only, uf != NULL);
	if (old)
		userfault_put(old);
}

void vma_unwatch_copy(struct vm_area_struct *vma)
{
	vma_watch(vma, NULL, 0);
}

void userfault_forget_wp(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, &mm->pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++)
			if (pte_present(pte_read(pte)))
				ptep_clear_uffd_wp(pte);
		spin_unlock(c.ptl);
	}
}

/* Objects that a monitor can fill: anonymous memory, and RAM. */
static bool can_watch(const struct vm_area_struct *vma, unsigned long flags)
{
	bool ram = vma->vm_mapping && mapping_is_ram(vma->vm_mapping) && !(vma->vm_flags & VM_NONLINEAR);

	if (vma->special || (vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return false;
	if (flags & VM_UFFD_MINOR)
		return ram && !(flags & VM_UFFD_WP);
	/* Write-protection of an object's pages would have to outlive their entries. */
	if (flags & VM_UFFD_WP)
		return vma_is_anonymous(vma);
	return vma_is_anonymous(vma) || ram;
}

/* Everything that can be refused, before anything is changed. */
static int check_range(struct userfault *uf, unsigned long start, unsigned long end, unsigned long flags)
{
	struct vm_area_struct *vma = find_vma_intersection(uf->mm, start, end);

	if (!vma)
		return -EINVAL;
	for (; vma && vma->vm_start < end; vma = vma->vm_next) {
		if (!can_watch(vma, flags))
			return -EINVAL;
		if (flags && !(vma->vm_flags & VM_MAYWRITE))
			return -EPERM;
		if (vma->userfault && vma->userfault != uf)
			return flags ? -EBUSY : -EINVAL;
	}
	return 0;
}

/* Each VMA of the range is watched for `flags`, or for 0 not any more. 0 or -ENOMEM. */
static int change_range(struct userfault *uf, unsigned long start, unsigned long end, unsigned long flags)
{
	struct mm_struct *mm = uf->mm;
	struct vm_area_struct *vma;

	while (start < end && (vma = find_vma_intersection(mm, start, end)) != NULL) {
		unsigned long from = max(start, vma->vm_start), upto = min(end, vma->vm_end);
		unsigned long new_flags = (vma->vm_flags & ~VM_UFFD_FLAGS) | flags;

		start = upto;
		if (new_flags == vma->vm_flags)
			continue;
		if ((vma->vm_flags & VM_UFFD_WP) && !(flags & VM_UFFD_WP))
			userfault_forget_wp(mm, from, upto);
		vma = vma_modify(mm, vma, from, upto, new_flags, vma->anon_name);
		if (IS_ERR(vma))
			return (int)PTR_ERR(vma);
		vma_start_write(vma);
		vma_watch(vma, flags ? uf : NULL, flags);
	}
	return 0;
}

static int change_watch(struct userfault *uf, unsigned long start, unsigned long len, unsigned long flags)
{
	int err = userfault_check_range(start, len);

	if (err)
		return err;
	if (!mmget_not_zero(uf->mm))
		return -ENOMEM;
	mmap_write_lock(uf->mm);
	err = check_range(uf, start, start + len, flags);
	if (!err)
		err = change_range(uf, start, start + len, flags);
	mmap_write_unlock(uf->mm);
	mmput(uf->mm);
	return err;
}

int userfault_register(struct userfault *uf, unsigned long start, unsigned long len, unsigned int mode)
{
	unsigned long flags = (mode & UFFD_REGISTER_MISSING ? VM_UFFD_MISSING : 0) |
			      (mode & UFFD_REGISTER_WP ? VM_UFFD_WP : 0) | (mode & UFFD_REGISTER_MINOR ? VM_UFFD_MINOR : 0);

	if (!mode || (mode & ~(unsigned int)(UFFD_REGISTER_MISSING | UFFD_REGISTER_WP | UFFD_REGISTER_MINOR)))
		return -EINVAL;
	return change_watch(uf, start, len, flags);
}

int userfault_unregister(struct userfault *uf, unsigned long start, unsigned long len)
{
	int err = change_watch(uf, start, len, 0);

	return err ? err : userfault_wake(uf, start, len);
}

/* One entry; true when it could be written through before. */
static bool protect_entry(pte_t *pte, bool protect)
{
	pte_t old, new;

	do {
		old = pte_read(pte);
		if (!pte_present(old))
			return false;
		new = protect ? pte_mkuffd_wp(pte_wrprotect(old)) : pte_clear_uffd_wp(old);
	} while (!ptep_try_change(pte, old, new));
	return pte_write(old) && protect;
}

static void protect_range(struct mm_struct *mm, unsigned long start, unsigned long end, bool protect)
{
	struct pgtable_cursor c;
	bool stricter = false;

	for_each_leaf_table(&c, &mm->pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++)
			stricter |= protect_entry(pte, protect);
		spin_unlock(c.ptl);
	}
	if (stricter)
		flush_tlb_range(&mm->pgt, start, end);
}

int userfault_writeprotect(struct userfault *uf, unsigned long start, unsigned long len, bool protect)
{
	struct mm_struct *mm = uf->mm;
	struct vm_area_struct *vma;
	unsigned long end = start + len;
	int err = -ENOENT;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	mmap_read_lock(mm);
	for (vma = find_vma_intersection(mm, start, end); vma && vma->vm_start < end; vma = vma->vm_next) {
		err = vma->userfault == uf && (vma->vm_flags & VM_UFFD_WP) ? 0 : -ENOENT;
		if (err)
			break;
		protect_range(mm, max(start, vma->vm_start), min(end, vma->vm_end), protect);
	}
	mmap_read_unlock(mm);
	mmput(mm);
	return err;
}
