/* SPDX-License-Identifier: MIT */
/*
 * ptregs.h - the registers of whoever was interrupted, as the entry code leaves them on the stack.
 *
 * The layout is the one that Linux shows to debuggers and core files. Every way into the kernel
 * from user mode leaves one full frame just below the top of the task's kernel stack, so that
 * current_pt_regs() needs no pointer to it.
 *
 * [R1] From user mode the frame ends exactly at thread_struct.stack_top.
 * [R2] orig_ax holds the system call number, the vector of an interrupt, or -1 for a trap.
 * [R3] From kernel mode the CPU pushes neither sp nor ss: the frame ends behind flags.
 * Lock: none, the frame belongs to its task. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_PTREGS_H
#define KERNEL_ARCH_PTREGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/eflags.h"
#include "arch/offsets.h"

struct pt_regs {
	unsigned long bx;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long bp;
	unsigned long ax;
	unsigned long ds;
	unsigned long es;
	unsigned long fs;
	unsigned long gs;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long flags;
	unsigned long sp;
	unsigned long ss;
};

_Static_assert(sizeof(struct pt_regs) == 68, "the entry code pushes 17 words");
_Static_assert(offsetof(struct pt_regs, ax) == PT_AX, "used by the entry code");
_Static_assert(offsetof(struct pt_regs, gs) == PT_GS, "used by the entry code");
_Static_assert(offsetof(struct pt_regs, orig_ax) == PT_ORIG_AX, "used by the entry code");
_Static_assert(offsetof(struct pt_regs, cs) == PT_CS, "used by the entry code");
_Static_assert(offsetof(struct pt_regs, sp) == PT_SP, "used by the entry code");

static inline bool user_mode(const struct pt_regs *regs)
{
	return regs->cs & 3;
}

/* The stack pointer of whoever was interrupted [R3]. */
static inline unsigned long pt_regs_sp(const struct pt_regs *regs)
{
	return user_mode(regs) ? regs->sp : (unsigned long)&regs->sp;
}

#endif
