/* SPDX-License-Identifier: MIT */
/*
 * irq_test.c - calls to other CPUs: each runs once, where it should, and never inside an
 * interrupts-off section.
 */
#include "arch/irq.h"
#include "base/atomic.h"
#include "quire/ctx.h"
#include "quire/port.h"
#include "sync/ctx.h"
#include "tap.h"
#include "tap_machine.h"

#define CPUS 4
#define ROUNDS 300

static atomic_t ran, wrong, finished;
static volatile unsigned long per_cpu[CPUS];
static bool busy[CPUS];

static void called(void *arg)
{
	unsigned int cpu = this_cpu();

	/* An interrupt may cut this CPU's code in two, but not where interrupts are off. */
	if (busy[cpu] || irqs_enabled())
		atomic_inc(&wrong);
	/* The caller's own CPU may run it as a plain call. */
	if ((uintptr_t)arg != cpu && !(this_ctx()->flags & QUIRE_CTX_IRQ))
		atomic_inc(&wrong);
	per_cpu[cpu]++;
	atomic_inc(&ran);
}

static void guarded_work(void)
{
	unsigned int cpu = this_cpu();
	unsigned long flags = irq_save(), inner;

	busy[cpu] = true;
	inner = irq_save();
	quire_host_sched_point();
	irq_restore(inner);
	if (irqs_enabled())
		atomic_inc(&wrong);
	busy[cpu] = false;
	irq_restore(flags);
}

static void everybody_calls(void *arg)
{
	const struct quire_port *port = this_quire()->port;
	struct quire_cpumask all = { .bits = { (1 << CPUS) - 1 } };
	struct tap_random random = tap_random_stream(this_cpu() + 1);

	for (int i = 0; i < ROUNDS; i++) {
		guarded_work();
		if (tap_random_below(&random, 4) == 0)
			port->call_cpus(&all, called, (void *)(uintptr_t)this_cpu());
	}
	/* Stay and answer until all have asked, so that the count is exact. */
	atomic_inc(&finished);
	while (atomic_read(&finished) < CPUS)
		quire_host_relax();
	if (this_cpu() == 0)
		port->call_cpus(&all, called, (void *)(uintptr_t)this_cpu());
	(void)arg;
}

static struct quire_ctx *sleeper;

static void called_to_wake(void *arg)
{
	called(arg);
	this_quire()->port->unpark(sleeper);
}

static void parked_answers(void *arg)
{
	const struct quire_port *port = this_quire()->port;
	struct quire_cpumask other = { .bits = { 2 } };

	if (this_cpu() == 1) {
		smp_store_release(&sleeper, this_ctx());
		while (!per_cpu[1])
			(void)port->park(0);
	} else {
		while (!smp_load_acquire(&sleeper))
			quire_host_relax();
		port->call_cpus(&other, called_to_wake, (void *)(uintptr_t)this_cpu());
	}
	(void)arg;
}

int main(void)
{
	unsigned long sum = 0;
	struct hosted_machine *m;

	tap_plan(0);
	m = tap_machine_bare(1 << 20, CPUS, 1);
	tap_run(m, CPUS, everybody_calls, NULL);
	for (int i = 0; i < CPUS; i++)
		sum += per_cpu[i];
	tap_is(atomic_read(&wrong), 0, "no call came while interrupts were off");
	tap_is(sum, atomic_read(&ran), "each ran on the CPU that it was meant for");
	tap_ok(sum > CPUS, "calls were made");
	per_cpu[1] = 0;
	tap_run(m, 2, parked_answers, NULL);
	tap_ok(per_cpu[1] == 1, "a handler wakes the context that it came upon");
	tap_machine_bare_end(m);
	return tap_done();
}
