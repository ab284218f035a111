/* SPDX-License-Identifier: MIT */
/* mutex.c - queueing for a held mutex, and handing it over. */
#include "sync/mutex.h"

#include "quire/port.h"

struct mutex_waiter {
	struct list_head link;
	struct quire_ctx *ctx;
	bool granted;	/* (a) */
};

/*
 * Under wait_lock: marks the owner word for the coming waiter. True when the mutex was free after
 * all and is now the caller's.
 */
static bool mark_or_take(struct mutex *m, struct quire_ctx *me)
{
	unsigned long owner = __atomic_load_n(&m->owner, __ATOMIC_RELAXED);

	for (;;) {
		if (!owner) {
			/* Acquire: pairs with the release in mutex_unlock. */
			if (try_cmpxchg_acquire(&m->owner, &owner, (unsigned long)(uintptr_t)me))
				return true;
		} else if ((owner & MUTEX_WAITERS) ||
			   try_cmpxchg(&m->owner, &owner, owner | MUTEX_WAITERS)) {
			return false;
		}
	}
}

void mutex_lock_slow(struct mutex *m)
{
	const struct quire_port *port = this_quire()->port;
	struct mutex_waiter waiter = { .ctx = this_ctx() };
	unsigned long flags;

	spin_lock_irqsave(&m->wait_lock, flags);
	if (mark_or_take(m, waiter.ctx)) {
		spin_unlock_irqrestore(&m->wait_lock, flags);
		return;
	}
	list_add_tail(&waiter.link, &m->waiters);
	spin_unlock_irqrestore(&m->wait_lock, flags);
	/* Acquire: pairs with the release in mutex_unlock_slow. */
	while (!__atomic_load_n(&waiter.granted, __ATOMIC_ACQUIRE))
		(void)port->park(0);
	spin_lock_irqsave(&m->wait_lock, flags);	/* [T3] */
	spin_unlock_irqrestore(&m->wait_lock, flags);
}

void mutex_unlock_slow(struct mutex *m)
{
	struct mutex_waiter *next;
	unsigned long flags, owner;

	spin_lock_irqsave(&m->wait_lock, flags);
	next = list_first_entry(&m->waiters, struct mutex_waiter, link);
	list_del(&next->link);
	owner = (unsigned long)(uintptr_t)next->ctx;
	if (!list_empty(&m->waiters))
		owner |= MUTEX_WAITERS;
	__atomic_store_n(&m->owner, owner, __ATOMIC_RELAXED);
	/* Release: pairs with the acquire in mutex_lock_slow. */
	__atomic_store_n(&next->granted, true, __ATOMIC_RELEASE);
	this_quire()->port->unpark((struct quire_ctx *)(uintptr_t)(owner & ~MUTEX_WAITERS));
	spin_unlock_irqrestore(&m->wait_lock, flags);
}
