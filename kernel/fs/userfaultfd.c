/* SPDX-License-Identifier: MIT */
/* userfaultfd.c - userfaultfd(2) and /dev/userfaultfd: the descriptor through which a program resolves its own faults. */
#include "quire/userfault.h"

#include "base/format.h"
#include "dev/chrdev.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "fs/proc.h"
#include "fs/special.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define UFFD_USER_MODE_ONLY 1u
#define UFFD_API 0xaaull

/* Requests: type 0xaa, these numbers, and the size of what is passed. */
enum {
	NR_REGISTER, NR_UNREGISTER, NR_WAKE, NR_COPY, NR_ZEROPAGE, NR_MOVE, NR_WRITEPROTECT, NR_CONTINUE, NR_POISON,
	NR_API = 0x3f,
};
#define REQUEST(direction, nr, bytes) ((u32)(direction) << 30 | (u32)(bytes) << 16 | 0xaau << 8 | (u32)(nr))
#define READ_WRITE 3
#define READ_ONLY 2
#define REQUEST_BIT(nr) (1ull << (nr))

struct uffdio_api {
	u64 api, features, ioctls;
};
struct uffdio_range {
	u64 start, len;
};
struct uffdio_register {
	struct uffdio_range range;
	u64 mode, ioctls;
};
/* UFFDIO_COPY, UFFDIO_MOVE. */
struct uffdio_copy {
	u64 dst, src, len, mode;
	s64 done;
};
/* UFFDIO_ZEROPAGE, UFFDIO_CONTINUE, UFFDIO_POISON. */
struct uffdio_fill {
	struct uffdio_range range;
	u64 mode;
	s64 done;
};
struct uffdio_writeprotect {
	struct uffdio_range range;
	u64 mode;
};

enum request {
	UFFDIO_API = REQUEST(READ_WRITE, NR_API, sizeof(struct uffdio_api)),
	UFFDIO_REGISTER = REQUEST(READ_WRITE, NR_REGISTER, sizeof(struct uffdio_register)),
	UFFDIO_UNREGISTER = REQUEST(READ_ONLY, NR_UNREGISTER, sizeof(struct uffdio_range)),
	UFFDIO_WAKE = REQUEST(READ_ONLY, NR_WAKE, sizeof(struct uffdio_range)),
	UFFDIO_COPY = REQUEST(READ_WRITE, NR_COPY, sizeof(struct uffdio_copy)),
	UFFDIO_ZEROPAGE = REQUEST(READ_WRITE, NR_ZEROPAGE, sizeof(struct uffdio_fill)),
	UFFDIO_MOVE = REQUEST(READ_WRITE, NR_MOVE, sizeof(struct uffdio_copy)),
	UFFDIO_WRITEPROTECT = REQUEST(READ_WRITE, NR_WRITEPROTECT, sizeof(struct uffdio_writeprotect)),
	UFFDIO_CONTINUE = REQUEST(READ_WRITE, NR_CONTINUE, sizeof(struct uffdio_fill)),
	UFFDIO_POISON = REQUEST(READ_WRITE, NR_POISON, sizeof(struct uffdio_fill)),
	USERFAULTFD_IOC_NEW = REQUEST(0, 0, 0),
};

struct uffd_msg {
	u8 event, reserved1;
	u16 reserved2;
	u32 reserved3;
	union {
		struct {
			u64 flags, address;
			u32 ptid;
		} pagefault;
		u32 ufd;     /* FORK */
		u64 args[3]; /* REMAP: from, to, length; REMOVE, UNMAP: start, end */
	};
};
_Static_assert(sizeof(struct uffd_msg) == 32, "the message that programs read");

struct userfaultfd {
	struct userfault *uf;
	struct waitq readers; /* wait for faults */
	struct waitq faults;  /* wait for pages, or for events to be read */
	unsigned int flags;   /* O_CLOEXEC, O_NONBLOCK: a child's has them too */
};

static int unprivileged_userfaultfd;

/* ---- what the library asks ---- */

