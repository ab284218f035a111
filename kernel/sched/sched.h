/* SPDX-License-Identifier: MIT */
/*
 * sched.h - giving up the CPU, waking others, and the figures about it.
 *
 * [D1] Kernel mode is never preempted: only schedule() and what calls it switch tasks.
 * [D2] A sleeper sets its state, then looks at its condition, then calls schedule(); a waker
 *      changes the condition, then wakes. So no wake-up is lost.
 * Lock: the run queues' own, below all others: waking is allowed in any context.
 * Sleeps: schedule*, cond_resched, yield. Allocates: kthread_create.
 */
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H

#include "sched/task.h"

#define HZ 250			/* scheduler ticks a second while a CPU is busy */
#define USER_HZ 100		/* the unit of times(2) and /proc/PID/stat */
#define TICK_NS (1000000000ull / HZ)

#define MAX_SCHEDULE_TIMEOUT UINT64_MAX

/* Switches to the next task; returns when the current one runs again. Interrupts on or off. */
void schedule(void);
/* As schedule(), for at most until @deadline_ns (ktime_get_ns; MAX_SCHEDULE_TIMEOUT: none). The
 * caller has set its state. True when it was woken before. */
bool schedule_until(u64 deadline_ns);
/* For others that are due, state stays running. */
void schedule_preempt(void);
void sched_yield(void);

static inline bool need_resched(void)
{
	return test_thread_flag(current_thread(), TIF_NEED_RESCHED);
}

/* Lets others run if they are due; also tells RCU. True if it did. */
static inline bool cond_resched(void)
{
	if (__builtin_expect(!need_resched(), 1))
		return false;
	schedule_preempt();
	return true;
}

static inline void __set_current_state(unsigned int state)
{
	__atomic_store_n(&current->state, state, __ATOMIC_RELAXED);
}

/* Full barrier: pairs with the one in try_to_wake_up(). [D2] */
static inline void set_current_state(unsigned int state)
{
	(void)__atomic_exchange_n(&current->state, state, __ATOMIC_SEQ_CST);
}

/* Makes @p runnable if its state is in @states. True if it was asleep. Any context. */
bool try_to_wake_up(struct task *p, unsigned int states);
static inline bool wake_up_process(struct task *p)
{
	return try_to_wake_up(p, TASK_NORMAL);
}
/* First start of a task made by fork or kthread_create. */
void wake_up_new_task(struct task *p);
/* Makes @p look at its thread flags soon, if it runs in user mode elsewhere. */
void kick_process(struct task *p);

/* Sets up scheduling of a new task as a copy of the current one. */
void sched_fork(struct task *p);
/* Never returns; the next task drops the last reference. */
void __attribute__((noreturn)) sched_exit(void);

/* Kernel stacks of tasks. Retiring: interrupts off, any context; the memory goes to the CPU's cache
 * or to a list that task_stacks_drain() empties, which may sleep. */
void *task_stack_alloc(void);
void task_stack_retire(void *stack);
void task_stacks_drain(void);

/* Parameters. 0 or -errno. */
struct sched_param { int sched_priority; };
int sched_set_policy(struct task *p, int policy, int rt_priority, bool reset_on_fork);
void sched_set_nice(struct task *p, int nice);
int sched_set_affinity(struct task *p, const struct quire_cpumask *mask);

/* Kernel threads. The thread calls fn(arg) and ends when it returns. NULL: out of memory. */
struct task *kthread_create(void (*fn)(void *arg), void *arg, const char *name);
struct task *kthread_run(void (*fn)(void *arg), void *arg, const char *name);

/* Figures. */
struct cpu_times { /* nanoseconds since boot */
	u64 user, nice, system, idle, iowait, irq, softirq;
};
void sched_cpu_times(unsigned int cpu, struct cpu_times *times);
u64 sched_nr_switches(void);
unsigned long sched_nr_running(void);
unsigned long sched_nr_iowait(void);
unsigned long sched_nr_forks(void);
void sched_count_fork(void);
/* Load averages over 1, 5, 15 minutes, fixed point with 16 bits behind the point. */
void sched_loadavg(unsigned long load[3]);
/* Nanoseconds that @p (with its threads when @group) has spent in user and in kernel mode. */
void task_cputime(struct task *p, u64 *utime, u64 *stime);
/* Nanoseconds on a CPU, the running slice included. */
u64 task_sum_exec(struct task *p);
/* The letter of /proc/PID/stat. */
char task_state_char(const struct task *p);
/* Nobody runs on this CPU. */
bool idle_cpu(unsigned int cpu);

/* Starts the kernel's own threads and timers; slab and the first task exist. */
void sched_start_threads(void);
/* Boot: makes the running context of CPU 0 its idle task; before any other call. */
void sched_init(void);

#endif
