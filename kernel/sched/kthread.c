/* SPDX-License-Identifier: MIT */
/* kthread.c - threads of the kernel, and the one that pushes RCU on. */
#include "arch/smp.h"
#include "lib/printk.h"
#include "proc/fork.h"
#include "quire/slab.h"
#include "sched/rq.h"
#include "sched/wait.h"
#include "sync/rcu.h"

struct kthread_start {
	void (*fn)(void *arg);
	void *arg;
};

static void kthread_entry(void *data)
{
	struct kthread_start start = *(struct kthread_start *)data;

	kfree(data);
	start.fn(start.arg);
	do_exit(0);
}

struct task *kthread_create(void (*fn)(void *arg), void *arg, const char *name)
{
	struct kthread_start *start = kmalloc(sizeof(*start), GFP_KERNEL);
	struct task *p;

	if (!start)
		return NULL;
	start->fn = fn;
	start->arg = arg;
	p = fork_kernel_thread(kthread_entry, start, name);
	if (!p)
		kfree(start);
	return p;
}

struct task *kthread_run(void (*fn)(void *arg), void *arg, const char *name)
{
	struct task *p = kthread_create(fn, arg, name);

	if (p)
		wake_up_new_task(p);
	return p;
}

static DEFINE_WAITQ(rcu_waitq);
static bool rcu_wanted;	/* (a) */

void rcu_thread_wake(void)
{
	if (__atomic_exchange_n(&rcu_wanted, true, __ATOMIC_SEQ_CST))
		return;
	waitq_wake_key(&rcu_waitq, TASK_IDLE, 1, 0);
}

static void rcu_thread(void *unused)
{
	unsigned int cpu;

	for (;;) {
		(void)__waitq_wait(&rcu_waitq, READ_ONCE(rcu_wanted), TASK_IDLE, 0,
				   MAX_SCHEDULE_TIMEOUT);
		__atomic_store_n(&rcu_wanted, false, __ATOMIC_SEQ_CST);
		for (cpu = 0; cpu < nr_cpu_ids; cpu++)
			if (cpu_online(cpu) && rcu_has_work(cpu))
				rcu_process(cpu);
		task_stacks_drain();
	}
}

void sched_start_threads(void)
{
	loadavg_init();
	if (!kthread_run(rcu_thread, NULL, "rcu_sched"))
		panic("no memory for the kernel's threads");
}
