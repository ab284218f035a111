/* SPDX-License-Identifier: MIT */
/* pipe.c - pipes and FIFOs: a ring of pages between writers and readers. */
#include "base/math.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "fs/special.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "quire/slab.h"

#define PIPE_PAGE 4096u
#define PIPE_SLOTS 16u		/* 64 KiB, as programs expect */
#define PIPE_MAX_BYTES 1048576u

struct pipe_slot {
	char *page;		/* direct-map address */
	u16 start, len;		/* bytes not yet read: [start, start + len) */
};

struct pipe {
	struct mutex lock;	/* LOCK_HOST_STREAM: all of the below */
	struct waitq rd_wait, wr_wait;
	unsigned int head, tail; /* slots: filled up to head, read from tail; they count without bound */
	unsigned int nr_slots;	/* a power of two */
	unsigned int readers, writers;	/* open files */
	unsigned int r_count, w_count;	/* openings ever: wakes the other side's open(2) */
	unsigned int files;
	char *spare;		/* an empty page kept for the next write */
	struct pipe_slot *slots;
};

static inline struct pipe_slot *slot(struct pipe *pipe, unsigned int nr)
{
	return &pipe->slots[nr & (pipe->nr_slots - 1)];
}

static inline bool pipe_empty(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) == READ_ONCE(pipe->tail);
}

static inline bool pipe_full(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail) >= READ_ONCE(pipe->nr_slots);
}

static struct pipe *pipe_alloc(void)
{
	struct pipe *pipe = kzalloc(sizeof(*pipe), GFP_KERNEL);

	if (!pipe)
		return NULL;
	pipe->slots = kcalloc(PIPE_SLOTS, sizeof(*pipe->slots), GFP_KERNEL);
	if (!pipe->slots) {
		kfree(pipe);
		return NULL;
	}
	pipe->nr_slots = PIPE_SLOTS;
	mutex_init(&pipe->lock, LOCK_HOST_STREAM);
	waitq_init(&pipe->rd_wait);
	waitq_init(&pipe->wr_wait);
	return pipe;
}

static void pipe_free(struct pipe *pipe)
{
	while (!pipe_empty(pipe))
		free_page((unsigned long)slot(pipe, pipe->tail++)->page);
	if (pipe->spare)
		free_page((unsigned long)pipe->spare);
	kfree(pipe->slots);
	kfree(pipe);
}

/* ---- reading ---- */

static void put_slot_page(struct pipe *pipe, char *page)
{
	if (pipe->spare)
		free_page((unsigned long)page);
	else
		pipe->spare = page;
}

/* What is there, up to the room; lock held. -EFAULT only when nothing was copied. */
static long take_bytes(struct pipe *pipe, struct iov_iter *to)
{
	long done = 0;

	while (to->count && !pipe_empty(pipe)) {
		struct pipe_slot *s = slot(pipe, pipe->tail);
		size_t part = min(to->count, (size_t)s->len);
		size_t did = copy_to_iter(s->page + s->start, part, to);

		s->start = (u16)(s->start + did);
		s->len = (u16)(s->len - did);
		done += (long)did;
		if (!s->len) {
			put_slot_page(pipe, s->page);
			pipe->tail++;
		}
		if (did < part)
			return done ? done : -EFAULT;
	}
	return done;
}

static long pipe_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct pipe *pipe = file->private_data;
	bool was_full;
	long done;

	if (!to->count)
		return 0;
	mutex_lock(&pipe->lock);
	while (pipe_empty(pipe)) {
		bool no_writers = !pipe->writers;
		int err = 0;

		mutex_unlock(&pipe->lock);
		if (no_writers)
			return 0;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = waitq_wait_interruptible(&pipe->rd_wait, !pipe_empty(pipe) || !READ_ONCE(pipe->writers));
		if (err)
			return err;
		mutex_lock(&pipe->lock);
	}
	was_full = pipe_full(pipe);
	done = take_bytes(pipe, to);
	was_full = was_full && !pipe_full(pipe);
	mutex_unlock(&pipe->lock);
	if (was_full)
		waitq_wake_poll(&pipe->wr_wait, EPOLLOUT | EPOLLWRNORM);
	return done;
}

