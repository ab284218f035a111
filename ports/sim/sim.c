/* SPDX-License-Identifier: MIT */
/*
 * sim.c - coroutines as CPUs, the choice of the next one, simulated time, and the port that uses
 * them.
 */
#include "sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "hosted/machine.h"
#include "sim/fiber.h"
#include "sync/rcu.h"

/* One scheduling point takes this long, nanoseconds: about what a lock operation costs. */
#define STEP_NS		50
/* Room for a deep call chain under the address sanitizer, whose frames are large. */
#define STACK_BYTES	((size_t)1 << 20)

struct sim_cpu {
	struct fiber fiber;
	struct host_self self;	/* this CPU's host_self while another runs */
	void *stack;
	bool parked;
	u64 deadline_ns;	/* of the park; 0: none */
	void (*fn)(void *arg);
	void *arg;
};

/* Beside the hosted machine that it drives; there is one at a time in a thread. */
struct sim {
	struct hosted_machine *machine;
	u64 random;
	u64 now_ns, switches;
	unsigned int idle_steps;
	unsigned int eagerness;	/* a scheduling point switches once in so many */
	struct sim_cpu cpus[QUIRE_MAX_CPUS];
};

static _Thread_local struct sim *sim;

static void sim_relax(void);
static void sim_sched_point(void);
static void sim_irq_deliver(void);

static const struct host_world sim_world = {
	.relax = sim_relax,
	.irq_deliver = sim_irq_deliver,
	.sched_point = sim_sched_point,
};

static u64 next_random(void)
{
	u64 z = sim->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static struct hosted_cpu *hosted_cpu(unsigned int cpu)
{
	return &sim->machine->cpus[cpu];
}

/* A parked CPU goes on for a permit, a deadline that has come, or an interrupt that it may take. */
static bool runnable(unsigned int cpu)
{
	const struct sim_cpu *sc = &sim->cpus[cpu];

	if (!hosted_cpu(cpu)->online)
		return false;
	return !sc->parked || hosted_cpu(cpu)->task.permit || hosted_cpu(cpu)->mailbox ||
	       (sc->deadline_ns && sc->deadline_ns <= sim->now_ns);
}

static void panic_deadlock(void)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "every CPU is parked for ever:");

	for (unsigned int i = 0; i < sim->machine->nr_cpus && len < (int)sizeof(text) - 8; i++)
		if (hosted_cpu(i)->online)
			len += snprintf(text + len, sizeof(text) - (size_t)len, " %u", i);
	host_panic(text);
}

/* All are parked: time passes until the first deadline. */
static void skip_time(void)
{
	u64 first = 0;

	for (unsigned int i = 0; i < sim->machine->nr_cpus; i++) {
		u64 deadline = sim->cpus[i].deadline_ns;

		if (hosted_cpu(i)->online && deadline && (!first || deadline < first))
			first = deadline;
	}
	if (!first)
		panic_deadlock();
	sim->now_ns = first;
}

/* Any CPU that can go on, as the seed says; `but` only if there is no other. */
static unsigned int choose(unsigned int but)
{
	unsigned int candidates[QUIRE_MAX_CPUS], nr = 0;

	for (;;) {
		for (unsigned int i = 0; i < sim->machine->nr_cpus; i++)
			if (i != but && runnable(i))
				candidates[nr++] = i;
		if (nr)
			return candidates[next_random() % nr];
		if (runnable(but))
			return but;
		skip_time();
	}
}

static void take_interrupts(void)
{
	if (!host_self.irq_off && hosted_cpu(host_self.cpu)->mailbox)
		sim_irq_deliver();
}

/* Leaves the running CPU for `next`; returns when somebody chooses this one again. */
static void switch_to(unsigned int next)
{
	struct sim_cpu *from = &sim->cpus[host_self.cpu], *to = &sim->cpus[next];

	if (from == to)
		return;
	sim->switches++;
	from->self = host_self;
	host_self = to->self;
	fiber_switch(&from->fiber, &to->fiber);
}

static void sim_sched_point(void)
{
	sim->now_ns += STEP_NS;
	sim->idle_steps = 0;
	if (next_random() % sim->eagerness == 0)
		switch_to(choose(host_self.cpu));
	take_interrupts();
}

static void sim_relax(void)
{
	sim->now_ns += STEP_NS;
	if (++sim->idle_steps > SIM_MAX_IDLE_STEPS)
		host_panic("no CPU makes progress");
	switch_to(choose(host_self.cpu));
	take_interrupts();
}

static void sim_irq_deliver(void)
{
	hosted_irq_deliver();
}

static u64 sim_now_ns(void)
{
	return sim->now_ns += STEP_NS;
}

static int sim_park(u64 deadline_ns)
{
	struct sim_cpu *me = &sim->cpus[host_self.cpu];
	u32 *permit = &hosted_cpu(host_self.cpu)->task.permit;
	int result = 0;

	take_interrupts();
	if (!*permit) {
		me->parked = true;
		me->deadline_ns = deadline_ns;
		switch_to(choose(host_self.cpu));
		me->parked = false;
		me->deadline_ns = 0;
		take_interrupts();
		if (!*permit && deadline_ns && deadline_ns <= sim->now_ns)
			result = -ETIMEDOUT;
	}
	*permit = 0;
	return result;
}

