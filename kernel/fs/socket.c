/* SPDX-License-Identifier: MIT */
/* socket.c - connected pairs of local sockets: queues of packets, and the files that are their ends. */
#include "fs/socket.h"
#include "base/math.h"
#include "fs/poll.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"

struct packet {
	struct list_head link;
	size_t len, at;		/* bytes, and those already read */
	struct packet_files *files;
	char data[];
};

#define STREAM_PIECE 16384u	/* a long write to a stream goes in pieces of this size */

/* ---- life ---- */

void packet_files_put(struct packet_files *files)
{
	if (!files)
		return;
	for (unsigned int i = 0; i < files->nr; i++)
		fput(files->files[i]);
	kfree(files);
}

static void packet_free(struct packet *p)
{
	packet_files_put(p->files);
	kvfree(p);
}

static void socket_free(struct socket *sock)
{
	struct packet *p, *next;

	list_for_each_entry_safe(p, next, &sock->queue, link)
		packet_free(p);
	kfree(sock);
}

void socket_put(struct socket *sock)
{
	if (refcount_dec_and_test(&sock->refs))
		socket_free(sock);
}

static struct socket *socket_new(int type)
{
	struct socket *sock = kzalloc(sizeof(*sock), GFP_KERNEL);

	if (!sock)
		return NULL;
	refcount_set(&sock->refs, 2); /* the file's and the peer's */
	mutex_init(&sock->lock, LOCK_HOST_STREAM);
	sock->type = type;
	INIT_LIST_HEAD(&sock->queue);
	waitq_init(&sock->wait);
	sock->pid = current->tgid;
	sock->uid = current_euid();
	sock->gid = current_egid();
	return sock;
}

int socket_pair(int type, struct socket **ends)
{
	ends[0] = socket_new(type);
	ends[1] = ends[0] ? socket_new(type) : NULL;
	if (!ends[1]) {
		kfree(ends[0]);
		return -ENOMEM;
	}
	ends[0]->peer = ends[1];
	ends[1]->peer = ends[0];
	return 0;
}

/* ---- sending ---- */

static bool has_room(const struct socket *to, size_t len)
{
	unsigned int queued = READ_ONCE(to->queued);

	return !queued || queued + len <= SOCK_ROOM;
}

static bool cannot_send(const struct socket *sock)
{
	return READ_ONCE(sock->no_write) || READ_ONCE(sock->peer->closed) || READ_ONCE(sock->peer->no_read);
}

static u64 deadline_of(u64 timeout)
{
	return timeout ? ktime_get_ns() + timeout : MAX_SCHEDULE_TIMEOUT;
}

static int wait_room(struct socket *sock, size_t len, unsigned int flags)
{
	int err;

	if (has_room(sock->peer, len) || cannot_send(sock))
		return 0;
	if (flags & MSG_DONTWAIT)
		return -EAGAIN;
	err = waitq_wait_interruptible_until(&sock->peer->wait, has_room(sock->peer, len) || cannot_send(sock),
					     deadline_of(sock->snd_timeout));
	return err == -ETIME ? -EAGAIN : err;
}

