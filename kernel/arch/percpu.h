/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - what each CPU keeps for itself and reaches through a segment in one instruction.
 *
 *      segment:0 -> struct percpu { current task, context, CPU number, TSS, GDT, ... }
 *
 * [P1] In kernel mode the base of PERCPU_SEGMENT (GS in 64-bit mode, else FS) of CPU n is percpu_of(n); in user mode
 *      it is the program's.
 * [P2] this_percpu is a name for offset 0 of the segment, not an object in memory: the compiler
 *      reloads a field after every call, so a value read before a sleep is never used after it.
 * [P3] The TSS has the top of the kernel stack of the running task, for system calls as for traps.
 * Lock: none; a CPU writes only its own, with interrupts off where a handler reads it too.
 * Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_PERCPU_H
#define KERNEL_ARCH_PERCPU_H

#include <stddef.h>
#include <stdint.h>
#include "arch/descriptors.h"
#include "arch/ptregs.h"
#include "arch/switch.h"

struct task;
struct quire_ctx;

struct percpu {
	struct percpu *self;
	struct task *current_task;	/* the running task; a thread_struct is its first member */
	unsigned long user_sp;		/* scratch of the system call entry */
	struct quire_ctx *ctx;		/* context of the task, or irq_ctx in a handler */
	unsigned int cpu;
	unsigned int apic_id;
	unsigned int irq_depth;		/* handlers on the stack; 0 outside */
	unsigned int online;
	struct task *idle;
	struct thread_struct *fpu_owner; /* whose FPU registers are loaded here */
	struct cpu_tables tables;	/* descriptors, and what the CPU's mode adds */
	void *quire_slot;		/* the library's own */
	struct quire_ctx *irq_ctx;	/* this_ctx() inside interrupt handlers */
	struct pt_regs *irq_regs;	/* what the handler interrupted, NULL outside */
	uint64_t alarm_ns;		/* when the clock's alarm is due, or CLOCK_NEVER */
	uint64_t nr_interrupts;		/* for /proc/stat */
};

_Static_assert(offsetof(struct percpu, current_task) == PERCPU_CURRENT, "used by the entry code");
_Static_assert(offsetof(struct percpu, user_sp) == PERCPU_USER_SP, "used by the entry code");
_Static_assert(offsetof(struct percpu, tables) == PERCPU_TABLES, "used by the entry code");

extern struct percpu PERCPU_SEGMENT this_percpu;	/* the linker script puts it at 0 */

/* The record of CPU @cpu (0 .. possible CPUs - 1), NULL before smp_init_percpu(). */
struct percpu *percpu_of(unsigned int cpu);

/* Inside an interrupt handler (nothing may sleep, this_ctx() is the CPU's own). */
static inline bool in_interrupt(void)
{
	return this_percpu.irq_depth != 0;
}

#endif
