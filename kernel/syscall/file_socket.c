/* SPDX-License-Identifier: MIT */
/* file_socket.c - system calls on local sockets: socketpair, sending and receiving, files and identities that travel. */
#include "base/math.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/socket.h"
#include "proc/cred.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

struct msghdr {
	void *name;
	int namelen, pad_[sizeof(long) / 8];
	struct iovec *iov;
	size_t iovlen;
	void *control;
	size_t controllen;
	unsigned int flags, pad2_[sizeof(long) / 8];
};

struct cmsghdr {
	size_t len;
	int level, type;
};

#define CMSG_ALIGN(len) (((len) + sizeof(long) - 1) & ~(sizeof(long) - 1))

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define MSG_CTRUNC 8u
#define CONTROL_MAX 10240u

/* ---- descriptors ---- */

/* There is no network: only pairs of local sockets exist. */
SYSCALL_DEFINE3(socket, int, family, int, type, int, protocol)
{
	return -EAFNOSUPPORT;
}

static long install_pair(struct file **files, int *user, unsigned int flags)
{
	int fds[2];

	fds[0] = get_unused_fd_flags(flags);
	fds[1] = fds[0] < 0 ? fds[0] : get_unused_fd_flags(flags);
	if (fds[1] >= 0 && !copy_to_user(user, fds, sizeof(fds))) {
		fd_install((unsigned int)fds[0], files[0]);
		fd_install((unsigned int)fds[1], files[1]);
		return 0;
	}
	if (fds[0] >= 0)
		put_unused_fd((unsigned int)fds[0]);
	if (fds[1] >= 0)
		put_unused_fd((unsigned int)fds[1]);
	fput(files[0]);
	fput(files[1]);
	return fds[1] < 0 ? fds[1] : -EFAULT;
}

