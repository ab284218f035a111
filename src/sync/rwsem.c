/* SPDX-License-Identifier: MIT */
/* rwsem.c - the queue of a reader-writer lock, and to whom it goes next. */
#include "sync/rwsem.h"

#include "quire/port.h"

enum rwsem_waiter_kind { RWSEM_WANTS_READ, RWSEM_WANTS_WRITE };

struct rwsem_waiter {
	struct list_head link;
	struct quire_ctx *ctx;
	enum rwsem_waiter_kind kind;
	bool granted;	/* (a) */
};

/* Under wait_lock. After this the waiter's frame may go as soon as wait_lock is released. */
static void grant(struct rwsem_waiter *waiter)
{
	struct quire_ctx *ctx = waiter->ctx;

	list_del(&waiter->link);
	/* Release: pairs with the acquire in sleep_until_granted. */
	__atomic_store_n(&waiter->granted, true, __ATOMIC_RELEASE);
	this_quire()->port->unpark(ctx);
}

/* Under wait_lock, WAITERS set: the first waiter wants to write. True when it got the lock. */
static bool grant_writer(struct rw_semaphore *sem, struct rwsem_waiter *waiter)
{
	long count = __atomic_load_n(&sem->count, __ATOMIC_RELAXED);

	do {
		if (count & ~RWSEM_WAITERS)
			return false;
		/*
		 * Acquire: pairs with the release in up_read and up_write, for the one that is
		 * woken.
		 */
	} while (!try_cmpxchg_acquire(&sem->count, &count, count | RWSEM_WRITER));
	grant(waiter);
	return true;
}

/* Under wait_lock, WAITERS set: the first waiter wants to read. True when it got its share. */
static bool grant_reader(struct rw_semaphore *sem, struct rwsem_waiter *waiter)
{
	long count = __atomic_load_n(&sem->count, __ATOMIC_RELAXED);

	do {
		if (count & RWSEM_WRITER)
			return false;
		/* Acquire: pairs with the release in up_write, for the one that is woken. */
	} while (!try_cmpxchg_acquire(&sem->count, &count, count + RWSEM_READER));
	grant(waiter);
	return true;
}

/* Under wait_lock: [H3], then [H2]. */
static void hand_on_locked(struct rw_semaphore *sem)
{
	struct rwsem_waiter *waiter;

	while (!list_empty(&sem->waiters)) {
		waiter = list_first_entry(&sem->waiters, struct rwsem_waiter, link);
		if (waiter->kind == RWSEM_WANTS_WRITE ? !grant_writer(sem, waiter)
						      : !grant_reader(sem, waiter))
			return;
	}
	(void)__atomic_fetch_and(&sem->count, ~RWSEM_WAITERS, __ATOMIC_RELAXED);
}

void rwsem_hand_on(struct rw_semaphore *sem)
{
	unsigned long flags;

	spin_lock_irqsave(&sem->wait_lock, flags);
	hand_on_locked(sem);
	spin_unlock_irqrestore(&sem->wait_lock, flags);
}

/* Queues, lets the lock go on in case it is free, and sleeps until it comes round. */
static void wait_turn(struct rw_semaphore *sem, enum rwsem_waiter_kind kind, long undo)
{
	const struct quire_port *port = this_quire()->port;
	struct rwsem_waiter waiter = { .ctx = this_ctx(), .kind = kind };
	unsigned long flags;

	spin_lock_irqsave(&sem->wait_lock, flags);
	list_add_tail(&waiter.link, &sem->waiters);
	(void)__atomic_fetch_or(&sem->count, RWSEM_WAITERS, __ATOMIC_RELAXED);
	(void)__atomic_fetch_sub(&sem->count, undo, __ATOMIC_RELAXED);
	hand_on_locked(sem);
	spin_unlock_irqrestore(&sem->wait_lock, flags);
	/* Acquire: pairs with the release in grant. */
	while (!__atomic_load_n(&waiter.granted, __ATOMIC_ACQUIRE))
		(void)port->park(0);
	spin_lock_irqsave(&sem->wait_lock, flags);	/* [H4] */
	spin_unlock_irqrestore(&sem->wait_lock, flags);
}

/* The fast path has counted this reader in; it must be taken out again. */
void rwsem_down_read_slow(struct rw_semaphore *sem)
{
	wait_turn(sem, RWSEM_WANTS_READ, RWSEM_READER);
}

void rwsem_down_write_slow(struct rw_semaphore *sem)
{
	wait_turn(sem, RWSEM_WANTS_WRITE, 0);
}
