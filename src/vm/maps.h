/* SPDX-License-Identifier: MIT */
/*
 * maps.h - one VMA as a line of /proc/PID/maps, which smaps and numa_maps begin with too.
 *
 * Lock: mmap_lock to read. Sleeps: the host's file_path may. Allocates: never.
 */
#ifndef VM_MAPS_H
#define VM_MAPS_H

#include "vm/vma.h"

/* Column of the name, less one: Linux's for 64 and for 32 bits. */
#define MAPS_NAME_COLUMN (25 + (int)sizeof(void *) * 6 - 1)

/* Where a text that has told of everything below `next` goes on with the VMA: it may have grown down over that meanwhile, and no
 * address is told of twice. */
static inline vaddr_t vma_shown_from(const struct vm_area_struct *vma, vaddr_t next)
{
	return vma->vm_start < next ? next : vma->vm_start;
}

/* The VMA from `start` on. Bytes written, newline included, no NUL. size is at least a path longer than the figures. */
int vma_show_line(const struct vm_area_struct *vma, vaddr_t start, char *buf, size_t size);

#endif