SYSCALL_DEFINE4(socketpair, int, family, int, type, int, protocol, int *, user)
{
	unsigned int flags = (unsigned int)type & ~(unsigned int)SOCK_TYPE_MASK;
	int kind = type & SOCK_TYPE_MASK, err;
	struct socket *ends[2];
	struct file *files[2];

	if (flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (kind > 10 || !kind)
		return -EINVAL;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (kind != SOCK_STREAM && kind != SOCK_DGRAM && kind != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	err = socket_pair(kind, ends);
	if (err)
		return err;
	files[0] = socket_file(ends[0], (int)flags);
	files[1] = IS_ERR(files[0]) ? files[0] : socket_file(ends[1], (int)flags);
	if (!IS_ERR(files[1]))
		return install_pair(files, user, flags);
	err = (int)PTR_ERR(files[1]);
	if (!IS_ERR(files[0])) {
		fput(files[0]);		/* its release drops one reference of each end */
	} else {
		socket_put(ends[0]);
		socket_put(ends[1]);
	}
	socket_put(ends[0]);
	socket_put(ends[1]);
	return err;
}

/* The socket behind a descriptor: -EBADF, -ENOTSOCK. */
static long get_socket(unsigned int fd, struct fd *f, struct socket **sock)
{
	*f = fdget(fd);
	if (!fd_file(*f))
		return -EBADF;
	*sock = socket_of(fd_file(*f));
	if (*sock)
		return 0;
	fdput(*f);
	return -ENOTSOCK;
}

static unsigned int with_nonblock(struct fd f, unsigned int flags)
{
	return flags | ((fd_file(f)->f_flags & O_NONBLOCK) ? MSG_DONTWAIT : 0);
}

/* ---- plain ---- */

SYSCALL_DEFINE6(sendto, unsigned int, fd, void *, buf, size_t, len, unsigned int, flags, void *, name, int, namelen)
{
	struct iov_iter it;
	struct socket *sock;
	struct fd f;
	long ret;

	if (!access_ok(buf, len))
		return -EFAULT;
	ret = get_socket(fd, &f, &sock);
	if (ret)
		return ret;
	iov_iter_ubuf(&it, buf, min(len, (size_t)MAX_RW_COUNT));
	ret = name ? -EISCONN : socket_send(sock, &it, with_nonblock(f, flags), NULL);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE6(recvfrom, unsigned int, fd, void *, buf, size_t, len, unsigned int, flags, void *, name, int *, namelen)
{
	struct iov_iter it;
	struct socket *sock;
	struct fd f;
	size_t whole;
	long ret;

	if (!access_ok(buf, len))
		return -EFAULT;
	ret = get_socket(fd, &f, &sock);
	if (ret)
		return ret;
	iov_iter_ubuf(&it, buf, min(len, (size_t)MAX_RW_COUNT));
	ret = socket_receive(sock, &it, with_nonblock(f, flags), NULL, &whole);
	if (ret >= 0 && (flags & MSG_TRUNC) && sock->type != SOCK_STREAM)
		ret = (long)whole;
	fdput(f);
	if (ret >= 0 && namelen && put_user(0, namelen))
		return -EFAULT;
	return ret;
}

/* ---- with files ---- */

static long add_files(struct packet_files *files, const int *fds, unsigned int nr)
{
	if (files->nr + nr > SCM_MAX_FD)
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++) {
		struct file *file = fget((unsigned int)fds[i]);

		if (!file)
			return -EBADF;
		files->files[files->nr++] = file;
	}
	return 0;
}

static long parse_control(const char *control, size_t len, struct packet_files *files)
{
	size_t at = 0;

	while (at + sizeof(struct cmsghdr) <= len) {
		const struct cmsghdr *c = (const struct cmsghdr *)(control + at);
		long err = 0;

		if (c->len < sizeof(*c) || c->len > len - at)
			return -EINVAL;
		if (c->level != SOL_SOCKET)
			return -EINVAL;
		if (c->type == SCM_RIGHTS)
			err = add_files(files, (const int *)(c + 1), (unsigned int)((c->len - sizeof(*c)) / sizeof(int)));
		else if (c->type != SCM_CREDENTIALS)
			err = -EINVAL;
		if (err)
			return err;
		at += CMSG_ALIGN(c->len);
	}
	return 0;
}

/* *files: NULL when none are sent. */
static long get_control(const struct msghdr *m, struct packet_files **files)
{
	struct packet_files *set;
	char *control;
	long err;

	*files = NULL;
	if (!m->control || !m->controllen)
		return 0;
	if (m->controllen > CONTROL_MAX)
		return -ENOBUFS;
	control = kmalloc(m->controllen, GFP_KERNEL);
	set = kzalloc(sizeof(*set) + SCM_MAX_FD * sizeof(struct file *), GFP_KERNEL);
	if (!control || !set)
		err = -ENOMEM;
	else if (copy_from_user(control, m->control, m->controllen))
		err = -EFAULT;
	else
		err = parse_control(control, m->controllen, set);
	kfree(control);
	if (!err && set->nr)
		*files = set;
	else
		packet_files_put(set);
	return err;
}

static long send_message(struct socket *sock, struct fd f, const struct msghdr *m, unsigned int flags)
{
	struct iovec fast[UIO_FASTIOV], *to_free;
	struct packet_files *files;
	struct iov_iter it;
	long ret;

	if (m->name)
		return -EISCONN;
	ret = import_iovec(m->iov, m->iovlen, fast, &to_free, &it);
	if (ret < 0)
		return ret;
	ret = get_control(m, &files);
	if (!ret) {
		ret = socket_send(sock, &it, with_nonblock(f, flags), files);
		if (ret < 0 || (!ret && sock->type == SOCK_STREAM))
			packet_files_put(files);
	}
	kfree(to_free);
	return ret;
}

/* The header that sendmsg and recvmsg were given, and the socket; to be dropped with fdput. */
static int get_message(unsigned int fd, const struct msghdr *user, struct msghdr *m, struct fd *f, struct socket **sock)
{
	return copy_from_user(m, user, sizeof(*m)) ? -EFAULT : get_socket(fd, f, sock);
}

SYSCALL_DEFINE3(sendmsg, unsigned int, fd, const struct msghdr *, user, unsigned int, flags)
{
	struct msghdr m;
	struct socket *sock;
	struct fd f;
	long ret = get_message(fd, user, &m, &f, &sock);

	if (ret)
		return ret;
	ret = send_message(sock, f, &m, flags);
	fdput(f);
	return ret;
}

/* Gives the files descriptors and tells their numbers; what does not fit is closed. Bytes of control data used. */
static size_t put_files(struct msghdr *m, struct packet_files *files, unsigned int flags, unsigned int *out_flags)
{
	size_t room = m->controllen > sizeof(struct cmsghdr) ? (m->controllen - sizeof(struct cmsghdr)) / sizeof(int) : 0;
	int *to = (int *)((char *)m->control + sizeof(struct cmsghdr));
	struct cmsghdr head = { 0, SOL_SOCKET, SCM_RIGHTS };
	unsigned int nr = 0;

	for (; nr < files->nr && nr < room; nr++) {
		int fd = get_unused_fd_flags((flags & MSG_CMSG_CLOEXEC) ? O_CLOEXEC : 0);

		if (fd < 0)
			break;
		if (put_user(fd, &to[nr])) {
			put_unused_fd((unsigned int)fd);
			break;
		}
		fd_install((unsigned int)fd, get_file(files->files[nr]));
	}
	if (nr < files->nr)
		*out_flags |= MSG_CTRUNC;
	packet_files_put(files);
	if (!nr)
		return 0;
	head.len = sizeof(head) + nr * sizeof(int);
	if (copy_to_user(m->control, &head, sizeof(head)))
		return 0;
	return min(CMSG_ALIGN(head.len), m->controllen);
}

static long receive_message(struct socket *sock, struct fd f, struct msghdr *m, unsigned int flags)
{
	struct iovec fast[UIO_FASTIOV], *to_free;
	struct packet_files *files = NULL;
	unsigned int out_flags = 0;
	struct iov_iter it;
	size_t whole;
	long ret = import_iovec(m->iov, m->iovlen, fast, &to_free, &it);

	if (ret < 0)
		return ret;
	ret = socket_receive(sock, &it, with_nonblock(f, flags), &files, &whole);
	kfree(to_free);
	if (ret < 0)
		return ret;
	if (sock->type != SOCK_STREAM && whole > (size_t)ret) {
		out_flags |= MSG_TRUNC;
		if (flags & MSG_TRUNC)
			ret = (long)whole;
	}
	m->controllen = files ? put_files(m, files, flags, &out_flags) : 0;
	m->namelen = 0;
	m->flags = out_flags;
	return ret;
}

SYSCALL_DEFINE3(recvmsg, unsigned int, fd, struct msghdr *, user, unsigned int, flags)
{
	struct msghdr m;
	struct socket *sock;
	struct fd f;
	long ret = get_message(fd, user, &m, &f, &sock);

	if (ret)
		return ret;
	ret = receive_message(sock, f, &m, flags);
	fdput(f);
	if (ret >= 0 && (put_user(m.namelen, &user->namelen) || put_user(m.controllen, &user->controllen) ||
			 put_user(m.flags, &user->flags)))
		return -EFAULT;
	return ret;
}

/* ---- the rest ---- */

SYSCALL_DEFINE2(shutdown, unsigned int, fd, int, how)
{
	struct socket *sock;
	struct fd f;
	long err;

	if (how < 0 || how > 2)
		return -EINVAL;
	err = get_socket(fd, &f, &sock);
	if (err)
		return err;
	if (how != 1)
		WRITE_ONCE(sock->no_read, true);
	if (how != 0)
		WRITE_ONCE(sock->no_write, true);
	waitq_wake_all(&sock->wait);
	waitq_wake_all(&sock->peer->wait);
	fdput(f);
	return 0;
}

/* The name of an end of a pair is empty. */
static long put_no_name(unsigned int fd, u16 *name, int *namelen)
{
	struct socket *sock;
	struct fd f;
	int room;
	long err = get_socket(fd, &f, &sock);

	if (err)
		return err;
	fdput(f);
	if (get_user(room, namelen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (room >= (int)sizeof(*name) && put_user(AF_UNIX, name))
		return -EFAULT;
	return put_user((int)sizeof(*name), namelen);
}

SYSCALL_DEFINE3(getsockname, unsigned int, fd, void *, name, int *, namelen)
{
	return put_no_name(fd, name, namelen);
}

SYSCALL_DEFINE3(getpeername, unsigned int, fd, void *, name, int *, namelen)
{
	return put_no_name(fd, name, namelen);
}

enum socket_option {
	SO_REUSEADDR = 2, SO_TYPE = 3, SO_ERROR = 4, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_PASSCRED = 16, SO_PEERCRED = 17,
	SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, SO_ACCEPTCONN = 30, SO_PROTOCOL = 38, SO_DOMAIN = 39,
};

#define USEC_NS 1000ull
#define SEC_NS 1000000000ull

static long set_timeout(u64 *timeout, const void *value, int len)
{
	s64 tv[2];

	if (len < (int)sizeof(tv))
		return -EINVAL;
	if (copy_from_user(tv, value, sizeof(tv)))
		return -EFAULT;
	if (tv[1] < 0 || tv[1] >= 1000000)
		return -EDOM;
	*timeout = tv[0] < 0 ? 0 : (u64)tv[0] * SEC_NS + (u64)tv[1] * USEC_NS;
	return 0;
}

static long set_option(struct socket *sock, int name, const void *value, int len)
{
	int on;

	if (name == SO_RCVTIMEO)
		return set_timeout(&sock->rcv_timeout, value, len);
	if (name == SO_SNDTIMEO)
		return set_timeout(&sock->snd_timeout, value, len);
	if (len < (int)sizeof(int))
		return -EINVAL;
	if (get_user(on, (int *)value))
		return -EFAULT;
	switch (name) {
	case SO_PASSCRED:
		sock->pass_cred = on;
		return 0;
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_REUSEADDR:
		return 0; /* hints: the room is what it is */
	default:
		return -ENOPROTOOPT;
	}
}

SYSCALL_DEFINE5(setsockopt, unsigned int, fd, int, level, int, name, const void *, value, int, len)
{
	struct socket *sock;
	struct fd f;
	long err = get_socket(fd, &f, &sock);

	if (err)
		return err;
	err = level == SOL_SOCKET ? set_option(sock, name, value, len) : -EOPNOTSUPP;
	fdput(f);
	return err;
}

/* Up to three words. Bytes of the value, or -ENOPROTOOPT. */
static int read_option(struct socket *sock, int name, s64 *wide, u32 *words)
{
	switch (name) {
	case SO_TYPE:
		words[0] = (u32)sock->type;
		return 4;
	case SO_ERROR:
	case SO_ACCEPTCONN:
	case SO_PROTOCOL:
	case SO_REUSEADDR:
		words[0] = 0;
		return 4;
	case SO_DOMAIN:
		words[0] = AF_UNIX;
		return 4;
	case SO_SNDBUF:
	case SO_RCVBUF:
		words[0] = SOCK_ROOM;
		return 4;
	case SO_PASSCRED:
		words[0] = sock->pass_cred;
		return 4;
	case SO_PEERCRED:
		words[0] = (u32)sock->peer->pid;
		words[1] = sock->peer->uid;
		words[2] = sock->peer->gid;
		return 12;
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		wide[0] = (s64)((name == SO_RCVTIMEO ? sock->rcv_timeout : sock->snd_timeout) / SEC_NS);
		wide[1] = (s64)((name == SO_RCVTIMEO ? sock->rcv_timeout : sock->snd_timeout) % SEC_NS / USEC_NS);
		return 16;
	default:
		return -ENOPROTOOPT;
	}
}

SYSCALL_DEFINE5(getsockopt, unsigned int, fd, int, level, int, name, void *, value, int *, user_len)
{
	struct socket *sock;
	u32 words[3];
	s64 wide[2];
	int room, len;
	struct fd f;
	long err = get_socket(fd, &f, &sock);

	if (err)
		return err;
	len = level == SOL_SOCKET ? read_option(sock, name, wide, words) : -EOPNOTSUPP;
	fdput(f);
	if (len < 0)
		return len;
	if (get_user(room, user_len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	room = min(room, len);
	if (copy_to_user(value, len == 16 ? (void *)wide : (void *)words, (size_t)room))
		return -EFAULT;
	return put_user(room, user_len);
}
