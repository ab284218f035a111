/* SPDX-License-Identifier: MIT */
/*
 * task.h - struct task: one thread of a program, or of the kernel.
 *
 *	struct signal (a process) --threads--> task, task, task      each with its own kernel stack
 *	struct task: thread (CPU) | ctx (library) | scheduling | family | what it owns
 *
 * [K1] thread is the first member: the entry code finds it at percpu.current.
 * [K2] A task is on at most one run queue, the one of p->cpu, and only when on_rq is set.
 * [K3] A task is freed when its last reference goes: one is its own until it has run for the last
 *      time, one is its parent's until it has been waited for.
 *
 * Guards: (r) lock of the run queue of p->cpu  (t) tasklist_lock  (s) sighand->lock  (o) only the
 * task itself  (l) task->lock  (a) atomic  (c) constant after fork.
 * Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_SCHED_TASK_H
#define KERNEL_SCHED_TASK_H

#include "arch/current.h"
#include "arch/switch.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "base/refcount.h"
#include "quire/ctx.h"
#include "quire/port.h"
#include "quire/types.h"
#include "sync/spinlock.h"

typedef int pid_t;

struct pid;
struct cred;
struct signal;
struct sighand;
struct files_struct;
struct fs_struct;
struct robust_list_head;
struct vfork_wait;
struct rseq;

#define TASK_COMM_LEN 16

/* task->state: why it does not run. */
enum task_state {
	TASK_RUNNING = 0,
	TASK_INTERRUPTIBLE = 0x01,
	TASK_UNINTERRUPTIBLE = 0x02,
	TASK_STOPPED = 0x04,
	TASK_PARKED = 0x08,	/* in the library's park() */
	TASK_WAKEKILL = 0x10,	/* a fatal signal wakes it */
	TASK_WAKING = 0x20,	/* on its way to another run queue */
	TASK_DEAD = 0x40,	/* has switched away for the last time */
	TASK_NEW = 0x80,	/* not yet started */
	TASK_NOLOAD = 0x100,	/* does not count for the load average */
	TASK_KILLABLE = TASK_UNINTERRUPTIBLE | TASK_WAKEKILL,
	TASK_IDLE = TASK_UNINTERRUPTIBLE | TASK_NOLOAD,
	TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE,
};

enum task_exit_state { EXIT_NONE, EXIT_ZOMBIE, EXIT_DEAD };

enum task_flag {
	PF_IDLE = 0x0001,	/* a CPU's idle task */
	PF_EXITING = 0x0004,
	PF_FORKNOEXEC = 0x0040,	/* has not called exec since fork */
	PF_SIGNALED = 0x0400,	/* was killed by a signal */
	PF_OOM_VICTIM = 0x0800,
	PF_KTHREAD = 0x00200000,
};

/* Scheduling policies, Linux's numbers. */
enum sched_policy {
	SCHED_NORMAL = 0,
	SCHED_FIFO = 1,
	SCHED_RR = 2,
	SCHED_BATCH = 3,
	SCHED_IDLE = 5,
};

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

/* Signals that wait for delivery: bit n - 1 of the set is signal n. */
struct sigpending {
	struct list_head list;	/* struct sigqueue, oldest first */
	u64 signal;
};

/* How an interrupted call goes on when no handler ran (restart_syscall). */
struct restart_block {
	long (*fn)(struct restart_block *block);
	union {
		struct {
			u64 expires;
			void *rmtp;
			int clockid;
		} nanosleep;
		struct {
			u32 *uaddr;
			u32 val, flags, bitset;
			u64 time;
			bool has_timeout;
			int clockid;
		} futex;
		struct {
			void *ufds;
			unsigned int nfds;
			bool has_timeout;
			u64 end_ns;
		} poll;
	};
};

struct sched_entity {
	struct rb_node node;		/* (r) in the queue, by vruntime */
	struct list_head rt_node;	/* (r) in the real-time queue */
	u64 vruntime;			/* (r) weighted nanoseconds */
	u64 exec_start;			/* (r) when it was last charged */
	u64 sum_exec;			/* (r) nanoseconds on a CPU */
	u64 slice_start;		/* (r) sum_exec when it was picked */
	unsigned int weight;		/* (r) 1024 for nice 0 */
	int nice;			/* (r) -20 .. 19 */
	unsigned char policy;		/* (r) enum sched_policy */
	unsigned char rt_priority;	/* (r) 1 .. 99 for SCHED_FIFO and SCHED_RR */
	bool reset_on_fork;
};

struct task {
	struct thread_struct thread;	/* first: [K1] */
	struct quire_ctx ctx;

