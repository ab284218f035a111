/* SPDX-License-Identifier: MIT */
/*
 * pty.c - pseudo terminals: a terminal (the slave, /dev/pts/N) whose wire ends in another program (who opened /dev/ptmx).
 *
 *	master write -> tty_receive(slave)           slave write -> discipline -> out ring -> master read
 */
#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "dev/chrdev.h"
#include "dev/tty.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "fs/tmpfs.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "quire/slab.h"

#define PTS_MAJOR 136
#define NR_PTYS_MAX 4096u
#define OUT_RING 4096u

struct pty {
	struct list_head link;		/* (pty_mutex) */
	refcount_t refs;		/* the master, and the slave while it is open */
	unsigned int index;		/* (c) */
	struct tty *slave;		/* (c) */
	struct dentry *node;		/* (c) in devpts */
	bool locked;			/* the slave may not be opened yet */
	bool slave_seen;		/* (slave->lock) it was open at least once */
	bool packet;			/* TIOCPKT: reads begin with a zero byte */
	unsigned int head, tail;	/* (slave->lock) of out, without bound */
	u8 *out;			/* (slave->lock) */
	struct waitq out_wait, in_wait;	/* the master waits for output, for room */
};

static LIST_HEAD(ptys);
static DEFINE_MUTEX(pty_mutex, LOCK_HOST_PROC);
static struct super_block *devpts_sb;

static struct pty *pty_of(struct tty *tty)
{
	return tty->driver;
}

static void pty_put(struct pty *pty)
{
	if (!refcount_dec_and_test(&pty->refs))
		return;
	tty_put(pty->slave);
	free_page((unsigned long)pty->out);
	kfree(pty);
}

/* ---- the slave's driver ---- */

static size_t pts_room(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	return OUT_RING - (READ_ONCE(pty->head) - READ_ONCE(pty->tail));
}

static size_t pts_write(struct tty *tty, const u8 *bytes, size_t len)
{
	struct pty *pty = pty_of(tty);
	size_t done;

	if (tty->other_closed)
		return len;
	for (done = 0; done < len && pts_room(tty); done++)
		pty->out[pty->head++ % OUT_RING] = bytes[done];
	waitq_wake_poll(&pty->out_wait, EPOLLIN | EPOLLRDNORM);
	return done;
}

static void pts_unthrottle(struct tty *tty)
{
	waitq_wake_poll(&pty_of(tty)->in_wait, EPOLLOUT | EPOLLWRNORM);
}

static void pts_last_close(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	waitq_wake_all(&pty->out_wait);
	pty_put(pty);
}

static const struct tty_ops pts_ops = {
	.write = pts_write, .room = pts_room, .unthrottle = pts_unthrottle, .last_close = pts_last_close, .is_pty = true,
};

static struct pty *find_pty(unsigned int index)
{
	struct pty *pty;

	list_for_each_entry(pty, &ptys, link)
		if (pty->index == index)
			return pty;
	return NULL;
}

static int pts_open_locked(struct pty *pty, struct file *file)
{
	unsigned long flags;
	bool first;
	int err;

	if (!pty || pty->locked)
		return -EIO;
	err = tty_open_file(pty->slave, file, true);
	if (err)
		return err;
	spin_lock_irqsave(&pty->slave->lock, flags);
	first = pty->slave->open_count == 1;
	pty->slave_seen = true;
	spin_unlock_irqrestore(&pty->slave->lock, flags);
	if (first)
		refcount_inc(&pty->refs);
	return 0;
}

static int pts_open(struct inode *inode, struct file *file)
{
	int err;

	mutex_lock(&pty_mutex);
	err = pts_open_locked(find_pty(MINOR(inode->i_rdev)), file);
	mutex_unlock(&pty_mutex);
	return err;
}

static const struct file_operations pts_fops = { .open = pts_open };

/* ---- the master's file ---- */

static bool slave_gone(const struct pty *pty)
{
	return READ_ONCE(pty->slave_seen) && !READ_ONCE(pty->slave->open_count);
}

static bool has_output(const struct pty *pty)
{
	return READ_ONCE(pty->head) != READ_ONCE(pty->tail);
}

