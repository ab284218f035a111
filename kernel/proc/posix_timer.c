/* SPDX-License-Identifier: MIT */
/* posix_timer.c - timer_create and its family, on the monotonic and the wall clock. */
#include "base/string.h"
#include "proc/itimer.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "proc/sigqueue.h"
#include "proc/timespec.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "sync/mutex.h"
#include "syscall/syscall.h"

enum {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9
};
enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD_ID = 4 };
#define TIMER_ABSTIME 1
#define TIMERS_MAX 256	/* of one process */

struct sigevent {
	unsigned long value;
	int signo, notify;
	int tid;
	char pad[64 - sizeof(long) - 3 * sizeof(int)];
};
_Static_assert(sizeof(struct sigevent) == 64, "user space's layout");

struct posix_timer {
	struct list_head link;	/* (s) signal->posix_timers */
	struct ktimer timer;
	struct task *target;	/* with a reference */
	struct sigqueue *q;
	int id, clockid, notify, signo;
	u64 interval;		/* (s) */
	int overrun, overrun_last; /* (s) */
};

/* In the timer interrupt. */
static void expired(struct ktimer *kt)
{
	struct posix_timer *t = container_of(kt, struct posix_timer, timer);
	unsigned long flags;
	struct sighand *sighand;

	if (t->interval)
		ktimer_start(kt, kt->expires + t->interval);
	if (t->notify == SIGEV_NONE)
		return;
	sighand = lock_task_sighand(t->target, &flags);
	if (!sighand)
		return;
	if (!list_empty(&t->q->list))
		t->overrun += t->overrun < INT32_MAX;
	else
		send_sigqueue_locked(t->q, t->target, t->notify != SIGEV_THREAD_ID);
	unlock_task_sighand(sighand, flags);
}

static struct posix_timer *find_timer(int id)
{
	struct posix_timer *t;

	list_for_each_entry(t, &current->signal->posix_timers, link)
		if (t->id == id)
			return t;
	return NULL;
}

void posix_timer_delivered(struct kernel_siginfo *info)
{
	struct posix_timer *t = find_timer(info->timer.tid);

	if (!t)
		return;
	info->timer.overrun = t->overrun_last = t->overrun;
	t->overrun = 0;
}

static void free_timer(struct posix_timer *t)
{
	unsigned long flags;
	struct sighand *sighand;

	ktimer_cancel(&t->timer);
	sighand = lock_task_sighand(t->target, &flags);
	if (sighand) {
		list_del_init(&t->q->list);
		unlock_task_sighand(sighand, flags);
	}
	sigqueue_free(t->q);
	put_task(t->target);
	kfree(t);
}

void posix_timers_drop(struct signal *sig)
{
	struct posix_timer *t;

	for (;;) {
		spin_lock_irq(&current->sighand->lock);
		t = list_first_entry_or_null(&sig->posix_timers, struct posix_timer, link);
		if (t)
			list_del_init(&t->link);
		spin_unlock_irq(&current->sighand->lock);
		if (!t)
			return;
		free_timer(t);
	}
}

static bool clock_ok(int clockid)
{
	return clockid == CLOCK_REALTIME || clockid == CLOCK_MONOTONIC ||
	       clockid == CLOCK_BOOTTIME || clockid == CLOCK_REALTIME_ALARM ||
	       clockid == CLOCK_BOOTTIME_ALARM;
}

static struct task *event_target(const struct sigevent *ev)
{
	struct task *t;

	if (ev->notify != SIGEV_NONE && (ev->signo < 1 || ev->signo > NSIG))
		return NULL;
	if (ev->notify != SIGEV_THREAD_ID)
		return ev->notify == SIGEV_SIGNAL || ev->notify == SIGEV_NONE
			       ? get_task(current->group_leader)
			       : NULL;
	t = find_get_task(ev->tid);
	if (t && !same_thread_group(t, current)) {
		put_task(t);
		t = NULL;
	}
	return t;
}

static struct posix_timer *new_timer(int clockid, const struct sigevent *ev)
{
	struct posix_timer *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	t->q = sigqueue_alloc(current, false);
	if (!t->q) {
		kfree(t);
		return NULL;
	}
	t->q->preallocated = true;
	ktimer_init(&t->timer, expired);
	t->clockid = clockid;
	t->notify = ev->notify;
	t->signo = ev->signo;
	return t;
}

