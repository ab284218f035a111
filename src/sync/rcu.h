/* SPDX-License-Identifier: MIT */
/*
 * rcu.h - read without a lock, free after everybody who could be reading is through.
 *
 *      reader                               writer
 *      rcu_read_lock();                     new = copy of old, changed
 *      p = rcu_dereference(root);           rcu_assign_pointer(root, new);
 *      ... p stays valid ...                call_rcu(&old->rcu, free_it);    or synchronize_rcu()
 *      rcu_read_unlock();
 *
 * Each CPU has a counter, `seq`: odd while the CPU cannot be in a read section (offline, idle, or
 * between sections where the host marks them), even otherwise; it changes at every quiescent point.
 *
 *      grace period n:   started = n, note every CPU's seq ... every CPU has been odd or has changed
 *                        ... completed = n
 *
 * [U1] A read section on a CPU lies between two changes of its seq.
 * [U2] completed <= started <= completed + 1.
 * [U3] A callback queued while `started` was s runs after grace period s + 1 has completed, which
 *      began after the queueing: every section that could see its object has ended.
 * [U4] Callbacks run from rcu_process() or rcu_barrier(), with no lock held and interrupts as the
 *      caller had them; in order for one CPU.
 *
 * A kernel that never preempts itself pays nothing for a section; it reports rcu_quiescent() at
 * context switch, idle and return to user mode. A hosted CPU marks its sections
 * (QUIRE_HOST_MARKS_RCU).
 *
 * Lock: rcu->lock and each CPU's list lock, rank LOCK_RCU, IRQ-safe. Sleeps: synchronize_rcu and
 * rcu_barrier; never inside a section. Cost: a section is free or one locked instruction; call_rcu
 * one uncontended lock. Allocates: never: the head is embedded in the object.
 */
#ifndef SYNC_RCU_H
#define SYNC_RCU_H

#include "base/atomic.h"
#include "sync/percpu.h"
#include "sync/spinlock.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

struct rcu_list {
	struct rcu_head *first, **tail;
};

struct rcu_cpu {
	u32 seq;		/* (a) written by its CPU; odd: surely not in a section  */
	u32 snap;		/* (R) rcu->lock: seq when the grace period began        */
	bool waited_for;	/* (R) the grace period still needs this CPU             */
	bool running;		/* (C) somebody runs the callbacks of this CPU           */
	u32 depth;		/* nesting of sections, where marked; its CPU's own      */
	u32 nr_callbacks;	/* (C) to write; racy reads are hints                    */
	spinlock_t lock;	/* (C)                                                   */
	u32 wait_gp, next_gp;	/* (C) grace period that each list waits for             */
	struct rcu_list done;	/* (C) may run                                           */
	struct rcu_list wait;	/* (C)                                                   */
	struct rcu_list next;	/* (C)                                                   */
} __cacheline_aligned;

struct rcu_state {
	spinlock_t lock;	/* (R)                                                   */
	u32 started;		/* (R) to write; grace periods begun                     */
	u32 completed;		/* (R) to write; grace periods ended                     */
	u32 wanted;		/* (a) the last grace period that anybody waits for      */
	unsigned int nr_cpus;	/* (c)                                                   */
	struct rcu_cpu *cpus;	/* (c)                                                   */
};

#define rcu_assign_pointer(p, v)	smp_store_release(&(p), v)
/*
 * Consume order, which every ISA but Alpha gives to a plain load; the thread sanitizer wants
 * acquire.
 */
#define rcu_dereference(p)		__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_access_pointer(p)		READ_ONCE(p)
/* The caller holds the lock that keeps p from changing. */
#define rcu_dereference_protected(p)	(p)

void rcu_init(struct rcu_state *rcu, struct rcu_cpu *cpus, unsigned int nr_cpus);

/*
 * A CPU begins and ends its life, or leaves and enters idle: outside, nobody waits for it, and it
 * has no sections. CPUs begin outside, but for the one that calls sync_init where sections are not
 * marked. Calling either twice does nothing more.
 */
void rcu_cpu_online(unsigned int cpu);
void rcu_cpu_offline(unsigned int cpu);

/*
 * Around a handler that may come upon an idle CPU and has sections of its own:
 *      idle = rcu_irq_enter(cpu);  ...  if (idle) rcu_idle_enter(cpu);
 */
bool rcu_irq_enter(unsigned int cpu);
#define rcu_idle_exit(cpu)	rcu_cpu_online(cpu)
#define rcu_idle_enter(cpu)	rcu_cpu_offline(cpu)

/*
 * rcu_quiescent - the calling CPU is in no read section right now. Any context with interrupts off
 * or where no handler calls it; holds whatever it likes below LOCK_RCU. A few instructions when
 * nobody waits.
 */
void rcu_quiescent(unsigned int cpu);

/* Something waits for a grace period or could run: rcu_process() is worth calling. */
bool rcu_has_work(unsigned int cpu);

/*
 * rcu_process - push grace periods on and run the callbacks of `cpu` that are ready. No lock held;
 * not in a handler. How many ran.
 */
unsigned int rcu_process(unsigned int cpu);

/* Run func(head) after a grace period. Any context. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* Wait until every section that has begun has ended. */
void synchronize_rcu(void);
/* Wait until every callback queued so far, on any CPU, has run. */
void rcu_barrier(void);

void rcu_read_lock_marked(void);
void rcu_read_unlock_marked(void);

static __always_inline void rcu_read_lock(void)
{
	if (QUIRE_HOST_MARKS_RCU)
		rcu_read_lock_marked();
	else if (QUIRE_DEBUG)
		this_ctx()->rcu_depth++;
	barrier();
}

static __always_inline void rcu_read_unlock(void)
{
	barrier();
	if (QUIRE_HOST_MARKS_RCU)
		rcu_read_unlock_marked();
	else if (QUIRE_DEBUG)
		this_ctx()->rcu_depth--;
}

#endif
