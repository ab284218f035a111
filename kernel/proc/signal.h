/* SPDX-License-Identifier: MIT */
/*
 * signal.h - signals: what a process shares, how they are sent, and how they reach user mode.
 *
 *	sender -> sigqueue -> task->pending | signal->shared_pending -> (return to user mode)
 *	       -> get_signal() -> default action | frame on the user stack -> handler -> sigreturn
 *
 * [G1] TIF_SIGPENDING is set whenever a task has an unblocked pending signal (it may be set for
 *      nothing).
 * [G2] SIGKILL and SIGSTOP are never blocked, caught or ignored; pid 1 gets no signal that it has
 *      no handler for.
 * Lock: sighand->lock (inside tasklist_lock), interrupts off. Sleeps: get_signal when it stops.
 * Allocates: GFP_ATOMIC; without memory a signal is sent without its siginfo.
 */
#ifndef KERNEL_PROC_SIGNAL_H
#define KERNEL_PROC_SIGNAL_H

#include "proc/pid.h"
#include "proc/siginfo.h"
#include "sched/task.h"
#include "sched/timer.h"
#include "sched/wait.h"
#include "sync/rcu.h"

struct rlimit {
	u64 rlim_cur, rlim_max;
};

enum rlimit_resource { /* Linux's numbers */
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC,
	RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
	RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIM_NLIMITS,
};
#define RLIM_INFINITY (~0ULL)

struct sighand {
	refcount_t refs;
	spinlock_t lock;		/* LOCK_HOST_SPIN2, interrupts off */
	struct waitq wait;	/* signalfd and sigtimedwait watchers */
	struct k_sigaction action[NSIG];
	struct rcu_head rcu;
};

struct cpu_itimer {
	u64 expires, interval;	/* nanoseconds of CPU time; 0: off */
};

enum signal_flag {
	SIGNAL_STOP_STOPPED = 0x1,	/* all threads are stopped */
	SIGNAL_STOP_CONTINUED = 0x2,	/* continued since the last wait */
	SIGNAL_GROUP_EXIT = 0x4,	/* all threads are to end */
	SIGNAL_UNKILLABLE = 0x40,	/* init */
	SIGNAL_CLD_STOPPED = 0x10,	/* tell the parent */
	SIGNAL_CLD_CONTINUED = 0x20,
};

/* What the threads of a process share. */
struct signal {
	refcount_t refs;
	struct list_head threads;	/* (t) */
	int nr_threads;			/* (t) that have not exited */
	atomic_t live;			/* (a) threads that have not begun to exit */
	struct pid *pids[PIDTYPE_MAX];	/* (t) TGID, PGID, SID, each with a reference */
	struct sigpending shared_pending; /* (s) */
	unsigned int flags;		/* (s) enum signal_flag */
	int group_exit_code;		/* (s) */
	int group_stop_count;		/* (s) threads that have yet to stop */
	int notify_count;		/* (s) exec waits until so many threads are left */
	struct task *group_exec_task;	/* (s) the thread that calls exec */
	bool leader;			/* (t) of its session */
	bool is_child_subreaper;
	bool has_child_subreaper;
	u32 membarrier;			/* (a) what the program has registered */
	void *tty;			/* (t) controlling terminal; the tty layer's */
	void *tty_old_pgrp;
	struct waitq wait_chldexit; /* wait4 */

	spinlock_t limits_lock;		/* for rlim of others */
	struct rlimit rlim[RLIM_NLIMITS];
	short oom_score_adj, oom_score_adj_min;
	struct mm_struct *oom_mm;

	/* timers */
	struct ktimer real_timer;	/* (s) ITIMER_REAL */
	u64 real_interval;		/* (s) */
	struct task *timer_owner;	/* whom it signals: a member of the process */
	struct cpu_itimer it[2];	/* (s) ITIMER_VIRTUAL, ITIMER_PROF */
	struct list_head posix_timers;	/* (s) */
	int next_posix_timer_id;	/* (s) */

	/* figures of threads that are gone, and of children that were waited for */
	u64 utime, stime, cutime, cstime, sum_exec;	/* (s) nanoseconds */
	unsigned long nvcsw, nivcsw, cnvcsw, cnivcsw;
	unsigned long min_flt, maj_flt, cmin_flt, cmaj_flt;
	unsigned long inblock, oublock, cinblock, coublock;
	unsigned long maxrss, cmaxrss;	/* KiB */
	struct task *curr_target;	/* (s) who got the last shared signal */
};

/* ---- sending ---- */

/* Where a signal comes from, when there is no struct siginfo. */
#define SEND_SIG_NOINFO ((struct kernel_siginfo *)0) /* from the current task, as kill(2) */
#define SEND_SIG_PRIV ((struct kernel_siginfo *)1)   /* from the kernel */

