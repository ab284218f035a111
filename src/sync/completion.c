/* SPDX-License-Identifier: MIT */
/* completion.c - counting completions under the queue's lock. */
#include "sync/completion.h"

#include "quire/port.h"

/* Counted and woken under one hold of the lock, after which the completion may be gone ([W5]). */
static void complete_nr(struct completion *c, bool all)
{
	const struct quire_port *port = this_quire()->port;
	struct wait_queue_entry *entry, *next;
	unsigned long flags;

	spin_lock_irqsave(&c->wq.lock, flags);
	if (all)
		c->done = COMPLETION_ALL;
	else if (c->done != COMPLETION_ALL)
		c->done++;
	list_for_each_entry_safe(entry, next, &c->wq.head, link) {
		list_del_init(&entry->link);
		port->unpark(entry->ctx);
		if (!all)
			break;
	}
	spin_unlock_irqrestore(&c->wq.lock, flags);
}

void complete(struct completion *c)
{
	complete_nr(c, false);
}

void complete_all(struct completion *c)
{
	complete_nr(c, true);
}

bool try_wait_for_completion(struct completion *c)
{
	unsigned long flags;
	bool took;

	spin_lock_irqsave(&c->wq.lock, flags);
	took = c->done != 0;
	if (took && c->done != COMPLETION_ALL)
		c->done--;
	spin_unlock_irqrestore(&c->wq.lock, flags);
	return took;
}

int wait_for_completion_deadline(struct completion *c, u64 deadline_ns)
{
	if (try_wait_for_completion(c))
		return 0;
	return __wait_event(&c->wq, NULL, try_wait_for_completion(c), deadline_ns);
}

void wait_for_completion(struct completion *c)
{
	BUG_ON(wait_for_completion_deadline(c, 0) != 0);
}
