/* SPDX-License-Identifier: MIT */
/* timerfd.c - timerfd_create(2) and its kin: a timer that is read like a file. */
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "sched/timer.h"
#include "syscall/syscall.h"

#define TFD_TIMER_ABSTIME 1u
#define TFD_TIMER_CANCEL_ON_SET 2u

enum timer_clock { REALTIME = 0, MONOTONIC = 1, BOOTTIME = 7, REALTIME_ALARM = 8, BOOTTIME_ALARM = 9 };

struct timerfd {
	spinlock_t lock;	/* interrupts off: ticks, expires, interval */
	struct ktimer timer;
	struct waitq wait;
	int clock;
	u64 ticks;		/* expirations not yet read */
	u64 expires;		/* ktime_get_ns of the next one, 0: not set */
	u64 interval;
};

struct itimerspec64 {
	struct timespec64 it_interval, it_value;
};

static bool is_wall_clock(int clock)
{
	return clock == REALTIME || clock == REALTIME_ALARM;
}

/* Counts what has passed by `now` and moves on. Lock held; true when the timer is to run again. */
static bool advance(struct timerfd *t, u64 now)
{
	u64 nr = 1;

	if (!t->expires || now < t->expires)
		return t->expires;
	if (!t->interval) {
		t->ticks++;
		t->expires = 0;
		return false;
	}
	nr += (now - t->expires) / t->interval;
	t->ticks += nr;
	t->expires += nr * t->interval;
	return true;
}

static void timerfd_fire(struct ktimer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	unsigned long flags;
	u64 next;

	spin_lock_irqsave(&t->lock, flags);
	next = advance(t, ktime_get_ns()) ? t->expires : 0;
	spin_unlock_irqrestore(&t->lock, flags);
	if (next)
		ktimer_start(timer, next);
	waitq_wake_poll(&t->wait, EPOLLIN | EPOLLRDNORM);
}

static u64 take_ticks(struct timerfd *t)
{
	unsigned long flags;
	u64 ticks;

	spin_lock_irqsave(&t->lock, flags);
	ticks = t->ticks;
	t->ticks = 0;
	spin_unlock_irqrestore(&t->lock, flags);
	return ticks;
}

static long timerfd_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct timerfd *t = file->private_data;
	u64 ticks;
	int err;

	if (to->count < sizeof(ticks))
		return -EINVAL;
	ticks = take_ticks(t);
	if (!ticks) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = waitq_wait_interruptible(&t->wait, (ticks = take_ticks(t)));
		if (err)
			return err;
	}
	return copy_to_iter(&ticks, sizeof(ticks), to) == sizeof(ticks) ? (long)sizeof(ticks) : -EFAULT;
}

static unsigned int timerfd_poll(struct file *file, struct poll_table *pt)
{
	struct timerfd *t = file->private_data;

	poll_wait(&t->wait, pt);
	return READ_ONCE(t->ticks) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void timerfd_release(struct file *file)
{
	struct timerfd *t = file->private_data;
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	t->expires = 0;
	spin_unlock_irqrestore(&t->lock, flags);
	ktimer_cancel(&t->timer);
	kfree(t);
}

static const struct file_operations timerfd_fops = {
	.read_iter = timerfd_read, .poll = timerfd_poll, .release = timerfd_release,
};

SYSCALL_DEFINE2(timerfd_create, int, clock, unsigned int, flags)
{
	struct timerfd *t;
	struct file *file;

	if (flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (!is_wall_clock(clock) && clock != MONOTONIC && clock != BOOTTIME && clock != BOOTTIME_ALARM)
		return -EINVAL;
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	spin_lock_init(&t->lock, LOCK_HOST_SPIN);
	ktimer_init(&t->timer, timerfd_fire);
	waitq_init(&t->wait);
	t->clock = clock;
	file = anon_file("[timerfd]", &timerfd_fops, t, O_RDWR | (int)(flags & O_NONBLOCK), 0);
	if (IS_ERR(file)) {
		kfree(t);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags & O_CLOEXEC);
}

static struct timespec64 to_timespec(u64 ns)
{
	return (struct timespec64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };
}

static bool valid(const struct timespec64 *ts)
{
	return ts->tv_sec >= 0 && (u64)ts->tv_nsec < NSEC_PER_SEC;
}

static u64 to_ns(const struct timespec64 *ts)
{
	u64 ns;

	if (__builtin_mul_overflow((u64)ts->tv_sec, NSEC_PER_SEC, &ns) || __builtin_add_overflow(ns, (u64)ts->tv_nsec, &ns))
		return CLOCK_NEVER;
	return ns;
}

static void current_setting(struct timerfd *t, struct itimerspec64 *it)
{
	unsigned long flags;
	u64 now = ktime_get_ns(), left = 0;

	spin_lock_irqsave(&t->lock, flags);
	advance(t, now);
	if (t->expires)
		left = t->expires > now ? t->expires - now : 1;
	it->it_value = to_timespec(left);
	it->it_interval = to_timespec(t->interval);
	spin_unlock_irqrestore(&t->lock, flags);
}

/* When the timer fires first, on ktime_get_ns()'s clock; 0: never. */
static u64 first_expiry(const struct timerfd *t, const struct itimerspec64 *it, unsigned int flags)
{
	u64 value = to_ns(&it->it_value), now = ktime_get_ns(), at;

	if (!value)
		return 0;
	if (!(flags & TFD_TIMER_ABSTIME))
		at = value > CLOCK_NEVER - now ? CLOCK_NEVER - 1 : now + value;
	else if (is_wall_clock(t->clock))
		at = value > ktime_get_real_ns() ? now + (value - ktime_get_real_ns()) : now;
	else
		at = value;
	return at ? at : 1;
}

static void set_timer(struct timerfd *t, const struct itimerspec64 *it, unsigned int flags)
{
	unsigned long irq;
	u64 at;

	ktimer_cancel(&t->timer);
	at = first_expiry(t, it, flags);
	spin_lock_irqsave(&t->lock, irq);
	t->ticks = 0;
	t->expires = at;
	t->interval = to_ns(&it->it_interval);
	spin_unlock_irqrestore(&t->lock, irq);
	if (at)
		ktimer_start(&t->timer, at);
}

SYSCALL_DEFINE4(timerfd_settime, unsigned int, fd, unsigned int, flags, const struct itimerspec64 *, user,
		struct itimerspec64 *, old_user)
{
	struct itimerspec64 it, old;
	struct fd f;
	long err = 0;

	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (copy_from_user(&it, user, sizeof(it)))
		return -EFAULT;
	if (!valid(&it.it_value) || !valid(&it.it_interval))
		return -EINVAL;
	f = fdget(fd);
	if (!fd_file(f))
		return -EBADF;
	if (fd_file(f)->f_op != &timerfd_fops) {
		err = -EINVAL;
	} else {
		current_setting(fd_file(f)->private_data, &old);
		set_timer(fd_file(f)->private_data, &it, flags);
	}
	fdput(f);
	if (!err && old_user && copy_to_user(old_user, &old, sizeof(old)))
		err = -EFAULT;
	return err;
}

SYSCALL_DEFINE2(timerfd_gettime, unsigned int, fd, struct itimerspec64 *, user)
{
	struct itimerspec64 it;
	struct fd f = fdget(fd);
	long err = 0;

	if (!fd_file(f))
		return -EBADF;
	if (fd_file(f)->f_op != &timerfd_fops)
		err = -EINVAL;
	else
		current_setting(fd_file(f)->private_data, &it);
	fdput(f);
	if (err)
		return err;
	return copy_to_user(user, &it, sizeof(it)) ? -EFAULT : 0;
}