static size_t take_output(struct pty *pty, u8 *buf, size_t len)
{
	unsigned long flags;
	size_t done = 0;

	spin_lock_irqsave(&pty->slave->lock, flags);
	while (done < len && pty->head != pty->tail)
		buf[done++] = pty->out[pty->tail++ % OUT_RING];
	spin_unlock_irqrestore(&pty->slave->lock, flags);
	return done;
}

static long ptm_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct pty *pty = file->private_data;
	long done = 0;
	u8 buf[256];
	int err = 0;

	if (!to->count)
		return 0;
	if (!has_output(pty)) {
		if (slave_gone(pty))
			return -EIO;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = waitq_wait_interruptible(&pty->out_wait, has_output(pty) || slave_gone(pty));
		if (err)
			return err;
		if (!has_output(pty))
			return -EIO;
	}
	if (pty->packet) {
		buf[0] = 0;
		if (copy_to_iter(buf, 1, to) != 1)
			return -EFAULT;
		done = 1;
	}
	while (to->count) {
		size_t part = take_output(pty, buf, min(to->count, sizeof(buf))), did;

		if (!part)
			break;
		did = copy_to_iter(buf, part, to);
		done += (long)did;
		if (did < part)
			return done ? done : -EFAULT;
	}
	tty_write_wakeup(pty->slave);
	return done;
}

static bool slave_has_room(const struct pty *pty)
{
	const struct tty *tty = pty->slave;

	return READ_ONCE(tty->read_head) - READ_ONCE(tty->read_tail) < TTY_RING - 1 || !n_tty_input_ready(tty);
}

static long ptm_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct pty *pty = file->private_data;
	long done = 0;
	u8 buf[256];

	while (from->count) {
		size_t part = copy_from_iter(buf, min(from->count, sizeof(buf)), from), at = 0;

		if (!part)
			return done ? done : -EFAULT;
		while (at < part) {
			size_t took = tty_receive(pty->slave, buf + at, part - at);
			int err;

			at += took;
			done += (long)took;
			if (at == part)
				break;
			if (file->f_flags & O_NONBLOCK)
				err = -EAGAIN;
			else
				err = waitq_wait_interruptible(&pty->in_wait, slave_has_room(pty));
			if (err)
				return done ? done : err;
		}
	}
	return done;
}

static unsigned int ptm_poll(struct file *file, struct poll_table *pt)
{
	struct pty *pty = file->private_data;
	unsigned int events = 0;

	poll_wait(&pty->out_wait, pt);
	poll_wait(&pty->in_wait, pt);
	if (has_output(pty))
		events |= EPOLLIN | EPOLLRDNORM;
	if (slave_has_room(pty))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (slave_gone(pty))
		events |= EPOLLHUP;
	return events;
}

static long open_peer(struct file *master, unsigned int flags)
{
	struct pty *pty = master->private_data;
	struct file *file;

	file = dentry_open(&(struct path){ master->f_path.mnt, pty->node },
			   (int)(flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, flags & O_CLOEXEC);
}

static long ptm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pty *pty = file->private_data;
	int value;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(pty->index, (unsigned int *)arg);
	case TIOCSPTLCK:
	case TIOCPKT:
		if (get_user(value, (int *)arg))
			return -EFAULT;
		if (cmd == TIOCPKT)
			pty->packet = value;
		else
			pty->locked = value;
		return 0;
	case TIOCGPTLCK:
		return put_user((int)pty->locked, (int *)arg);
	case TIOCGPTPEER:
		return open_peer(file, (unsigned int)arg);
	case TIOCINQ:
		return put_user((int)(pty->head - pty->tail), (int *)arg);
	case TIOCSCTTY:
	case TIOCNOTTY:
		return -ENOTTY;
	default:
		return tty_ioctl_common(pty->slave, file, cmd, arg);
	}
}

static void devpts_remove(struct dentry *node)
{
	mutex_lock(&devpts_sb->s_lock);
	node->d_parent->d_inode->i_op->unlink(node->d_parent->d_inode, node);
	mutex_unlock(&devpts_sb->s_lock);
	dput(node);
}

static void ptm_release(struct file *file)
{
	struct pty *pty = file->private_data;
	unsigned long flags;

	mutex_lock(&pty_mutex);
	list_del(&pty->link);
	devpts_remove(pty->node);
	mutex_unlock(&pty_mutex);
	spin_lock_irqsave(&pty->slave->lock, flags);
	pty->slave->other_closed = true;
	spin_unlock_irqrestore(&pty->slave->lock, flags);
	tty_hangup(pty->slave);
	pty_put(pty);
}

