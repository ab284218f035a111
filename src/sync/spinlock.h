/* SPDX-License-Identifier: MIT */
/*
 * spinlock.h - four bytes that one CPU holds at a time.
 *
 *      byte  0        1      2      3
 *           locked | unused | rank | holder
 *
 * Whoever comes first when it is free has it: no order among those who wait. An order would hand the
 * lock to one certain CPU, and a virtual CPU that its host does not run just then makes everybody behind
 * it wait for the host's scheduler, with each hand-over again; measured, that is a factor of five with
 * four CPUs on two cores. The sections are short, so that nobody starves.
 *
 * [S1] The lock is free exactly when `locked` is 0.
 * [S2] Waiters only read until they see it free.
 * [S3] A lock that an interrupt handler takes is taken with interrupts off everywhere (_irqsave).
 *
 * Lock: itself; ranks in sync/lockrank.h. Sleeps: never, and neither may the holder.
 * Cost: uncontended, one locked instruction to take and one store to release. Allocates: never.
 */
#ifndef SYNC_SPINLOCK_H
#define SYNC_SPINLOCK_H

#include "arch/irq.h"
#include "base/atomic.h"
#include "sync/lockrank.h"

typedef struct spinlock {
	u8 locked;	/* (a) */
	u8 unused;	/* 0: tells a lock from freed memory */
	u8 rank;	/* (c) enum lock_rank */
	u8 holder;	/* debug builds: CPU + 1 of the holder, 0 when free */
} spinlock_t;

static_assert(sizeof(spinlock_t) == 4, "page table locks live in struct page");

#define SPIN_LOCK_INIT(rank_)		{ .locked = 0, .rank = (rank_), .holder = 0 }
#define DEFINE_SPINLOCK(name, rank_)	spinlock_t name = SPIN_LOCK_INIT(rank_)

/* Waits until the lock is free, and takes it. */
void spin_wait_slow(spinlock_t *lock);
/* Debug builds: the calling CPU must not, or must, hold the lock. */
void spin_check_not_mine(const spinlock_t *lock);
void spin_check_mine(const spinlock_t *lock);

static inline void spin_lock_init(spinlock_t *lock, u8 rank)
{
	*lock = (spinlock_t)SPIN_LOCK_INIT(rank);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return __atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0;
}

static __always_inline void __spin_lock(spinlock_t *lock)
{
	quire_host_sched_point();
	/* Acquire: pairs with the release store in __spin_unlock. */
	if (unlikely(__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)))
		spin_wait_slow(lock);
	if (QUIRE_DEBUG)
		__atomic_store_n(&lock->holder, (u8)(this_cpu() + 1), __ATOMIC_RELAXED);
}

static __always_inline void __spin_unlock(spinlock_t *lock)
{
	if (QUIRE_DEBUG) {
		spin_check_mine(lock);
		__atomic_store_n(&lock->holder, 0, __ATOMIC_RELAXED);
	}
	/* Release: pairs with the acquire in __spin_lock and spin_wait_slow. */
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
	quire_host_sched_point();
}

static __always_inline void spin_lock(spinlock_t *lock)
{
	if (QUIRE_DEBUG)
		spin_check_not_mine(lock);
	lock_acquire(lock->rank);
	__spin_lock(lock);
}

/*
 * spin_lock_nested - a second lock of a rank already held; the caller says in which order and why.
 */
static __always_inline void spin_lock_nested(spinlock_t *lock)
{
	if (QUIRE_DEBUG)
		spin_check_not_mine(lock);
	lock_acquire_nested(lock->rank);
	__spin_lock(lock);
}

static __always_inline bool spin_trylock(spinlock_t *lock)
{
	quire_host_sched_point();
	/* Acquire: pairs with the release store in __spin_unlock. */
	if (spin_is_locked(lock) || __atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
		return false;
	lock_acquired_try(lock->rank);
	if (QUIRE_DEBUG)
		WRITE_ONCE(lock->holder, (u8)(this_cpu() + 1));
	return true;
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	lock_release(lock->rank);
	__spin_unlock(lock);
}

#define spin_lock_irqsave(lock, flags) \
	do { (flags) = irq_save(); spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do { spin_unlock(lock); irq_restore(flags); } while (0)

static __always_inline void spin_lock_irq(spinlock_t *lock)
{
	irq_disable();
	spin_lock(lock);
}

static __always_inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_unlock(lock);
	irq_enable();
}

/* True with interrupts off and *flags to restore; false with interrupts as they were. */
static __always_inline bool spin_trylock_irqsave(spinlock_t *lock, unsigned long *flags)
{
	*flags = irq_save();
	if (spin_trylock(lock))
		return true;
	irq_restore(*flags);
	return false;
}

/* assert_spin_locked - the calling CPU holds it; checked in debug builds. */
static __always_inline void assert_spin_locked(const spinlock_t *lock)
{
	if (QUIRE_DEBUG)
		spin_check_mine(lock);
}

#endif
