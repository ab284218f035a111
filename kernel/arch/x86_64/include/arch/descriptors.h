/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h - the tables that 64-bit mode wants of each CPU, and the segment of its record.
 *
 * Lock: none, a CPU's own. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_DESCRIPTORS_H
#define KERNEL_ARCH_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>
#include "arch/offsets.h"

#define PERCPU_SEGMENT	__seg_gs

struct tss {
	uint32_t reserved0;
	uint64_t rsp0, rsp1, rsp2;
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap_base;
} __attribute__((packed));

enum { IST_DOUBLE_FAULT = 1, IST_NMI = 2 };

#define GDT_ENTRIES	10
#define GDT_TSS		0x40

struct cpu_tables {
	unsigned long fs_base;		/* value of the MSR, to skip writing it again */
	unsigned long gs_base;
	uint32_t pad_tss;		/* puts rsp0 on a multiple of 8 */
	struct tss tss;
	uint64_t gdt[GDT_ENTRIES];
};

_Static_assert(PERCPU_TABLES + offsetof(struct cpu_tables, tss.rsp0) == PERCPU_RSP0, "used by the entry code");

/* Where the CPU finds the kernel's stack when it leaves user mode. */
#define percpu_stack(pc)	((pc).tables.tss.rsp0)

struct gate {
	uint16_t low, selector, type, middle;
	uint32_t high, reserved;
};

static inline struct gate gate_to(uintptr_t entry, unsigned int type)
{
	return (struct gate){ (uint16_t)entry, KERNEL_CS, (uint16_t)type, (uint16_t)(entry >> 16), (uint32_t)(entry >> 32), 0 };
}

#endif
