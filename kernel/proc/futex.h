/* SPDX-License-Identifier: MIT */
/*
 * futex.h - waiting on a word of user memory.
 *
 *	futex_key -> hash bucket { lock, waiters }; a waiter checks the word under the lock
 *
 * [X1] A waiter is queued before it looks at the word, a waker changes the word before it looks at
 *      the queue, both under the bucket's lock: no wake-up is lost.
 * Lock: bucket, LOCK_HOST_SPIN2 (two in rising address). Sleeps: waits, faults. Allocates: never.
 */
#ifndef KERNEL_PROC_FUTEX_H
#define KERNEL_PROC_FUTEX_H

#include "sched/task.h"
#include "quire/types.h"

struct robust_list {
	struct robust_list *next;
};

struct robust_list_head { /* of user space */
	struct robust_list list;
	long futex_offset;
	struct robust_list *list_op_pending;
};

void futex_init(void);
/* Wakes up to @nr waiters of the word in the current address space. */
int futex_wake_user(u32 *uaddr, int nr);
/* The current task gives up its memory: marks its robust futexes as orphaned. */
void futex_exit(struct task *p);

#endif
