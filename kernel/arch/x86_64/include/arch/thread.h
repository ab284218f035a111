/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what 64-bit mode adds to a thread: the bases of FS and GS.
 *
 * Lock: none, a thread's own. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_THREAD_H
#define KERNEL_ARCH_THREAD_H

struct thread_struct;

struct arch_thread {
	unsigned long fs_base;
	unsigned long gs_base;
};

/* Which word of those that switch_stack() pushes is the frame pointer, from the lowest on. */
#define SWITCH_FRAME_BP	5
/* Suffix of the instructions that save and load the registers of floating point. */
#define FPU_SUFFIX	"64"
#define STACK_POINTER	"rsp"

/* FS and GS bases of a task, usually the running one (arch_prctl). The address must be canonical and a user's. */
void thread_set_fs_base(struct thread_struct *t, unsigned long base);
void thread_set_gs_base(struct thread_struct *t, unsigned long base);

#endif
