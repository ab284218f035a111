/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - words that several CPUs change: the few operations used, with their orders spelled
 * out.
 *
 * Three types (atomic_t: int, atomic_long_t: long, atomic64_t) are structs, so that a plain access
 * does not compile, plus xchg/cmpxchg and bit operations on plain words. Shape of every name:
 *
 *      atomic_add(i, v)            no result, relaxed: counts only
 *      atomic_add_return(i, v)     result, fully ordered (sequentially consistent)
 *      ..._relaxed _acquire _release   the result with that order, for the line that says its pair
 *
 * The one family with two customs elsewhere, atomic_fetch_*, takes C11's argument order (object
 * first), because <stdatomic.h> owns that name; ours is spelled atomic_return_old_*.
 *
 * [A1] An operation that returns a value and has no suffix orders everything before it on this CPU
 *      before everything after it, for every other CPU.
 * [A2] atomic_read and atomic_set order nothing.
 *
 * Lock: none. Sleeps: never. Cost: one instruction or one locked instruction. Allocates: never.
 */
#ifndef QUIRE_BASE_ATOMIC_H
#define QUIRE_BASE_ATOMIC_H

#include "base/compiler.h"

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	int64_t counter;
} __aligned(8) atomic64_t;

#define ATOMIC_INIT(i)	{ (i) }

#ifdef __SANITIZE_THREAD__
/*
 * gcc warns that the thread sanitizer does not model fences; what they order here is atomic anyway.
 */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* Fences. smp_mb orders all with all; rmb loads with loads; wmb stores with stores. */
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

/*
 * An acquire load pairs with the release store of the same word: what came before the store is
 * seen.
 */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_store_mb(p, v)	((void)__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))

/*
 * On plain words. cmpxchg gives what it found; try_cmpxchg tells if it stored and refreshes *oldp.
 */
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define xchg_acquire(p, v)	__atomic_exchange_n(p, v, __ATOMIC_ACQUIRE)
#define cmpxchg(p, old, new) __extension__({						\
	__typeof__(*(p)) __old = (old);							\
	__atomic_compare_exchange_n(p, &__old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
	__old; })
