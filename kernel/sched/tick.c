/* SPDX-License-Identifier: MIT */
/*
 * tick.c - the timer interrupt: charge the running task, run timers, keep the load average.
 *
 * A busy CPU ticks HZ times a second; an idle one wakes for its timers only.
 */
#include "arch/interrupt.h"
#include "proc/itimer.h"
#include "sched/rq.h"
#include "sync/rcu.h"

static void account_tick(struct rq *rq, struct task *p, bool user, u64 now)
{
	u64 delta = now - rq->last_tick;

	rq->last_tick = now;
	if (p == rq->idle)
		return;
	if (user) {
		p->utime_ticks++;
		*(p->se.nice > 0 ? &rq->times.nice : &rq->times.user) += delta;
	} else {
		p->stime_ticks++;
		rq->times.system += delta;
	}
}

static void tick(struct rq *rq, u64 now)
{
	bool user = this_percpu.irq_regs && user_mode(this_percpu.irq_regs);
	struct task *p = current;
	bool spare;

	account_tick(rq, p, user, now);
	spin_lock(&rq->lock);
	queue_charge(rq, now);
	queue_tick(rq);
	spare = balance_tick(rq, now);
	spin_unlock(&rq->lock);
	if (spare)
		balance_tell_idle(rq);
	if (p->thread.mm)
		cpu_timers_tick(p, user);
	if (user)
		rcu_quiescent(rq->cpu);
	if (rcu_has_work(rq->cpu))
		rcu_thread_wake();
}

/* What the CPU's alarm calls. */
static void timer_interrupt(void)
{
	struct rq *rq = this_rq();
	u64 now = ktime_get_ns();

	if (now >= rq->next_tick) {
		tick(rq, now);
		rq->next_tick = now - now % TICK_NS + TICK_NS;
	}
	timers_run(rq, now);
	tick_program(rq);
}

void tick_program(struct rq *rq)
{
	u64 next = timers_next(rq);

	clock_set_next_event(next < rq->next_tick ? next : rq->next_tick);
}

void tick_idle_enter(struct rq *rq)
{
	u64 now = ktime_get_ns();

	rq->idle_since = now;
	rq->next_tick = CLOCK_NEVER;
	tick_program(rq);
}

void tick_idle_exit(struct rq *rq)
{
	u64 now = ktime_get_ns(), idle = now - rq->idle_since;

	if (atomic_read(&rq->nr_iowait) > 0)
		rq->times.iowait += idle;
	else
		rq->times.idle += idle;
	rq->idle_since = 0;
	rq->last_tick = now;
	rq->next_tick = now - now % TICK_NS + TICK_NS;
	tick_program(rq);
}

/* Called once on each CPU, interrupts off. */
void tick_init_cpu(struct rq *rq)
{
	u64 now = ktime_get_ns();

	clock_set_handler(timer_interrupt);
	rq->last_tick = now;
	rq->next_tick = now - now % TICK_NS + TICK_NS;
	tick_program(rq);
}

void sched_cpu_times(unsigned int cpu, struct cpu_times *times)
{
	struct rq *rq = rq_of(cpu);
	u64 since;

	if (!rq) {
		*times = (struct cpu_times){ 0 };
		return;
	}
	*times = rq->times;
	since = READ_ONCE(rq->idle_since);
	if (since)
		times->idle += ktime_get_ns() - since;
}

/* ---- load average: every 5 seconds, exponentially damped, 11 bits behind the point ---- */

#define LOAD_PERIOD_NS 5000000000ull
#define LOAD_SHIFT 11
#define LOAD_ONE (1ul << LOAD_SHIFT)

/* LOAD_ONE / e^(5 s / 1, 5, 15 min), rounded */
static const unsigned int load_decay[3] = { 1884, 2014, 2037 };
static unsigned long loads[3];
static struct ktimer load_timer;

static void load_sample(struct ktimer *timer)
{
	long active = 0;
	unsigned int cpu;
	int i;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (rq_of(cpu))
			active += (long)READ_ONCE(rq_of(cpu)->nr_running) +
				  READ_ONCE(rq_of(cpu)->nr_uninterruptible);
	if (active < 0)
		active = 0;
	for (i = 0; i < 3; i++) {
		unsigned long now = (unsigned long)active * LOAD_ONE;
		unsigned long sum = loads[i] * load_decay[i] + now * (LOAD_ONE - load_decay[i]);

		/* Rounded up while it rises, so that it can reach what it approaches. */
		if (now >= loads[i])
			sum += LOAD_ONE - 1;
		loads[i] = sum >> LOAD_SHIFT;
	}
	ktimer_start(timer, timer->expires + LOAD_PERIOD_NS);
}

void loadavg_init(void)
{
	ktimer_init(&load_timer, load_sample);
	ktimer_start(&load_timer, ktime_get_ns() + LOAD_PERIOD_NS);
}

void sched_loadavg(unsigned long load[3])
{
	int i;

	for (i = 0; i < 3; i++)
		load[i] = loads[i] << (16 - LOAD_SHIFT);
}
