/* SPDX-License-Identifier: MIT */
/* tty.c - terminals as files: reading and writing with all their ways to wait, settings, hang-up. */
#include "dev/tty.h"
#include "base/math.h"
#include "base/string.h"
#include "fs/poll.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "quire/slab.h"

static struct kmem_cache *tty_cache;

/* ---- life ---- */

struct tty *tty_alloc(const struct tty_ops *ops, const char *name, dev_t dev)
{
	struct tty *tty;

	if (!tty_cache)
		/* signal->tty is followed without a reference and checked afterwards. */
		tty_cache = KMEM_CACHE(tty, SLAB_PANIC | SLAB_TYPESAFE_BY_RCU);
	tty = kmem_cache_zalloc(tty_cache, GFP_KERNEL);
	if (!tty)
		return NULL;
	tty->ring = (u8 *)__get_free_pages(GFP_KERNEL, 0);
	if (!tty->ring) {
		kmem_cache_free(tty_cache, tty);
		return NULL;
	}
	spin_lock_init(&tty->lock, LOCK_HOST_SPIN2);
	tty->ops = ops;
	strscpy(tty->name, name, sizeof(tty->name));
	tty->dev = dev;
	n_tty_defaults(&tty->termios);
	waitq_init(&tty->read_wait);
	waitq_init(&tty->write_wait);
	mutex_init(&tty->read_lock, LOCK_HOST_STREAM);
	mutex_init(&tty->write_lock, LOCK_HOST_STREAM);
	refcount_set(&tty->refs, 1);
	return tty;
}

bool tty_get(struct tty *tty)
{
	return refcount_inc_not_zero(&tty->refs);
}

void tty_put(struct tty *tty)
{
	if (!tty || !refcount_dec_and_test(&tty->refs))
		return;
	tty_clear_session(tty, false);
	free_page((unsigned long)tty->ring);
	kmem_cache_free(tty_cache, tty);
}

/* ---- from the driver ---- */

/* Sends what the discipline has noted down. The lock is held on entry and dropped. */
static void unlock_and_signal(struct tty *tty, unsigned long flags)
{
	int sig = tty->pending_signal;
	struct pid *pgrp = NULL;

	tty->pending_signal = 0;
	if (unlikely(sig))
		pgrp = get_pid(tty->pgrp);
	spin_unlock_irqrestore(&tty->lock, flags);
	if (pgrp) {
		kill_pgrp(pgrp, sig, SEND_SIG_PRIV);
		put_pid(pgrp);
	}
}

size_t tty_receive(struct tty *tty, const u8 *bytes, size_t len)
{
	unsigned long flags;
	size_t done = 0;

	while (done < len) {
		bool full;

		spin_lock_irqsave(&tty->lock, flags);
		/* A full ring without a whole line must still take characters: one of them may end or erase it. */
		full = tty->read_head - tty->read_tail >= TTY_RING - 1 && n_tty_input_ready(tty) && tty->ops->is_pty;
		if (!full && !tty->hung_up && (tty->read_head - tty->read_tail < TTY_RING))
			n_tty_char(tty, bytes[done]);
		unlock_and_signal(tty, flags);
		if (full)
			break;
		done++;
	}
	return done;
}

void tty_receive_break(struct tty *tty)
{
	unsigned long flags;

	spin_lock_irqsave(&tty->lock, flags);
	if (!(tty->termios.c_iflag & IGNBRK)) {
		if (tty->termios.c_iflag & BRKINT) {
			n_tty_flush_input(tty);
			tty->pending_signal = SIGINT;
		} else {
			n_tty_char(tty, 0);
		}
	}
	unlock_and_signal(tty, flags);
}

void tty_write_wakeup(struct tty *tty)
{
	waitq_wake_poll(&tty->write_wait, EPOLLOUT | EPOLLWRNORM);
}