static int broken(unsigned int flags)
{
	if (!(flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current, SEND_SIG_PRIV);
	return -EPIPE;
}

/* One packet. */
static long send_packet(struct socket *sock, struct iov_iter *from, size_t len, unsigned int flags,
			struct packet_files *files)
{
	struct socket *to = sock->peer;
	struct packet *p;
	int err = wait_room(sock, len, flags);

	if (err)
		return err;
	if (cannot_send(sock))
		return sock->type == SOCK_DGRAM && READ_ONCE(to->closed) ? -ECONNREFUSED : broken(flags);
	p = kvmalloc(sizeof(*p) + len, GFP_KERNEL);
	if (!p)
		return -ENOBUFS;
	p->len = len;
	p->at = 0;
	if (copy_from_iter(p->data, len, from) != len) {
		kvfree(p);
		return -EFAULT;
	}
	p->files = files;
	mutex_lock(&to->lock);
	list_add_tail(&p->link, &to->queue);
	WRITE_ONCE(to->queued, to->queued + (unsigned int)len);
	mutex_unlock(&to->lock);
	waitq_wake_poll(&to->wait, EPOLLIN | EPOLLRDNORM);
	return (long)len;
}

long socket_send(struct socket *sock, struct iov_iter *from, unsigned int flags, struct packet_files *files)
{
	long done = 0;

	if (sock->type != SOCK_STREAM) {
		if (from->count > SOCK_ROOM)
			return -EMSGSIZE;
		return send_packet(sock, from, from->count, flags, files);
	}
	while (from->count) {
		long n = send_packet(sock, from, min(from->count, (size_t)STREAM_PIECE), flags, files);

		if (n < 0)
			return done ? done : n;
		files = NULL;
		done += n;
	}
	return done;
}

/* ---- receiving ---- */

static bool at_end(const struct socket *sock)
{
	return READ_ONCE(sock->no_read) || READ_ONCE(sock->peer->closed) || READ_ONCE(sock->peer->no_write);
}

static int wait_packet(struct socket *sock, unsigned int flags)
{
	int err;

	if (!list_empty(&sock->queue) || at_end(sock))
		return 0;
	if (flags & MSG_DONTWAIT)
		return -EAGAIN;
	err = waitq_wait_interruptible_until(&sock->wait, !list_empty(&sock->queue) || at_end(sock),
					     deadline_of(sock->rcv_timeout));
	return err == -ETIME ? -EAGAIN : err;
}

/* Out of the first packet; it goes when it is used up. Lock held. Bytes or -EFAULT. */
static long take_packet(struct socket *sock, struct iov_iter *to, unsigned int flags, struct packet_files **files,
			size_t *whole)
{
	struct packet *p = list_first_entry(&sock->queue, struct packet, link);
	size_t left = p->len - p->at, part = min(left, to->count);

	if (copy_to_iter(p->data + p->at, part, to) != part)
		return -EFAULT;
	*whole = left;
	if (flags & MSG_PEEK)
		return (long)part;
	if (files) {
		*files = p->files;
		p->files = NULL;
	}
	if (sock->type == SOCK_STREAM && part < left) {
		p->at += part;
		WRITE_ONCE(sock->queued, sock->queued - (unsigned int)part);
		return (long)part;
	}
	list_del(&p->link);
	WRITE_ONCE(sock->queued, sock->queued - (unsigned int)left);
	packet_free(p);
	return (long)part;
}

/* A stream's packets run together, but not over one that brings files. */
static bool may_go_on(struct socket *sock, const struct iov_iter *to, unsigned int flags, struct packet_files **files)
{
	if (sock->type != SOCK_STREAM || !to->count || (flags & MSG_PEEK) || list_empty(&sock->queue))
		return false;
	return !(files && *files) && !list_first_entry(&sock->queue, struct packet, link)->files;
}

long socket_receive(struct socket *sock, struct iov_iter *to, unsigned int flags, struct packet_files **files,
		    size_t *whole)
{
	long done = 0, n = 0;

	*whole = 0;
	if (sock->type == SOCK_STREAM && !to->count)
		return 0;
	do {
		int err = wait_packet(sock, flags);

		if (err)
			return done ? done : err;
		mutex_lock(&sock->lock);
		if (list_empty(&sock->queue) && at_end(sock)) {
			mutex_unlock(&sock->lock);
			return done;
		}
		if (!list_empty(&sock->queue)) {
			do {
				n = take_packet(sock, to, flags, files, whole);
				if (n > 0)
					done += n;
			} while (n > 0 && may_go_on(sock, to, flags, files));
		}
		mutex_unlock(&sock->lock);
		waitq_wake_poll(&sock->wait, EPOLLOUT | EPOLLWRNORM);
		if (n < 0)
			return done ? done : n;
	} while ((flags & MSG_WAITALL) && sock->type == SOCK_STREAM && to->count && !(flags & MSG_PEEK));
	return done;
}

/* ---- as files ---- */

static unsigned int nonblock(const struct file *file)
{
	return (file->f_flags & O_NONBLOCK) ? MSG_DONTWAIT : 0;
}

static long socket_read_iter(struct file *file, struct iov_iter *to, u64 *pos)
{
	size_t whole;

	return socket_receive(file->private_data, to, nonblock(file), NULL, &whole);
}

static long socket_write_iter(struct file *file, struct iov_iter *from, u64 *pos)
{
	return socket_send(file->private_data, from, nonblock(file), NULL);
}

static unsigned int socket_poll(struct file *file, struct poll_table *pt)
{
	struct socket *sock = file->private_data;
	unsigned int events = 0;

	poll_wait(&sock->wait, pt);
	poll_wait(&sock->peer->wait, pt);
	if (!list_empty(&sock->queue) || at_end(sock))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(sock->peer->closed) || (sock->no_read && sock->no_write))
		events |= EPOLLHUP;
	if (at_end(sock))
		events |= EPOLLRDHUP;
	if (has_room(sock->peer, 1))
		events |= EPOLLOUT | EPOLLWRNORM;
	return events;
}

#define FIONREAD 0x541bu
#define TIOCOUTQ 0x5411u

static long socket_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct socket *sock = file->private_data;

	switch (cmd) {
	case FIONREAD:
		return put_user((int)READ_ONCE(sock->queued), (int *)arg);
	case TIOCOUTQ:
		return put_user((int)READ_ONCE(sock->peer->queued), (int *)arg);
	default:
		return -ENOIOCTLCMD;
	}
}

static void socket_release(struct file *file)
{
	struct socket *sock = file->private_data, *peer = sock->peer;

	WRITE_ONCE(sock->closed, true);
	waitq_wake_all(&sock->wait);
	waitq_wake_all(&peer->wait);
	socket_put(sock); /* the file's */
	socket_put(peer); /* ours on the peer */
}

static const struct file_operations socket_fops = {
	.read_iter = socket_read_iter, .write_iter = socket_write_iter, .poll = socket_poll, .ioctl = socket_ioctl,
	.release = socket_release,
};

struct socket *socket_of(struct file *file)
{
	return file->f_op == &socket_fops ? file->private_data : NULL;
}

struct file *socket_file(struct socket *sock, int flags)
{
	return anon_file("socket", &socket_fops, sock, O_RDWR | (flags & O_NONBLOCK), S_IFSOCK);
}
