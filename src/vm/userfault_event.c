/* SPDX-License-Identifier: MIT */
/* userfault_event.c - a monitor is told of forks, moves and unmapping, and who does such waits until it has read of it. */
#include "quire/errno.h"
#include "quire/slab.h"
#include "sync/wait.h"
#include "vm/userfault.h"

enum event_state { EVENT_UNREAD, EVENT_IN_HAND, EVENT_READ };

/* Lies on the waiter's stack. */
struct userfault_event_wait {
	struct list_head link;   /* (uf->lock) in uf->events while unread */
	struct userfault *uf;
	struct userfault_event event;
	int state;               /* (uf->lock) to set: enum event_state */
};

/* ---- reading ---- */

/* uf->lock held. */
static bool take_event(struct userfault *uf, struct userfault_event *event)
{
	struct userfault_event_wait *wait;

	if (list_empty(&uf->events))
		return false;
	wait = list_first_entry(&uf->events, struct userfault_event_wait, link);
	list_del_init(&wait->link);
	*event = wait->event;
	if (event->type == UFFD_EVENT_FORK) {
		event->fork.wait = wait;
		WRITE_ONCE(wait->state, EVENT_IN_HAND);
	} else {
		/* Release: pairs with the acquire in is_over. The waiter leaves its stack frame after it takes the lock. */
		smp_store_release(&wait->state, EVENT_READ);
	}
	return true;
}

bool userfault_read_event(struct userfault *uf, struct userfault_event *event)
{
	bool any;

	spin_lock(&uf->lock);
	any = take_event(uf, event);
	spin_unlock(&uf->lock);
	if (any && event->type != UFFD_EVENT_FORK)
		uf->host->go_on(uf->cookie);
	return any;
}

void userfault_fork_taken(struct userfault *uf, const struct userfault_event *event, bool taken)
{
	struct userfault_event_wait *wait = event->fork.wait;

	spin_lock(&uf->lock);
	if (!taken)
		list_add(&wait->link, &uf->events);
	/* Release: as above. */
	smp_store_release(&wait->state, taken ? EVENT_READ : EVENT_UNREAD);
	spin_unlock(&uf->lock);
	uf->host->go_on(uf->cookie);
	wake_key(wait);
}

/* ---- telling ---- */

static bool is_over(void *arg)
{
	const struct userfault_event_wait *wait = arg;

	/* Acquire: pairs with the release of the reader. */
	return smp_load_acquire(&wait->state) == EVENT_READ || READ_ONCE(wait->uf->closed);
}

/* Nobody will read the event any more; false: somebody is just about to, or has. */
static bool withdraw(struct userfault_event_wait *wait)
{
	bool unread;

	spin_lock(&wait->uf->lock);
	unread = wait->state == EVENT_UNREAD;
	if (unread)
		list_del_init(&wait->link);
	spin_unlock(&wait->uf->lock);
	return unread;
}

void userfault_change_begins(struct userfault *uf)
{
	down_write(&uf->changing_lock);
	atomic_inc(&uf->changing);
	up_write(&uf->changing_lock);
}

bool userfault_tell(struct userfault *uf, const struct userfault_event *event)
{
	struct userfault_event_wait wait = { .uf = uf, .event = *event, .state = EVENT_UNREAD };
	bool read = false;

	spin_lock(&uf->lock);
	list_add_tail(&wait.link, &uf->events);
	spin_unlock(&uf->lock);
	uf->host->pending(uf->cookie);
	while (!read) {
		uf->host->sleep(uf->cookie, false, is_over, &wait);
		if (withdraw(&wait))
			break;
		/* A reader that has it in hand is not waited for long; it may put it back. */
		wait_event_key(&wait, smp_load_acquire(&wait.state) != EVENT_IN_HAND);
		spin_lock(&uf->lock);
		read = wait.state == EVENT_READ;
		spin_unlock(&uf->lock);
	}
	atomic_dec(&uf->changing);
	return read;
}

