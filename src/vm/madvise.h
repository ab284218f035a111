/* SPDX-License-Identifier: MIT */
/*
 * madvise.h - the advice values, Linux's numbers, and the advice about single pages.
 *
 * Lock: mmap lock to read. Sleeps: page_out. Allocates: never.
 */
#ifndef VM_MADVISE_H
#define VM_MADVISE_H

enum madvise_advice {
	MADV_NORMAL,
	MADV_RANDOM,
	MADV_SEQUENTIAL,
	MADV_WILLNEED,
	MADV_DONTNEED,
	MADV_FREE = 8,
	MADV_REMOVE,
	MADV_DONTFORK,
	MADV_DOFORK,
	MADV_MERGEABLE,
	MADV_UNMERGEABLE,
	MADV_HUGEPAGE,
	MADV_NOHUGEPAGE,
	MADV_DONTDUMP,
	MADV_DODUMP,
	MADV_WIPEONFORK,
	MADV_KEEPONFORK,
	MADV_COLD,
	MADV_PAGEOUT,
	MADV_POPULATE_READ,
	MADV_POPULATE_WRITE,
	MADV_DONTNEED_LOCKED,
};

struct vm_area_struct;

/* Pages of [start, end) in the VMA that it alone maps look unused from now on, and wait at the end of the inactive lists. */
void make_cold(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* The same, and what can be had again without swap goes at once: clean pages of files, and what MADV_FREE gave up. */
void page_out(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* Anonymous pages of [start, end) may go when memory is short, until they are written again. */
void free_lazily(struct vm_area_struct *vma, unsigned long start, unsigned long end);

#endif
