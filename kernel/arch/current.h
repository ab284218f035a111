/* SPDX-License-Identifier: MIT */
/*
 * current.h - the running task.
 *
 * Apart from percpu.h, which the library sees too: `current` is a macro and a common word.
 *
 * Lock: none; a task stays current until it calls switch_to() itself. Sleeps: never.
 */
#ifndef KERNEL_ARCH_CURRENT_H
#define KERNEL_ARCH_CURRENT_H

#include "arch/percpu.h"

static inline struct task *get_current(void)
{
	return this_percpu.current_task;
}
#define current get_current()

static inline struct thread_struct *current_thread(void)
{
	return (struct thread_struct *)this_percpu.current_task;
}

/* Registers of user mode of the running task: what a system call may read and change. */
static inline struct pt_regs *current_pt_regs(void)
{
	return task_pt_regs(current_thread());
}

#endif
