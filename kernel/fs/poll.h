/* SPDX-License-Identifier: MIT */
/*
 * poll.h - waiting for one of many files: event bits, and the table that select, poll and epoll hand to files.
 *
 *	poll_initwait -> vfs_poll(file, &table.pt) for each, queues an entry on each file's wait queue
 *	              -> nothing ready: sleep -> woken: look again, without queueing -> poll_freewait
 *
 * Lock: queues' own. Sleeps: poll_schedule_until. Allocates: pages of entries past the first few.
 */
#ifndef KERNEL_FS_POLL_H
#define KERNEL_FS_POLL_H

#include "fs/vfs.h"
#include "sched/wait.h"

#define EPOLLIN 0x001u
#define EPOLLPRI 0x002u
#define EPOLLOUT 0x004u
#define EPOLLERR 0x008u
#define EPOLLHUP 0x010u
#define EPOLLNVAL 0x020u
#define EPOLLRDNORM 0x040u
#define EPOLLRDBAND 0x080u
#define EPOLLWRNORM 0x100u
#define EPOLLWRBAND 0x200u
#define EPOLLMSG 0x400u
#define EPOLLRDHUP 0x2000u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define DEFAULT_POLLMASK (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)

struct pollfd {
	s32 fd;
	s16 events, revents;
};

/* Called when a file goes for the last time while epoll watches it. */
void eventpoll_release(struct file *file);

/* kernel side of poll(2): deadline_ns 0 means "do not wait", MAX_SCHEDULE_TIMEOUT for ever. */
long do_poll(struct pollfd *user, unsigned int nr, u64 deadline_ns);

#endif
