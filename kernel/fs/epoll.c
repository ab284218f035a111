/* SPDX-License-Identifier: MIT */
/*
 * epoll.c - epoll(7): a set of watched files that remembers which of them may be ready.
 *
 *	file's wait queue -> entry of a watch -> ready list of the set -> epoll_wait(2)
 *
 * [E1] A watch that is on the ready list may be ready; it is asked (vfs_poll) before it is reported.
 * [E2] A watch goes with its file: the file does not hold it, nor does the watch hold the file.
 * Locks: epoll_mutex (which watches exist), ep->lock with interrupts off (ready list, taken inside files' wait queues).
 */
#include "base/math.h"
#include "base/rbtree.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EP_PRIVATE (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EP_QUEUES 2	/* wait queues that one file's poll method may name */
#define EP_MAX_EVENTS (0x7fffffff / (int)sizeof(struct epoll_event))

struct epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));

struct epoll_set {
	struct mutex mutex;		/* epoll_wait's walk against changes */
	spinlock_t lock;		/* LOCK_HOST_WAIT2, interrupts off */
	struct list_head ready;		/* (lock) */
	struct list_head waiters;	/* (lock) struct ep_waiter */
	struct waitq poll_wait;		/* who polls the set itself; LOCK_HOST_WAIT2, woken when lock is not held */
	struct rb_root watches;		/* (mutex) by file and number */
};

struct watch {
	struct rb_node node;
	struct list_head in_file;	/* (epoll_mutex) file->f_ep */
	struct list_head ready;		/* (lock) empty: not on the list */
	struct epoll_set *set;
	struct file *file;
	int fd;
	struct epoll_event event;	/* (mutex) */
	unsigned int nr_queues;
	struct ep_queue {
		struct waitq_entry wait;
		struct waitq *wq;
		struct watch *watch;
	} queues[EP_QUEUES];
};

struct ep_waiter {
	struct list_head link;
	struct task *task;
	bool woken;
};

static DEFINE_MUTEX(epoll_mutex, LOCK_HOST_FILES);
static const struct file_operations epoll_fops;

/* ---- getting to know ---- */

static void make_ready_locked(struct watch *w)
{
	struct epoll_set *set = w->set;

	if (list_empty(&w->ready))
		list_add_tail(&w->ready, &set->ready);
	if (!list_empty(&set->waiters)) {
		struct ep_waiter *waiter = list_first_entry(&set->waiters, struct ep_waiter, link);

		list_del_init(&waiter->link);
		WRITE_ONCE(waiter->woken, true);
		try_to_wake_up(waiter->task, TASK_NORMAL);
	}
}

/* Called under the file's wait queue's lock. */
static bool ep_wake(struct waitq_entry *entry, unsigned int states, unsigned long key)
{
	struct watch *w = container_of(entry, struct ep_queue, wait)->watch;
	u32 wanted = READ_ONCE(w->event.events);
	unsigned long flags;

	if (!(wanted & ~EP_PRIVATE) || (key && !(key & wanted)))
		return false;
	spin_lock_irqsave(&w->set->lock, flags);
	make_ready_locked(w);
	spin_unlock_irqrestore(&w->set->lock, flags);
	waitq_wake_poll(&w->set->poll_wait, EPOLLIN | EPOLLRDNORM);
	return true;
}

struct ep_poll {
	struct poll_table pt;
	struct watch *watch;
	int error;
};

static void ep_queue(struct waitq *wq, struct poll_table *pt)
{
	struct ep_poll *p = container_of(pt, struct ep_poll, pt);
	struct watch *w = p->watch;
	struct ep_queue *q;

	if (w->nr_queues == EP_QUEUES) {
		p->error = -ENOSPC;
		return;
	}
	q = &w->queues[w->nr_queues++];
	q->wq = wq;
	q->watch = w;
	waitq_entry_init_func(&q->wait, ep_wake);
	waitq_add(wq, &q->wait);
}

static unsigned int ask(struct watch *w, struct poll_table *pt)
{
	u32 wanted = w->event.events;

	if (pt)
		pt->key = wanted;
	return vfs_poll(w->file, pt) & wanted & ~EP_PRIVATE;
}

