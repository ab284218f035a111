/* SPDX-License-Identifier: MIT */
/* idle.c - what a CPU does when there is nothing to do, and how CPUs join in. */
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/interrupt.h"
#include "base/assert.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"
#include "sched/rq.h"
#include "sync/rcu.h"

struct thread_struct *sched_new_idle(unsigned int cpu)
{
	struct task *idle = kzalloc(sizeof(*idle), GFP_KERNEL);
	struct rq *rq = kzalloc(sizeof(*rq), GFP_KERNEL);

	if (idle && rq)
		idle->stack = kernel_stack_alloc(THREAD_SIZE);
	if (!idle || !rq || !idle->stack) {
		kfree(idle);
		kfree(rq);
		return NULL;
	}
	idle->thread.stack_top = (unsigned long)idle->stack + THREAD_SIZE;
	idle->cpus_allowed.bits[cpu / 64] = 1ULL << (cpu % 64);
	rq_init(rq, cpu, idle);
	return &idle->thread;
}

/* [R5], looked at while nobody can be in the middle of giving this CPU a task. */
static void check_nothing_to_run(struct rq *rq)
{
	if (!QUIRE_DEBUG)
		return;
	spin_lock(&rq->lock);
	QUIRE_ASSERT_MSG(!rq->nr_running || need_resched(), "[R5] a CPU goes to sleep with a task in its queue");
	spin_unlock(&rq->lock);
}

/* One halt, unless there is work. Interrupts on at entry and exit. */
static void idle_once(struct rq *rq)
{
	if (rcu_has_work(rq->cpu))
		rcu_process(rq->cpu);
	irq_disable();
	if (need_resched()) {
		irq_enable();
		return;
	}
	check_nothing_to_run(rq);
	tick_idle_enter(rq);
	rcu_idle_enter(rq->cpu);
	cpu_idle_wait();
	irq_disable();
	rcu_idle_exit(rq->cpu);
	tick_idle_exit(rq);
	irq_enable();
}

void sched_start_idle(void)
{
	struct rq *rq = this_rq();

	irq_disable();
	rcu_cpu_online(rq->cpu);
	tick_init_cpu(rq);
	idle_mask_set(rq->cpu, true);
	irq_enable();
	for (;;) {
		while (!need_resched())
			idle_once(rq);
		schedule();
	}
}
