/* SPDX-License-Identifier: MIT */
/*
 * read.h - runs in user mode: the clocks, from what the kernel has put into [vvar].
 *
 * Lock: none [V1]. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_VDSO_READ_H
#define KERNEL_VDSO_READ_H

#include "vdso/data.h"

enum { REALTIME, MONOTONIC, MONOTONIC_RAW = 4, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME, TAI = 11 };

/* Not before anything that comes earlier in the program: what another thread published is older. */
static inline uint64_t rdtsc_ordered(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Nanoseconds of the monotonic clock, or of the real one. */
static inline uint64_t read_ns(const struct vdso_data *d, int real)
{
	uint64_t ns, tsc;
	uint32_t seq;

	for (;;) {
		/* Acquire: pairs with the release of the even number in clock_publish_locked(). */
		seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		if (seq & 1) {
			__asm__ volatile("pause");
			continue;
		}
		tsc = rdtsc_ordered() - __atomic_load_n(&d->base_tsc, __ATOMIC_RELAXED);
		ns = __atomic_load_n(&d->base_ns, __ATOMIC_RELAXED) +
		     vdso_scale(tsc, __atomic_load_n(&d->mult, __ATOMIC_RELAXED));
		if (real)
			ns += __atomic_load_n(&d->wall_offset_ns, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&d->seq, __ATOMIC_RELAXED) == seq)
			return ns;
	}
}

/* 1: real, 0: monotonic, -1: not a clock that is read here. */
static inline int kind_of(int id)
{
	switch (id) {
	case REALTIME:
	case REALTIME_COARSE:
	case TAI:
		return 1;
	case MONOTONIC:
	case MONOTONIC_RAW:
	case MONOTONIC_COARSE:
	case BOOTTIME:
		return 0;
	default:
		return -1;
	}
}

#endif
