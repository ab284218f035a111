/* SPDX-License-Identifier: MIT */
/*
 * rcu.c - grace periods by counters, callbacks in three lists: waiting for the next period, waiting
 * for the running one, and ready.
 *
 * There is no thread that drives it: whoever reports a quiescent point, processes or waits takes
 * the state lock by trylock and moves the machine on.
 */
#include "sync/rcu.h"

#include "quire/port.h"
#include "sync/sync_state.h"

/* How long a waiter sleeps between two looks, nanoseconds: about one tick of a busy kernel. */
#define RCU_POLL_NS	1000000ULL

static struct rcu_state *rcu_state(void)
{
	return &this_quire()->sync->rcu;
}

/* a is at or after b, on a counter that wraps. */
static bool reached(u32 a, u32 b)
{
	return (s32)(a - b) >= 0;
}

static void list_reset(struct rcu_list *list)
{
	list->first = NULL;
	list->tail = &list->first;
}

static void list_join(struct rcu_list *to, struct rcu_list *from)
{
	if (!from->first)
		return;
	*to->tail = from->first;
	to->tail = from->tail;
	list_reset(from);
}

void rcu_init(struct rcu_state *rcu, struct rcu_cpu *cpus, unsigned int nr_cpus)
{
	spin_lock_init(&rcu->lock, LOCK_RCU);
	rcu->started = rcu->completed = rcu->wanted = 0;
	rcu->nr_cpus = nr_cpus;
	rcu->cpus = cpus;
	for (unsigned int i = 0; i < nr_cpus; i++) {
		cpus[i] = (struct rcu_cpu){ .seq = 1 };
		spin_lock_init(&cpus[i].lock, LOCK_RCU);
		list_reset(&cpus[i].done);
		list_reset(&cpus[i].wait);
		list_reset(&cpus[i].next);
	}
}

/* From here on its sections count. The exchange pairs with the fence in start_period. */
void rcu_cpu_online(unsigned int cpu)
{
	struct rcu_cpu *rc = &rcu_state()->cpus[cpu];
	u32 seq = READ_ONCE(rc->seq);

	if (seq & 1)
		smp_store_mb(&rc->seq, seq + 1);
}

void rcu_cpu_offline(unsigned int cpu)
{
	struct rcu_cpu *rc = &rcu_state()->cpus[cpu];
	u32 seq = READ_ONCE(rc->seq);

	/* Release: pairs with the acquire in cpu_is_through. */
	if (!(seq & 1))
		smp_store_release(&rc->seq, seq + 1);
}

bool rcu_irq_enter(unsigned int cpu)
{
	bool was_idle = READ_ONCE(rcu_state()->cpus[cpu].seq) & 1;

	if (was_idle)
		rcu_cpu_online(cpu);
	return was_idle;
}

void rcu_read_lock_marked(void)
{
	struct rcu_cpu *rc = &rcu_state()->cpus[this_cpu()];

	if (QUIRE_DEBUG)
		this_ctx()->rcu_depth++;
	if (rc->depth++ == 0)
		rcu_cpu_online(this_cpu());
}

void rcu_read_unlock_marked(void)
{
	struct rcu_cpu *rc = &rcu_state()->cpus[this_cpu()];

	if (QUIRE_DEBUG)
		this_ctx()->rcu_depth--;
	if (--rc->depth == 0)
		rcu_cpu_offline(this_cpu());
}

/* Under rcu->lock. */
static bool cpu_is_through(struct rcu_cpu *rc)
{
	/* Acquire: pairs with the release in rcu_cpu_offline and rcu_quiescent. */
	u32 seq = smp_load_acquire(&rc->seq);

	return (seq & 1) || seq != rc->snap;
}

/* Under rcu->lock, no period running. */
static void start_period(struct rcu_state *rcu)
{
	__atomic_store_n(&rcu->started, rcu->started + 1, __ATOMIC_RELAXED);
	/*
	 * Pairs with the exchange in rcu_cpu_online: a section that this look misses sees the new
	 * pointers.
	 */
	smp_mb();
	for (unsigned int i = 0; i < rcu->nr_cpus; i++) {
		struct rcu_cpu *rc = &rcu->cpus[i];

		rc->snap = smp_load_acquire(&rc->seq);
		rc->waited_for = !(rc->snap & 1);
	}
}

/* Under rcu->lock: true when the running period needs nobody any more. */
static bool period_is_over(struct rcu_state *rcu)
{
	for (unsigned int i = 0; i < rcu->nr_cpus; i++) {
		struct rcu_cpu *rc = &rcu->cpus[i];

		if (rc->waited_for && cpu_is_through(rc))
			rc->waited_for = false;
		if (rc->waited_for)
			return false;
	}
	return true;
}

/*
 * Ends the running period if it can, begins the next if somebody wants one; twice, for idle
 * machines.
 */
static void push_periods(struct rcu_state *rcu)
{
	unsigned long flags;

	if (!spin_trylock_irqsave(&rcu->lock, &flags))
		return;
	for (int round = 0; round < 2; round++) {
		if (rcu->started == rcu->completed) {
			if (reached(rcu->completed, __atomic_load_n(&rcu->wanted, __ATOMIC_RELAXED)))
				break;
			start_period(rcu);
		}
		if (!period_is_over(rcu))
			break;
		/* Release: pairs with the acquire in completed_now. */
		smp_store_release(&rcu->completed, rcu->started);
	}
	spin_unlock_irqrestore(&rcu->lock, flags);
}

static u32 completed_now(struct rcu_state *rcu)
{
	/* Acquire: pairs with the release in push_periods. */
	return smp_load_acquire(&rcu->completed);
}

