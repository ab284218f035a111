/* SPDX-License-Identifier: MIT */
/*
 * mutex.h - one context at a time; the others sleep in the order in which they came.
 *
 *      owner:  0                free
 *              ctx              held, nobody waits
 *              ctx | WAITERS    held, and the queue is not empty
 *
 * [T1] The owner word names the holder; only the holder unlocks.
 * [T2] A mutex with waiters is handed to the first of them and is never free in between: no
 *      starving.
 * [T3] A waiter that was handed the mutex passes through its lock once before it returns, so that
 *      the one who handed it over is done with the waiter (which lies on a stack) and its context.
 *
 * Lock: itself; ranks below LOCK_FIRST_SPIN. Sleeps: mutex_lock. Context: never a handler.
 * Cost: uncontended, one locked instruction each way. Allocates: never.
 */
#ifndef SYNC_MUTEX_H
#define SYNC_MUTEX_H

#include "base/list.h"
#include "sync/spinlock.h"

#define MUTEX_WAITERS	1UL

struct mutex {
	unsigned long owner;		/* (a) */
	spinlock_t wait_lock;
	u8 rank;			/* (c) */
	struct list_head waiters;	/* guarded by wait_lock */
};

#define MUTEX_INIT(name, rank_) \
	{ 0, SPIN_LOCK_INIT(LOCK_WAIT), rank_, LIST_HEAD_INIT((name).waiters) }
#define DEFINE_MUTEX(name, rank)	struct mutex name = MUTEX_INIT(name, rank)

void mutex_lock_slow(struct mutex *m);
void mutex_unlock_slow(struct mutex *m);

static inline void mutex_init(struct mutex *m, u8 rank)
{
	m->owner = 0;
	m->rank = rank;
	spin_lock_init(&m->wait_lock, LOCK_WAIT);
	INIT_LIST_HEAD(&m->waiters);
}

static inline bool mutex_is_locked(const struct mutex *m)
{
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) != 0;
}

static inline bool mutex_is_mine(const struct mutex *m)
{
	return (__atomic_load_n(&m->owner, __ATOMIC_RELAXED) & ~MUTEX_WAITERS) ==
	       (unsigned long)(uintptr_t)this_ctx();
}

static inline void __mutex_lock(struct mutex *m)
{
	unsigned long free = 0;

	quire_host_sched_point();
	/* Acquire: pairs with the release in mutex_unlock. */
	if (unlikely(!try_cmpxchg_acquire(&m->owner, &free, (unsigned long)(uintptr_t)this_ctx())))
		mutex_lock_slow(m);
}

static inline void mutex_lock(struct mutex *m)
{
	might_sleep();
	QUIRE_ASSERT_MSG(!mutex_is_mine(m), "mutex_lock: this context holds it already");
	lock_acquire(m->rank);
	__mutex_lock(m);
}

/* mutex_lock_nested - a second mutex of a rank already held, in an order that the caller states. */
static inline void mutex_lock_nested(struct mutex *m)
{
	might_sleep();
	lock_acquire_nested(m->rank);
	__mutex_lock(m);
}

static inline bool mutex_trylock(struct mutex *m)
{
	unsigned long free = 0;

	quire_host_sched_point();
	/* Acquire: pairs with the release in mutex_unlock. */
	if (!try_cmpxchg_acquire(&m->owner, &free, (unsigned long)(uintptr_t)this_ctx()))
		return false;
	lock_acquired_try(m->rank);
	return true;
}

static inline void mutex_unlock(struct mutex *m)
{
	unsigned long me = (unsigned long)(uintptr_t)this_ctx();

	QUIRE_ASSERT_MSG(mutex_is_mine(m), "mutex_unlock: another context holds it");
	lock_release(m->rank);
	/* Release: pairs with the acquire in mutex_lock and mutex_trylock. */
	if (unlikely(!try_cmpxchg_release(&m->owner, &me, 0UL)))
		mutex_unlock_slow(m);
	quire_host_sched_point();
}

#endif