/* ---- writing ---- */

/* Bytes that fit without waiting: the rest of the last page, and free slots. */
static size_t pipe_room(struct pipe *pipe)
{
	size_t room = (size_t)(pipe->nr_slots - (pipe->head - pipe->tail)) * PIPE_PAGE;

	if (!pipe_empty(pipe)) {
		struct pipe_slot *last = slot(pipe, pipe->head - 1);

		room += PIPE_PAGE - last->start - last->len;
	}
	return room;
}

static long put_into(struct pipe_slot *s, struct iov_iter *from, size_t room)
{
	size_t part = min(from->count, room);
	size_t did = copy_from_iter(s->page + s->start + s->len, part, from);

	s->len = (u16)(s->len + did);
	return did < part && !did ? -EFAULT : (long)did;
}

/* As much as fits; lock held. */
static long put_bytes(struct pipe *pipe, struct iov_iter *from)
{
	long done = 0, n;

	if (!pipe_empty(pipe)) {
		struct pipe_slot *last = slot(pipe, pipe->head - 1);
		size_t room = PIPE_PAGE - last->start - last->len;

		/* Small writes share a page only as a whole, so that they stay together. */
		if (room >= from->count) {
			n = put_into(last, from, room);
			return n;
		}
	}
	while (from->count && !pipe_full(pipe)) {
		struct pipe_slot *s = slot(pipe, pipe->head);
		char *page = pipe->spare ? pipe->spare : (char *)__get_free_pages(GFP_USER, 0);

		pipe->spare = NULL;
		if (!page)
			return done ? done : -ENOMEM;
		*s = (struct pipe_slot){ .page = page };
		n = put_into(s, from, PIPE_PAGE);
		if (n <= 0) {
			pipe->spare = page;
			return done ? done : n;
		}
		WRITE_ONCE(pipe->head, pipe->head + 1);
		done += n;
		if (s->len < PIPE_PAGE)
			break;
	}
	return done;
}

/* Whether a write of `count` bytes may go on: what is atomic needs room as a whole. */
static bool may_write(struct pipe *pipe, size_t count)
{
	if (!READ_ONCE(pipe->readers))
		return true;
	if (count > PIPE_BUF)
		return !pipe_full(pipe);
	return !pipe_full(pipe) || pipe_room(pipe) >= count;
}

static long pipe_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct pipe *pipe = file->private_data;
	size_t count = from->count;
	long done = 0, n = 0;

	if (!count)
		return 0;
	mutex_lock(&pipe->lock);
	while (from->count) {
		if (!pipe->readers) {
			send_sig(SIGPIPE, current, SEND_SIG_PRIV);
			n = -EPIPE;
			break;
		}
		n = may_write(pipe, count) ? put_bytes(pipe, from) : 0;
		if (n < 0)
			break;
		done += n;
		if (n)
			waitq_wake_poll(&pipe->rd_wait, EPOLLIN | EPOLLRDNORM);
		if (n)
			continue;
		if (file->f_flags & O_NONBLOCK) {
			n = -EAGAIN;
			break;
		}
		mutex_unlock(&pipe->lock);
		/* Reading makes no room in the last page, so that only a free slot lets this one go on. */
		n = waitq_wait_interruptible(&pipe->wr_wait, !pipe_full(pipe) || !READ_ONCE(pipe->readers));
		mutex_lock(&pipe->lock);
		if (n)
			break;
	}
	mutex_unlock(&pipe->lock);
	return done ? done : n;
}

/* ---- the rest ---- */

static unsigned int pipe_poll(struct file *file, struct poll_table *pt)
{
	struct pipe *pipe = file->private_data;
	unsigned int events = 0;

	if (file->f_mode & FMODE_READ)
		poll_wait(&pipe->rd_wait, pt);
	if (file->f_mode & FMODE_WRITE)
		poll_wait(&pipe->wr_wait, pt);
	if (file->f_mode & FMODE_READ) {
		if (!pipe_empty(pipe))
			events |= EPOLLIN | EPOLLRDNORM;
		if (!READ_ONCE(pipe->writers) && READ_ONCE(pipe->w_count) != file->f_version)
			events |= EPOLLHUP;
	}
	if (file->f_mode & FMODE_WRITE) {
		if (!pipe_full(pipe))
			events |= EPOLLOUT | EPOLLWRNORM;
		if (!READ_ONCE(pipe->readers))
			events |= EPOLLERR;
	}
	return events;
}