/* ---- the set of watches ---- */

static int compare(const struct file *file, int fd, const struct watch *w)
{
	if (file != w->file)
		return file < w->file ? -1 : 1;
	return fd < w->fd ? -1 : fd > w->fd;
}

static struct watch *find_watch(struct epoll_set *set, struct file *file, int fd)
{
	struct rb_node *node = set->watches.rb_node;

	while (node) {
		struct watch *w = rb_entry(node, struct watch, node);
		int order = compare(file, fd, w);

		if (!order)
			return w;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void insert_watch(struct epoll_set *set, struct watch *w)
{
	struct rb_node **at = &set->watches.rb_node, *parent = NULL;

	while (*at) {
		parent = *at;
		at = compare(w->file, w->fd, rb_entry(parent, struct watch, node)) < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&w->node, parent, at);
	rb_insert_color(&w->node, &set->watches);
}

/* epoll_mutex and set->mutex held. */
static void remove_watch(struct watch *w)
{
	struct epoll_set *set = w->set;
	unsigned long flags;

	for (unsigned int i = 0; i < w->nr_queues; i++)
		waitq_remove(w->queues[i].wq, &w->queues[i].wait);
	spin_lock_irqsave(&set->lock, flags);
	list_del_init(&w->ready);
	spin_unlock_irqrestore(&set->lock, flags);
	rb_erase(&w->node, &set->watches);
	list_del(&w->in_file);
	kfree(w);
}

static int add_watch(struct epoll_set *set, struct file *file, int fd, const struct epoll_event *event)
{
	struct watch *w = kzalloc(sizeof(*w), GFP_KERNEL);
	struct ep_poll p = { .pt.queue = ep_queue, .watch = w };
	unsigned long flags;
	unsigned int events;

	if (!w)
		return -ENOMEM;
	INIT_LIST_HEAD(&w->ready);
	w->set = set;
	w->file = file;
	w->fd = fd;
	w->event = *event;
	insert_watch(set, w);
	list_add_tail(&w->in_file, &file->f_ep);
	events = ask(w, &p.pt);
	if (p.error) {
		remove_watch(w);
		return p.error;
	}
	if (events) {
		spin_lock_irqsave(&set->lock, flags);
		make_ready_locked(w);
		spin_unlock_irqrestore(&set->lock, flags);
	}
	return 0;
}

static int modify_watch(struct watch *w, const struct epoll_event *event)
{
	unsigned long flags;

	if (w->event.events & EPOLLEXCLUSIVE)
		return -EINVAL;
	w->event.data = event->data;
	WRITE_ONCE(w->event.events, event->events);
	/* A wake-up for the new events may have passed before they were set. */
	smp_mb();
	if (ask(w, NULL)) {
		spin_lock_irqsave(&w->set->lock, flags);
		make_ready_locked(w);
		spin_unlock_irqrestore(&w->set->lock, flags);
	}
	return 0;
}

/* The file's last reference is gone: nobody can add watches any more. */
void eventpoll_release(struct file *file)
{
	mutex_lock(&epoll_mutex);
	while (!list_empty(&file->f_ep)) {
		struct watch *w = list_first_entry(&file->f_ep, struct watch, in_file);
		struct epoll_set *set = w->set;

		mutex_lock(&set->mutex);
		remove_watch(w);
		mutex_unlock(&set->mutex);
	}
	mutex_unlock(&epoll_mutex);
}

static void epoll_release(struct file *file)
{
	struct epoll_set *set = file->private_data;
	struct rb_node *node;

	mutex_lock(&epoll_mutex);
	mutex_lock(&set->mutex);
	while ((node = rb_first(&set->watches)))
		remove_watch(rb_entry(node, struct watch, node));
	mutex_unlock(&set->mutex);
	mutex_unlock(&epoll_mutex);
	kfree(set);
}

static unsigned int epoll_poll(struct file *file, struct poll_table *pt)
{
	struct epoll_set *set = file->private_data;

	poll_wait(&set->poll_wait, pt);
	return list_empty(&set->ready) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static const struct file_operations epoll_fops = { .release = epoll_release, .poll = epoll_poll };

/* ---- waiting ---- */

/* Moves ready watches out, asks each, reports up to max. Bytes are put to user memory under the mutex. */
static long report(struct epoll_set *set, struct epoll_event *user, int max)
{
	unsigned long flags;
	LIST_HEAD(todo);
	long done = 0;
	int err = 0;

	mutex_lock(&set->mutex);
	spin_lock_irqsave(&set->lock, flags);
	list_splice_init(&set->ready, &todo);
	spin_unlock_irqrestore(&set->lock, flags);
	while (!list_empty(&todo) && done < max && !err) {
		struct watch *w = list_first_entry(&todo, struct watch, ready);
		struct epoll_event out = { 0, w->event.data };

		spin_lock_irqsave(&set->lock, flags);
		list_del_init(&w->ready);
		spin_unlock_irqrestore(&set->lock, flags);
		out.events = ask(w, NULL);
		if (!out.events)
			continue;
		if (copy_to_user(&user[done], &out, sizeof(out)))
			err = -EFAULT;
		else
			done++;
		if (!err && (w->event.events & EPOLLONESHOT))
			w->event.events &= EP_PRIVATE;
		if (err || !(w->event.events & (EPOLLET | EPOLLONESHOT))) {
			/* Level-triggered: stays until it is seen not to be ready. */
			spin_lock_irqsave(&set->lock, flags);
			if (list_empty(&w->ready))
				list_add_tail(&w->ready, &set->ready);
			spin_unlock_irqrestore(&set->lock, flags);
		}
	}
	spin_lock_irqsave(&set->lock, flags);
	list_splice_init(&todo, &set->ready);
	spin_unlock_irqrestore(&set->lock, flags);
	mutex_unlock(&set->mutex);
	return done ? done : err;
}

/* Sleeps until something may be ready. 0, -EINTR, -ETIME. */
static int ep_sleep(struct epoll_set *set, u64 deadline)
{
	struct ep_waiter waiter = { .task = current };
	unsigned long flags;
	int err = 0;

	INIT_LIST_HEAD(&waiter.link);
	spin_lock_irqsave(&set->lock, flags);
	if (list_empty(&set->ready))
		list_add_tail(&waiter.link, &set->waiters);
	else
		waiter.woken = true;
	spin_unlock_irqrestore(&set->lock, flags);
	while (!err) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter.woken))
			break;
		if (signal_pending(current))
			err = -EINTR;
		else if (!schedule_until(deadline))
			err = -ETIME;
	}
	__set_current_state(TASK_RUNNING);
	spin_lock_irqsave(&set->lock, flags);
	if (waiter.woken)
		err = 0;
	list_del_init(&waiter.link);
	spin_unlock_irqrestore(&set->lock, flags);
	return err;
}