static void sim_unpark(struct quire_ctx *ctx)
{
	container_of(ctx, struct hosted_ctx, ctx)->permit = 1;
	sim->idle_steps = 0;
}

static void sim_cond_resched(void)
{
	sim_sched_point();
	if (this_quire()->sync)
		rcu_process(this_cpu());
}

static void run_here(void (*fn)(void *arg), void *arg)
{
	struct quire_ctx *ctx = host_self.ctx;
	bool was_off = host_self.irq_off;

	quire_host_irq_off();
	host_self.ctx = &hosted_cpu(host_self.cpu)->irq.ctx;
	fn(arg);
	host_self.ctx = ctx;
	if (!was_off)
		quire_host_irq_on();
}

static void sim_call_cpus(const struct quire_cpumask *mask, void (*fn)(void *arg), void *arg)
{
	struct ipi_request requests[QUIRE_MAX_CPUS];
	atomic_t left = ATOMIC_INIT(0);

	for (unsigned int i = 0; i < sim->machine->nr_cpus; i++) {
		struct hosted_cpu *cpu = hosted_cpu(i);

		if (i == host_self.cpu || !cpu->online || !(mask->bits[i / 64] >> (i % 64) & 1))
			continue;
		atomic_inc(&left);
		requests[i] = (struct ipi_request){ .next = cpu->mailbox, .fn = fn, .arg = arg,
						    .left = &left };
		cpu->mailbox = &requests[i];
		sim->cpus[i].self.irq_pending = true;
	}
	if (mask->bits[host_self.cpu / 64] >> (host_self.cpu % 64) & 1)
		run_here(fn, arg);
	while (atomic_read(&left))
		sim_relax();
}

static void coroutine_main(void)
{
	struct sim_cpu *me;

	fiber_started();
	me = &sim->cpus[host_self.cpu];
	me->fn(me->arg);
	hosted_cpu(host_self.cpu)->online = false;
	hosted_irq_deliver();
	for (;;)
		switch_to(choose(host_self.cpu));
}

static int start_on(unsigned int cpu, void (*fn)(void *arg), void *arg)
{
	struct sim_cpu *sc = &sim->cpus[cpu];
	struct host_self running = host_self;

	if (!sc->stack) {
		sc->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
		if (sc->stack == MAP_FAILED) {
			sc->stack = NULL;
			return -ENOMEM;
		}
	}
	sc->fn = fn;
	sc->arg = arg;
	sc->parked = false;
	host_self.irq_off = host_self.irq_pending = false;
	host_self_become(sim->machine, cpu, &sim_world);
	sc->self = host_self;
	host_self = running;
	fiber_make(&sc->fiber, sc->stack, STACK_BYTES, coroutine_main);
	hosted_cpu(cpu)->online = true;
	return 0;
}

void sim_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg)
{
	for (unsigned int i = 1; i < cpus; i++)
		if (start_on(i, fn, arg))
			host_panic("no memory for a stack");
	fn(arg);
	for (unsigned int i = 1; i < cpus; i++)
		while (machine->cpus[i].online)
			sim_relax();
}

static int sim_start_thread(const char *name, void (*fn)(void *arg), void *arg)
{
	unsigned int cpu = sim->machine->config.cpus + sim->machine->spares_used++;

	(void)name;
	return cpu < sim->machine->nr_cpus ? start_on(cpu, fn, arg) : -ENOMEM;
}

static void sim_random(void *buf, size_t len)
{
	unsigned char *p = buf;

	for (; len; len--)
		*p++ = (unsigned char)next_random();
}

const struct quire_port sim_port = {
	.log = host_log,
	.panic = host_panic,
	.now_ns = sim_now_ns,
	.call_cpus = sim_call_cpus,
	.park = sim_park,
	.unpark = sim_unpark,
	.cond_resched = sim_cond_resched,
	.start_thread = sim_start_thread,
	.oom_kill = hosted_oom_kill,
	.fatal_signal_pending = hosted_fatal_signal_pending,
	.capable = hosted_capable,
	.rlimit = hosted_rlimit,
	.random = sim_random,
};

struct hosted_machine *sim_create(const struct hosted_config *config, uint64_t seed)
{
	static const unsigned int eagerness[] = { 1, 2, 3, 5, 10, 30, 100 };
	struct hosted_machine *machine = hosted_create(config);

	if (!machine)
		return NULL;
	sim = calloc(1, sizeof(*sim));
	if (!sim) {
		hosted_destroy(machine);
		return NULL;
	}
	sim->machine = machine;
	sim->random = seed;
	sim->eagerness = eagerness[next_random() % ARRAY_SIZE(eagerness)];
	host_self.world = &sim_world;
	hosted_set_port(machine, &sim_port);
	return machine;
}

void sim_destroy(struct hosted_machine *machine)
{
	host_self.world = &hosted_world;
	for (unsigned int i = 0; i < QUIRE_MAX_CPUS; i++)
		if (sim->cpus[i].stack)
			munmap(sim->cpus[i].stack, STACK_BYTES);
	free(sim);
	sim = NULL;
	hosted_destroy(machine);
}

uint64_t sim_switches(const struct hosted_machine *machine)
{
	return machine == sim->machine ? sim->switches : 0;
}
