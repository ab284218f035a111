/* SPDX-License-Identifier: MIT */
/*
 * fork.h - the beginning and the end of tasks.
 *
 *	clone -> TASK_NEW -> running <-> waiting -> do_exit -> zombie -> wait4 -> freed
 *
 * [F1] Either a new task shares nothing that failed half-way, or clone returns an error and nothing
 *      is left behind.
 * Lock: tasklist_lock. Sleeps: all. Allocates: all but release_task.
 */
#ifndef KERNEL_PROC_FORK_H
#define KERNEL_PROC_FORK_H

#include "proc/signal.h"
#include "sched/task.h"

#define CSIGNAL 0x000000ffull
#define CLONE_VM 0x00000100ull
#define CLONE_FS 0x00000200ull
#define CLONE_FILES 0x00000400ull
#define CLONE_SIGHAND 0x00000800ull
#define CLONE_PIDFD 0x00001000ull
#define CLONE_PTRACE 0x00002000ull
#define CLONE_VFORK 0x00004000ull
#define CLONE_PARENT 0x00008000ull
#define CLONE_THREAD 0x00010000ull
#define CLONE_NEWNS 0x00020000ull
#define CLONE_SYSVSEM 0x00040000ull
#define CLONE_SETTLS 0x00080000ull
#define CLONE_PARENT_SETTID 0x00100000ull
#define CLONE_CHILD_CLEARTID 0x00200000ull
#define CLONE_DETACHED 0x00400000ull
#define CLONE_UNTRACED 0x00800000ull
#define CLONE_CHILD_SETTID 0x01000000ull
#define CLONE_NEWCGROUP 0x02000000ull
#define CLONE_NEWUTS 0x04000000ull
#define CLONE_NEWIPC 0x08000000ull
#define CLONE_NEWUSER 0x10000000ull
#define CLONE_NEWPID 0x20000000ull
#define CLONE_NEWNET 0x40000000ull
#define CLONE_IO 0x80000000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_INTO_CGROUP 0x200000000ull
#define CLONE_NEWTIME 0x00000080ull

struct clone_request {
	u64 flags;			/* CLONE_* without the signal */
	int exit_signal;
	unsigned long stack;		/* initial stack pointer, 0: the parent's */
	unsigned long tls;
	int *parent_tid, *child_tid, *pidfd;
	void (*kernel_fn)(void *arg);	/* a kernel thread, else a copy of the caller */
	void *kernel_arg;
};

/* The child's pid, or -errno. */
long kernel_clone(const struct clone_request *request);
/* A thread of the kernel that has not been started. NULL: no memory. */
struct task *fork_kernel_thread(void (*fn)(void *arg), void *arg, const char *name);

/* The parent of a vfork waits for this. */
struct vfork_wait {
	bool done;
	struct waitq wait;
	refcount_t refs;
};
void vfork_release(struct task *p);

/* Parts that exec replaces or needs. */
struct sighand *sighand_alloc(void);
void sighand_put(struct sighand *sighand);
void sighand_put_rcu(struct sighand *sighand);	/* others may still be about to lock it */
int task_alloc_fpu(struct task *p);

/* Ends the current task; @code as wait4 shows it. */
void __attribute__((noreturn)) do_exit(int code);
/* Ends all its threads too. */
void __attribute__((noreturn)) do_group_exit(int code);
/* Unlinks a zombie and drops the reference that its family had. */
void release_task(struct task *p);
/* As above with tasklist_lock held, without dropping: the caller does. A leader to be released
 * next, or NULL. */
struct task *release_task_locked(struct task *p);
/* Asks all other threads of the current process to end. sighand->lock held; returns how many. */
int zap_other_threads(void);
/* Gives up the mm of the current task (exec, exit): clear_child_tid, robust futexes, vfork. */
void mm_release(struct task *p);

void fork_init(void);

/* Provided by the terminals: the current session leader gives up its controlling terminal. */
void disassociate_ctty(bool on_exit);

#endif
