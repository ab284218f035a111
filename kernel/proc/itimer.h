/* SPDX-License-Identifier: MIT */
/*
 * itimer.h - timers that a process sets for itself, and limits on its CPU time.
 *
 * Lock: sighand->lock. Sleeps: never. Allocates: timer_create.
 */
#ifndef KERNEL_PROC_ITIMER_H
#define KERNEL_PROC_ITIMER_H

#include "sched/task.h"
#include "quire/types.h"

/* In the timer interrupt, for the running user task. */
void cpu_timers_tick(struct task *p, bool user);
/* Alarm: called when ITIMER_REAL expires (signal->real_timer.fn). */
struct ktimer;
void real_timer_expired(struct ktimer *timer);
/* exec and exit drop the POSIX timers; exit stops ITIMER_REAL too. */
void posix_timers_drop(struct signal *signal);

#endif
