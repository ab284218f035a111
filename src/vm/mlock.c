/* SPDX-License-Identifier: MIT */
/* mlock.c - keep ranges in memory. */
#include "base/math.h"
#include "quire/errno.h"
#include "vm/mm_int.h"
#include "vm/vma_merge.h"

#define MLOCK_ONFAULT 1u
#define MCL_CURRENT 1
#define MCL_FUTURE 2
#define MCL_ONFAULT 4

/* One VMA's part of a range becomes locked or not. 0 or -ENOMEM; *vmap: the VMA that covers it now. */
static int mlock_fixup(struct mm_struct *mm, struct vm_area_struct **vmap, unsigned long start, unsigned long end,
		       unsigned long new_flags)
{
	struct vm_area_struct *vma = *vmap;
	unsigned long old = vma->vm_flags;
	long pages = (long)((end - start) >> PAGE_SHIFT);

	if (new_flags == old || (old & VM_SPECIAL))
		return 0;
	vma = vma_modify(mm, vma, start, end, new_flags, vma->anon_name);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	*vmap = vma;
	if (!(new_flags & VM_LOCKED))
		pages = -pages;
	else if (old & VM_LOCKED)
		pages = 0;
	mm->locked_vm += (unsigned long)pages;
	vma_start_write(vma);
	vma_set_flags(vma, new_flags);
	if ((old ^ new_flags) & VM_LOCKED)
		mlock_pages(mm, start, end, (new_flags & VM_LOCKED) != 0);
	return 0;
}

/* Locked or not, for every VMA of a range without holes. */
static int apply_lock_flags(struct mm_struct *mm, unsigned long start, unsigned long len, unsigned long lock_flags)
{
	unsigned long end = start + len;
	struct vm_area_struct *vma;
	int err;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	vma = vma_lookup(mm, start);
	while (start < end) {
		unsigned long upto;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		upto = min(end, vma->vm_end);
		err = mlock_fixup(mm, &vma, start, upto, (vma->vm_flags & ~VM_LOCKED_MASK) | lock_flags);
		if (err)
			return err;
		start = max(upto, min(end, vma->vm_end));
		vma = vma->vm_end > start ? vma : vma->vm_next;
	}
	return 0;
}

/* Pages of the range that are locked already and so count twice. */
static unsigned long count_locked(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = find_vma(mm, start);
	unsigned long pages = 0;

	for (; vma && vma->vm_start < end; vma = vma->vm_next)
		if (vma->vm_flags & VM_LOCKED)
			pages += (min(end, vma->vm_end) - max(start, vma->vm_start)) >> PAGE_SHIFT;
	return pages;
}

/* The error of a failed populate as POSIX wants it from mlock. */
static int posix_error(int err)
{
	return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

int do_mlock(struct mm_struct *mm, unsigned long addr, size_t len, unsigned int flags)
{
	unsigned long lock_flags = VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0);
	unsigned long limit, locked;
	int err = -ENOMEM;

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	if (!can_do_mlock())
		return -EPERM;
	len = PAGE_ALIGN(len + (addr & ~PAGE_MASK));
	addr &= PAGE_MASK;
	limit = host_rlimit(QUIRE_RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	mmap_write_lock(mm);
	locked = (len >> PAGE_SHIFT) + mm->locked_vm;
	if (locked > limit && !host_capable(QUIRE_CAP_IPC_LOCK))
		locked -= count_locked(mm, addr, addr + len);
	if (locked <= limit || host_capable(QUIRE_CAP_IPC_LOCK))
		err = apply_lock_flags(mm, addr, len, lock_flags);
	mmap_write_unlock(mm);
	if (err || (flags & MLOCK_ONFAULT))
		return err;
	return posix_error(mm_populate_strict(mm, addr, len));
}

int do_munlock(struct mm_struct *mm, unsigned long addr, size_t len)
{
	int err;

	len = PAGE_ALIGN(len + (addr & ~PAGE_MASK));
	addr &= PAGE_MASK;
	mmap_write_lock(mm);
	err = apply_lock_flags(mm, addr, len, 0);
	mmap_write_unlock(mm);
	return err;
}

/* What there is, and by def_flags what will be. VMAs that cannot be changed are left. */
static void apply_all(struct mm_struct *mm, int flags)
{
	unsigned long lock_flags = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0), at = 0;
	struct vm_area_struct *vma;

	mm->def_flags &= ~VM_LOCKED_MASK;
	if (flags & MCL_FUTURE) {
		mm->def_flags |= lock_flags;
		if (!(flags & MCL_CURRENT))
			return;
	}
	if (!(flags & MCL_CURRENT))
		lock_flags = 0;
	while ((vma = find_vma(mm, at)) != NULL) {
		at = vma->vm_end;
		mlock_fixup(mm, &vma, vma->vm_start, at, (vma->vm_flags & ~VM_LOCKED_MASK) | lock_flags);
	}
}

int do_mlockall(struct mm_struct *mm, int flags)
{
	unsigned long limit;
	int err = -ENOMEM;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_do_mlock())
		return -EPERM;
	limit = host_rlimit(QUIRE_RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	mmap_write_lock(mm);
	if (!(flags & MCL_CURRENT) || mm->total_vm <= limit || host_capable(QUIRE_CAP_IPC_LOCK)) {
		apply_all(mm, flags);
		err = 0;
	}
	mmap_write_unlock(mm);
	if (!err && (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT))
		mm_populate(mm, 0, TASK_SIZE);
	return err;
}

int do_munlockall(struct mm_struct *mm)
{
	mmap_write_lock(mm);
	apply_all(mm, 0);
	mmap_write_unlock(mm);
	return 0;
}