void tty_hangup(struct tty *tty)
{
	unsigned long flags;

	spin_lock_irqsave(&tty->lock, flags);
	tty->hung_up = true;
	n_tty_flush_input(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	tty_clear_session(tty, true);
	waitq_wake_all(&tty->read_wait);
	waitq_wake_all(&tty->write_wait);
}

/* ---- reading ---- */

#define TTY_CHUNK 256u

static inline bool canonical(const struct tty *tty)
{
	return READ_ONCE(tty->termios.c_lflag) & ICANON;
}

static inline bool dead(const struct tty *tty)
{
	return READ_ONCE(tty->hung_up);
}

/* What is there now. *end: nothing more belongs to this read. read_lock held. */
static long read_now(struct tty *tty, struct iov_iter *to, bool *end)
{
	u8 buf[TTY_CHUNK];
	long done = 0;

	*end = false;
	while (to->count && !*end) {
		unsigned long flags;
		size_t part, did;

		spin_lock_irqsave(&tty->lock, flags);
		part = n_tty_take(tty, buf, min(to->count, (size_t)TTY_CHUNK), end);
		spin_unlock_irqrestore(&tty->lock, flags);
		if (!part)
			break;
		did = copy_to_iter(buf, part, to);
		done += (long)did;
		if (did < part)
			return done ? done : -EFAULT;
	}
	return done;
}

/* When a raw read may return with what it has: VMIN bytes, or VTIME without a new one. */
struct raw_wait {
	size_t min_bytes;
	u64 gap_ns;	/* between bytes, or for the first when min_bytes is 0 */
};

static struct raw_wait raw_rules(const struct tty *tty, size_t room)
{
	struct raw_wait w = { tty->termios.c_cc[VMIN], (u64)tty->termios.c_cc[VTIME] * 100 * NSEC_PER_MSEC };

	if (w.min_bytes > room)
		w.min_bytes = room;
	return w;
}

/* Waits for input. 0, -ETIME, -EAGAIN, -ERESTARTSYS. */
static int wait_input(struct tty *tty, struct file *file, u64 deadline)
{
	if (file->f_flags & O_NONBLOCK)
		return -EAGAIN;
	return waitq_wait_interruptible_until(&tty->read_wait, n_tty_input_ready(tty) || dead(tty) ||
					      READ_ONCE(tty->other_closed), deadline);
}

static long read_loop(struct tty *tty, struct file *file, struct iov_iter *to)
{
	struct raw_wait rules = raw_rules(tty, to->count);
	bool canon = canonical(tty);
	u64 deadline = MAX_SCHEDULE_TIMEOUT;
	long done = 0;

	if (!canon && !rules.min_bytes && rules.gap_ns)
		deadline = ktime_get_ns() + rules.gap_ns;
	for (;;) {
		bool end;
		long n;
		int err;

		mutex_lock(&tty->read_lock);
		n = read_now(tty, to, &end);
		mutex_unlock(&tty->read_lock);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (end || !to->count || (canon && done) || dead(tty))
			return done;
		if (!canon && (size_t)done >= rules.min_bytes && (done || !rules.gap_ns))
			return done;
		if (READ_ONCE(tty->other_closed) && !n_tty_input_ready(tty))
			return done ? done : -EIO;
		if (!canon && rules.min_bytes && rules.gap_ns && n)
			deadline = ktime_get_ns() + rules.gap_ns;
		err = tty_check_change(tty, SIGTTIN);
		if (!err)
			err = wait_input(tty, file, deadline);
		if (err == -ETIME)
			return done;
		if (err)
			return done ? done : err;
	}
}

static long tty_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct tty *tty = file->private_data;
	long done = tty_check_change(tty, SIGTTIN);

	if (done || !to->count)
		return done;
	if (dead(tty))
		return 0;
	done = read_loop(tty, file, to);
	if (tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
	return done;
}

/* ---- writing ---- */

static size_t output_some(struct tty *tty, const u8 *bytes, size_t len)
{
	unsigned long flags;
	size_t done = 0;

	spin_lock_irqsave(&tty->lock, flags);
	if (!tty->stopped)
		done = n_tty_output(tty, bytes, len);
	spin_unlock_irqrestore(&tty->lock, flags);
	return done;
}

static bool can_output(struct tty *tty)
{
	return dead(tty) || READ_ONCE(tty->other_closed) || (!READ_ONCE(tty->stopped) && tty->ops->room(tty) >= 8);
}

/* All of a buffer, waiting for room. Bytes done, or -errno when none. */
static long write_chunk(struct tty *tty, struct file *file, const u8 *bytes, size_t len)
{
	size_t done = 0;

	for (;;) {
		int err = 0;

		if (dead(tty) || READ_ONCE(tty->other_closed))
			return done ? (long)done : -EIO;
		done += output_some(tty, bytes + done, len - done);
		if (done == len)
			return (long)done;
		if (file->f_flags & O_NONBLOCK)
			err = -EAGAIN;
		else
			err = waitq_wait_interruptible(&tty->write_wait, can_output(tty));
		if (err)
			return done ? (long)done : err;
	}
}

static long tty_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct tty *tty = file->private_data;
	u8 buf[TTY_CHUNK];
	long done = 0, n = 0;

	if (tty->termios.c_lflag & TOSTOP) {
		n = tty_check_change(tty, SIGTTOU);
		if (n)
			return n;
	}
	mutex_lock(&tty->write_lock);
	while (from->count) {
		size_t part = min(from->count, (size_t)TTY_CHUNK);

		part = copy_from_iter(buf, part, from);
		if (!part) {
			n = -EFAULT;
			break;
		}
		n = write_chunk(tty, file, buf, part);
		if (n > 0)
			done += n;
		if (n < (long)part)
			break;
		cond_resched();
	}
	mutex_unlock(&tty->write_lock);
	return done ? done : n;
}

