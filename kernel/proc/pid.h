/* SPDX-License-Identifier: MIT */
/*
 * pid.h - process identifiers: numbers that tasks, process groups and sessions go by.
 *
 *	nr --hash--> struct pid { tasks[PID], tasks[TGID], tasks[PGID], tasks[SID] }
 *
 * [I1] A number is free again when no task uses it for any purpose and its last reference is gone.
 * [I2] tasks[PGID] and tasks[SID] hold group leaders only.
 * Lock: tasklist_lock for all links. Sleeps: never. Allocates: alloc_pid.
 */
#ifndef KERNEL_PROC_PID_H
#define KERNEL_PROC_PID_H

#include "sched/task.h"
#include "sched/wait.h"

#define PID_MAX_DEFAULT 32768

struct pid {
	refcount_t refs;
	int nr;
	struct hlist_node hash;
	struct hlist_head tasks[PIDTYPE_MAX];
	struct waitq wait_pidfd;	/* told when the process ends */
};

/* A fresh number with one reference. ERR_PTR(-EAGAIN or -ENOMEM). May sleep. */
struct pid *alloc_pid(void);
static inline struct pid *get_pid(struct pid *pid)
{
	if (pid)
		refcount_inc(&pid->refs);
	return pid;
}
void put_pid(struct pid *pid);

/* The pid of number @nr with a reference, or NULL. Any context. */
struct pid *find_get_pid(pid_t nr);
/* The task whose thread id is @nr, with a reference, or NULL. Any context. */
struct task *find_get_task(pid_t nr);
/* As above; the process (its leader), or NULL when @nr is not a process. */
struct task *find_get_process(pid_t nr);
/* tasklist_lock held: no reference is taken. */
struct pid *find_pid_locked(pid_t nr);
struct task *pid_task_locked(struct pid *pid, enum pid_type type);

/* For /proc: the process with the smallest number >= @nr, with a reference; NULL at the end. */
struct task *next_process(pid_t nr);
/* The thread of @leader's process with the smallest id >= @tid, with a reference. */
struct task *next_thread(struct task *leader, pid_t tid);

/* tasklist_lock held. */
void attach_pid(struct task *p, enum pid_type type, struct pid *pid);
void detach_pid(struct task *p, enum pid_type type);

/* Group and session of @p's process; no reference: tasklist_lock, or the current task's own. */
struct pid *task_pgrp(const struct task *p);
struct pid *task_session(const struct task *p);
static inline pid_t pid_nr(const struct pid *pid)
{
	return pid ? pid->nr : 0;
}
/* Numbers for user space, 0 when gone. Any context. */
pid_t task_pgrp_nr(struct task *p);
pid_t task_session_nr(struct task *p);
pid_t task_ppid_nr(struct task *p);

/* The group has no member whose parent is in another group of the session: nobody can continue
 * it. */
bool is_current_pgrp_orphaned(void);

/* Threads that exist and that may exist (threads-max, from the size of memory). */
unsigned int nr_threads_now(void);
unsigned int nr_processes(void);
extern unsigned int threads_max;
extern int pid_max;
extern pid_t last_pid;

/* All processes, oldest first, through task->tasks. tasklist_lock. */
extern struct list_head task_list;

void pid_init(void);

#define for_each_pid_task(p, pid, type) \
	hlist_for_each_entry(p, &(pid)->tasks[type], pid_links[type])
#define for_each_thread(sig, p) list_for_each_entry(p, &(sig)->threads, thread_node)

#endif