int userfault_note(struct list_head *notes, struct userfault *uf, const struct userfault_event *event)
{
	struct userfault_note *note = kmalloc(sizeof(*note), GFP_KERNEL);

	if (!note)
		return -ENOMEM;
	note->uf = userfault_get(uf);
	note->event = *event;
	list_add_tail(&note->link, notes);
	userfault_change_begins(uf);
	return 0;
}

static void free_note(struct userfault_note *note)
{
	list_del(&note->link);
	userfault_put(note->uf);
	kfree(note);
}

int userfault_note_unmap(struct list_head *notes, const struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct userfault_event event = { .type = UFFD_EVENT_UNMAP, .range = { start, end } };
	struct userfault *uf = vma->userfault;
	struct userfault_note *note;

	if (!notes || !userfault_wants(uf, UFFD_FEATURE_EVENT_UNMAP))
		return 0;
	list_for_each_entry(note, notes, link)
		if (note->uf == uf && note->event.type == UFFD_EVENT_UNMAP && note->event.range.start == start &&
		    note->event.range.end == end)
			return 0;
	return userfault_note(notes, uf, &event);
}

void userfault_notes_tell(struct list_head *notes)
{
	struct userfault_note *note, *next;

	list_for_each_entry_safe(note, next, notes, link) {
		bool read = userfault_tell(note->uf, &note->event);

		/* The child's pages have nobody who would bring them. */
		if (!read && note->event.type == UFFD_EVENT_FORK)
			userfault_close(note->event.fork.child);
		free_note(note);
	}
}

static void drop_note(struct userfault_note *note)
{
	atomic_dec(&note->uf->changing);
	if (note->event.type == UFFD_EVENT_FORK)
		userfault_close(note->event.fork.child);
	free_note(note);
}

void userfault_notes_drop(struct list_head *notes)
{
	struct userfault_note *note, *next;

	list_for_each_entry_safe(note, next, notes, link)
		drop_note(note);
}

void userfault_notes_forget(struct list_head *notes, enum userfault_event_type type)
{
	struct userfault_note *note, *next;

	list_for_each_entry_safe(note, next, notes, link)
		if (note->event.type == type)
			drop_note(note);
}

bool userfault_remove(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct userfault_event event = { .type = UFFD_EVENT_REMOVE, .range = { start, end } };
	struct userfault *uf = vma->userfault;

	if (likely(!uf) || !userfault_wants(uf, UFFD_FEATURE_EVENT_REMOVE))
		return false;
	userfault_get(uf);
	userfault_change_begins(uf);
	mmap_read_unlock(vma->vm_mm);
	userfault_tell(uf, &event);
	userfault_put(uf);
	return true;
}

/* ---- fork ---- */

/* The userfault that watches a child, made when the first watched VMA of `uf` is copied. NULL: no memory. */
static struct userfault *child_of(struct list_head *notes, struct userfault *uf, struct mm_struct *mm)
{
	struct userfault_event event = { .type = UFFD_EVENT_FORK };
	struct userfault_note *note;
	struct userfault *child;

	list_for_each_entry(note, notes, link)
		if (note->uf == uf)
			return note->event.fork.child;
	child = userfault_create(mm, uf->host, NULL, uf->user_only);
	if (!child)
		return NULL;
	atomic64_set(&child->features, userfault_features(uf));
	child->cookie = uf->host->fork(uf->cookie, child);
	event.fork.child = child;
	if (child->cookie && !userfault_note(notes, uf, &event))
		return child;
	userfault_put(child);
	return NULL;
}

int userfault_note_fork(struct list_head *notes, struct vm_area_struct *child)
{
	struct userfault *uf = child->userfault, *watcher;

	if (!userfault_wants(uf, UFFD_FEATURE_EVENT_FORK)) {
		vma_unwatch_copy(child);
		return 0;
	}
	watcher = child_of(notes, uf, child->vm_mm);
	if (!watcher)
		return -ENOMEM;
	vma_watch(child, watcher, child->vm_flags & VM_UFFD_FLAGS);
	return 0;
}
