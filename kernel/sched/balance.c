/* SPDX-License-Identifier: MIT */
/* balance.c - which CPU a task runs on: at wake-up, at fork, when a CPU runs dry, and from time to
 * time. */
#include "arch/cpu.h"
#include "sched/rq.h"

/* Nanoseconds between two looks at the other CPUs from the tick of a busy one. */
#define BALANCE_NS 32000000ull
/* Tasks that one look considers on the busiest CPU. */
#define BALANCE_SCAN 8
/* How often one tries for the other CPU's lock. */
#define PULL_TRIES 200

struct quire_cpumask idle_cpus;

/* The first CPU that is idle, online and allowed, at or after @from (it wraps); or -1. */
static int find_idle(const struct quire_cpumask *allowed, unsigned int from)
{
	unsigned int words = (nr_cpu_ids + 63) / 64, i;

	for (i = 0; i <= words; i++) {
		unsigned int w = (from / 64 + i) % words;
		u64 set = READ_ONCE(idle_cpus.bits[w]) & allowed->bits[w];

		if (!i)
			set &= ~0ULL << (from % 64);
		if (set)
			return (int)(w * 64 + (unsigned int)__builtin_ctzll(set));
	}
	return -1;
}

static unsigned int least_loaded(struct task *p, unsigned int best)
{
	unsigned int cpu, nr, least = ~0u;

	if (cpu_online(best) && cpumask_test(&p->cpus_allowed, best))
		least = READ_ONCE(rq_of(best)->nr_running);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!cpu_online(cpu) || !cpumask_test(&p->cpus_allowed, cpu))
			continue;
		nr = READ_ONCE(rq_of(cpu)->nr_running);
		if (nr < least) {
			least = nr;
			best = cpu;
		}
	}
	return best;
}

unsigned int select_cpu(struct task *p, bool fork)
{
	unsigned int cpu = p->cpu;
	int idle;

	if (nr_online_cpus == 1)
		return 0;
	if (!fork && idle_cpu(cpu) && cpumask_test(&p->cpus_allowed, cpu))
		return cpu;
	idle = find_idle(&p->cpus_allowed, cpu);
	if (idle >= 0)
		return (unsigned int)idle;
	if (!fork && cpumask_test(&p->cpus_allowed, cpu))
		return cpu;
	return least_loaded(p, cpu);
}

static bool may_move(struct task *p, struct rq *to)
{
	return cpumask_test(&p->cpus_allowed, to->cpu);
}

static struct task *movable_task(struct rq *from, struct rq *to)
{
	struct rb_node *node;
	struct task *p;
	int scanned = 0;

	list_for_each_entry(p, &from->rt, se.rt_node)
		if (may_move(p, to))
			return p;
	for (node = rb_first_cached(&from->fair); node && scanned < BALANCE_SCAN;
	     node = rb_next(node)) {
		p = container_of(container_of(node, struct sched_entity, node), struct task, se);
		if (may_move(p, to))
			return p;
		scanned++;
	}
	return NULL;
}

static void move_task(struct task *p, struct rq *from, struct rq *to)
{
	queue_remove(from, p);
	queue_count(from, p, -1);
	p->se.vruntime += to->min_vruntime - from->min_vruntime;
	p->cpu = to->cpu;
	queue_count(to, p, 1);
	queue_insert(to, p);
}

static struct rq *busiest_rq(struct rq *than)
{
	unsigned int cpu, nr, most = than->nr_running + 1;
	struct rq *busiest = NULL, *rq;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		rq = rq_of(cpu);
		if (!rq || rq == than)
			continue;
		nr = READ_ONCE(rq->nr_running);
		if (nr > most) {
			most = nr;
			busiest = rq;
		}
	}
	return busiest;
}

/*
 * Two CPUs that pull from each other must not wait for ever; but a lock is held for a moment only, and whoever gives up has nothing
 * to do until somebody tells it again.
 */
static bool trylock_for_a_while(spinlock_t *lock)
{
	for (int tries = 0; tries < PULL_TRIES; tries++) {
		if (spin_trylock(lock))
			return true;
		cpu_relax();
	}
	return false;
}

bool balance_pull(struct rq *rq)
{
	struct rq *from;
	struct task *p;

	if (nr_online_cpus == 1)
		return false;
	from = busiest_rq(rq);
	if (!from || !trylock_for_a_while(&from->lock))
		return false;
	p = from->nr_running > rq->nr_running + 1 ? movable_task(from, rq) : NULL;
	if (p)
		move_task(p, from, rq);
	spin_unlock(&from->lock);
	return p != NULL;
}

bool balance_tick(struct rq *rq, u64 now)
{
	if (nr_online_cpus == 1 || now < rq->next_balance)
		return false;
	rq->next_balance = now + BALANCE_NS;
	/* Where the tick finds the idle task, nothing but this makes it look at the queue again. */
	if (balance_pull(rq) && rq->curr == rq->idle)
		resched_rq(rq);
	return rq->nr_running >= 2;
}

void balance_tell_idle(const struct rq *rq)
{
	int idle = find_idle(&cpu_online_mask, rq->cpu);

	if (idle < 0)
		return;
	set_thread_flag(&rq_of((unsigned int)idle)->idle->thread, TIF_NEED_RESCHED);
	smp_send_reschedule((unsigned int)idle);
}
