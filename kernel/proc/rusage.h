/* SPDX-License-Identifier: MIT */
/*
 * rusage.h - what a process has used, in user space's structure.
 *
 * Lock: task_rusage takes none of its own: tasklist_lock or a reference. Sleeps: never.
 */
#ifndef KERNEL_PROC_RUSAGE_H
#define KERNEL_PROC_RUSAGE_H

#include "proc/signal.h"
#include "quire/types.h"

struct timeval64 {
	s64 tv_sec, tv_usec;
};

struct rusage {
	struct { long tv_sec, tv_usec; } ru_utime, ru_stime;
	long ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock,
		ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};

enum rusage_who { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_BOTH = -2, RUSAGE_THREAD = 1 };

/* tasklist_lock held. */
void task_rusage(struct task *p, enum rusage_who who, struct rusage *usage);
/* CPU time of the whole process, nanoseconds. tasklist_lock held. */
void group_cputime(struct task *p, u64 *utime, u64 *stime);

static inline struct timeval64 ns_to_timeval(u64 ns)
{
	return (struct timeval64){ (s64)(ns / 1000000000), (s64)(ns % 1000000000 / 1000) };
}

#endif