	/* scheduling */
	unsigned int state;		/* enum task_state */
	unsigned int cpu;		/* (r) */
	bool on_rq;			/* (r) */
	bool park_permit;		/* (a) unpark() came before park() */
	bool in_iowait;			/* (o) */
	bool in_execve;			/* (o) */
	bool did_sigmask;		/* (o) saved_sigmask is to be restored */
	struct sched_entity se;
	struct quire_cpumask cpus_allowed; /* (r) */
	u64 nvcsw, nivcsw;		/* (r) context switches: waited, pushed out */

	/* life */
	refcount_t refs;
	void *stack;			/* (c) from kernel_stack_alloc() */
	unsigned int flags;		/* (o) enum task_flag */
	int exit_state;			/* (t) */
	int exit_code;			/* (o), then (t) */
	int exit_signal;		/* (t) to the parent; -1 for a thread */
	int pdeath_signal;		/* (o) */

	/* family */
	pid_t pid, tgid;		/* (t) as all see them: there is one pid namespace */
	struct pid *thread_pid;		/* (t) with a reference; signal->pids has the others */
	struct hlist_node pid_links[PIDTYPE_MAX]; /* (t) */
	struct task *real_parent;	/* (t) */
	struct task *group_leader;	/* (t) */
	struct list_head children;	/* (t) */
	struct list_head sibling;	/* (t) in real_parent->children */
	struct list_head thread_node;	/* (t) in signal->threads */
	struct list_head tasks;		/* (t) all group leaders, oldest first */
	struct vfork_wait *vfork_done;	/* (o) the parent waits until this task's mm is its own */

	/* what it owns */
	spinlock_t lock; /* LOCK_LEAF: comm, files, fs, cred, mm for readers from outside */
	const struct cred *cred;	/* (o) to change under lock */
	struct files_struct *files;	/* (l) */
	struct fs_struct *fs;		/* (l) cwd, root, umask */
	struct mm_struct *active_mm;	/* (r) whose page table is loaded while mm is NULL */
	char comm[TASK_COMM_LEN];	/* (l) */

	/* signals */
	struct signal *signal;		/* (t) */
	struct sighand *sighand;	/* (t)+(s); stays after exit */
	bool reaped;			/* (s) takes no signals any more */
	u64 blocked;			/* (s) */
	u64 real_blocked;		/* (s) what sigtimedwait took away */
	u64 saved_sigmask;		/* (o) */
	struct sigpending pending;	/* (s) */
	unsigned int jobctl;		/* (s) */
	unsigned long sas_ss_sp;	/* (o) alternate stack */
	size_t sas_ss_size;
	unsigned int sas_ss_flags;
	struct restart_block restart_block;

	/* time */
	u64 start_time;			/* (c) ktime_get_ns */
	u64 utime_ticks, stime_ticks;	/* (o) ticks in user and in kernel mode */
	unsigned long rchar, wchar, inblock, oublock; /* (o) */

	/* threads' agreements with user space */
	int *set_child_tid;
	int *clear_child_tid;
	struct robust_list_head *robust_list;
	struct rseq *rseq;
	u32 rseq_len, rseq_sig;
	int rseq_cpu;			/* what the area says, -1: nothing */
	unsigned long trapno, error_code, cr2; /* last fault, for signal frames */
	unsigned int personality;
	bool no_new_privs;		/* never cleared */
	unsigned long timer_slack_ns;
};

_Static_assert(offsetof(struct task, thread) == 0, "the entry code relies on it");

extern spinlock_t tasklist_lock;	/* LOCK_HOST_SPIN, taken with interrupts off */
extern struct task *init_task_ptr;	/* pid 1, the reaper of orphans */

static inline struct task *get_task(struct task *p)
{
	refcount_inc(&p->refs);
	return p;
}

void put_task_slow(struct task *p);

static inline void put_task(struct task *p)
{
	if (refcount_dec_and_test(&p->refs))
		put_task_slow(p);
}

/* The process's first thread is what the process looks like to others. */
static inline bool thread_group_leader(const struct task *p)
{
	return p->exit_signal >= 0;
}

static inline bool same_thread_group(const struct task *a, const struct task *b)
{
	return a->signal == b->signal;
}

static inline struct mm_struct *task_mm(const struct task *p)
{
	return p->thread.mm;
}

/* The mm of @p with a user's reference, or NULL for kernel threads and the dead. */
struct mm_struct *get_task_mm(struct task *p);
/* mm_traits of its address space, -1 without one. */
int task_mm_traits(struct task *p);
/* Copies the name; sets that of the current task. */
void get_task_comm(char *to, struct task *p);
void set_task_comm(struct task *p, const char *name);

#endif
