/* SPDX-License-Identifier: MIT */
/* eventfd.c - eventfd(2): a counter to wait on. */
#include "base/format.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

#define EFD_SEMAPHORE 1u
#define EVENT_MAX (~0ull - 1)

struct eventfd {
	spinlock_t lock;	/* count */
	u64 count;
	bool semaphore;
	struct waitq wait;
};

/* Takes what a read gets; false when there is nothing. */
static bool take(struct eventfd *e, u64 *value)
{
	spin_lock(&e->lock);
	*value = e->semaphore && e->count ? 1 : e->count;
	e->count -= *value;
	spin_unlock(&e->lock);
	return *value;
}

static bool add(struct eventfd *e, u64 value)
{
	bool fits;

	spin_lock(&e->lock);
	fits = value <= EVENT_MAX - e->count;
	if (fits)
		e->count += value;
	spin_unlock(&e->lock);
	return fits;
}

static long eventfd_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct eventfd *e = file->private_data;
	u64 value;
	int err;

	if (to->count < sizeof(value))
		return -EINVAL;
	if (!take(e, &value)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = waitq_wait_interruptible(&e->wait, take(e, &value));
		if (err)
			return err;
	}
	waitq_wake_poll(&e->wait, EPOLLOUT | EPOLLWRNORM);
	return copy_to_iter(&value, sizeof(value), to) == sizeof(value) ? (long)sizeof(value) : -EFAULT;
}

static long eventfd_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct eventfd *e = file->private_data;
	u64 value;
	int err;

	if (from->count < sizeof(value))
		return -EINVAL;
	if (copy_from_iter(&value, sizeof(value), from) != sizeof(value))
		return -EFAULT;
	if (value == ~0ull)
		return -EINVAL;
	if (!add(e, value)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = waitq_wait_interruptible(&e->wait, add(e, value));
		if (err)
			return err;
	}
	waitq_wake_poll(&e->wait, EPOLLIN | EPOLLRDNORM);
	return sizeof(value);
}

static unsigned int eventfd_poll(struct file *file, struct poll_table *pt)
{
	struct eventfd *e = file->private_data;
	u64 count;

	poll_wait(&e->wait, pt);
	count = READ_ONCE(e->count);
	return (count ? EPOLLIN | EPOLLRDNORM : 0) | (count < EVENT_MAX ? EPOLLOUT | EPOLLWRNORM : 0);
}

static void eventfd_release(struct file *file)
{
	kfree(file->private_data);
}

static int eventfd_show(struct file *file, struct text_sink *sink)
{
	struct eventfd *e = file->private_data;
	char line[48];
	int len = quire_scnprintf(line, sizeof(line), "eventfd-count: %16llx\n", (unsigned long long)e->count);

	return sink->write(sink, line, (size_t)len);
}

static const struct file_operations eventfd_fops = {
	.read_iter = eventfd_read, .write_iter = eventfd_write, .poll = eventfd_poll, .release = eventfd_release,
	.show_fdinfo = eventfd_show,
};

static long do_eventfd(unsigned int count, unsigned int flags)
{
	struct eventfd *e;
	struct file *file;

	if (flags & ~(unsigned int)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	spin_lock_init(&e->lock, LOCK_HOST_SPIN);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	waitq_init(&e->wait);
	file = anon_file("[eventfd]", &eventfd_fops, e, O_RDWR | (int)(flags & O_NONBLOCK), 0);
	if (IS_ERR(file)) {
		kfree(e);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags & O_CLOEXEC);
}

SYSCALL_DEFINE1(eventfd, unsigned int, count)
{
	return do_eventfd(count, 0);
}

SYSCALL_DEFINE2(eventfd2, unsigned int, count, unsigned int, flags)
{
	return do_eventfd(count, flags);
}