static void uffd_pending(void *cookie)
{
	struct userfaultfd *u = cookie;

	waitq_wake_poll(&u->readers, EPOLLIN);
}

static void uffd_go_on(void *cookie)
{
	struct userfaultfd *u = cookie;

	waitq_wake_all(&u->faults);
}

static void uffd_sleep(void *cookie, bool user, bool (*done)(void *arg), void *arg)
{
	struct userfaultfd *u = cookie;

	if (user)
		(void)waitq_wait_interruptible(&u->faults, done(arg));
	else
		(void)waitq_wait_killable(&u->faults, done(arg));
}

static u32 uffd_thread(void)
{
	return (u32)current->pid;
}

static struct userfaultfd *alloc_userfaultfd(unsigned int flags)
{
	struct userfaultfd *u = kmalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	waitq_init(&u->readers);
	waitq_init(&u->faults);
	u->flags = flags & (O_CLOEXEC | O_NONBLOCK);
	return u;
}

static void *uffd_fork(void *cookie, struct userfault *child)
{
	const struct userfaultfd *parent = cookie;
	struct userfaultfd *u = alloc_userfaultfd(parent->flags);

	if (u)
		u->uf = child;
	return u;
}

static void uffd_free(void *cookie)
{
	kfree(cookie);
}

static const struct userfault_host uffd_host = {
	.pending = uffd_pending, .go_on = uffd_go_on, .sleep = uffd_sleep, .thread = uffd_thread, .release = uffd_free,
	.fork = uffd_fork,
};

/* ---- reading ---- */

static const struct file_operations uffd_fops;

/* The descriptor through which the reader watches a child. -EMFILE, -ENOMEM: the event is to be read again. */
static int child_fd(struct userfaultfd *parent, const struct userfault_event *event)
{
	struct userfaultfd *u = userfault_cookie(event->fork.child);
	int fd = get_unused_fd_flags(u->flags & O_CLOEXEC);
	struct file *file;

	if (fd >= 0) {
		file = anon_file("[userfaultfd]", &uffd_fops, u, O_RDONLY | (int)(u->flags & O_NONBLOCK), 0);
		if (IS_ERR(file)) {
			put_unused_fd((unsigned int)fd);
			fd = (int)PTR_ERR(file);
		} else {
			fd_install((unsigned int)fd, file);
		}
	}
	userfault_fork_taken(parent->uf, event, fd >= 0);
	return fd;
}

/* 0, or the error of a descriptor that cannot be had. */
static int to_msg(struct userfaultfd *u, struct uffd_msg *msg, const struct userfault_event *event)
{
	int fd;

	*msg = (struct uffd_msg){ .event = (u8)event->type };
	switch (event->type) {
	case UFFD_EVENT_PAGEFAULT:
		msg->pagefault.flags = event->fault.flags;
		msg->pagefault.address = event->fault.address;
		msg->pagefault.ptid = event->fault.thread;
		break;
	case UFFD_EVENT_FORK:
		fd = child_fd(u, event);
		if (fd < 0)
			return fd;
		msg->ufd = (u32)fd;
		break;
	case UFFD_EVENT_REMAP:
		msg->args[0] = event->remap.from;
		msg->args[1] = event->remap.to;
		msg->args[2] = event->remap.len;
		break;
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		msg->args[0] = event->range.start;
		msg->args[1] = event->range.end;
		break;
	}
	return 0;
}

static long uffd_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct userfaultfd *u = file->private_data;
	struct userfault_event event;
	struct uffd_msg msg;
	long done = 0;
	int err;

	if (userfault_features(u->uf) < 0)
		return -EINVAL;
	if (to->count < sizeof(msg))
		return -EINVAL;
	while (to->count >= sizeof(msg)) {
		if (!userfault_read(u->uf, &event)) {
			if (done)
				break;
			if (file->f_flags & O_NONBLOCK)
				return -EAGAIN;
			err = waitq_wait_interruptible(&u->readers, userfault_read(u->uf, &event));
			if (err)
				return err;
		}
		err = to_msg(u, &msg, &event);
		if (err)
			return done ? done : err;
		if (copy_to_iter(&msg, sizeof(msg), to) != sizeof(msg))
			return done ? done : -EFAULT;
		done += (long)sizeof(msg);
	}
	return done;
}

