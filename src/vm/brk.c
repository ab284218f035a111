/* SPDX-License-Identifier: MIT */
/* brk.c - the heap's end, and stacks that grow. */
#include "base/math.h"
#include "quire/errno.h"
#include "vm/mm_int.h"
#include "vm/userfault.h"

/* Flags of the heap. */
#define BRK_FLAGS (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

static unsigned long brk_shrink(struct mm_struct *mm, unsigned long new_end, unsigned long old_end, unsigned long brk,
				struct list_head *notes)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, new_end, old_end);

	if (!vma || munmap_locked(mm, new_end, old_end, notes) != 0)
		return mm->layout.brk;
	return brk;
}

/* The break after the request, and in *populate the bytes to fault in. */
static unsigned long brk_locked(struct mm_struct *mm, unsigned long brk, unsigned long *populate, struct list_head *notes)
{
	struct mm_layout *l = &mm->layout;
	unsigned long new_end = PAGE_ALIGN(brk), old_end = PAGE_ALIGN(l->brk);
	unsigned long flags = BRK_FLAGS | VM_ACCOUNT | mm->def_flags;
	struct vm_area_struct *next;

	if (unlikely(mm->read_implies_exec))
		flags |= VM_EXEC;
	if (brk < l->start_brk)
		return l->brk;
	if ((brk - l->start_brk) + (l->end_data - l->start_data) > host_rlimit(QUIRE_RLIMIT_DATA))
		return l->brk;
	if (new_end == old_end)
		return brk;
	if (brk <= l->brk)
		return brk_shrink(mm, new_end, old_end, brk, notes);
	if (new_end < old_end || new_end > TASK_SIZE)
		return l->brk;
	/* Room to grow, and the page after it free too. */
	next = find_vma(mm, old_end);
	if (next && new_end + PAGE_SIZE > vm_start_gap(next))
		return l->brk;
	if (brk_region_locked(mm, old_end, new_end - old_end, flags & ~VM_ACCOUNT) != 0)
		return l->brk;
	if (mm->def_flags & VM_LOCKED)
		*populate = new_end - old_end;
	return brk;
}

unsigned long do_brk(struct mm_struct *mm, unsigned long brk)
{
	unsigned long populate = 0, old;
	LIST_HEAD(notes);

	mmap_write_lock(mm);
	old = mm->layout.brk;
	mm->layout.brk = brk_locked(mm, brk, &populate, &notes);
	brk = mm->layout.brk;
	update_hiwater_vm(mm);
	mmap_write_unlock(mm);
	userfault_notes_tell(&notes);
	if (populate)
		mm_populate(mm, PAGE_ALIGN(old), populate);
	return brk;
}

/* Limits of a stack that grows by `grow` pages to `size` bytes. */
static int acct_stack_growth(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long size, unsigned long grow)
{
	if (!may_expand_vm(mm, vma->vm_flags, grow))
		return -ENOMEM;
	if (size > host_rlimit(QUIRE_RLIMIT_STACK))
		return -ENOMEM;
	if (!mlock_future_ok(mm, vma->vm_flags, grow << PAGE_SHIFT))
		return -ENOMEM;
	if ((vma->vm_flags & VM_ACCOUNT) && vm_charge(mm, (long)grow) != 0)
		return -ENOMEM;
	return 0;
}

int expand_stack_locked(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr)
{
	struct vm_area_struct *prev = vma->vm_prev;
	unsigned long grow;
	int err;

	addr &= PAGE_MASK;
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return -EFAULT;
	if (addr >= vma->vm_start)
		return 0;
	if (addr < max(this_vm()->mmap_min_addr, PAGE_SIZE))
		return -EPERM;
	/* The gap must stay free, unless what is below cannot be touched or is a stack itself. */
	if (prev && !(prev->vm_flags & VM_GROWSDOWN) && (prev->vm_flags & VM_ACCESS_FLAGS) &&
	    addr - prev->vm_end < STACK_GUARD_GAP)
		return -ENOMEM;
	if (prev && addr < prev->vm_end)
		return -ENOMEM;
	grow = (vma->vm_start - addr) >> PAGE_SHIFT;
	if (grow > vma->vm_pgoff)
		return -ENOMEM;
	err = anon_vma_prepare(vma);
	if (err)
		return err;
	err = acct_stack_growth(mm, vma, vma->vm_end - addr, grow);
	if (err)
		return err;
	vma_start_write(vma);
	vma_adjust_range(vma, addr, vma->vm_end, vma->vm_pgoff - grow);
	vm_stat_account(mm, vma->vm_flags, (long)grow);
	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += grow;
	update_hiwater_vm(mm);
	return 0;
}
