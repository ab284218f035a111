/* SPDX-License-Identifier: MIT */
/*
 * rwsem.h - many readers or one writer; the others sleep, first come first served.
 *
 *      count:  bit 0 WRITER | bit 1 WAITERS | bits 8 and up: readers
 *
 * [H1] WRITER and a nonzero reader count never stand together, but for readers that are just about
 *      to find out that they must queue.
 * [H2] WAITERS is set exactly while the queue is not empty; whoever comes then queues behind it.
 * [H3] The one who gives the lock up hands it on: to the first writer, or to all readers up to the
 *      next writer.
 * [H4] As [T3] of sync/mutex.h.
 * A reader must not take the lock a second time: a writer may have queued in between.
 *
 * Lock: itself; ranks below LOCK_FIRST_SPIN. Sleeps: down_*. Context: never a handler.
 * Cost: uncontended, one locked instruction each way. Allocates: never.
 */
#ifndef SYNC_RWSEM_H
#define SYNC_RWSEM_H

#include "base/list.h"
#include "sync/spinlock.h"

#define RWSEM_WRITER	1L
#define RWSEM_WAITERS	2L
#define RWSEM_READER	(1L << 8)

struct rw_semaphore {
	long count;			/* (a) */
	spinlock_t wait_lock;
	u8 rank;			/* (c) */
	struct list_head waiters;	/* guarded by wait_lock */
};

#define RWSEM_INIT(name, rank_) \
	{ 0, SPIN_LOCK_INIT(LOCK_WAIT), rank_, LIST_HEAD_INIT((name).waiters) }
#define DECLARE_RWSEM(name, rank)	struct rw_semaphore name = RWSEM_INIT(name, rank)

void rwsem_down_read_slow(struct rw_semaphore *sem);
void rwsem_down_write_slow(struct rw_semaphore *sem);
/* The lock, or a share of it, was given up while somebody waits. */
void rwsem_hand_on(struct rw_semaphore *sem);

static inline void init_rwsem(struct rw_semaphore *sem, u8 rank)
{
	sem->count = 0;
	sem->rank = rank;
	spin_lock_init(&sem->wait_lock, LOCK_WAIT);
	INIT_LIST_HEAD(&sem->waiters);
}

static inline bool rwsem_is_locked(const struct rw_semaphore *sem)
{
	return (__atomic_load_n(&sem->count, __ATOMIC_RELAXED) & ~RWSEM_WAITERS) != 0;
}

static inline bool rwsem_is_write_locked(const struct rw_semaphore *sem)
{
	return __atomic_load_n(&sem->count, __ATOMIC_RELAXED) & RWSEM_WRITER;
}

static inline bool rwsem_is_contended(const struct rw_semaphore *sem)
{
	return __atomic_load_n(&sem->count, __ATOMIC_RELAXED) & RWSEM_WAITERS;
}

static inline void down_read(struct rw_semaphore *sem)
{
	might_sleep();
	lock_acquire(sem->rank);
	quire_host_sched_point();
	/* Acquire: pairs with the release in up_write. */
	if (unlikely(__atomic_fetch_add(&sem->count, RWSEM_READER, __ATOMIC_ACQUIRE) &
		     (RWSEM_WRITER | RWSEM_WAITERS)))
		rwsem_down_read_slow(sem);
}

static inline bool down_read_trylock(struct rw_semaphore *sem)
{
	long count = __atomic_load_n(&sem->count, __ATOMIC_RELAXED);

	quire_host_sched_point();
	do {
		if (count & (RWSEM_WRITER | RWSEM_WAITERS))
			return false;
		/* Acquire: pairs with the release in up_write. */
	} while (!try_cmpxchg_acquire(&sem->count, &count, count + RWSEM_READER));
	lock_acquired_try(sem->rank);
	return true;
}

static inline void __down_write(struct rw_semaphore *sem)
{
	long free = 0;

	quire_host_sched_point();
	/* Acquire: pairs with the release in up_read and up_write. */
	if (unlikely(!try_cmpxchg_acquire(&sem->count, &free, RWSEM_WRITER)))
		rwsem_down_write_slow(sem);
}

static inline void down_write(struct rw_semaphore *sem)
{
	might_sleep();
	lock_acquire(sem->rank);
	__down_write(sem);
}

/* down_write_nested - a second lock of a rank already held, in an order that the caller states. */
static inline void down_write_nested(struct rw_semaphore *sem)
{
	might_sleep();
	lock_acquire_nested(sem->rank);
	__down_write(sem);
}

static inline bool down_write_trylock(struct rw_semaphore *sem)
{
	long free = 0;

	quire_host_sched_point();
	/* Acquire: pairs with the release in up_read and up_write. */
	if (!try_cmpxchg_acquire(&sem->count, &free, RWSEM_WRITER))
		return false;
	lock_acquired_try(sem->rank);
	return true;
}

static inline void up_read(struct rw_semaphore *sem)
{
	long count;

	lock_release(sem->rank);
	/* Release: pairs with the acquire in down_write. */
	count = __atomic_sub_fetch(&sem->count, RWSEM_READER, __ATOMIC_RELEASE);
	QUIRE_ASSERT_MSG(count >= 0, "up_read: not held");
	if (unlikely((count & ~RWSEM_WRITER) == RWSEM_WAITERS))
		rwsem_hand_on(sem);
	quire_host_sched_point();
}

static inline void up_write(struct rw_semaphore *sem)
{
	long count;

	QUIRE_ASSERT_MSG(rwsem_is_write_locked(sem), "up_write: not held");
	lock_release(sem->rank);
	/* Release: pairs with the acquire in down_read and down_write. */
	count = __atomic_sub_fetch(&sem->count, RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(count & RWSEM_WAITERS))
		rwsem_hand_on(sem);
	quire_host_sched_point();
}

/* downgrade_write - from writer to reader with nobody in between. */
static inline void downgrade_write(struct rw_semaphore *sem)
{
	long count;

	QUIRE_ASSERT_MSG(rwsem_is_write_locked(sem), "downgrade_write: not held");
	/* Release: pairs with the acquire in down_read. */
	count = __atomic_add_fetch(&sem->count, RWSEM_READER - RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(count & RWSEM_WAITERS))
		rwsem_hand_on(sem);
}

#endif
