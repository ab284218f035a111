/* SPDX-License-Identifier: MIT */
/*
 * timespec.h - times as user space passes them, and deadlines made of them.
 *
 * Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_PROC_TIMESPEC_H
#define KERNEL_PROC_TIMESPEC_H

#include "arch/clock.h"
#include "quire/types.h"

struct timespec64 {
	s64 tv_sec, tv_nsec;
};

struct itimerspec64 {
	struct timespec64 it_interval, it_value;
};

static inline bool timespec_valid(const struct timespec64 *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000;
}

/* Far times are cut off at half of what fits, so that sums do not wrap. */
static inline u64 timespec_to_ns(const struct timespec64 *ts)
{
	if ((u64)ts->tv_sec >= INT64_MAX / 1000000000)
		return INT64_MAX;
	return (u64)ts->tv_sec * 1000000000ull + (u64)ts->tv_nsec;
}

static inline struct timespec64 ns_to_timespec(u64 ns)
{
	return (struct timespec64){ (s64)(ns / 1000000000), (s64)(ns % 1000000000) };
}

/* Deadlines on ktime_get_ns()'s clock. */
static inline u64 deadline_after(u64 ns)
{
	return ktime_get_ns() + ns;
}

static inline u64 deadline_of_real(u64 real_ns)
{
	u64 offset = ktime_get_real_ns() - ktime_get_ns();

	return real_ns > offset ? real_ns - offset : 0;
}

#endif
