/* SPDX-License-Identifier: MIT */
/*
 * completion.h - "it has happened": one side completes, the other waits, in either order.
 *
 * [W4] Each complete() lets one wait through; complete_all() lets all through, for ever.
 * [W5] wait_for_completion returns only after the waker has let go of the completion, so that it
 *      may live on the waiter's stack.
 *
 * Lock: its queue's, IRQ-safe. Sleeps: the waits. Cost: one lock. Allocates: never.
 */
#ifndef SYNC_COMPLETION_H
#define SYNC_COMPLETION_H

#include "sync/wait.h"

#define COMPLETION_ALL	((unsigned int)INT32_MAX)

struct completion {
	struct wait_queue_head wq;
	unsigned int done;	/* guarded by wq.lock */
};

static inline void init_completion(struct completion *c)
{
	init_waitqueue_head(&c->wq);
	c->done = 0;
}

void complete(struct completion *c);
void complete_all(struct completion *c);
/* Takes one completion if there is one. */
bool try_wait_for_completion(struct completion *c);
void wait_for_completion(struct completion *c);
/* 0, or -ETIMEDOUT at deadline_ns of the port's clock. */
int __must_check wait_for_completion_deadline(struct completion *c, u64 deadline_ns);

static inline bool completion_done(const struct completion *c)
{
	return __atomic_load_n(&c->done, __ATOMIC_ACQUIRE) != 0;
}

#endif