/* To one thread / to a process. Any context. 0, -EAGAIN, -ESRCH. */
int send_sig(int sig, struct task *p, struct kernel_siginfo *info);
int group_send_sig(int sig, struct task *p, struct kernel_siginfo *info);
/* To a process group; from the kernel (tty) when @info is SEND_SIG_PRIV. Any context. 0 or
 * -ESRCH. */
int kill_pgrp(struct pid *pgrp, int sig, struct kernel_siginfo *info);
int kill_pgrp_locked(struct pid *pgrp, int sig,
		     struct kernel_siginfo *info); /* tasklist_lock held */
int kill_pid(struct pid *pid, int sig, struct kernel_siginfo *info);
/* As kill(2): with the current task's permissions; sig 0 only checks. */
int kill_pid_checked(struct pid *pid, int sig, struct kernel_siginfo *info);
/* May the current task look into @p (ptrace's rule)? As whom it opens files (/proc/PID/mem), or as who it is (process_vm_*). */
enum access_as { ACCESS_FSCREDS, ACCESS_REALCREDS };
bool may_access_process(struct task *p, enum access_as as);
/* A fault of the current task: cannot be blocked or ignored. */
void force_sig_fault(int sig, int code, unsigned long addr);
/* SIGSEGV for an access that the page's protection key forbids. */
void force_sig_pkuerr(unsigned long addr, u32 pkey);
/* SIGBUS for a page of memory that is lost. */
void force_sig_mceerr(int code, unsigned long addr);
void force_sig(int sig);
void force_fatal_sig(int sig);
/* Kills all threads, SIGKILL; for the out-of-memory killer and exec. */
void kill_process(struct task *p);

/* ---- state ---- */

static inline bool signal_pending(const struct task *p)
{
	return test_thread_flag(&p->thread, TIF_SIGPENDING);
}
static inline bool fatal_signal_pending(const struct task *p)
{
	return signal_pending(p) && (READ_ONCE(p->pending.signal) & sigmask(SIGKILL));
}
/* Recomputes TIF_SIGPENDING of the current task (sets it) or of @p. sighand->lock held. */
void recalc_sigpending(void);
void signal_wake_up(struct task *p, bool fatal);
/* Replaces the current task's mask; wakes another thread for what it now leaves alone. */
void set_current_blocked(u64 mask);
/* ppoll, pselect6, sigsuspend: installs a mask until the call ends. 0 or -EFAULT, -EINVAL. */
int set_user_sigmask(const u64 *umask, size_t sigsetsize);
void restore_saved_sigmask_unless(bool interrupted);
/* The task ignores @sig or blocks it (tty: SIGTTOU, SIGTTIN). */
bool sig_ignored_or_blocked(struct task *p, int sig);
/* The task takes no part in a group stop any more (it exits). sighand->lock held. */
void stop_leave_group(struct task *p);
/* Sets for /proc/PID/status: pending of the thread, of the process; ignored and caught sets. */
void task_signal_sets(struct task *p, u64 *pending, u64 *shared, u64 *blocked, u64 *ignored,
		      u64 *caught);

/* Locks p->sighand; NULL when @p has exited. */
struct sighand *lock_task_sighand(struct task *p, unsigned long *flags);
static inline void unlock_task_sighand(struct sighand *sighand, unsigned long flags)
{
	spin_unlock_irqrestore(&sighand->lock, flags);
}

/* ---- delivery ---- */

/* At the return to user mode: delivers what is pending, restarts an interrupted call. May sleep. */
void do_signal(struct pt_regs *regs);
/* What the auxiliary vector says of rseq areas: the bytes that are kept, and how one is aligned. */
#define RSEQ_FEATURE_BYTES 28
#define RSEQ_ALIGN_BYTES 32
/* Before user mode goes on: the rseq area gets the CPU, an interrupted critical section is
 * aborted. */
void rseq_resume(struct pt_regs *regs);
/* Builds the frame / takes it back. */
bool setup_rt_frame(struct pt_regs *regs, int sig, const struct k_sigaction *ka,
		    const struct kernel_siginfo *info, u64 oldmask);

/* Woken when any signal becomes pending anywhere: for pollers of signal files. */
extern struct waitq signalfd_wait;

/* Takes the next signal in ~mask of the current task; 0 when there is none. sighand->lock held. */
int dequeue_signal(u64 mask, struct kernel_siginfo *info);
void flush_sigqueue(struct sigpending *pending);
void flush_pending_signal(struct sigpending *pending, int sig);
void flush_signal_handlers(struct sighand *sighand, bool force_default);
/* Tells the parent that @p ended. tasklist_lock held. True: @p is to be reaped at once. */
bool do_notify_parent(struct task *p, int sig);
void notify_parent_stopped(struct task *p, int why);

unsigned long task_rlimit(struct task *p, enum rlimit_resource which);
#define rlimit(which) (READ_ONCE(current->signal->rlim[which].rlim_cur))

void signal_init(void);

#endif
