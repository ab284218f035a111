/* SPDX-License-Identifier: MIT */
/* mseal.c - ranges whose mappings stay as they are until the program ends. */
#include "base/math.h"
#include "quire/errno.h"
#include "vm/mm_int.h"
#include "vm/vma_merge.h"

/* The range is mapped without a hole. */
static bool all_mapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	for (; vma && vma->vm_start <= start; vma = vma->vm_next) {
		start = vma->vm_end;
		if (start >= end)
			return true;
	}
	return false;
}

static int seal_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_lookup(mm, start);
		unsigned long upto = min(end, vma->vm_end), flags = vma->vm_flags | VM_SEALED;

		if (flags != vma->vm_flags) {
			vma = vma_modify(mm, vma, start, upto, flags, vma->anon_name);
			if (IS_ERR(vma))
				return (int)PTR_ERR(vma);
			vma_start_write(vma);
			vma_set_flags(vma, flags);
		}
		start = upto;
	}
	return 0;
}

int do_mseal(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long flags)
{
	unsigned long bytes = PAGE_ALIGN(len), end = addr + bytes;
	int err;

	if (flags || (addr & ~PAGE_MASK) || (len && !bytes) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	mmap_write_lock(mm);
	/* All or nothing, but for want of memory. */
	err = all_mapped(mm, addr, end) ? seal_range(mm, addr, end) : -ENOMEM;
	mmap_write_unlock(mm);
	return err;
}
