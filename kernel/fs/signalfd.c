/* SPDX-License-Identifier: MIT */
/* signalfd.c - signalfd(2): the reader's pending signals as records of a file. */
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

struct signalfd_siginfo {
	u32 signo;
	s32 error, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, int_value;
	u64 ptr, utime, stime, addr;
	u16 addr_lsb, pad2_;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 pad_[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "signalfd(2)");

struct signalfd {
	u64 mask;	/* signals that are read here */
};

/* The next of the reader's signals; false when there is none. */
static bool take(struct signalfd *s, struct kernel_siginfo *info)
{
	int sig;

	spin_lock_irq(&current->sighand->lock);
	sig = dequeue_signal(~READ_ONCE(s->mask), info);
	spin_unlock_irq(&current->sighand->lock);
	return sig;
}

static struct signalfd_siginfo to_record(const struct kernel_siginfo *info)
{
	struct signalfd_siginfo r = { .signo = (u32)info->si_signo, .error = info->si_errno, .code = info->si_code };

	if (info->si_signo == SIGCHLD && info->si_code > 0) {
		r.pid = (u32)info->chld.pid;
		r.uid = info->chld.uid;
		r.status = info->chld.status;
		r.utime = (u64)info->chld.utime;
		r.stime = (u64)info->chld.stime;
	} else if (info->si_code == SI_TIMER) {
		r.tid = (u32)info->timer.tid;
		r.overrun = (u32)info->timer.overrun;
		r.ptr = info->timer.value;
		r.int_value = (s32)info->timer.value;
	} else if (info->si_code > 0 && info->si_code != SI_KERNEL) {
		r.addr = info->fault.addr;
		r.addr_lsb = info->fault.addr_lsb;
	} else {
		r.pid = (u32)info->rt.pid;
		r.uid = info->rt.uid;
		r.ptr = info->rt.value;
		r.int_value = (s32)info->rt.value;
	}
	return r;
}

static long signalfd_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct signalfd *s = file->private_data;
	struct kernel_siginfo info;
	long done = 0;

	if (to->count < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (to->count >= sizeof(struct signalfd_siginfo)) {
		struct signalfd_siginfo record;
		int err = 0;

		if (!take(s, &info)) {
			if (done)
				break;
			if (file->f_flags & O_NONBLOCK)
				return -EAGAIN;
			err = waitq_wait_interruptible(&current->sighand->wait, take(s, &info));
			if (err)
				return err;
		}
		record = to_record(&info);
		if (copy_to_iter(&record, sizeof(record), to) != sizeof(record))
			return done ? done : -EFAULT;
		done += (long)sizeof(record);
	}
	return done;
}

static unsigned int signalfd_poll(struct file *file, struct poll_table *pt)
{
	struct signalfd *s = file->private_data;
	u64 pending;

	poll_wait(&signalfd_wait, pt);
	pending = READ_ONCE(current->pending.signal) | READ_ONCE(current->signal->shared_pending.signal);
	return (pending & READ_ONCE(s->mask)) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void signalfd_release(struct file *file)
{
	kfree(file->private_data);
}

static const struct file_operations signalfd_fops = {
	.read_iter = signalfd_read, .poll = signalfd_poll, .release = signalfd_release,
};

static long new_signalfd(u64 mask, unsigned int flags)
{
	struct signalfd *s = kmalloc(sizeof(*s), GFP_KERNEL);
	struct file *file;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	file = anon_file("[signalfd]", &signalfd_fops, s, O_RDWR | (int)(flags & O_NONBLOCK), 0);
	if (IS_ERR(file)) {
		kfree(s);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags & O_CLOEXEC);
}

static long change_signalfd(unsigned int fd, u64 mask)
{
	struct fd f = fdget(fd);
	long ret = (long)fd;

	if (!fd_file(f))
		return -EBADF;
	if (fd_file(f)->f_op == &signalfd_fops) {
		struct signalfd *s = fd_file(f)->private_data;

		WRITE_ONCE(s->mask, mask);
		waitq_wake_all(&current->sighand->wait);
		waitq_wake_all(&signalfd_wait);
	} else {
		ret = -EINVAL;
	}
	fdput(f);
	return ret;
}

static long do_signalfd(int fd, const u64 *user, size_t size, unsigned int flags)
{
	u64 mask;

	if ((flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK)) || size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user, sizeof(mask)))
		return -EFAULT;
	mask &= ~(sigmask(SIGKILL) | sigmask(SIGSTOP));
	return fd == -1 ? new_signalfd(mask, flags) : change_signalfd((unsigned int)fd, mask);
}

SYSCALL_DEFINE3(signalfd, int, fd, const u64 *, mask, size_t, size)
{
	return do_signalfd(fd, mask, size, 0);
}

SYSCALL_DEFINE4(signalfd4, int, fd, const u64 *, mask, size_t, size, unsigned int, flags)
{
	return do_signalfd(fd, mask, size, flags);
}
