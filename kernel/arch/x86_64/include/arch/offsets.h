/* SPDX-License-Identifier: MIT */
/*
 * offsets.h - the numbers that assembler and C share: selectors, and offsets that C asserts where
 * it defines the structs.
 *
 * Lock: none, constants.
 */
#ifndef KERNEL_ARCH_OFFSETS_H
#define KERNEL_ARCH_OFFSETS_H

/* Selectors, in the order that SYSCALL and SYSRET want them. */
#define KERNEL_CS	0x10
#define KERNEL_DS	0x18
#define USER32_CS	0x23
#define USER_DS		0x2b
#define USER_CS		0x33

/* struct percpu */
#define PERCPU_CURRENT	8
#define PERCPU_USER_SP	16
#define PERCPU_TABLES	64
#define PERCPU_RSP0	(PERCPU_TABLES + 24)

/* struct thread_struct */
#define THREAD_SP	0
#define THREAD_STACK_TOP 8
#define THREAD_FLAGS	16

/* struct pt_regs */
#define PT_R11		(6 * 8)
#define PT_AX		(10 * 8)
#define PT_CX		(11 * 8)
#define PT_ORIG_AX	(15 * 8)
#define PT_IP		(16 * 8)
#define PT_CS		(17 * 8)
#define PT_FLAGS	(18 * 8)
#define PT_SP		(19 * 8)

/* Entries of syscall_table: a power of two above every number that Linux has. */
#define SYSCALL_TABLE_SIZE 512

#endif
