/* SPDX-License-Identifier: MIT */
/*
 * pidfd.h - files that stand for a process: poll tells its end, waitid and signals name it.
 *
 * Lock: none of its own. Sleeps: all. Allocates: a file.
 */
#ifndef KERNEL_PROC_PIDFD_H
#define KERNEL_PROC_PIDFD_H

#include "proc/pid.h"

/* A new descriptor for @pid, stored through the user pointer @to. 0 or -errno. */
int pidfd_for_clone(struct pid *pid, int *to);
/* The pid behind descriptor @fd with a reference; ERR_PTR(-EBADF). *nonblock: opened with
 * PIDFD_NONBLOCK. */
struct pid *pidfd_get_pid(unsigned int fd, bool *nonblock);
/* The process behind descriptor @fd with a reference; ERR_PTR(-EBADF), ERR_PTR(-ESRCH) when it has ended. */
struct task *pidfd_get_process(unsigned int fd);
/* The same, and the caller itself for PIDFD_SELF_THREAD and PIDFD_SELF_THREAD_GROUP. */
struct task *pidfd_get_task(unsigned int fd);

#endif
