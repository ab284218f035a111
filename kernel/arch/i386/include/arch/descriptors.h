/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h - the tables that 32-bit mode wants of each CPU, and the segment of its record.
 *
 *	GDT  6..8 the thread's own | 12, 13 kernel | 14, 15 user | 16 TSS | 27 record | 28 place | 31 TSS of double faults
 *
 * A double fault is a task of its own, because the stack may be what broke: it has a TSS and a stack.
 * Lock: none, a CPU's own. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_DESCRIPTORS_H
#define KERNEL_ARCH_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>
#include "arch/offsets.h"

#define PERCPU_SEGMENT	__seg_fs

struct tss {
	uint32_t link, sp0, ss0, sp1, ss1, sp2, ss2, cr3;
	uint32_t ip, flags, ax, cx, dx, bx, sp, bp, si, di;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint16_t trap, iomap_base;
};

_Static_assert(sizeof(struct tss) == 104, "the CPU's layout");

struct cpu_tables {
	uint64_t gdt[GDT_ENTRIES];
	struct tss tss, fault_tss;
};

/* Where the CPU finds the kernel's stack when it leaves user mode. */
#define percpu_stack(pc)	((pc).tables.tss.sp0)

struct gate {
	uint16_t low, selector, type, high;
};

static inline struct gate gate_to(uintptr_t entry, unsigned int type)
{
	return (struct gate){ (uint16_t)entry, KERNEL_CS, (uint16_t)type, (uint16_t)(entry >> 16) };
}

/* A descriptor of memory or of a TSS; @rights: the 16 bits from the type to the granularity. */
static inline uint64_t descriptor(uint32_t base, uint32_t limit, unsigned int rights)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(rights & 0xf0ff) << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)(base >> 24) << 56;
}

#endif
