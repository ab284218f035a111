/* SPDX-License-Identifier: MIT */
/*
 * sigqueue.h - one waiting signal with its siginfo; shared by sending, delivery and timers.
 *
 * Lock: sighand->lock of the receiver. Sleeps: never. Allocates: sigqueue_alloc, GFP_ATOMIC.
 */
#ifndef KERNEL_PROC_SIGQUEUE_H
#define KERNEL_PROC_SIGQUEUE_H

#include "proc/signal.h"

struct user_struct;

struct sigqueue {
	struct list_head list;	/* in sigpending.list, empty when not queued */
	struct user_struct *user;
	bool preallocated;	/* belongs to a POSIX timer, which frees it */
	struct kernel_siginfo info;
};

/* Counts against RLIMIT_SIGPENDING unless @must. NULL: no memory or over the limit. */
struct sigqueue *sigqueue_alloc(struct task *t, bool must);
void sigqueue_free(struct sigqueue *q);
/* Throws away what waits of the signals in @mask. sighand->lock held. */
void flush_signal_mask(struct sigpending *pending, u64 mask);
/* sighand->lock of @t held. 0 or -EAGAIN. */
int send_signal_locked(int sig, struct kernel_siginfo *info, struct task *t, bool group);
/* A preallocated entry that is not queued. */
void send_sigqueue_locked(struct sigqueue *q, struct task *t, bool group);
/* A timer's signal is being taken: fills in the overrun. sighand->lock held. */
void posix_timer_delivered(struct kernel_siginfo *info);

#endif
