/* SPDX-License-Identifier: MIT */
/*
 * layout.h - the borders of the kernel's GiB that depend on how much memory there is (arch/page.h has the picture).
 *
 * Lock: none, pure. Sleeps: never. Allocates: never.
 */
#ifndef ARCH_X86_32_LAYOUT_H
#define ARCH_X86_32_LAYOUT_H

#include "arch/page.h"
#include "quire/types.h"

/* What the direct map has at most, so that the rest of the GiB is enough for all else. */
#define LOWMEM_MAX_BYTES ARCH_LOWMEM_MAX
/* Between the direct map and the first mapping of vmalloc. */
#define VMALLOC_GAP_BYTES (8ul << 20)
/* Stacks, tables of modules and devices: less is too little for many programs, and more would cost tables from the start,
 * because without PAE all roots have them. */
#define VMALLOC_MIN_BYTES (64ul << 20)
#define VMALLOC_MAX_BYTES (128ul << 20)
/* Borders lie where entries of the larger size begin, with PAE and without. */
#define LAYOUT_STEP (4ul << 20)

struct kernel_layout {
	paddr_t lowmem_end;
	vaddr_t memmap, vmalloc_start, vmalloc_end;
};

/* For RAM that ends at ram_end, with a memmap of so many bytes. */
struct kernel_layout kernel_layout_of(paddr_t ram_end, u64 memmap_bytes);

#endif
