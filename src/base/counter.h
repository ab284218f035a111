/* SPDX-License-Identifier: MIT */
/*
 * counter.h - event counters that each CPU bumps on its own line, folded when somebody asks.
 *
 *      struct my_counters { unsigned long event[NR_MY_EVENTS]; } __cacheline_aligned;   one per CPU
 *      counter_add(&mine->event[FAULTS], 1);                                the owner CPU
 *      counter_fold(all, sizeof(*all), nr_cpus, offsetof(..., event[FAULTS]))    anybody
 *
 * [V1] A counter is changed by its own CPU only, in one read-modify-write that an interrupt handler
 *      on that CPU may cut in two: events counted by handlers and by others use
 *      counter_add_irqsafe.
 * [V2] A fold is not a snapshot: it lies between the sums at its begin and at its end when counters
 *      only rise.
 *
 * Lock: none. Sleeps: never. Cost: one add; a fold is O(CPUs). Allocates: never.
 */
#ifndef QUIRE_BASE_COUNTER_H
#define QUIRE_BASE_COUNTER_H

#include "base/atomic.h"

/* No lock prefix: only the owner writes. */
static __always_inline void counter_add(unsigned long *counter, unsigned long n)
{
	WRITE_ONCE(*counter, READ_ONCE(*counter) + n);
}

static __always_inline void counter_add_irqsafe(unsigned long *counter, unsigned long n)
{
	(void)__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* Sum over `nr` structs of `stride` bytes of the counter at `offset` in each. */
static inline unsigned long counter_fold(const void *first, size_t stride, unsigned int nr,
					 size_t offset)
{
	const char *at = (const char *)first + offset;
	unsigned long sum = 0;

	for (; nr; nr--, at += stride)
		sum += READ_ONCE(*(const unsigned long *)(const void *)at);
	return sum;
}

#endif
