/* SPDX-License-Identifier: MIT */
/*
 * socket.h - sockets of one machine: pairs of connected ends, streams or packets.
 *
 *	end --peer--> end		what is sent on one waits in the queue of the other
 *
 * [S1] An end holds a reference on its peer; both go when both files are closed.
 * [S2] queued counts the bytes in the queue and never exceeds SOCK_ROOM, but for one packet that came when it was empty.
 * Lock: each end's own, LOCK_HOST_STREAM, one at a time. Sleeps: sending, receiving.
 */
#ifndef KERNEL_FS_SOCKET_H
#define KERNEL_FS_SOCKET_H

#include "fs/vfs.h"
#include "sched/wait.h"

#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 15
#define SOCK_ROOM (208u * 1024)

struct socket {
	refcount_t refs;
	struct mutex lock;
	int type;			/* (c) */
	struct socket *peer;		/* (c) */
	struct list_head queue;		/* (lock) packets for us */
	unsigned int queued;		/* (lock) their bytes */
	bool closed;			/* the file is gone */
	bool no_read, no_write;		/* shutdown(2) */
	u64 rcv_timeout, snd_timeout;	/* nanoseconds, 0: none */
	bool pass_cred;
	int pid;			/* who made it */
	u32 uid, gid;
	struct waitq wait;		/* readers of this end, and writers to it */
};

/* Two connected ends. 0 or -ENOMEM. */
int socket_pair(int type, struct socket **ends);
void socket_put(struct socket *sock);
/* The socket of a file, or NULL when it is none. */
struct socket *socket_of(struct file *file);
struct file *socket_file(struct socket *sock, int flags);

#define MSG_PEEK 2u
#define MSG_DONTWAIT 0x40u
#define MSG_TRUNC 0x20u
#define MSG_WAITALL 0x100u
#define MSG_NOSIGNAL 0x4000u
#define MSG_CMSG_CLOEXEC 0x40000000u

/* Files that travel with a packet. */
#define SCM_MAX_FD 253
struct packet_files {
	unsigned int nr;
	struct file *files[];
};
/* Bytes or -errno. files (may be NULL) is consumed on success. */
long socket_send(struct socket *sock, struct iov_iter *from, unsigned int flags, struct packet_files *files);
/* *files: what came with it, to be consumed by the caller; *whole: the packet's length. */
long socket_receive(struct socket *sock, struct iov_iter *to, unsigned int flags, struct packet_files **files,
		    size_t *whole);
void packet_files_put(struct packet_files *files);

#endif