#define try_cmpxchg(p, oldp, new) \
	__atomic_compare_exchange_n(p, oldp, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define try_cmpxchg_acquire(p, oldp, new) \
	__atomic_compare_exchange_n(p, oldp, new, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define try_cmpxchg_release(p, oldp, new) \
	__atomic_compare_exchange_n(p, oldp, new, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)

/* The same set of operations for each of the three types. */
#define __ATOMIC_OPS(name, type, word)								\
static __always_inline word name##_read(const type *v)						\
{												\
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);					\
}												\
static __always_inline word name##_read_acquire(const type *v)					\
{												\
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);					\
}												\
static __always_inline void name##_set(type *v, word i)						\
{												\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);					\
}												\
static __always_inline void name##_set_release(type *v, word i)					\
{												\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);					\
}												\
static __always_inline void name##_add(word i, type *v)						\
{												\
	(void)__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);				\
}												\
static __always_inline void name##_sub(word i, type *v)						\
{												\
	(void)__atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED);				\
}												\
static __always_inline void name##_inc(type *v)							\
{												\
	(void)__atomic_fetch_add(&v->counter, 1, __ATOMIC_RELAXED);				\
}												\
static __always_inline void name##_dec(type *v)							\
{												\
	(void)__atomic_fetch_sub(&v->counter, 1, __ATOMIC_RELAXED);				\
}												\
static __always_inline void name##_or(word i, type *v)						\
{												\
	(void)__atomic_fetch_or(&v->counter, i, __ATOMIC_RELAXED);				\
}												\
static __always_inline void name##_andnot(word i, type *v)					\
{												\
	(void)__atomic_fetch_and(&v->counter, ~i, __ATOMIC_RELAXED);				\
}												\
static __always_inline word name##_add_return(word i, type *v)					\
{												\
	return (word)(__atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST) + i);		\
}												\
static __always_inline word name##_sub_return(word i, type *v)					\
{												\
	return (word)(__atomic_fetch_sub(&v->counter, i, __ATOMIC_SEQ_CST) - i);		\
}												\
static __always_inline word name##_inc_return(type *v)						\
{												\
	return name##_add_return(1, v);								\
}												\
static __always_inline word name##_dec_return(type *v)						\
{												\
	return name##_sub_return(1, v);								\
}												\
static __always_inline word name##_return_old_or(word i, type *v)				\
{												\
	return __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST);				\
}												\
static __always_inline word name##_return_old_andnot(word i, type *v)				\
{												\
	return __atomic_fetch_and(&v->counter, ~i, __ATOMIC_SEQ_CST);				\
}												\
static __always_inline bool name##_dec_and_test(type *v)					\
{												\
	return __atomic_sub_fetch(&v->counter, 1, __ATOMIC_SEQ_CST) == 0;			\
}												\
static __always_inline bool name##_inc_and_test(type *v)					\
{												\
	return __atomic_add_fetch(&v->counter, 1, __ATOMIC_SEQ_CST) == 0;			\
}												\
static __always_inline bool name##_sub_and_test(word i, type *v)				\
{												\
	return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST) == 0;			\
}												\
static __always_inline bool name##_add_negative(word i, type *v)				\
{												\
	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST) < 0;			\
}												\
static __always_inline word name##_xchg(type *v, word i)					\
{												\
	return __atomic_exchange_n(&v->counter, i, __ATOMIC_SEQ_CST);				\
}												\
static __always_inline word name##_cmpxchg(type *v, word old, word new_value)			\
{												\
	return cmpxchg(&v->counter, old, new_value);						\
}												\
static __always_inline bool name##_try_cmpxchg(type *v, word *old, word new_value)		\
{												\
	return try_cmpxchg(&v->counter, old, new_value);					\
}												\
static __always_inline bool name##_try_cmpxchg_acquire(type *v, word *old, word new_value)	\
{												\
	return try_cmpxchg_acquire(&v->counter, old, new_value);				\
}												\
static __always_inline bool name##_try_cmpxchg_release(type *v, word *old, word new_value)	\
{												\
	return try_cmpxchg_release(&v->counter, old, new_value);				\
}												\
/* Add i unless the value is u; tells whether it added. */					\
static __always_inline bool name##_add_unless(type *v, word i, word u)				\
{												\
	word now = name##_read(v);								\
												\
	do {											\
		if (now == u)									\
			return false;								\
	} while (!name##_try_cmpxchg(v, &now, (word)(now + i)));				\
	return true;										\
}												\
static __always_inline bool name##_inc_not_zero(type *v)					\
{												\
	return name##_add_unless(v, 1, 0);							\
}

__ATOMIC_OPS(atomic, atomic_t, int)
__ATOMIC_OPS(atomic_long, atomic_long_t, long)
__ATOMIC_OPS(atomic64, atomic64_t, int64_t)

/*
 * Bits of an array of longs, bit 0 the lowest of the first word. No order where nothing is
 * returned.
 */
#define __BIT_WORD(nr)	((nr) / (sizeof(long) * 8))
#define __BIT_MASK(nr)	(1UL << ((nr) % (sizeof(long) * 8)))

static __always_inline void set_bit(unsigned long nr, unsigned long *addr)
{
	(void)__atomic_fetch_or(addr + __BIT_WORD(nr), __BIT_MASK(nr), __ATOMIC_RELAXED);
}

static __always_inline void clear_bit(unsigned long nr, unsigned long *addr)
{
	(void)__atomic_fetch_and(addr + __BIT_WORD(nr), ~__BIT_MASK(nr), __ATOMIC_RELAXED);
}

/* clear_bit_unlock - a release: pairs with test_and_set_bit_lock by the next holder. */
static __always_inline void clear_bit_unlock(unsigned long nr, unsigned long *addr)
{
	(void)__atomic_fetch_and(addr + __BIT_WORD(nr), ~__BIT_MASK(nr), __ATOMIC_RELEASE);
}

static __always_inline bool test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	unsigned long mask = __BIT_MASK(nr);

	return __atomic_fetch_or(addr + __BIT_WORD(nr), mask, __ATOMIC_SEQ_CST) & mask;
}

/* test_and_set_bit_lock - an acquire when it returns false: pairs with clear_bit_unlock. */
static __always_inline bool test_and_set_bit_lock(unsigned long nr, unsigned long *addr)
{
	unsigned long mask = __BIT_MASK(nr);

	return __atomic_fetch_or(addr + __BIT_WORD(nr), mask, __ATOMIC_ACQUIRE) & mask;
}

static __always_inline bool test_and_clear_bit(unsigned long nr, unsigned long *addr)
{
	unsigned long mask = __BIT_MASK(nr);

	return __atomic_fetch_and(addr + __BIT_WORD(nr), ~mask, __ATOMIC_SEQ_CST) & mask;
}

static __always_inline bool test_bit(unsigned long nr, const unsigned long *addr)
{
	return __atomic_load_n(addr + __BIT_WORD(nr), __ATOMIC_RELAXED) & __BIT_MASK(nr);
}

/* The __ forms change a word that nobody else changes meanwhile. */
static __always_inline void __set_bit(unsigned long nr, unsigned long *addr)
{
	addr[__BIT_WORD(nr)] |= __BIT_MASK(nr);
}

static __always_inline void __clear_bit(unsigned long nr, unsigned long *addr)
{
	addr[__BIT_WORD(nr)] &= ~__BIT_MASK(nr);
}

static __always_inline bool __test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	bool was = addr[__BIT_WORD(nr)] & __BIT_MASK(nr);

	__set_bit(nr, addr);
	return was;
}

static __always_inline bool __test_and_clear_bit(unsigned long nr, unsigned long *addr)
{
	bool was = addr[__BIT_WORD(nr)] & __BIT_MASK(nr);

	__clear_bit(nr, addr);
	return was;
}

#endif
