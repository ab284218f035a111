/* SPDX-License-Identifier: MIT */
/*
 * queue.c - who runs next on one CPU: weighted fair by virtual time, real-time tasks first.
 *
 * A fair task's vruntime grows with the time it ran, slower the heavier it is; the smallest runs. A
 * task that slept is placed a little before the others, so that it runs soon but has not saved up
 * its sleep.
 */
#include "sched/rq.h"

/* Nanoseconds in which every runnable task should have run once, while they are few. */
#define LATENCY_NS 12000000ull
/* No task is pushed out sooner than this, nanoseconds. */
#define GRANULARITY_NS 3000000ull
/* How far behind the running task one that wakes up must be to push it out. */
#define WAKEUP_GRANULARITY_NS 2000000ull
#define RR_SLICE_NS 100000000ull
#define WEIGHT_NICE_0 1024u
#define WEIGHT_IDLE 3u

/* 1024 * 1.25^-nice: one step of nice is a tenth of the CPU between two tasks. */
static const unsigned int weights[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

unsigned int nice_weight(int nice)
{
	return weights[nice + 20];
}

static struct task *task_of(struct rb_node *node)
{
	return container_of(container_of(node, struct sched_entity, node), struct task, se);
}

static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

void queue_count(struct rq *rq, struct task *p, int sign)
{
	rq->nr_running += sign;
	if (!task_is_rt(p))
		rq->load += sign * (long)p->se.weight;
}

static void update_min_vruntime(struct rq *rq)
{
	struct rb_node *first = rb_first_cached(&rq->fair);
	struct task *curr = rq->curr;
	u64 least = rq->min_vruntime;
	bool any = false;

	if (curr != rq->idle && !task_is_rt(curr) && curr->on_rq) {
		least = curr->se.vruntime;
		any = true;
	}
	if (first && (!any || before(task_of(first)->se.vruntime, least)))
		least = task_of(first)->se.vruntime;
	if (before(rq->min_vruntime, least))
		rq->min_vruntime = least;
}

void queue_charge(struct rq *rq, u64 now)
{
	struct sched_entity *se = &rq->curr->se;
	u64 delta = now - se->exec_start;

	if ((s64)delta <= 0)
		return;
	se->exec_start = now;
	se->sum_exec += delta;
	if (rq->curr == rq->idle || task_is_rt(rq->curr))
		return;
	se->vruntime += se->weight == WEIGHT_NICE_0 ? delta : delta * WEIGHT_NICE_0 / se->weight;
	update_min_vruntime(rq);
}

static void insert_rt(struct rq *rq, struct task *p)
{
	struct task *other;

	list_for_each_entry(other, &rq->rt, se.rt_node) {
		if (other->se.rt_priority < p->se.rt_priority) {
			list_add_tail(&p->se.rt_node, &other->se.rt_node);
			return;
		}
	}
	list_add_tail(&p->se.rt_node, &rq->rt);
}

void queue_insert(struct rq *rq, struct task *p)
{
	struct rb_node **link = &rq->fair.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	if (task_is_rt(p)) {
		insert_rt(rq, p);
		return;
	}
	while (*link) {
		parent = *link;
		if (before(p->se.vruntime, task_of(parent)->se.vruntime)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&p->se.node, parent, link);
	rb_insert_color_cached(&p->se.node, &rq->fair, leftmost);
}

void queue_remove(struct rq *rq, struct task *p)
{
	if (task_is_rt(p))
		list_del_init(&p->se.rt_node);
	else
		rb_erase_cached(&p->se.node, &rq->fair);
}

void queue_place(struct rq *rq, struct task *p, bool fresh)
{
	u64 start = rq->min_vruntime;

	if (fresh)
		start += GRANULARITY_NS * WEIGHT_NICE_0 / p->se.weight;
	else
		start -= LATENCY_NS / 2;
	if (fresh || before(p->se.vruntime, start))
		p->se.vruntime = start;
}

struct task *queue_pick(struct rq *rq)
{
	struct task *p;
	struct rb_node *first;

	if (!list_empty(&rq->rt)) {
		p = list_first_entry(&rq->rt, struct task, se.rt_node);
		list_del_init(&p->se.rt_node);
		return p;
	}
	first = rb_first_cached(&rq->fair);
	if (!first)
		return rq->idle;
	rb_erase_cached(first, &rq->fair);
	return task_of(first);
}

bool queue_preempts(struct rq *rq, struct task *p)
{
	struct task *curr = rq->curr;

	if (curr == rq->idle)
		return true;
	if (task_is_rt(p))
		return !task_is_rt(curr) || p->se.rt_priority > curr->se.rt_priority;
	if (task_is_rt(curr) || p->se.policy == SCHED_BATCH || p->se.policy == SCHED_IDLE)
		return false;
	if (curr->se.policy == SCHED_IDLE)
		return true;
	return before(p->se.vruntime + WAKEUP_GRANULARITY_NS, curr->se.vruntime);
}

static void tick_rt(struct rq *rq, struct task *curr)
{
	if (curr->se.policy != SCHED_RR || list_empty(&rq->rt))
		return;
	if (curr->se.sum_exec - curr->se.slice_start >= RR_SLICE_NS)
		resched_rq(rq);
}

void queue_tick(struct rq *rq)
{
	struct task *curr = rq->curr;
	u64 slice, ran;

	if (curr == rq->idle)
		return;
	if (task_is_rt(curr)) {
		tick_rt(rq, curr);
		return;
	}
	if (!list_empty(&rq->rt)) {
		resched_rq(rq);
		return;
	}
	if (rq->nr_running < 2)
		return;
	ran = curr->se.sum_exec - curr->se.slice_start;
	slice = LATENCY_NS * curr->se.weight / (rq->load ? rq->load : 1);
	if (slice < GRANULARITY_NS)
		slice = GRANULARITY_NS;
	if (ran >= slice)
		resched_rq(rq);
}
