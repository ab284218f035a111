/* SPDX-License-Identifier: MIT */
/* wait.c - entering and leaving wait queues, and waking who is on them. */
#include "sync/wait.h"

#include "quire/port.h"
#include "sync/sync_state.h"

void init_wait_entry(struct wait_queue_entry *entry, const void *key)
{
	INIT_LIST_HEAD(&entry->link);
	entry->ctx = this_ctx();
	entry->key = key;
}

void prepare_to_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	if (list_empty(&entry->link))
		list_add_tail(&entry->link, &wq->head);
	spin_unlock_irqrestore(&wq->lock, flags);
	/* Pairs with the fence in wq_has_sleeper: queued before the condition is read ([W1]). */
	smp_mb();
}

void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->link);
	spin_unlock_irqrestore(&wq->lock, flags);
}

int wait_park(u64 deadline_ns)
{
	might_sleep();
	return this_quire()->port->park(deadline_ns);
}

unsigned int wake_up_key_nr(struct wait_queue_head *wq, const void *key, unsigned int nr)
{
	const struct quire_port *port = this_quire()->port;
	struct wait_queue_entry *entry, *next;
	unsigned int woken = 0;
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_for_each_entry_safe(entry, next, &wq->head, link) {
		if (woken == nr)
			break;
		if (key && entry->key != key)
			continue;
		list_del_init(&entry->link);
		port->unpark(entry->ctx);
		woken++;
	}
	spin_unlock_irqrestore(&wq->lock, flags);
	return woken;
}

struct wait_queue_head *wait_bucket(const void *key)
{
	return &this_quire()->sync->buckets[hash_ptr(key, WAIT_BUCKET_BITS)];
}