static const struct file_operations ptm_fops = {
	.read_iter = ptm_read, .write_iter = ptm_write, .poll = ptm_poll, .ioctl = ptm_ioctl, .release = ptm_release,
};

/* ---- making one ---- */

static struct dentry *devpts_add(const char *name, umode_t mode, dev_t dev)
{
	struct dentry *root = devpts_sb->s_root, *node;
	int err;

	mutex_lock(&devpts_sb->s_lock);
	node = d_alloc(root, name, strlen(name));
	err = node ? root->d_inode->i_op->mknod(root->d_inode, node, mode, dev) : -ENOMEM;
	mutex_unlock(&devpts_sb->s_lock);
	if (!err)
		return node;
	dput(node);
	return ERR_PTR(err);
}

static unsigned int free_index(void)
{
	unsigned int index = 0;

	while (find_pty(index))
		index++;
	return index;
}

/* pty_mutex held. */
static struct pty *pty_new(void)
{
	unsigned int index = free_index();
	struct pty *pty;
	char name[16];

	if (index >= NR_PTYS_MAX)
		return ERR_PTR(-ENOSPC);
	pty = kzalloc(sizeof(*pty), GFP_KERNEL);
	if (!pty)
		return ERR_PTR(-ENOMEM);
	quire_snprintf(name, sizeof(name), "pts/%u", index);
	refcount_set(&pty->refs, 1);
	pty->index = index;
	pty->locked = true;
	waitq_init(&pty->out_wait);
	waitq_init(&pty->in_wait);
	pty->out = (u8 *)__get_free_pages(GFP_KERNEL, 0);
	pty->slave = pty->out ? tty_alloc(&pts_ops, name, MKDEV(PTS_MAJOR, index)) : NULL;
	pty->node = pty->slave ? devpts_add(name + 4, S_IFCHR | 0620, MKDEV(PTS_MAJOR, index)) : ERR_PTR(-ENOMEM);
	if (IS_ERR(pty->node)) {
		int err = (int)PTR_ERR(pty->node);

		tty_put(pty->slave);
		if (pty->out)
			free_page((unsigned long)pty->out);
		kfree(pty);
		return ERR_PTR(err);
	}
	pty->slave->driver = pty;
	list_add_tail(&pty->link, &ptys);
	return pty;
}

static int ptmx_open(struct inode *inode, struct file *file)
{
	struct pty *pty;

	if (!devpts_sb)
		return -ENODEV;
	mutex_lock(&pty_mutex);
	pty = pty_new();
	mutex_unlock(&pty_mutex);
	if (IS_ERR(pty))
		return (int)PTR_ERR(pty);
	file_set_ops(file, &ptm_fops);
	file->private_data = pty;
	return 0;
}

static const struct file_operations ptmx_fops = { .open = ptmx_open };

static struct super_block *devpts_mount(struct file_system_type *type, const char *source, const char *options)
{
	if (!devpts_sb)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&devpts_sb->s_count);
	return devpts_sb;
}

static struct file_system_type devpts_type = { .name = "devpts", .mount = devpts_mount };
static struct chrdev ptmx_chrdev = { .first = MKDEV(5, 2), .nr = 1, .name = "/dev/ptmx", .fops = &ptmx_fops };
static struct chrdev pts_chrdev = { .first = MKDEV(PTS_MAJOR, 0), .nr = NR_PTYS_MAX, .name = "pts", .fops = &pts_fops };

void pty_init(void)
{
	struct dentry *node;

	register_filesystem(&devpts_type);
	register_chrdev(&ptmx_chrdev);
	register_chrdev(&pts_chrdev);
	devtmpfs_add(&(struct devnode){ "ptmx", S_IFCHR | 0666, MKDEV(5, 2) });
	devpts_sb = tmpfs_fill(&devpts_type, DEVPTS_SUPER_MAGIC, "mode=0755", false);
	if (IS_ERR(devpts_sb)) {
		devpts_sb = NULL;
		return;
	}
	node = devpts_add("ptmx", S_IFCHR | 0666, MKDEV(5, 2));
	if (!IS_ERR(node))
		dput(node);
}
