/* SPDX-License-Identifier: MIT */
/*
 * calls.h - what the adapters of 32-bit calls share: handlers of other files, and memory for structures that these read and write.
 *
 * A structure that has another layout in old 32-bit calls is copied into the one that the handler knows, below the program's
 * stack pointer, where a handler of signals would write too, and back.
 * Context: system calls. Lock: none. Sleeps: user memory may. Allocates: never.
 */
#ifndef KERNEL_ARCH_I386_CALLS_H
#define KERNEL_ARCH_I386_CALLS_H

#include "arch/current.h"
#include "quire/types.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

/* @bytes of the program's memory that nothing of it is in, for the length of a call. */
static inline void *user_scratch(size_t bytes)
{
	return (void *)((current_pt_regs()->sp - bytes - 16) & ~15ul);
}

static inline u64 u64_of(u32 low, u32 high)
{
	return (u64)high << 32 | low;
}

#define WORD(x)	((unsigned long)(x))

long sys_time(unsigned long a0);
long sys_clock_getres(unsigned long a0, unsigned long a1);
long sys_clock_gettime(unsigned long a0, unsigned long a1);
long sys_clock_settime(unsigned long a0, unsigned long a1);
long sys_fstat(unsigned long a0, unsigned long a1);
long sys_fstatfs(unsigned long a0, unsigned long a1);
long sys_getitimer(unsigned long a0, unsigned long a1);
long sys_gettimeofday(unsigned long a0, unsigned long a1);
long sys_lstat(unsigned long a0, unsigned long a1);
long sys_nanosleep(unsigned long a0, unsigned long a1);
long sys_rt_sigpending(unsigned long a0, unsigned long a1);
long sys_rt_sigsuspend(unsigned long a0, unsigned long a1);
long sys_sched_rr_get_interval(unsigned long a0, unsigned long a1);
long sys_settimeofday(unsigned long a0, unsigned long a1);
long sys_stat(unsigned long a0, unsigned long a1);
long sys_statfs(unsigned long a0, unsigned long a1);
long sys_timer_gettime(unsigned long a0, unsigned long a1);
long sys_timerfd_gettime(unsigned long a0, unsigned long a1);
long sys_utime(unsigned long a0, unsigned long a1);
long sys_utimes(unsigned long a0, unsigned long a1);
long sys_chown(unsigned long a0, unsigned long a1, unsigned long a2);
long sys_fchown(unsigned long a0, unsigned long a1, unsigned long a2);
long sys_fcntl(unsigned long a0, unsigned long a1, unsigned long a2);
long sys_futimesat(unsigned long a0, unsigned long a1, unsigned long a2);
long sys_lchown(unsigned long a0, unsigned long a1, unsigned long a2);
long sys_setitimer(unsigned long a0, unsigned long a1, unsigned long a2);
long sys_clock_nanosleep(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_newfstatat(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_prlimit64(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_rt_sigaction(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_rt_sigprocmask(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_rt_sigtimedwait(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_sendfile(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_timer_settime(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_timerfd_settime(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_utimensat(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_wait4(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3);
long sys_clone(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4);
long sys_ppoll(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4);
long sys_select(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4);
long sys_futex(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5);
long sys_pselect6(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5);

#endif
