/* SPDX-License-Identifier: MIT */
/*
 * wait.h - queues of tasks that wait for a condition, and of watchers that want to be told (poll).
 *
 *	waitq -> entry {task | watcher's function} <-> entry <-> ...
 *	shared waiters stand in front, exclusive ones behind: a wake-up passes all of the former
 *	and stops after the asked number of the latter.
 *
 * The library's queues (sync/wait.h) know nothing of signals and poll; these do.
 *
 * [Q1] An entry's function runs under the queue's lock with interrupts off: it may wake, not sleep.
 * [Q2] A waiter is on the queue before it looks at its condition, and a waker changes the condition
 *      before it looks at the queue: one of them sees the other.
 * Lock: the queue's own, LOCK_HOST_WAIT; any context may wake. Sleeps: waitq_wait*. Allocates:
 * never.
 */
#ifndef KERNEL_SCHED_WAIT_H
#define KERNEL_SCHED_WAIT_H

#include "arch/clock.h"
#include "base/list.h"
#include "quire/errno.h"
#include "sched/sched.h"

/* Results that the return to user mode turns into a restart or EINTR. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ENOIOCTLCMD 515
#define ERESTART_RESTARTBLOCK 516

struct waitq {
	spinlock_t lock;
	struct list_head head;
};

struct waitq_entry;
/* Told of a wake-up with @key (poll events, or 0: any). True: a waiter was woken. */
typedef bool (*waitq_func)(struct waitq_entry *entry, unsigned int states, unsigned long key);

enum waitq_flag { WAITQ_EXCLUSIVE = 1 };

struct waitq_entry {
	unsigned int flags;
	struct task *task;
	waitq_func func;
	struct list_head link;	/* empty when not queued */
};

#define WAITQ_INIT(name) { SPIN_LOCK_INIT(LOCK_HOST_WAIT), LIST_HEAD_INIT((name).head) }
#define DEFINE_WAITQ(name) struct waitq name = WAITQ_INIT(name)

static inline void waitq_init(struct waitq *wq)
{
	spin_lock_init(&wq->lock, LOCK_HOST_WAIT);
	INIT_LIST_HEAD(&wq->head);
}

/* Somebody is queued; orders the caller's change of the condition before the look. [Q2] */
static inline bool waitq_active(struct waitq *wq)
{
	smp_mb();
	return READ_ONCE(wq->head.next) != &wq->head;
}

/* For an entry of the current task, and for a watcher with a function of its own. */
void waitq_entry_init(struct waitq_entry *entry);
static inline void waitq_entry_init_func(struct waitq_entry *entry, waitq_func func)
{
	entry->flags = 0;
	entry->task = NULL;
	entry->func = func;
	INIT_LIST_HEAD(&entry->link);
}

void waitq_add(struct waitq *wq, struct waitq_entry *entry);
void waitq_remove(struct waitq *wq, struct waitq_entry *entry);

/* Queues the entry unless it is queued, and sets the current task's state. */
void waitq_prepare(struct waitq *wq, struct waitq_entry *entry, unsigned int state);
void waitq_prepare_exclusive(struct waitq *wq, struct waitq_entry *entry, unsigned int state);
void waitq_finish(struct waitq *wq, struct waitq_entry *entry);

/* Wakes shared waiters and up to @nr exclusive ones (0: all) whose state is in @states. */
void waitq_wake_slow(struct waitq *wq, unsigned int states, int nr, unsigned long key);

static inline void waitq_wake_key(struct waitq *wq, unsigned int states, int nr, unsigned long key)
{
	if (waitq_active(wq))
		waitq_wake_slow(wq, states, nr, key);
}

/* All shared waiters and one exclusive. */
static inline void waitq_wake(struct waitq *wq)
{
	waitq_wake_key(wq, TASK_NORMAL, 1, 0);
}

static inline void waitq_wake_all(struct waitq *wq)
{
	waitq_wake_key(wq, TASK_NORMAL, 0, 0);
}

/* Tells pollers which events came true (0: any); wakes plain waiters like waitq_wake(). */
static inline void waitq_wake_poll(struct waitq *wq, unsigned long events)
{
	waitq_wake_key(wq, TASK_NORMAL, 1, events);
}

/* Must @p leave a sleep of @state because of a signal? */
bool signal_pending_state(unsigned int state, struct task *p);

/* The loop of all waits: 0 when cond holds, -ERESTARTSYS on a signal, -ETIME after the deadline. */
#define __waitq_wait(wq, cond, state, exclusive, deadline_ns) __extension__({			\
	struct waitq_entry __entry;								\
	int __ret = 0;										\
	bool __in_time = true;									\
	waitq_entry_init(&__entry);								\
	for (;;) {										\
		if (exclusive)									\
			waitq_prepare_exclusive(wq, &__entry, state);				\
		else										\
			waitq_prepare(wq, &__entry, state);					\
		if (cond)									\
			break;									\
		if (!__in_time) {								\
			__ret = -ETIME;								\
			break;									\
		}										\
		if (signal_pending_state(state, current)) {					\
			__ret = -ERESTARTSYS;							\
			break;									\
		}										\
		__in_time = schedule_until(deadline_ns);					\
	}											\
	waitq_finish(wq, &__entry);								\
	__ret; })

#define waitq_wait(wq, cond) do {								\
	if (!(cond))										\
		(void)__waitq_wait(wq, cond, TASK_UNINTERRUPTIBLE, 0, MAX_SCHEDULE_TIMEOUT);	\
} while (0)
#define waitq_wait_interruptible(wq, cond) \
	((cond) ? 0 : __waitq_wait(wq, cond, TASK_INTERRUPTIBLE, 0, MAX_SCHEDULE_TIMEOUT))
#define waitq_wait_interruptible_exclusive(wq, cond) \
	((cond) ? 0 : __waitq_wait(wq, cond, TASK_INTERRUPTIBLE, 1, MAX_SCHEDULE_TIMEOUT))
#define waitq_wait_killable(wq, cond) \
	((cond) ? 0 : __waitq_wait(wq, cond, TASK_KILLABLE, 0, MAX_SCHEDULE_TIMEOUT))
/* deadline_ns: absolute, on ktime_get_ns()'s clock; MAX_SCHEDULE_TIMEOUT for none. */
#define waitq_wait_interruptible_until(wq, cond, deadline_ns) \
	((cond) ? 0 : __waitq_wait(wq, cond, TASK_INTERRUPTIBLE, 0, deadline_ns))
#define waitq_wait_until(wq, cond, deadline_ns) \
	((cond) ? 0 : __waitq_wait(wq, cond, TASK_UNINTERRUPTIBLE, 0, deadline_ns))

/* What a file's poll method gets: queue() is called for each queue that it may have to wait on. */
struct poll_table {
	void (*queue)(struct waitq *wq, struct poll_table *pt);
	unsigned long key;	/* events that the caller asks for */
};

static inline void poll_wait(struct waitq *wq, struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(wq, pt);
}

#endif
