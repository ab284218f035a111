/* SPDX-License-Identifier: MIT */
/*
 * protect.h - change the rights of present entries to those of their VMA.
 *
 * Lock: mmap_lock to write, the VMA write-locked. Sleeps: never. Cost: some 15 instructions a present entry.
 */
#ifndef VM_PROTECT_H
#define VM_PROTECT_H

#include "vm/vma.h"

/* Entries of [start, end) get vma's rights; flushes when one lost a right. Returns the entries changed. */
unsigned long change_protection(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* New flags for [start, end) of one VMA, with everything that follows from them. *vmap becomes the VMA that covers the range
 * now. 0 or -errno, unchanged. mmap lock held to write. */
int mprotect_fixup(struct mm_struct *mm, struct vm_area_struct **vmap, unsigned long start, unsigned long end,
		   unsigned long new_flags);

#endif
