/* SPDX-License-Identifier: MIT */
/*
 * spinlock.h - four bytes that one CPU holds at a time, in the order in which they asked.
 *
 *      byte  0      1      2      3
 *           head | tail | rank | holder        head: the ticket being served; tail: the next to give out
 *
 * [S1] The lock is free exactly when head == tail.
 * [S2] A CPU waits for at most one ticket of a lock, so that 255 CPUs cannot overrun eight bits.
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
	union {
		u16 tickets;
		struct {
			u8 head;	/* (holder) */
			u8 tail;	/* (a) */
		};
	};
	u8 rank;	/* (c) enum lock_rank */
	u8 holder;	/* debug builds: CPU + 1 of the holder, 0 when free */
} spinlock_t;

static_assert(sizeof(spinlock_t) == 4, "page table locks live in struct page");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the tail is the high byte of the tickets");

#define SPIN_TICKET			((u16)0x100)
#define SPIN_LOCK_INIT(rank_)		{ .tickets = 0, .rank = (rank_), .holder = 0 }
#define DEFINE_SPINLOCK(name, rank_)	spinlock_t name = SPIN_LOCK_INIT(rank_)

/* Waits until `ticket` is served. */
void spin_wait_slow(spinlock_t *lock, u8 ticket);
/* Debug builds: the calling CPU must not, or must, hold the lock. */
void spin_check_not_mine(const spinlock_t *lock);
void spin_check_mine(const spinlock_t *lock);

static inline void spin_lock_init(spinlock_t *lock, u8 rank)
{
	*lock = (spinlock_t)SPIN_LOCK_INIT(rank);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	u16 now = __atomic_load_n(&lock->tickets, __ATOMIC_RELAXED);

	return (u8)now != (u8)(now >> 8);
}

static __always_inline void __spin_lock(spinlock_t *lock)
{
	u16 old;

	quire_host_sched_point();
	/* Acquire: pairs with the release store of head in __spin_unlock. */
	old = __atomic_fetch_add(&lock->tickets, SPIN_TICKET, __ATOMIC_ACQUIRE);
	if (unlikely((u8)old != (u8)(old >> 8)))
		spin_wait_slow(lock, (u8)(old >> 8));
	if (QUIRE_DEBUG)
		WRITE_ONCE(lock->holder, (u8)(this_cpu() + 1));
}

static __always_inline void __spin_unlock(spinlock_t *lock)
{
	u8 head = __atomic_load_n(&lock->head, __ATOMIC_RELAXED);

	if (QUIRE_DEBUG) {
		spin_check_mine(lock);
		WRITE_ONCE(lock->holder, (u8)0);
	}
	/* Release: pairs with the acquire in __spin_lock and spin_wait_slow. */
	__atomic_store_n(&lock->head, (u8)(head + 1), __ATOMIC_RELEASE);
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
	u16 now = __atomic_load_n(&lock->tickets, __ATOMIC_RELAXED);

	quire_host_sched_point();
	if ((u8)now != (u8)(now >> 8))
		return false;
	/* Acquire: pairs with the release store of head in __spin_unlock. */
	if (!try_cmpxchg_acquire(&lock->tickets, &now, (u16)(now + SPIN_TICKET)))
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