#define FIONREAD 0x541b

static long pipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pipe *pipe = file->private_data;
	int bytes = 0;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	mutex_lock(&pipe->lock);
	for (unsigned int i = pipe->tail; i != pipe->head; i++)
		bytes += slot(pipe, i)->len;
	mutex_unlock(&pipe->lock);
	return put_user(bytes, (int *)arg);
}

/* One opening of `mode` goes; the last takes the pipe with it. */
static void pipe_put(struct inode *inode, struct pipe *pipe, unsigned int mode)
{
	bool last;

	mutex_lock(&inode->i_sb->s_lock);
	mutex_lock(&pipe->lock);
	if (mode & FMODE_READ)
		pipe->readers--;
	if (mode & FMODE_WRITE)
		pipe->writers--;
	last = !--pipe->files;
	mutex_unlock(&pipe->lock);
	if (last)
		inode->i_pipe = NULL;
	/* Before s_lock goes: after that the other end's release may free the pipe. */
	waitq_wake_all(&pipe->rd_wait);
	waitq_wake_all(&pipe->wr_wait);
	mutex_unlock(&inode->i_sb->s_lock);
	if (last)
		pipe_free(pipe);
}

static void pipe_release(struct file *file)
{
	pipe_put(file->f_inode, file->private_data, file->f_mode);
}

static int resize(struct pipe *pipe, unsigned int nr)
{
	struct pipe_slot *slots = kcalloc(nr, sizeof(*slots), GFP_KERNEL), *old;
	unsigned int used;

	if (!slots)
		return -ENOMEM;
	mutex_lock(&pipe->lock);
	used = pipe->head - pipe->tail;
	if (used > nr) {
		mutex_unlock(&pipe->lock);
		kfree(slots);
		return -EBUSY;
	}
	for (unsigned int i = 0; i < used; i++)
		slots[i] = *slot(pipe, pipe->tail + i);
	old = pipe->slots;
	pipe->slots = slots;
	pipe->tail = 0;
	pipe->head = used;
	pipe->nr_slots = nr;
	mutex_unlock(&pipe->lock);
	kfree(old);
	waitq_wake_all(&pipe->wr_wait);
	return 0;
}

long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pipe *pipe = file->private_data;
	unsigned int nr = 1;
	int err;

	if (!S_ISFIFO(file->f_inode->i_mode))
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)pipe->nr_slots * PIPE_PAGE;
	if ((unsigned int)arg > 0x80000000u)
		return -EINVAL;
	if ((unsigned int)arg > PIPE_MAX_BYTES && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	while (nr * PIPE_PAGE < (unsigned int)arg && nr < (1u << 18))
		nr *= 2;
	err = resize(pipe, nr);
	return err ? err : (long)(nr * PIPE_PAGE);
}

static const struct file_operations pipe_fops = {
	.read_iter = pipe_read, .write_iter = pipe_write, .poll = pipe_poll, .ioctl = pipe_ioctl,
	.release = pipe_release,
};

/* ---- making one ---- */

static struct file *pipe_end(struct pipe *pipe, struct file *other, int flags)
{
	struct file *file;

	if (!other)
		return anon_file("pipe", &pipe_fops, pipe, flags, S_IFIFO);
	other->f_inode->i_fop = &pipe_fops;
	file = dentry_open(&other->f_path, flags);
	other->f_inode->i_fop = &fifo_fops; /* opened anew through /proc/self/fd, it is a FIFO like any other */
	if (!IS_ERR(file))
		file->private_data = pipe;
	return file;
}

