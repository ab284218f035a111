/* SPDX-License-Identifier: MIT */
/*
 * prctl_mm.h - prctl's part about the caller's memory.
 *
 * Lock: none held. Sleeps: mmap lock, user memory. Allocates: never.
 */
#ifndef KERNEL_SYSCALL_PRCTL_MM_H
#define KERNEL_SYSCALL_PRCTL_MM_H

/* Any option about memory: its arguments. 0, a value or -errno; -ENOSYS for options about something else. */
long prctl_memory(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5);
/* PR_SET_MM: arguments 2 to 5 of prctl. 0 or -errno. */
long prctl_set_mm(unsigned long what, unsigned long addr, unsigned long a4, unsigned long a5);

#endif