static long wait_events(struct epoll_set *set, struct epoll_event *user, int max, u64 deadline)
{
	for (;;) {
		long done = list_empty(&set->ready) ? 0 : report(set, user, max);
		int err;

		if (done || !deadline)
			return done;
		err = ep_sleep(set, deadline);
		if (err == -ETIME) {
			deadline = 0; /* one more look */
			continue;
		}
		if (err)
			return err;
	}
}

static long do_epoll_wait(int epfd, struct epoll_event *user, int max, u64 deadline)
{
	struct fd f;
	long done;

	if (max <= 0 || max > EP_MAX_EVENTS)
		return -EINVAL;
	if (!access_ok(user, (size_t)max * sizeof(*user)))
		return -EFAULT;
	f = fdget((unsigned int)epfd);
	if (!fd_file(f))
		return -EBADF;
	if (fd_file(f)->f_op != &epoll_fops)
		done = -EINVAL;
	else
		done = wait_events(fd_file(f)->private_data, user, max, deadline);
	fdput(f);
	return done;
}

/* ---- system calls ---- */

static long new_set(unsigned int flags)
{
	struct epoll_set *set;
	struct file *file;

	if (flags & ~(unsigned int)O_CLOEXEC)
		return -EINVAL;
	set = kmalloc(sizeof(*set), GFP_KERNEL);
	if (!set)
		return -ENOMEM;
	mutex_init(&set->mutex, LOCK_HOST_INODE);
	spin_lock_init(&set->lock, LOCK_HOST_WAIT2);
	waitq_init(&set->poll_wait);
	spin_lock_init(&set->poll_wait.lock, LOCK_HOST_WAIT2);
	INIT_LIST_HEAD(&set->ready);
	INIT_LIST_HEAD(&set->waiters);
	set->watches = RB_ROOT;
	file = anon_file("[eventpoll]", &epoll_fops, set, O_RDWR, 0);
	if (IS_ERR(file)) {
		kfree(set);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags);
}