/* The first period that begins after now, put on record as wanted. */
static u32 want_period(struct rcu_state *rcu)
{
	u32 gp, wanted;

	/*
	 * What the caller unpublished is out before `started` is read. Pairs with the fence in
	 * start_period.
	 */
	smp_mb();
	gp = __atomic_load_n(&rcu->started, __ATOMIC_RELAXED) + 1;
	wanted = __atomic_load_n(&rcu->wanted, __ATOMIC_RELAXED);
	while (!reached(wanted, gp) && !try_cmpxchg(&rcu->wanted, &wanted, gp))
		;
	return gp;
}

/* Under rc->lock: [U3] for each of the three lists. */
static void advance_lists(struct rcu_cpu *rc, u32 completed)
{
	if (rc->wait.first && reached(completed, rc->wait_gp))
		list_join(&rc->done, &rc->wait);
	if (rc->next.first && !rc->wait.first) {
		rc->wait_gp = rc->next_gp;
		list_join(&rc->wait, &rc->next);
		if (reached(completed, rc->wait_gp))
			list_join(&rc->done, &rc->wait);
	}
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct rcu_state *rcu = rcu_state();
	unsigned long flags = irq_save();
	struct rcu_cpu *rc = &rcu->cpus[this_cpu()];
	u32 gp = want_period(rcu);

	head->func = func;
	head->next = NULL;
	spin_lock(&rc->lock);
	if (rc->next.first && rc->next_gp != gp)
		advance_lists(rc, completed_now(rcu));
	/* What could not be moved on waits with the newcomer: later than it must, never earlier. */
	rc->next_gp = gp;
	*rc->next.tail = head;
	rc->next.tail = &head->next;
	WRITE_ONCE(rc->nr_callbacks, rc->nr_callbacks + 1);
	spin_unlock(&rc->lock);
	irq_restore(flags);
}

bool rcu_has_work(unsigned int cpu)
{
	struct rcu_state *rcu = rcu_state();

	return READ_ONCE(rcu->cpus[cpu].nr_callbacks) ||
	       !reached(READ_ONCE(rcu->completed), READ_ONCE(rcu->wanted));
}

void rcu_quiescent(unsigned int cpu)
{
	struct rcu_state *rcu = rcu_state();
	struct rcu_cpu *rc = &rcu->cpus[cpu];

	if (!QUIRE_HOST_MARKS_RCU) {
		/* An exchange, for what rcu_cpu_online needs of it: sections follow at once. */
		smp_store_mb(&rc->seq, rc->seq + 2);
	}
	if (unlikely(!reached(READ_ONCE(rcu->completed), READ_ONCE(rcu->wanted))))
		push_periods(rcu);
}

/* Takes the ready callbacks of `rc`, all of them, unless another is running some: order ([U4]). */
static struct rcu_head *take_done(struct rcu_state *rcu, struct rcu_cpu *rc)
{
	struct rcu_head *first = NULL;
	unsigned long flags;

	spin_lock_irqsave(&rc->lock, flags);
	advance_lists(rc, completed_now(rcu));
	if (!rc->running && rc->done.first) {
		first = rc->done.first;
		list_reset(&rc->done);
		rc->running = true;
	}
	spin_unlock_irqrestore(&rc->lock, flags);
	return first;
}

static unsigned int run_callbacks(struct rcu_state *rcu, struct rcu_cpu *rc)
{
	struct rcu_head *head = take_done(rcu, rc), *next;
	unsigned int ran = 0;
	unsigned long flags;

	if (!head)
		return 0;
	for (; head; head = next, ran++) {
		next = head->next;
		head->func(head);
	}
	spin_lock_irqsave(&rc->lock, flags);
	rc->running = false;
	WRITE_ONCE(rc->nr_callbacks, rc->nr_callbacks - ran);
	spin_unlock_irqrestore(&rc->lock, flags);
	return ran;
}

unsigned int rcu_process(unsigned int cpu)
{
	struct rcu_state *rcu = rcu_state();
	struct rcu_cpu *rc = &rcu->cpus[cpu];

	if (!rcu_has_work(cpu))
		return 0;
	push_periods(rcu);
	return READ_ONCE(rc->nr_callbacks) ? run_callbacks(rcu, rc) : 0;
}

/* Sleeping is a quiescent point of the CPU; the others are waited for in naps. */
static void wait_for_period(struct rcu_state *rcu, u32 gp)
{
	const struct quire_port *port = this_quire()->port;

	might_sleep();
	for (;;) {
		rcu_quiescent(this_cpu());
		push_periods(rcu);
		if (reached(completed_now(rcu), gp))
			return;
		(void)port->park(port->now_ns() + RCU_POLL_NS);
	}
}

void synchronize_rcu(void)
{
	struct rcu_state *rcu = rcu_state();

	wait_for_period(rcu, want_period(rcu));
}

/* Callbacks of `rc` that are ready, or being run by somebody. */
static bool has_ready(struct rcu_cpu *rc)
{
	unsigned long flags;
	bool ready;

	spin_lock_irqsave(&rc->lock, flags);
	ready = rc->running || rc->done.first;
	spin_unlock_irqrestore(&rc->lock, flags);
	return ready;
}

void rcu_barrier(void)
{
	const struct quire_port *port = this_quire()->port;
	struct rcu_state *rcu = rcu_state();

	synchronize_rcu();
	/* All that was queued before is ready now: run it here, or let its runner finish. */
	for (unsigned int i = 0; i < rcu->nr_cpus; i++) {
		run_callbacks(rcu, &rcu->cpus[i]);
		while (has_ready(&rcu->cpus[i])) {
			(void)port->park(port->now_ns() + RCU_POLL_NS);
			run_callbacks(rcu, &rcu->cpus[i]);
		}
	}
}
