/* SPDX-License-Identifier: MIT */
/* timer.c - the tree of timers of each CPU, and sleeping until a time. */
#include "sched/timer.h"

#include "sched/rq.h"
#include "sync/ctx.h"

static struct ktimer *timer_of(struct rb_node *node)
{
	return container_of(node, struct ktimer, node);
}

void ktimer_init(struct ktimer *timer, void (*fn)(struct ktimer *timer))
{
	timer->fn = fn;
	timer->cpu = -1;
	timer->queued = false;
	timer->expires = 0;
}

/* Locks the tree that the timer is or was last in; NULL: none yet. Interrupts off. */
static struct rq *timer_lock(struct ktimer *timer)
{
	for (;;) {
		int cpu = READ_ONCE(timer->cpu);
		struct rq *rq;

		if (cpu < 0)
			return NULL;
		rq = rq_of((unsigned int)cpu);
		spin_lock(&rq->timer_lock);
		if (timer->cpu == cpu)
			return rq;
		spin_unlock(&rq->timer_lock);
	}
}

static bool dequeue(struct rq *rq, struct ktimer *timer)
{
	if (!timer->queued)
		return false;
	rb_erase_cached(&timer->node, &rq->timers);
	timer->queued = false;
	return true;
}

/* True when it is the first of the tree now. */
static bool enqueue(struct rq *rq, struct ktimer *timer)
{
	struct rb_node **link = &rq->timers.rb_root.rb_node, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if (timer->expires < timer_of(parent)->expires) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			first = false;
		}
	}
	rb_link_node(&timer->node, parent, link);
	rb_insert_color_cached(&timer->node, &rq->timers, first);
	timer->queued = true;
	return first;
}

void ktimer_start(struct ktimer *timer, u64 expires_ns)
{
	unsigned long flags = irq_save();
	struct rq *here = this_rq(), *rq = timer_lock(timer);
	bool first;

	if (rq)
		dequeue(rq, timer);
	/* While its function runs on another CPU it stays there: [M3] looks at that CPU. */
	if (rq != here && !(rq && rq->running_timer == timer)) {
		WRITE_ONCE(timer->cpu, (int)here->cpu);
		if (rq)
			spin_unlock(&rq->timer_lock);
		rq = here;
		spin_lock(&rq->timer_lock);
	}
	timer->expires = expires_ns;
	first = enqueue(rq, timer);
	spin_unlock(&rq->timer_lock);
	/* A handler that runs timers sets the alarm when it is through. */
	if (first && rq == here && !rq->running_timer)
		tick_program(rq);
	irq_restore(flags);
}

int ktimer_try_cancel(struct ktimer *timer)
{
	unsigned long flags = irq_save();
	struct rq *rq = timer_lock(timer);
	int done = 0;

	if (rq) {
		if (dequeue(rq, timer))
			done = 1;
		if (rq->running_timer == timer)
			done = -1;
		spin_unlock(&rq->timer_lock);
	}
	irq_restore(flags);
	return done;
}

bool ktimer_cancel(struct ktimer *timer)
{
	int done;

	while ((done = ktimer_try_cancel(timer)) < 0)
		quire_host_relax();
	return done;
}

u64 ktimer_remaining(struct ktimer *timer)
{
	u64 now = ktime_get_ns(), expires = READ_ONCE(timer->expires);

	if (!READ_ONCE(timer->queued))
		return 0;
	return expires > now ? expires - now : 1;
}

/* Interrupts off. */
u64 timers_next(struct rq *rq)
{
	struct rb_node *first;
	u64 next;

	spin_lock(&rq->timer_lock);
	first = rb_first_cached(&rq->timers);
	next = first ? timer_of(first)->expires : CLOCK_NEVER;
	spin_unlock(&rq->timer_lock);
	return next;
}

/* In the timer interrupt. */
void timers_run(struct rq *rq, u64 now)
{
	struct rb_node *first;
	struct ktimer *timer;

	spin_lock(&rq->timer_lock);
	while ((first = rb_first_cached(&rq->timers)) && timer_of(first)->expires <= now) {
		timer = timer_of(first);
		dequeue(rq, timer);
		rq->running_timer = timer;
		spin_unlock(&rq->timer_lock);
		timer->fn(timer);
		spin_lock(&rq->timer_lock);
		rq->running_timer = NULL;
	}
	spin_unlock(&rq->timer_lock);
}

struct sleeper {
	struct ktimer timer;
	struct task *task;
	bool fired;
};

static void wake_sleeper(struct ktimer *timer)
{
	struct sleeper *s = container_of(timer, struct sleeper, timer);

	WRITE_ONCE(s->fired, true);
	try_to_wake_up(s->task, ~(unsigned int)(TASK_DEAD | TASK_NEW | TASK_WAKING | TASK_STOPPED));
}

bool schedule_until(u64 deadline_ns)
{
	struct sleeper s = { .task = current };

	if (deadline_ns == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return true;
	}
	if (deadline_ns <= ktime_get_ns()) {
		__set_current_state(TASK_RUNNING);
		return false;
	}
	ktimer_init(&s.timer, wake_sleeper);
	ktimer_start(&s.timer, deadline_ns);
	schedule();
	ktimer_cancel(&s.timer);
	return !READ_ONCE(s.fired);
}
