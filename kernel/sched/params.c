/* SPDX-License-Identifier: MIT */
/* params.c - how a task is scheduled: policy, nice value, allowed CPUs; and the room's figures. */
#include "quire/errno.h"
#include "sched/rq.h"

#define WEIGHT_IDLE_POLICY 3u

static unsigned int policy_weight(const struct task *p)
{
	return p->se.policy == SCHED_IDLE ? WEIGHT_IDLE_POLICY : nice_weight(p->se.nice);
}

/* Takes @p off its queue for a change of its parameters. True: change_end() puts it back. */
static bool change_begin(struct rq *rq, struct task *p)
{
	queue_charge(rq, ktime_get_ns());
	if (!p->on_rq)
		return false;
	queue_count(rq, p, -1);
	if (rq->curr != p)
		queue_remove(rq, p);
	return true;
}

static void change_end(struct rq *rq, struct task *p, bool queued)
{
	if (!queued)
		return;
	queue_count(rq, p, 1);
	if (rq->curr != p)
		queue_insert(rq, p);
	resched_rq(rq);
}

int sched_set_policy(struct task *p, int policy, int rt_priority, bool reset_on_fork)
{
	unsigned long flags;
	struct rq *rq;
	bool queued;

	flags = irq_save();
	rq = task_rq_lock(p);
	queued = change_begin(rq, p);
	p->se.policy = (unsigned char)policy;
	p->se.rt_priority = (unsigned char)rt_priority;
	p->se.reset_on_fork = reset_on_fork;
	p->se.weight = policy_weight(p);
	if (!task_is_rt(p) && (s64)(p->se.vruntime - rq->min_vruntime) < 0)
		p->se.vruntime = rq->min_vruntime;
	change_end(rq, p, queued);
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return 0;
}

void sched_set_nice(struct task *p, int nice)
{
	unsigned long flags = irq_save();
	struct rq *rq = task_rq_lock(p);
	bool queued = change_begin(rq, p);

	p->se.nice = nice;
	p->se.weight = policy_weight(p);
	change_end(rq, p, queued);
	spin_unlock(&rq->lock);
	irq_restore(flags);
}

/* Puts a queued task that may not stay on @from on the queue of a CPU that it may use. */
static void push_away(struct rq *from, struct task *p)
{
	struct rq *to;
	unsigned int target;

	queue_remove(from, p);
	queue_count(from, p, -1);
	p->on_rq = false;
	p->state = TASK_WAKING;
	target = select_cpu(p, true);
	p->se.vruntime -= from->min_vruntime;
	WRITE_ONCE(p->cpu, target);
	spin_unlock(&from->lock);
	to = rq_of(target);
	spin_lock(&to->lock);
	p->se.vruntime += to->min_vruntime;
	p->on_rq = true;
	p->state = TASK_RUNNING;
	queue_count(to, p, 1);
	queue_insert(to, p);
	resched_rq(to);
	spin_unlock(&to->lock);
}

int sched_set_affinity(struct task *p, const struct quire_cpumask *mask)
{
	unsigned long flags;
	bool any = false;
	unsigned int cpu;
	struct rq *rq;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		any |= cpu_online(cpu) && cpumask_test(mask, cpu);
	if (!any)
		return -EINVAL;
	flags = irq_save();
	rq = task_rq_lock(p);
	p->cpus_allowed = *mask;
	if (cpumask_test(mask, rq->cpu) || !p->on_rq) {
		spin_unlock(&rq->lock);
	} else if (rq->curr != p) {
		push_away(rq, p);
	} else {
		/* It is running: it leaves at the next switch. */
		resched_rq(rq);
		spin_unlock(&rq->lock);
	}
	irq_restore(flags);
	if (p == current)
		schedule_preempt();
	return 0;
}

u64 task_sum_exec(struct task *p)
{
	unsigned long flags = irq_save();
	struct rq *rq = task_rq_lock(p);
	u64 sum;

	if (rq->curr == p)
		queue_charge(rq, ktime_get_ns());
	sum = p->se.sum_exec;
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return sum;
}

u64 sched_nr_switches(void)
{
	u64 sum = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (rq_of(cpu))
			sum += rq_of(cpu)->nr_switches;
	return sum;
}

unsigned long sched_nr_running(void)
{
	unsigned long sum = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (rq_of(cpu))
			sum += READ_ONCE(rq_of(cpu)->nr_running);
	return sum;
}

unsigned long sched_nr_iowait(void)
{
	long sum = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (rq_of(cpu))
			sum += atomic_read(&rq_of(cpu)->nr_iowait);
	return sum > 0 ? (unsigned long)sum : 0;
}

char task_state_char(const struct task *p)
{
	unsigned int state = READ_ONCE(p->state);

	if (READ_ONCE(p->exit_state) == EXIT_ZOMBIE)
		return 'Z';
	if (READ_ONCE(p->exit_state) == EXIT_DEAD)
		return 'X';
	if (state & TASK_STOPPED)
		return 'T';
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if ((state & TASK_IDLE) == TASK_IDLE)
		return 'I';
	if (state & TASK_PARKED)
		return p->flags & PF_KTHREAD ? 'S' : 'D';
	if (state & TASK_UNINTERRUPTIBLE)
		return 'D';
	return 'R';
}
