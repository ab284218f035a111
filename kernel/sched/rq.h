/* SPDX-License-Identifier: MIT */
/*
 * rq.h - struct rq, what one CPU has to run: the room's own view.
 *
 *	curr (on no tree) | fair: tree by vruntime, leftmost next | rt: list by priority, first next
 *
 * [R1] The lock is held from the choice of the next task until it runs (the next task releases it),
 *      so whoever holds it sees a task either running, queued or wholly switched away.
 * [R2] nr_running counts queued tasks and curr, unless curr is the idle task or about to sleep.
 * [R3] load is the sum of the weights of the fair tasks that nr_running counts.
 * [R4] A second run queue's lock is only tried, never waited for, while one is held.
 * [R5] While a CPU's idle task runs and something is queued, the idle task's TIF_NEED_RESCHED is set.
 * Lock: rq->lock, outside the order of ranks because two contexts share one holding of it;
 * interrupts off. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_SCHED_RQ_H
#define KERNEL_SCHED_RQ_H

#include "arch/clock.h"
#include "arch/smp.h"
#include "base/rbtree.h"
#include "quire/config.h"
#include "sched/sched.h"
#include "sched/task.h"
#include "sched/timer.h"

/* Stacks of dead tasks that a CPU keeps for its next fork. */
#define RQ_STACKS 2

struct rq {
	spinlock_t lock;
	unsigned int cpu;		/* (c) */
	unsigned int nr_running;
	struct task *curr, *idle;
	struct rb_root_cached fair;
	unsigned long load;
	u64 min_vruntime;		/* never falls; where newcomers are placed */
	struct list_head rt;
	u64 nr_switches;
	long nr_uninterruptible;	/* only the sum over all CPUs means something */
	atomic_t nr_iowait;
	struct mm_struct *drop_mm;	/* left by the last switch, to be let go */
	struct task *evicted;		/* left by the last switch, may not run here any more */
	u64 next_balance;
	void *stacks[RQ_STACKS];	/* this CPU only, interrupts off */

	/* tick and times: this CPU only, interrupts off */
	struct cpu_times times;
	u64 last_tick, next_tick;	/* next_tick CLOCK_NEVER: no tick while idle */
	u64 idle_since;			/* 0: not idle */

	/* timers */
	spinlock_t timer_lock;		/* LOCK_HOST_WAIT */
	struct rb_root_cached timers;
	struct ktimer *running_timer;
} __cacheline_aligned;

extern struct rq *runqueues[QUIRE_MAX_CPUS];

static inline struct rq *rq_of(unsigned int cpu)
{
	return runqueues[cpu];
}

static inline struct rq *this_rq(void)
{
	return runqueues[this_percpu.cpu];
}

static inline bool task_is_rt(const struct task *p)
{
	return p->se.policy == SCHED_FIFO || p->se.policy == SCHED_RR;
}

/* CPUs whose idle task runs: a hint for wake-ups. */
extern struct quire_cpumask idle_cpus;

static inline void idle_mask_set(unsigned int cpu, bool idle)
{
	u64 bit = 1ULL << (cpu % 64), *word = &idle_cpus.bits[cpu / 64];

	if (idle)
		__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED);
}

/* Locks the run queue of @p; interrupts off. */
struct rq *task_rq_lock(struct task *p);
/* Asks the CPU of @rq to choose again. rq->lock held. */
void resched_rq(struct rq *rq);

/* queue.c: choosing. rq->lock held. */
unsigned int nice_weight(int nice);
void queue_charge(struct rq *rq, u64 now);		/* time to curr */
void queue_insert(struct rq *rq, struct task *p);	/* into tree or list */
void queue_remove(struct rq *rq, struct task *p);
void queue_place(struct rq *rq, struct task *p, bool fresh); /* vruntime of a newcomer */
struct task *queue_pick(struct rq *rq);			/* removes it; idle when there is none */
bool queue_preempts(struct rq *rq, struct task *p);	/* should p run instead of curr? */
void queue_tick(struct rq *rq);
void queue_count(struct rq *rq, struct task *p, int sign); /* nr_running and load */

/* balance.c */
unsigned int select_cpu(struct task *p, bool fork);
/* Takes a task from the busiest CPU that has more than @rq. rq->lock held. True if one came. */
bool balance_pull(struct rq *rq);
/* From time to time pulls, too. rq->lock held. True: this CPU has more than it can run, which an idle one may be told. */
bool balance_tick(struct rq *rq, u64 now);
/* An idle CPU has no tick: tells one that there is work to pull. Interrupts off, rq->lock not held: it is wanted at once. */
void balance_tell_idle(const struct rq *rq);

/* tick.c */
void tick_init_cpu(struct rq *rq);
void tick_idle_enter(struct rq *rq);	/* interrupts off */
void tick_idle_exit(struct rq *rq);
void tick_program(struct rq *rq);	/* the alarm for what comes first */
void timers_run(struct rq *rq, u64 now);
u64 timers_next(struct rq *rq);
void loadavg_init(void);

/* kthread.c: the thread that ends RCU's grace periods on busy machines. Any context. */
void rcu_thread_wake(void);

/* core.c */
void rq_init(struct rq *rq, unsigned int cpu, struct task *idle);

#endif
