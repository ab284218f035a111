/* SPDX-License-Identifier: MIT */
/*
 * paging.h - the kernel's own page tables: the image with its rights, and windows on device registers.
 *
 *	64-bit  0xffffffff80000000  image: init, text RX, rodata R, data and bss RW, nothing both W and X
 *	        0xffffffffbfe00000  device windows of 2 MiB, uncached, growing down
 *	32-bit  0xffffefff          device windows of 4 KiB, growing up to here
 *
 * Direct map, vmalloc and memmap of the same table are the library's; so is the image of 32-bit kernels, which lies in
 * the direct map. Where the CPU has five levels, that table serves the last entry of the root.
 *
 * [G1] No page of the image is writable and executable at once.
 * [G2] After paging_free_init() nothing maps the init part of the image.
 * Lock: none; boot CPU, before other CPUs run. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_PAGING_H
#define KERNEL_ARCH_PAGING_H

#include <stdint.h>
#include "arch/early.h"
#include "arch/page.h"

/* Physical address of the kernel's root table, for CR3. */
uint64_t kernel_root_phys(void);

/* Leaves the boot tables, where these are not the kernel's own: image with its final rights. */
void paging_init(void);
/* The library's tables are in force. */
void paging_memory_ready(void);
/* This CPU's control registers: NX, WP, SMEP, SMAP, UMIP where they exist. */
void paging_init_cpu(void);
/* Lets the boot tables, on which other CPUs start, reach all that the kernel's reach. */
void paging_share_with_trampoline(void);
/* A window on device registers at @phys, uncached; it stays. NULL when all windows are taken. */
volatile void *mmio_map(uint64_t phys);
/* Unmaps init text and data on all CPUs; the caller gives the frames away. */
void paging_free_init(void);

#endif