static unsigned int uffd_poll(struct file *file, struct poll_table *pt)
{
	struct userfaultfd *u = file->private_data;

	poll_wait(&u->readers, pt);
	/* A fault may be gone before it is read: who polls must not block in read. */
	if (userfault_features(u->uf) < 0 || !(file->f_flags & O_NONBLOCK))
		return EPOLLERR;
	return userfault_has_pending(u->uf) ? EPOLLIN : 0;
}

static int uffd_show(struct file *file, struct text_sink *sink)
{
	struct userfaultfd *u = file->private_data;
	s64 features = userfault_features(u->uf);
	unsigned long pending, total;

	userfault_count(u->uf, &pending, &total);
	return sink_printf(sink, "pending:\t%lu\ntotal:\t%lu\nAPI:\t%llx:%x:%llx\n", pending, total, UFFD_API,
			   features < 0 ? 0 : (unsigned int)features, (unsigned long long)UFFD_FEATURES);
}

static void uffd_release(struct file *file)
{
	struct userfaultfd *u = file->private_data;

	userfault_close(u->uf);
}

/* ---- requests ---- */

static long uffd_api(struct userfaultfd *u, struct uffdio_api *user)
{
	struct uffdio_api api;
	u64 wanted;

	if (copy_from_user(&api, user, sizeof(api)))
		return -EFAULT;
	wanted = api.features;
	/* Whoever reads of a fork gets a hold on a process that may not be the reader's. */
	if (api.api == UFFD_API && (wanted & UFFD_FEATURE_EVENT_FORK) && !capable(CAP_SYS_PTRACE)) {
		api = (struct uffdio_api){ 0 };
		return copy_to_user(user, &api, sizeof(api)) ? -EFAULT : -EPERM;
	}
	if (wanted & UFFD_FEATURE_WP_ASYNC)
		wanted |= UFFD_FEATURE_WP_UNPOPULATED;
	if (api.api == UFFD_API && !(wanted & ~(u64)UFFD_FEATURES)) {
		api.features = UFFD_FEATURES;
		api.ioctls = REQUEST_BIT(NR_REGISTER) | REQUEST_BIT(NR_UNREGISTER) | REQUEST_BIT(NR_API);
		if (copy_to_user(user, &api, sizeof(api)))
			return -EFAULT;
		if (!userfault_enable(u->uf, wanted))
			return 0;
	}
	api = (struct uffdio_api){ 0 };
	return copy_to_user(user, &api, sizeof(api)) ? -EFAULT : -EINVAL;
}

static long uffd_register(struct userfaultfd *u, struct uffdio_register *user)
{
	struct uffdio_register r;
	int err;

	if (copy_from_user(&r, user, sizeof(r) - sizeof(r.ioctls)))
		return -EFAULT;
	if (r.mode > (UFFD_REGISTER_MISSING | UFFD_REGISTER_WP | UFFD_REGISTER_MINOR))
		return -EINVAL;
	err = userfault_register(u->uf, r.range.start, r.range.len, (unsigned int)r.mode);
	if (err)
		return err;
	r.ioctls = REQUEST_BIT(NR_WAKE) | REQUEST_BIT(NR_COPY) | REQUEST_BIT(NR_ZEROPAGE) | REQUEST_BIT(NR_MOVE) |
		   REQUEST_BIT(NR_POISON) |
		   (r.mode & UFFD_REGISTER_WP ? REQUEST_BIT(NR_WRITEPROTECT) : 0) |
		   (r.mode & UFFD_REGISTER_MINOR ? REQUEST_BIT(NR_CONTINUE) : 0);
	return put_user(r.ioctls, &user->ioctls) ? -EFAULT : 0;
}

