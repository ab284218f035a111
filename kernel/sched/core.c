/* SPDX-License-Identifier: MIT */
/* core.c - switching from task to task, sleeping and waking. */
#include "base/format.h"
#include "lib/printk.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "sched/rq.h"
#include "sync/lockrank.h"
#include "sync/rcu.h"

struct rq *runqueues[QUIRE_MAX_CPUS];

/* The context in which CPU 0 boots becomes its idle task. */
static struct rq boot_rq;
static struct task boot_task;

struct rq *task_rq_lock(struct task *p)
{
	for (;;) {
		unsigned int cpu = READ_ONCE(p->cpu);
		struct rq *rq = rq_of(cpu);

		spin_lock(&rq->lock);
		if (p->cpu == cpu)
			return rq;
		spin_unlock(&rq->lock);
	}
}

void resched_rq(struct rq *rq)
{
	if (test_thread_flag(&rq->curr->thread, TIF_NEED_RESCHED))
		return;
	set_thread_flag(&rq->curr->thread, TIF_NEED_RESCHED);
	if (rq->cpu != this_percpu.cpu)
		smp_send_reschedule(rq->cpu);
}

bool signal_pending_state(unsigned int state, struct task *p)
{
	if (!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) || !signal_pending(p))
		return false;
	return state & TASK_INTERRUPTIBLE || fatal_signal_pending(p);
}

