/* SPDX-License-Identifier: MIT */
/*
 * refcount.h - counts of references that saturate: a leak keeps memory, an underflow is a bug at
 * once.
 *
 *      0          1 ..... INT_MAX    |    INT_MIN ..... -1
 *      gone       alive              |    saturated: stays where it is for ever
 *
 * [R1] A count that has reached 0 never rises again (refcount_inc_not_zero declines).
 * [R2] A count that has left 1..INT_MAX is pinned at REFCOUNT_SATURATED: the object leaks, never
 *      frees.
 *
 * Order: taking a reference orders nothing (whoever hands the pointer over does); the last put is
 * ordered after every earlier put, so that the destructor sees all that the other owners wrote.
 * Lock: none. Sleeps: never. Cost: one locked instruction. Allocates: never.
 */
#ifndef QUIRE_BASE_REFCOUNT_H
#define QUIRE_BASE_REFCOUNT_H

#include "base/assert.h"
#include "base/atomic.h"

typedef struct {
	atomic_t refs;
} refcount_t;

#define REFCOUNT_INIT(n)	{ ATOMIC_INIT(n) }
/* Half-way between the two ends of the bad half, so that racing changes cannot leave it. */
#define REFCOUNT_SATURATED	(INT32_MIN / 2)

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static inline int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->refs);
}

/* refcount_inc - the caller already holds a reference. */
static inline void refcount_inc(refcount_t *r)
{
	int old = __atomic_fetch_add(&r->refs.counter, 1, __ATOMIC_RELAXED);

	if (unlikely(old <= 0 || old == INT32_MAX)) {
		atomic_set(&r->refs, REFCOUNT_SATURATED);
		WARN_ON_ONCE("refcount_inc: the count was zero or has overflowed" != NULL);
	}
}

/* refcount_inc_not_zero - take a reference unless the object is already gone. */
static inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (!old)
			return false;
		if (unlikely(old < 0 || old == INT32_MAX))
			return true;
	} while (!__atomic_compare_exchange_n(&r->refs.counter, &old, old + 1, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

/*
 * refcount_dec_and_test - drop a reference; true for the last, whose owner then frees the object.
 */
static inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
	/* The release of every put pairs with the acquire of the last one, two lines on. */
	int old = __atomic_fetch_sub(&r->refs.counter, 1, __ATOMIC_ACQ_REL);

	if (old == 1)
		return true;
	if (unlikely(old <= 0)) {
		atomic_set(&r->refs, REFCOUNT_SATURATED);
		WARN_ON_ONCE("refcount_dec_and_test: below zero" != NULL);
	}
	return false;
}

#endif