/* UNREGISTER and WAKE. */
static long uffd_range(struct userfaultfd *u, const struct uffdio_range *user,
		       int (*act)(struct userfault *uf, unsigned long start, unsigned long len))
{
	struct uffdio_range range;

	if (copy_from_user(&range, user, sizeof(range)))
		return -EFAULT;
	return act(u->uf, range.start, range.len);
}

/* What became of a request for pages: told in its last word, and by waking those who wait for them. */
static long finish_fill(struct userfaultfd *u, s64 done, u64 start, u64 len, u64 mode, s64 *user)
{
	if (put_user(done, user))
		return -EFAULT;
	if (done < 0)
		return done;
	if (!(mode & UFFD_FILL_DONTWAKE))
		userfault_wake(u->uf, start, (unsigned long)done);
	return (u64)done == len ? 0 : -EAGAIN;
}

static long uffd_copy(struct userfaultfd *u, struct uffdio_copy *user)
{
	struct uffdio_copy copy;
	s64 done;

	if (copy_from_user(&copy, user, sizeof(copy) - sizeof(copy.done)))
		return -EFAULT;
	if (userfault_check_range(copy.dst, copy.len) || copy.src + copy.len <= copy.src ||
	    copy.mode > (UFFD_FILL_DONTWAKE | UFFD_FILL_WP))
		return -EINVAL;
	done = userfault_copy(u->uf, copy.dst, copy.src, copy.len, (unsigned int)copy.mode);
	return finish_fill(u, done, copy.dst, copy.len, copy.mode, &user->done);
}

static long uffd_move(struct userfaultfd *u, struct uffdio_copy *user)
{
	struct uffdio_copy move;
	s64 done;

	if (copy_from_user(&move, user, sizeof(move) - sizeof(move.done)))
		return -EFAULT;
	/* Nothing moves from one program to another. */
	if (!userfault_is_for(u->uf, task_mm(current)))
		return -EINVAL;
	if (userfault_check_range(move.dst, move.len) || userfault_check_range(move.src, move.len) ||
	    move.mode > (UFFD_MOVE_DONTWAKE | UFFD_MOVE_ALLOW_SRC_HOLES))
		return -EINVAL;
	done = userfault_move(u->uf, move.dst, move.src, move.len, (unsigned int)move.mode);
	return finish_fill(u, done, move.dst, move.len, move.mode, &user->done);
}

/* ZEROPAGE, CONTINUE and POISON; CONTINUE may also leave what it shows write-protected. */
static long uffd_fill(struct userfaultfd *u, struct uffdio_fill *user, unsigned int nr)
{
	u64 modes = nr == NR_CONTINUE ? UFFD_FILL_DONTWAKE | UFFD_FILL_WP : UFFD_FILL_DONTWAKE;
	struct uffdio_fill fill;
	s64 done;

	if (copy_from_user(&fill, user, sizeof(fill) - sizeof(fill.done)))
		return -EFAULT;
	if (userfault_check_range(fill.range.start, fill.range.len) || (fill.mode & ~modes))
		return -EINVAL;
	if (nr == NR_CONTINUE)
		done = userfault_continue(u->uf, fill.range.start, fill.range.len, (unsigned int)fill.mode);
	else if (nr == NR_POISON)
		done = userfault_poison(u->uf, fill.range.start, fill.range.len);
	else
		done = userfault_zeropage(u->uf, fill.range.start, fill.range.len);
	return finish_fill(u, done, fill.range.start, fill.range.len, fill.mode, &user->done);
}

#define WRITEPROTECT_ON 1u
#define WRITEPROTECT_DONTWAKE 2u

static long uffd_writeprotect(struct userfaultfd *u, const struct uffdio_writeprotect *user)
{
	struct uffdio_writeprotect wp;
	int err;

	if (copy_from_user(&wp, user, sizeof(wp)))
		return -EFAULT;
	if (userfault_check_range(wp.range.start, wp.range.len) || wp.mode > WRITEPROTECT_DONTWAKE)
		return -EINVAL;
	err = userfault_writeprotect(u->uf, wp.range.start, wp.range.len, wp.mode & WRITEPROTECT_ON);
	if (!err && !wp.mode)
		err = userfault_wake(u->uf, wp.range.start, wp.range.len);
	return err;
}