static bool counts_for_load(unsigned int state)
{
	return (state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE;
}

/* The previous task is wholly off this CPU now. Interrupts off; rq->lock held, released. */
static void finish_switch(struct task *prev)
{
	struct rq *rq = this_rq();
	struct mm_struct *mm = rq->drop_mm;
	struct task *evicted = rq->evicted;
	bool dead = prev->state == TASK_DEAD;

	rq->drop_mm = NULL;
	rq->evicted = NULL;
	spin_unlock(&rq->lock);
	if (unlikely(evicted))
		wake_up_new_task(evicted);
	if (mm)
		mmdrop(mm);
	if (unlikely(dead)) {
		task_stack_retire(prev->stack);
		prev->stack = NULL;
		put_task(prev);
	}
}

/* What a new task does first, on its own stack. */
void schedule_tail(struct thread_struct *prev);
void schedule_tail(struct thread_struct *prev)
{
	finish_switch((struct task *)prev);
}

static void switch_address_space(struct rq *rq, struct task *prev, struct task *next)
{
	struct mm_struct *loaded = prev->active_mm;

	if (!next->thread.mm) {
		/* A kernel thread borrows what is loaded. */
		next->active_mm = loaded;
		if (prev->thread.mm)
			mmgrab(loaded);
		else
			prev->active_mm = NULL;
		if (prev->thread.mm)
			switch_mm(loaded, NULL);
		return;
	}
	if (loaded != next->thread.mm || !prev->thread.mm)
		switch_mm(loaded, next->thread.mm);
	if (!prev->thread.mm) {
		rq->drop_mm = loaded;
		prev->active_mm = NULL;
	}
}

/* Takes the current task off the run queue if it wants to sleep. */
static void put_prev(struct rq *rq, struct task *prev, bool preempted)
{
	unsigned int state = READ_ONCE(prev->state);

	if (prev == rq->idle)
		return;
	if (state && !preempted && signal_pending_state(state, prev)) {
		WRITE_ONCE(prev->state, TASK_RUNNING);
		state = TASK_RUNNING;
	}
	if (state && !preempted) {
		prev->on_rq = false;
		prev->nvcsw++;
		queue_count(rq, prev, -1);
		if (counts_for_load(state))
			rq->nr_uninterruptible++;
		if (prev->in_iowait)
			atomic_inc(&rq->nr_iowait);
		return;
	}
	if (unlikely(!cpumask_test(&prev->cpus_allowed, rq->cpu))) {
		/* Off the queues, until it is off this CPU too: then it goes where it may. */
		prev->on_rq = false;
		WRITE_ONCE(prev->state, TASK_WAKING);
		queue_count(rq, prev, -1);
		rq->evicted = prev;
		return;
	}
	queue_insert(rq, prev);
}

static void __schedule(bool preempted)
{
	struct task *prev = current, *next;
	unsigned long flags = irq_save();
	struct rq *rq = this_rq();
	u64 now = ktime_get_ns();

	spin_lock(&rq->lock);
	queue_charge(rq, now);
	clear_thread_flag(&prev->thread, TIF_NEED_RESCHED);
	put_prev(rq, prev, preempted);
	if (!rq->nr_running)
		balance_pull(rq);
	next = queue_pick(rq);
	next->se.exec_start = now;
	next->se.slice_start = next->se.sum_exec;
	rcu_quiescent(rq->cpu);
	if (next == prev) {
		spin_unlock(&rq->lock);
		irq_restore(flags);
		return;
	}
	if (prev->on_rq && prev != rq->idle)
		prev->nivcsw++;
	rq->nr_switches++;
	rq->curr = next;
	if (next == rq->idle || prev == rq->idle)
		idle_mask_set(rq->cpu, next == rq->idle);
	if (next->rseq)
		set_thread_flag(&next->thread, TIF_NOTIFY_RESUME);
	switch_address_space(rq, prev, next);
	finish_switch((struct task *)switch_to(&prev->thread, &next->thread));
	irq_restore(flags);
}

void schedule(void)
{
	might_sleep();
	__schedule(false);
}

void schedule_preempt(void)
{
	might_sleep();
	__schedule(true);
}

void sched_yield(void)
{
	struct rq *rq;
	unsigned long flags = irq_save();
	struct rb_node *first;

	rq = this_rq();
	spin_lock(&rq->lock);
	queue_charge(rq, ktime_get_ns());
	first = rb_first_cached(&rq->fair);
	/* Behind the one that would run otherwise. */
	if (first && !task_is_rt(current)) {
		struct task *p = container_of(container_of(first, struct sched_entity, node),
					      struct task, se);

		if ((s64)(current->se.vruntime - p->se.vruntime) < 0)
			current->se.vruntime = p->se.vruntime;
	}
	spin_unlock(&rq->lock);
	irq_restore(flags);
	__schedule(true);
}

/* The lock of rq held; p is off every queue. */
static void activate(struct rq *rq, struct task *p)
{
	p->on_rq = true;
	WRITE_ONCE(p->state, TASK_RUNNING);
	queue_count(rq, p, 1);
	queue_insert(rq, p);
	if (queue_preempts(rq, p))
		resched_rq(rq);
}

bool try_to_wake_up(struct task *p, unsigned int states)
{
	unsigned long flags;
	unsigned int target;
	struct rq *rq;

	/* The condition before the state: pairs with set_current_state(). */
	smp_mb();
	if (!(READ_ONCE(p->state) & states))
		return false;
	flags = irq_save();
	rq = task_rq_lock(p);
	if (!(READ_ONCE(p->state) & states) || READ_ONCE(p->state) & TASK_WAKING) {
		spin_unlock(&rq->lock);
		irq_restore(flags);
		return false;
	}
	if (p->on_rq) {	/* on its way into schedule() */
		WRITE_ONCE(p->state, TASK_RUNNING);
		spin_unlock(&rq->lock);
		irq_restore(flags);
		return true;
	}
	if (counts_for_load(p->state))
		rq->nr_uninterruptible--;
	if (p->in_iowait)
		atomic_dec(&rq->nr_iowait);
	target = select_cpu(p, false);
	if (target != rq->cpu) {
		WRITE_ONCE(p->state, TASK_WAKING);
		p->se.vruntime -= rq->min_vruntime;
		WRITE_ONCE(p->cpu, target);
		spin_unlock(&rq->lock);
		rq = rq_of(target);
		spin_lock(&rq->lock);
		p->se.vruntime += rq->min_vruntime;
	}
	queue_charge(rq, ktime_get_ns());
	queue_place(rq, p, false);
	activate(rq, p);
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return true;
}

void wake_up_new_task(struct task *p)
{
	unsigned long flags = irq_save();
	struct rq *rq;

	p->cpu = select_cpu(p, true);
	rq = rq_of(p->cpu);
	spin_lock(&rq->lock);
	queue_charge(rq, ktime_get_ns());
	queue_place(rq, p, true);
	activate(rq, p);
	spin_unlock(&rq->lock);
	irq_restore(flags);
}

void kick_process(struct task *p)
{
	unsigned int cpu = READ_ONCE(p->cpu);
	struct rq *rq = rq_of(cpu);

	if (cpu != this_percpu.cpu && rq && READ_ONCE(rq->curr) == p)
		smp_send_reschedule(cpu);
}

void sched_fork(struct task *p)
{
	struct task *parent = current;

	p->state = TASK_NEW;
	p->on_rq = false;
	p->park_permit = false;
	p->in_iowait = false;
	p->cpu = this_percpu.cpu;
	p->se.exec_start = p->se.sum_exec = p->se.slice_start = 0;
	INIT_LIST_HEAD(&p->se.rt_node);
	if (!parent->se.reset_on_fork)
		return;
	p->se.reset_on_fork = false;
	if (task_is_rt(p)) {
		p->se.policy = SCHED_NORMAL;
		p->se.rt_priority = 0;
		p->se.nice = 0;
	} else if (p->se.nice < 0) {
		p->se.nice = 0;
	}
	p->se.weight = nice_weight(p->se.nice);
}

void sched_exit(void)
{
	irq_disable();
	WRITE_ONCE(current->state, TASK_DEAD);
	__schedule(false);
	panic("a dead task ran again");
}

bool idle_cpu(unsigned int cpu)
{
	struct rq *rq = rq_of(cpu);

	return rq && READ_ONCE(rq->curr) == rq->idle && !READ_ONCE(rq->nr_running);
}

void rq_init(struct rq *rq, unsigned int cpu, struct task *idle)
{
	spin_lock_init(&rq->lock, LOCK_UNRANKED);
	spin_lock_init(&rq->timer_lock, LOCK_HOST_WAIT);
	rq->cpu = cpu;
	rq->curr = rq->idle = idle;
	INIT_LIST_HEAD(&rq->rt);
	rq->next_tick = CLOCK_NEVER;
	idle->cpu = cpu;
	idle->on_rq = true;
	idle->flags = PF_IDLE | PF_KTHREAD;
	idle->se.weight = nice_weight(0);
	idle->thread.fpu_cpu = -1;
	idle->ctx.host = idle;
	idle->thread.ctx = &idle->ctx;
	refcount_set(&idle->refs, 1);
	spin_lock_init(&idle->lock, LOCK_LEAF);
	quire_snprintf(idle->comm, sizeof(idle->comm), "swapper/%u", cpu);
	runqueues[cpu] = rq;
}

void sched_init(void)
{
	struct task *idle = &boot_task;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(idle->cpus_allowed.bits); i++)
		idle->cpus_allowed.bits[i] = ~0ULL;
	idle->thread.stack_top = percpu_stack(this_percpu);
	rq_init(&boot_rq, 0, idle);
	this_percpu.current_task = idle;
	this_percpu.idle = idle;
	this_percpu.ctx = &idle->ctx;
}