static int pipe_files(struct file **files, unsigned int flags)
{
	struct pipe *pipe = pipe_alloc();

	if (!pipe)
		return -ENOMEM;
	files[0] = pipe_end(pipe, NULL, O_RDONLY | (int)(flags & O_NONBLOCK));
	if (IS_ERR(files[0])) {
		pipe_free(pipe);
		return (int)PTR_ERR(files[0]);
	}
	pipe->readers = pipe->r_count = pipe->files = 1;
	files[1] = pipe_end(pipe, files[0], O_WRONLY | (int)(flags & (O_NONBLOCK | O_DIRECT)));
	if (IS_ERR(files[1])) {
		fput(files[0]);
		return (int)PTR_ERR(files[1]);
	}
	pipe->writers = pipe->w_count = 1;
	pipe->files = 2;
	files[0]->f_inode->i_pipe = pipe;
	return 0;
}

int do_pipe2(int *fds, unsigned int flags)
{
	struct file *files[2] = { NULL, NULL };
	int err = pipe_files(files, flags);

	if (err)
		return err;
	fds[0] = get_unused_fd_flags(flags);
	fds[1] = fds[0] < 0 ? fds[0] : get_unused_fd_flags(flags);
	if (fds[1] < 0) {
		if (fds[0] >= 0)
			put_unused_fd((unsigned int)fds[0]);
		fput(files[0]);
		fput(files[1]);
		return fds[1];
	}
	fd_install((unsigned int)fds[0], files[0]);
	fd_install((unsigned int)fds[1], files[1]);
	return 0;
}

/* ---- FIFOs ---- */

/* The pipe of a FIFO, made by the first who opens it; counts the new file. */
static struct pipe *fifo_get(struct inode *inode)
{
	struct pipe *pipe;

	mutex_lock(&inode->i_sb->s_lock);
	pipe = inode->i_pipe;
	if (!pipe)
		pipe = inode->i_pipe = pipe_alloc();
	if (pipe)
		pipe->files++;
	mutex_unlock(&inode->i_sb->s_lock);
	return pipe;
}

/*
 * Counts the new file among the readers and writers of a FIFO, and tells whether it must wait for the other side: decided under
 * the lock, for the other side may open, do all its work and be gone before anybody looks again.
 * Returns 1 to wait, with the openings seen; 0 not to; -ENXIO for a writer who would not wait.
 */
static int fifo_enter(struct file *file, struct pipe *pipe, unsigned int *seen_r, unsigned int *seen_w)
{
	unsigned int mode = file->f_mode & (FMODE_READ | FMODE_WRITE);
	bool nonblock = file->f_flags & O_NONBLOCK;
	/* A pipe without a name, opened anew through /proc/self/fd, had its other side once: nobody else may come. */
	bool had_both = file->f_path.dentry->d_flags & DCACHE_ANON;
	int wait = 0;

	mutex_lock(&pipe->lock);
	if (mode == FMODE_READ && !pipe->writers && !had_both) {
		wait = !nonblock;
		if (nonblock) /* its end comes with a later writer's going, not with an earlier one's */
			file->f_version = pipe->w_count;
	} else if (mode == FMODE_WRITE && !pipe->readers && !had_both) {
		wait = nonblock ? -ENXIO : 1;
	}
	*seen_r = pipe->r_count;
	*seen_w = pipe->w_count;
	if (wait >= 0 && mode & FMODE_READ) {
		pipe->readers++;
		pipe->r_count++;
	}
	if (wait >= 0 && mode & FMODE_WRITE) {
		pipe->writers++;
		pipe->w_count++;
	}
	mutex_unlock(&pipe->lock);
	return wait;
}

static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *pipe = fifo_get(inode);
	unsigned int seen_r, seen_w;
	int err;

	if (!pipe)
		return -ENOMEM;
	err = fifo_enter(file, pipe, &seen_r, &seen_w);
	if (err < 0) {
		pipe_put(inode, pipe, 0);
		return err;
	}
	waitq_wake_all(&pipe->rd_wait);
	waitq_wake_all(&pipe->wr_wait);
	if (err && file->f_mode & FMODE_READ)
		err = waitq_wait_interruptible(&pipe->rd_wait, READ_ONCE(pipe->w_count) != seen_w);
	else if (err)
		err = waitq_wait_interruptible(&pipe->wr_wait, READ_ONCE(pipe->r_count) != seen_r);
	if (err) {
		pipe_put(inode, pipe, file->f_mode);
		return err;
	}
	file->private_data = pipe;
	file->f_op = &pipe_fops;
	return 0;
}

const struct file_operations fifo_fops = { .open = fifo_open };
