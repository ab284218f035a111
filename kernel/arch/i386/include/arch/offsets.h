/* SPDX-License-Identifier: MIT */
/*
 * offsets.h - the numbers that assembler and C share: selectors, and offsets that C asserts where
 * it defines the structs.
 *
 * Lock: none, constants.
 */
#ifndef KERNEL_ARCH_OFFSETS_H
#define KERNEL_ARCH_OFFSETS_H

/* Selectors. Programs see those of user mode, and the three of set_thread_area: they are Linux's. */
#define GDT_TLS		6
#define NR_TLS		3
#define KERNEL_CS	0x60
#define KERNEL_DS	0x68
#define USER_CS		0x73
#define USER_DS		0x7b
#define GDT_TSS		0x80
#define PERCPU_DS	0xd8
#define GDT_PLACE	0xe0	/* whose limit names the CPU and its node */
#define GDT_FAULT_TSS	0xf8
#define GDT_ENTRIES	32

#define PAGE_OFFSET_TEXT 0xc0000000	/* where kernel.ld links the image */

/* struct percpu */
#define PERCPU_CURRENT	4
#define PERCPU_USER_SP	8
#define PERCPU_TABLES	40

/* struct thread_struct */
#define THREAD_SP	0
#define THREAD_STACK_TOP 4
#define THREAD_FLAGS	8

/* struct pt_regs */
#define PT_CX		(1 * 4)
#define PT_AX		(6 * 4)
#define PT_GS		(10 * 4)
#define PT_ORIG_AX	(11 * 4)
#define PT_IP		(12 * 4)
#define PT_CS		(13 * 4)
#define PT_SP		(15 * 4)
#define PT_SS		(16 * 4)

/* Entries of syscall_table: a power of two above every number that Linux has. */
#define SYSCALL_TABLE_SIZE 512

#endif
