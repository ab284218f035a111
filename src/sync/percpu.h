/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - arrays with one element per CPU, each on cache lines of its own.
 *
 *      struct pcp { ... } __cacheline_aligned;      the type is padded, so an array of it never shares
 *      percpu_ptr(array, cpu), this_cpu_ptr(array)
 *
 * [C1] The memory for nr_cpus elements comes from whoever makes the room's state (memblock or
 *      slab): percpu_bytes(type, nr_cpus).
 * [C2] this_cpu_ptr is used between cpu_pin and cpu_unpin, unless a racy guess is good enough.
 *
 * A percpu_guard lets a fast path exclude an interrupt handler on the same CPU without touching the
 * interrupt flag: whoever finds it busy takes the shared path instead.
 * [C3] The test and the setting need no atomicity: a handler that comes between them finishes
 *      first.
 *
 * Lock: none. Sleeps: never. Cost: an index. Allocates: never.
 */
#ifndef SYNC_PERCPU_H
#define SYNC_PERCPU_H

#include "base/atomic.h"
#include "sync/ctx.h"

#define percpu_bytes(type, nr_cpus)	(sizeof(type) * (size_t)(nr_cpus))
#define percpu_ptr(array, cpu)		(&(array)[cpu])
#define this_cpu_ptr(array)		(&(array)[this_cpu()])

#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < this_quire()->nr_cpus; (cpu)++)

struct percpu_guard {
	u8 busy;
};

/*
 * percpu_enter - true: the caller has this CPU's part until percpu_leave. False: an outer user has.
 */
static __always_inline bool percpu_enter(struct percpu_guard *guard)
{
	if (unlikely(READ_ONCE(guard->busy)))
		return false;
	WRITE_ONCE(guard->busy, 1);
	barrier();
	return true;
}

static __always_inline void percpu_leave(struct percpu_guard *guard)
{
	barrier();
	WRITE_ONCE(guard->busy, 0);
}

#endif
