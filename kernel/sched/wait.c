/* SPDX-License-Identifier: MIT */
/* wait.c - entering, leaving and waking queues of waiting tasks and watchers. */
#include "sched/wait.h"

static bool wake_waiter(struct waitq_entry *entry, unsigned int states, unsigned long key)
{
	bool woken = try_to_wake_up(entry->task, states);

	/* Off the queue at once, so that an exclusive waiter is not woken twice. */
	if (woken)
		list_del_init(&entry->link);
	return woken;
}

void waitq_entry_init(struct waitq_entry *entry)
{
	entry->flags = 0;
	entry->task = current;
	entry->func = wake_waiter;
	INIT_LIST_HEAD(&entry->link);
}

static void queue_entry(struct waitq *wq, struct waitq_entry *entry)
{
	if (!list_empty(&entry->link))
		return;
	if (entry->flags & WAITQ_EXCLUSIVE)
		list_add_tail(&entry->link, &wq->head);
	else
		list_add(&entry->link, &wq->head);
}

void waitq_add(struct waitq *wq, struct waitq_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	queue_entry(wq, entry);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void waitq_remove(struct waitq *wq, struct waitq_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->link);
	spin_unlock_irqrestore(&wq->lock, flags);
}

static void prepare(struct waitq *wq, struct waitq_entry *entry, unsigned int state)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	queue_entry(wq, entry);
	set_current_state(state);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void waitq_prepare(struct waitq *wq, struct waitq_entry *entry, unsigned int state)
{
	entry->flags &= ~(unsigned int)WAITQ_EXCLUSIVE;
	prepare(wq, entry, state);
}

void waitq_prepare_exclusive(struct waitq *wq, struct waitq_entry *entry, unsigned int state)
{
	entry->flags |= WAITQ_EXCLUSIVE;
	prepare(wq, entry, state);
}

void waitq_finish(struct waitq *wq, struct waitq_entry *entry)
{
	unsigned long flags;

	__set_current_state(TASK_RUNNING);
	/* The lock even when the entry is off already: the waker may still be using it. */
	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->link);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void waitq_wake_slow(struct waitq *wq, unsigned int states, int nr, unsigned long key)
{
	struct waitq_entry *entry, *next;
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_for_each_entry_safe(entry, next, &wq->head, link) {
		bool exclusive = entry->flags & WAITQ_EXCLUSIVE;

		if (entry->func(entry, states, key) && exclusive && nr && !--nr)
			break;
	}
	spin_unlock_irqrestore(&wq->lock, flags);
}
