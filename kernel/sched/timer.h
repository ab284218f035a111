/* SPDX-License-Identifier: MIT */
/*
 * timer.h - call a function at a time: one ordered tree of timers per CPU above the CPU's alarm.
 *
 * [M1] A timer runs on the CPU that started it, in interrupt context, once, at or after `expires`.
 * [M2] A timer's function may start the timer again.
 * [M3] After ktimer_cancel() the function does not run and is not running (unless it cancels
 *      itself).
 * Lock: the CPU's timer lock; not held while functions run. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_SCHED_TIMER_H
#define KERNEL_SCHED_TIMER_H

#include "arch/clock.h"
#include "base/rbtree.h"
#include "quire/types.h"

struct ktimer {
	struct rb_node node;
	u64 expires;		/* ktime_get_ns */
	void (*fn)(struct ktimer *timer);
	int cpu;		/* whose tree it is or was last in */
	bool queued;
};

void ktimer_init(struct ktimer *timer, void (*fn)(struct ktimer *timer));
/* Starts or moves the timer. Any context. */
void ktimer_start(struct ktimer *timer, u64 expires_ns);
/* True if it was waiting. Must not be called with a lock that fn takes. */
bool ktimer_cancel(struct ktimer *timer);
/* As above without [M3]: -1 when the function is running now, else 0 or 1. Any context, any
 * lock. */
int ktimer_try_cancel(struct ktimer *timer);
/* Nanoseconds until it expires, 0 when not waiting. */
u64 ktimer_remaining(struct ktimer *timer);

#endif
