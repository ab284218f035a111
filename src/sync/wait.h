/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waiting for a condition: queues of parked contexts, and hashed queues found by a key.
 *
 *      waiter                              waker
 *      wait_event(&wq, done)               done = true;
 *        enter the queue                   wake_up_all(&wq);
 *        look at `done` again
 *        park
 *
 * [W1] A waiter is on the queue before it looks at the condition, and a waker changes the condition
 *      before it looks at the queue: one of them sees the other.
 * [W2] A waker takes the entry off and unparks under the queue's lock, and a waiter that parked
 *      takes that lock before it leaves: an entry (on a stack) is never touched after its frame is
 *      gone.
 * [W3] wake_up wakes the first waiter only, and a waiter may find the condition false again; use it
 *      where any one waiter will do, wake_up_all everywhere else.
 *
 * Lock: the queue's, rank LOCK_WAIT, IRQ-safe; a waker may be a handler. Sleeps: wait_*, under
 * [K2]. Cost: waking an empty queue is one fence and one load. Allocates: never.
 */
#ifndef SYNC_WAIT_H
#define SYNC_WAIT_H

#include "base/list.h"
#include "base/math.h"
#include "sync/spinlock.h"

struct wait_queue_head {
	spinlock_t lock;
	struct list_head head;		/* wait_queue_entry.link; guarded by lock */
};

struct wait_queue_entry {
	struct list_head link;		/* empty when not queued */
	struct quire_ctx *ctx;
	const void *key;		/* NULL outside the hashed buckets */
};

/* log2 of the buckets: waits by key (page locks, write-back) are rare and short. */
#define WAIT_BUCKET_BITS	6
#define WAIT_BUCKETS		(1 << WAIT_BUCKET_BITS)

#define WAIT_QUEUE_HEAD_INIT(name) { SPIN_LOCK_INIT(LOCK_WAIT), LIST_HEAD_INIT((name).head) }

static inline void init_waitqueue_head(struct wait_queue_head *wq)
{
	spin_lock_init(&wq->lock, LOCK_WAIT);
	INIT_LIST_HEAD(&wq->head);
}

/* Someone is queued. A fence first: the condition that the caller has just changed is out. */
static inline bool wq_has_sleeper(struct wait_queue_head *wq)
{
	/* Pairs with the queue's lock in prepare_to_wait: see [W1]. */
	smp_mb();
	return !list_empty(&wq->head);
}

void init_wait_entry(struct wait_queue_entry *entry, const void *key);
/* Queue the running context (at the tail) unless it is queued already. */
void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry);
void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry);

/* Park until woken or `deadline_ns` (0: none). 0 or -ETIMEDOUT. Spurious returns are possible. */
int __must_check wait_park(u64 deadline_ns);

/* Up to `nr` waiters with this key (NULL: any). How many were woken. */
unsigned int wake_up_key_nr(struct wait_queue_head *wq, const void *key, unsigned int nr);

static inline void wake_up(struct wait_queue_head *wq)
{
	if (wq_has_sleeper(wq))
		wake_up_key_nr(wq, NULL, 1);
}

static inline void wake_up_all(struct wait_queue_head *wq)
{
	if (wq_has_sleeper(wq))
		wake_up_key_nr(wq, NULL, ~0U);
}

/* wait_bucket - the queue for an arbitrary address: a page, a word. Others may share it. */
struct wait_queue_head *wait_bucket(const void *key);

static inline void wake_key(const void *key)
{
	struct wait_queue_head *wq = wait_bucket(key);

	if (wq_has_sleeper(wq))
		wake_up_key_nr(wq, key, ~0U);
}

static inline void wake_key_one(const void *key)
{
	struct wait_queue_head *wq = wait_bucket(key);

	if (wq_has_sleeper(wq))
		wake_up_key_nr(wq, key, 1);
}

/*
 * The loop of all waits: 0 once the condition holds, -ETIMEDOUT when it does not by the deadline.
 */
#define __wait_event(wq_, key_, cond, deadline_ns) __extension__({		\
	struct wait_queue_head *__wq = (wq_);					\
	struct wait_queue_entry __entry;					\
	u64 __deadline = (deadline_ns);						\
	int __err = 0;								\
	might_sleep();								\
	init_wait_entry(&__entry, key_);					\
	for (;;) {								\
		prepare_to_wait(__wq, &__entry);				\
		if (cond) {							\
			__err = 0;						\
			break;							\
		}								\
		if (__err)							\
			break;							\
		__err = wait_park(__deadline);					\
	}									\
	finish_wait(__wq, &__entry);						\
	__err; })

#define wait_event(wq, cond) \
	do { if (!(cond)) (void)__wait_event(wq, NULL, cond, 0); } while (0)

#define wait_event_deadline(wq, cond, deadline_ns) \
	((cond) ? 0 : __wait_event(wq, NULL, cond, deadline_ns))

#define wait_event_key(key, cond) \
	do { if (!(cond)) (void)__wait_event(wait_bucket(key), key, cond, 0); } while (0)

#endif