static unsigned int tty_poll(struct file *file, struct poll_table *pt)
{
	struct tty *tty = file->private_data;
	unsigned int events = 0;

	poll_wait(&tty->read_wait, pt);
	poll_wait(&tty->write_wait, pt);
	if (n_tty_input_ready(tty))
		events |= EPOLLIN | EPOLLRDNORM;
	if (dead(tty) || READ_ONCE(tty->other_closed))
		events |= EPOLLHUP | (dead(tty) ? EPOLLIN | EPOLLOUT | EPOLLERR : 0);
	if (!READ_ONCE(tty->stopped) && tty->ops->room(tty) >= 8)
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

/* ---- settings ---- */

static int set_termios(struct tty *tty, const struct termios *user, size_t bytes, bool flush)
{
	struct termios t, old;
	unsigned long flags;
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	spin_lock_irqsave(&tty->lock, flags);
	t = tty->termios;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (copy_from_user(&t, user, bytes))
		return -EFAULT;
	spin_lock_irqsave(&tty->lock, flags);
	if (flush)
		n_tty_flush_input(tty);
	old = tty->termios;
	tty->termios = t;
	n_tty_mode_changed(tty, &old);
	if (!(t.c_iflag & IXON))
		tty->stopped = false;
	spin_unlock_irqrestore(&tty->lock, flags);
	tty_write_wakeup(tty);
	return 0;
}

static int get_termios(struct tty *tty, struct termios *user, size_t bytes)
{
	struct termios t;
	unsigned long flags;

	spin_lock_irqsave(&tty->lock, flags);
	t = tty->termios;
	spin_unlock_irqrestore(&tty->lock, flags);
	return copy_to_user(user, &t, bytes) ? -EFAULT : 0;
}

static int set_winsize(struct tty *tty, const struct winsize *user)
{
	struct winsize w;
	struct pid *pgrp = NULL;
	unsigned long flags;

	if (copy_from_user(&w, user, sizeof(w)))
		return -EFAULT;
	spin_lock_irqsave(&tty->lock, flags);
	if (memcmp(&w, &tty->winsize, sizeof(w))) {
		tty->winsize = w;
		pgrp = get_pid(tty->pgrp);
	}
	spin_unlock_irqrestore(&tty->lock, flags);
	if (pgrp) {
		kill_pgrp(pgrp, SIGWINCH, SEND_SIG_PRIV);
		put_pid(pgrp);
	}
	return 0;
}

static int flush_queues(struct tty *tty, unsigned long which)
{
	unsigned long flags;
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which == TCOFLUSH)
		return 0;
	spin_lock_irqsave(&tty->lock, flags);
	n_tty_flush_input(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	if (tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
	return 0;
}

static int flow_control(struct tty *tty, unsigned long action)
{
	unsigned long flags;
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	if (action > TCION)
		return -EINVAL;
	if (action == TCOOFF || action == TCOON) {
		spin_lock_irqsave(&tty->lock, flags);
		tty->stopped = action == TCOOFF;
		spin_unlock_irqrestore(&tty->lock, flags);
		tty_write_wakeup(tty);
	}
	return 0;
}

static int count_unread(struct tty *tty, int *user)
{
	unsigned long flags;
	int nr;

	spin_lock_irqsave(&tty->lock, flags);
	nr = (int)n_tty_unread(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	return put_user(nr, user);
}

static int inject(struct tty *tty, const u8 *user)
{
	u8 c;

	if (current->signal->tty != tty && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user(c, (u8 *)user))
		return -EFAULT;
	tty_receive(tty, &c, 1);
	return 0;
}

long tty_ioctl_common(struct tty *tty, struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case TCGETS:
		return get_termios(tty, (struct termios *)arg, TERMIOS_OLD_BYTES);
	case TCGETS2:
		return get_termios(tty, (struct termios *)arg, sizeof(struct termios));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(tty, (struct termios *)arg, TERMIOS_OLD_BYTES, cmd == TCSETSF);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(tty, (struct termios *)arg, sizeof(struct termios), cmd == TCSETSF2);
	case TIOCGWINSZ:
		return copy_to_user((void *)arg, &tty->winsize, sizeof(struct winsize)) ? -EFAULT : 0;
	case TIOCSWINSZ:
		return set_winsize(tty, (const struct winsize *)arg);
	case TIOCINQ:
		return count_unread(tty, (int *)arg);
	case TIOCOUTQ:
		return put_user(0, (int *)arg);
	case TCFLSH:
		return flush_queues(tty, arg);
	case TCXONC:
		return flow_control(tty, arg);
	case TCSBRK:
	case TCSBRKP:
		return tty_check_change(tty, SIGTTOU);
	case TIOCSTI:
		return inject(tty, (const u8 *)arg);
	case TIOCEXCL:
	case TIOCNXCL:
		tty->exclusive = cmd == TIOCEXCL;
		return 0;
	case TIOCGETD:
		return put_user(0, (int *)arg);
	case TIOCGDEV:
		return put_user(new_encode_dev(tty->dev), (u32 *)arg);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(tty);
		return 0;
	default:
		return tty_job_ioctl(tty, cmd, arg);
	}
}

static long tty_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tty *tty = file->private_data;

	return dead(tty) ? -EIO : tty_ioctl_common(tty, file, cmd, arg);
}

/* ---- opening ---- */

int tty_open_file(struct tty *tty, struct file *file, bool may_control)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&tty->lock, flags);
	if (tty->exclusive && tty->open_count && !capable(CAP_SYS_ADMIN))
		err = -EBUSY;
	else
		tty->open_count++;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (err)
		return err;
	refcount_inc(&tty->refs);
	file->private_data = tty;
	file->f_op = &tty_fops;
	file->f_mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	if (may_control && !(file->f_flags & O_NOCTTY))
		tty_acquire(tty);
	return 0;
}

static void tty_release(struct file *file)
{
	struct tty *tty = file->private_data;
	unsigned long flags;
	bool last;

	spin_lock_irqsave(&tty->lock, flags);
	last = !--tty->open_count;
	if (last)
		tty->exclusive = false;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (last && tty->ops->last_close)
		tty->ops->last_close(tty);
	tty_put(tty);
}

const struct file_operations tty_fops = {
	.read_iter = tty_read, .write_iter = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, .release = tty_release,
};