static long uffd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct userfaultfd *u = file->private_data;
	void *user = (void *)arg;

	if (cmd != UFFDIO_API && userfault_features(u->uf) < 0)
		return -EINVAL;
	switch (cmd) {
	case UFFDIO_API:
		return uffd_api(u, user);
	case UFFDIO_REGISTER:
		return uffd_register(u, user);
	case UFFDIO_UNREGISTER:
		return uffd_range(u, user, userfault_unregister);
	case UFFDIO_WAKE:
		return uffd_range(u, user, userfault_wake);
	case UFFDIO_COPY:
		return uffd_copy(u, user);
	case UFFDIO_ZEROPAGE:
		return uffd_fill(u, user, NR_ZEROPAGE);
	case UFFDIO_MOVE:
		return uffd_move(u, user);
	case UFFDIO_WRITEPROTECT:
		return uffd_writeprotect(u, user);
	case UFFDIO_CONTINUE:
		return uffd_fill(u, user, NR_CONTINUE);
	case UFFDIO_POISON:
		return uffd_fill(u, user, NR_POISON);
	}
	return -EINVAL;
}

static const struct file_operations uffd_fops = {
	.llseek = no_llseek_zero, .read_iter = uffd_read, .poll = uffd_poll, .ioctl = uffd_ioctl, .release = uffd_release, .show_fdinfo = uffd_show,
};

/* ---- descriptors ---- */

static long new_userfaultfd(unsigned int flags)
{
	struct userfaultfd *u;
	struct file *file;

	if (flags & ~(unsigned int)(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	u = alloc_userfaultfd(flags);
	if (!u)
		return -ENOMEM;
	u->uf = userfault_create(task_mm(current), &uffd_host, u, flags & UFFD_USER_MODE_ONLY);
	if (!u->uf) {
		kfree(u);
		return -ENOMEM;
	}
	file = anon_file("[userfaultfd]", &uffd_fops, u, O_RDONLY | (int)(flags & O_NONBLOCK), 0);
	if (IS_ERR(file)) {
		userfault_close(u->uf);
		return PTR_ERR(file);
	}
	return fd_install_new(file, flags & O_CLOEXEC);
}

SYSCALL_DEFINE1(userfaultfd, unsigned int, flags)
{
	if (!(flags & UFFD_USER_MODE_ONLY) && !unprivileged_userfaultfd && !capable(CAP_SYS_PTRACE))
		return -EPERM;
	return new_userfaultfd(flags);
}

/* The device's owner decides who may. */
static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return cmd == USERFAULTFD_IOC_NEW ? new_userfaultfd((unsigned int)arg) : -EINVAL;
}

static const struct file_operations device_fops = { .ioctl = device_ioctl };

/* Of the miscellaneous devices: a number that Linux gives out dynamically. */
#define USERFAULTFD_DEV MKDEV(10, 126)
static struct chrdev device = { .first = USERFAULTFD_DEV, .nr = 1, .name = "misc", .fops = &device_fops };

static int show_unprivileged(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%d\n", READ_ONCE(unprivileged_userfaultfd));
}

static int store_unprivileged(const char *text, size_t len, void *arg)
{
	long value;
	int err = parse_long(text, &value);

	if (!err && (value < 0 || value > 1))
		err = -EINVAL;
	if (!err)
		WRITE_ONCE(unprivileged_userfaultfd, (int)value);
	return err;
}

void userfaultfd_init(void)
{
	static const struct devnode node = { "userfaultfd", S_IFCHR | 0600, USERFAULTFD_DEV };
	struct pseudo_entry *e;

	register_chrdev(&device);
	devtmpfs_add(&node);
	e = pseudo_text(pseudo_dir(pseudo_dir(proc_root, "sys"), "vm"), "unprivileged_userfaultfd", 0644, show_unprivileged, NULL);
	if (e)
		e->text.store = store_unprivileged;
}
