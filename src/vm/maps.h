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

/* Bytes written, newline included, no NUL. size is at least a path longer than the figures. */
int vma_show_line(const struct vm_area_struct *vma, char *buf, size_t size);

#endif