static int insert_timer(struct posix_timer *t, u64 value, bool value_is_id)
{
	struct signal *sig = current->signal;
	bool room;

	spin_lock_irq(&current->sighand->lock);
	room = list_count(&sig->posix_timers) < TIMERS_MAX;
	if (room) {
		t->id = sig->next_posix_timer_id++ & INT32_MAX;
		t->q->info = (struct kernel_siginfo){ .si_signo = t->signo, .si_code = SI_TIMER };
		t->q->info.timer.tid = t->id;
		t->q->info.timer.value = value_is_id ? (u64)t->id : value;
		list_add_tail(&t->link, &sig->posix_timers);
	}
	spin_unlock_irq(&current->sighand->lock);
	return room ? 0 : -EAGAIN;
}

SYSCALL_DEFINE3(timer_create, int, clockid, const struct sigevent *, uev, int *, uid)
{
	struct sigevent ev = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_timer *t;
	struct task *target;
	int error;

	if (!clock_ok(clockid))
		return -EINVAL;
	if (uev && copy_from_user(&ev, uev, sizeof(ev)))
		return -EFAULT;
	target = event_target(&ev);
	if (!target)
		return -EINVAL;
	t = new_timer(clockid, &ev);
	if (!t) {
		put_task(target);
		return -EAGAIN;
	}
	t->target = target;
	error = insert_timer(t, ev.value, !uev);
	if (!error && put_user(t->id, uid)) {
		spin_lock_irq(&current->sighand->lock);
		list_del_init(&t->link);
		spin_unlock_irq(&current->sighand->lock);
		error = -EFAULT;
	}
	if (error)
		free_timer(t);
	return error;
}

static void fill_spec(const struct posix_timer *t, struct itimerspec64 *spec)
{
	spec->it_interval = ns_to_timespec(t->interval);
	spec->it_value = ns_to_timespec(ktimer_remaining((struct ktimer *)&t->timer));
}

/*
 * The timers of a process are changed by its own threads. One that deletes a timer while another uses it
 * is wrong, but must not be wrong about our memory.
 */
static DEFINE_MUTEX(timers_mutex, LOCK_HOST_PROC);

SYSCALL_DEFINE4(timer_settime, int, id, int, flags, const struct itimerspec64 *, from,
		struct itimerspec64 *, to)
{
	struct itimerspec64 in, out;
	struct posix_timer *t;
	u64 value;

	if (copy_from_user(&in, from, sizeof(in)))
		return -EFAULT;
	if (!timespec_valid(&in.it_value) || !timespec_valid(&in.it_interval))
		return -EINVAL;
	mutex_lock(&timers_mutex);
	t = find_timer(id);
	if (t) {
		fill_spec(t, &out);
		ktimer_cancel(&t->timer);
		value = timespec_to_ns(&in.it_value);
		t->interval = timespec_to_ns(&in.it_interval);
		t->overrun = 0;
		if (value && !(flags & TIMER_ABSTIME))
			ktimer_start(&t->timer, deadline_after(value));
		else if (value)
			ktimer_start(&t->timer, t->clockid == CLOCK_REALTIME ||
								t->clockid == CLOCK_REALTIME_ALARM
							? deadline_of_real(value)
							: value);
	}
	mutex_unlock(&timers_mutex);
	if (!t)
		return -EINVAL;
	return to && copy_to_user(to, &out, sizeof(out)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(timer_gettime, int, id, struct itimerspec64 *, to)
{
	struct itimerspec64 out;
	struct posix_timer *t;

	mutex_lock(&timers_mutex);
	t = find_timer(id);
	if (t)
		fill_spec(t, &out);
	mutex_unlock(&timers_mutex);
	if (!t)
		return -EINVAL;
	return copy_to_user(to, &out, sizeof(out)) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(timer_getoverrun, int, id)
{
	struct posix_timer *t;
	long result;

	mutex_lock(&timers_mutex);
	t = find_timer(id);
	result = t ? t->overrun_last : -EINVAL;
	mutex_unlock(&timers_mutex);
	return result;
}

SYSCALL_DEFINE1(timer_delete, int, id)
{
	struct posix_timer *t;

	mutex_lock(&timers_mutex);
	t = find_timer(id);
	if (t) {
		spin_lock_irq(&current->sighand->lock);
		list_del_init(&t->link);
		spin_unlock_irq(&current->sighand->lock);
		free_timer(t);
	}
	mutex_unlock(&timers_mutex);
	return t ? 0 : -EINVAL;
}