SYSCALL_DEFINE1(epoll_create, int, size)
{
	return size <= 0 ? -EINVAL : new_set(0);
}

SYSCALL_DEFINE1(epoll_create1, unsigned int, flags)
{
	return new_set(flags);
}

static long control(struct epoll_set *set, int op, struct file *file, int fd, struct epoll_event *event)
{
	struct watch *w = find_watch(set, file, fd);

	event->events |= EPOLLERR | EPOLLHUP;
	switch (op) {
	case EPOLL_CTL_ADD:
		return w ? -EEXIST : add_watch(set, file, fd, event);
	case EPOLL_CTL_MOD:
		return w ? modify_watch(w, event) : -ENOENT;
	case EPOLL_CTL_DEL:
		if (!w)
			return -ENOENT;
		remove_watch(w);
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_DEFINE4(epoll_ctl, int, epfd, int, op, int, fd, const struct epoll_event *, user)
{
	struct epoll_event event = { 0, 0 };
	struct fd ep, target;
	struct epoll_set *set;
	long err;

	if (op != EPOLL_CTL_DEL && copy_from_user(&event, user, sizeof(event)))
		return -EFAULT;
	ep = fdget((unsigned int)epfd);
	target = fdget((unsigned int)fd);
	if (!fd_file(ep) || !fd_file(target)) {
		err = -EBADF;
	} else if (!fd_file(target)->f_op->poll) {
		err = -EPERM;
	} else if (fd_file(ep)->f_op != &epoll_fops || fd_file(target)->f_op == &epoll_fops) {
		err = -EINVAL;
	} else {
		set = fd_file(ep)->private_data;
		mutex_lock(&epoll_mutex);
		mutex_lock(&set->mutex);
		err = control(set, op, fd_file(target), fd, &event);
		mutex_unlock(&set->mutex);
		mutex_unlock(&epoll_mutex);
	}
	fdput(target);
	fdput(ep);
	return err;
}

static u64 deadline_ms(int timeout)
{
	if (timeout < 0)
		return MAX_SCHEDULE_TIMEOUT;
	return timeout ? ktime_get_ns() + (u64)timeout * NSEC_PER_MSEC : 0;
}

SYSCALL_DEFINE4(epoll_wait, int, epfd, struct epoll_event *, events, int, max, int, timeout)
{
	return do_epoll_wait(epfd, events, max, deadline_ms(timeout));
}

SYSCALL_DEFINE6(epoll_pwait, int, epfd, struct epoll_event *, events, int, max, int, timeout, const u64 *, mask, size_t,
		size)
{
	long ret = mask ? set_user_sigmask(mask, size) : 0;

	if (ret)
		return ret;
	ret = do_epoll_wait(epfd, events, max, deadline_ms(timeout));
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret;
}

SYSCALL_DEFINE6(epoll_pwait2, int, epfd, struct epoll_event *, events, int, max, const struct timespec64 *, timeout,
		const u64 *, mask, size_t, size)
{
	struct timespec64 ts;
	u64 deadline = MAX_SCHEDULE_TIMEOUT;
	long ret = 0;

	if (timeout) {
		if (copy_from_user(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NSEC_PER_SEC)
			return -EINVAL;
		if (!ts.tv_sec && !ts.tv_nsec)
			deadline = 0;
		else if ((u64)ts.tv_sec < MAX_SCHEDULE_TIMEOUT / NSEC_PER_SEC / 2)
			deadline = ktime_get_ns() + (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	}
	if (mask)
		ret = set_user_sigmask(mask, size);
	if (ret)
		return ret;
	ret = do_epoll_wait(epfd, events, max, deadline);
	restore_saved_sigmask_unless(ret == -EINTR);
	return ret;
}
