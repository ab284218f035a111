/* SPDX-License-Identifier: MIT */
/* userfault_range.c - which VMAs a monitor watches. */
#include "base/math.h"
#include "object/pagecache.h"
#include "pgtable/softpte.h"
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

/* What becomes of a range's entries. */
enum wp_change {
	WP_PROTECT,         /* writes to what is there are watched */
	WP_PROTECT_MARKING, /* and to what is not */
	WP_RESOLVE,         /* not any more */
};

static pte_t changed_entry(pte_t old, enum wp_change change)
{
	bool protect = change != WP_RESOLVE;

	if (pte_none(old))
		return change == WP_PROTECT_MARKING ? make_pte_marker(PTE_MARKER_UFFD_WP) : old;
	if (pte_present(old))
		return protect ? pte_mkuffd_wp(pte_wrprotect(old)) : pte_clear_uffd_wp(old);
	if (is_swap_pte(old) || is_migration_pte(old))
		return protect ? softpte_mkuffd_wp(old) : softpte_clear_uffd_wp(old);
	return !protect && pte_marker_bits(old) == PTE_MARKER_UFFD_WP ? (pte_t){ 0 } : old;
}

/* One entry; true when it could be written through before. */
static bool change_entry(pte_t *pte, enum wp_change change)
{
	pte_t old, new;

	do {
		old = pte_read(pte);
		new = changed_entry(old, change);
		if (pte_same(old, new))
			return false;
	} while (!ptep_try_change(pte, old, new));
	return pte_present(old) && pte_write(old) && !pte_write(new);
}

static void change_entries(struct vm_area_struct *vma, unsigned long start, unsigned long end, enum wp_change change)
{
	struct pgtable *pgt = &vma->vm_mm->pgt;
	struct pgtable_cursor c;
	bool stricter = false;

	for_each_leaf_table(&c, pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++)
			stricter |= change_entry(pte, change);
		spin_unlock(c.ptl);
	}
	if (stricter)
		flush_tlb_range(pgt, start, end);
}

void userfault_forget_wp(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	change_entries(vma, start, end, WP_RESOLVE);
}

/* Objects that a monitor can fill: anonymous memory, and RAM. Writes can be recorded of any. */
static bool can_watch(const struct userfault *uf, const struct vm_area_struct *vma, unsigned long flags)
{
	bool ram = vma->vm_mapping && mapping_is_ram(vma->vm_mapping);

	if (vma->special || (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_NONLINEAR)))
		return false;
	if ((flags & VM_UFFD_MINOR) && !ram)
		return false;
	return vma_is_anonymous(vma) || ram ||
	       ((flags & VM_UFFD_FLAGS) == VM_UFFD_WP && userfault_wants(uf, UFFD_FEATURE_WP_ASYNC));
}

/* Everything that can be refused, before anything is changed. */
static int check_range(struct userfault *uf, unsigned long start, unsigned long end, unsigned long flags)
{
	struct vm_area_struct *vma = find_vma_intersection(uf->mm, start, end);

	if (!vma)
		return -EINVAL;
	for (; vma && vma->vm_start < end; vma = vma->vm_next) {
		if (!can_watch(uf, vma, flags ? flags : vma->vm_flags))
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
		/* What is watched for all that already stays as it is, also if it is watched for more. */
		if (new_flags == vma->vm_flags || (flags && (vma->vm_flags & flags) == flags))
			continue;
		if ((vma->vm_flags & VM_UFFD_WP) && !(flags & VM_UFFD_WP))
			userfault_forget_wp(vma, from, upto);
		vma = vma_modify_watch(mm, vma, from, upto, new_flags, flags ? uf : NULL);
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

/* Part of a VMA. Entries for what is not there need tables first. 0 or -ENOMEM. */
static int protect_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool protect)
{
	bool marking = vma->vm_mapping || userfault_wants(vma->userfault, UFFD_FEATURE_WP_UNPOPULATED);

	if (protect && marking)
		for (vaddr_t addr = start; addr < end; addr = pt_addr_end(addr, end, 1))
			if (pgtable_populate(&vma->vm_mm->pgt, addr, GFP_KERNEL) != 0)
				return -ENOMEM;
	change_entries(vma, start, end, !protect ? WP_RESOLVE : marking ? WP_PROTECT_MARKING : WP_PROTECT);
	return 0;
}

static int protect_locked(struct userfault *uf, unsigned long start, unsigned long end, bool protect)
{
	struct vm_area_struct *vma = find_vma_intersection(uf->mm, start, end);
	int err = -ENOENT;

	if (atomic_read(&uf->changing))
		return -EAGAIN;
	for (; vma && vma->vm_start < end; vma = vma->vm_next) {
		if (!vma->userfault || !(vma->vm_flags & VM_UFFD_WP))
			return -ENOENT;
		err = protect_range(vma, max(start, vma->vm_start), min(end, vma->vm_end), protect);
		if (err)
			break;
	}
	return err;
}

int userfault_writeprotect(struct userfault *uf, unsigned long start, unsigned long len, bool protect)
{
	struct mm_struct *mm = uf->mm;
	int err;

	if (atomic_read(&uf->changing))
		return -EAGAIN;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	mmap_read_lock(mm);
	down_read(&uf->changing_lock);
	err = protect_locked(uf, start, start + len, protect);
	up_read(&uf->changing_lock);
	mmap_read_unlock(mm);
	mmput(mm);
	return err;
}
