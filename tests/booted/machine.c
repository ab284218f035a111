/* SPDX-License-Identifier: MIT */
/*
 * machine.c - the machine that runs, where a test elsewhere makes one of its own.
 *
 * It has as much memory and as many CPUs as it has; a test that needs more CPUs is skipped. What a
 * test leaves behind is found by counting frames before and after.
 */
#include "tap_machine.h"

#include <stdlib.h>

#include "kernel/arch/clock.h"
#include "kernel/arch/smp.h"
#include "kernel/lib/printk.h"
#include "kernel/sched/sched.h"
#include "kva/kva.h"
#include "phys/frames.h"
#include "phys/page_alloc.h"
#include "phys/phys.h"
#include "phys/phys_state.h"
#include "sync/completion.h"
#include "sync/rcu.h"
#include "sync/sync_state.h"
#include "tap.h"

/* How long the threads of a test may take to be gone with all that was theirs. */
#define SETTLE_NS	(5 * NSEC_PER_SEC)

struct hosted_machine {
	long kept;		/* frames in use before the test */
};

static struct hosted_machine machine;

struct hosted_run {
	void (*fn)(void *arg);
	void *arg;
	struct completion start, done;
};

static void run_one(void *arg)
{
	struct hosted_run *run = arg;

	wait_for_completion(&run->start);
	run->fn(run->arg);
	complete(&run->done);
}

static void stay_on(struct task *p, unsigned int cpu)
{
	struct quire_cpumask only = { .bits = { 1ull << cpu } };

	if (sched_set_affinity(p, &only))
		panic("a unit test asks for CPU %u, which is not online", cpu);
}

void tap_run(struct hosted_machine *m, unsigned int cpus, void (*fn)(void *arg), void *arg)
{
	struct hosted_run run = { .fn = fn, .arg = arg };

	init_completion(&run.start);
	init_completion(&run.done);
	for (unsigned int cpu = 1; cpu < cpus; cpu++) {
		struct task *p = kthread_create(run_one, &run, "unit_test");

		if (!p)
			panic("no memory for a unit test's thread");
		stay_on(p, cpu);
		wake_up_new_task(p);
	}
	complete_all(&run.start);
	fn(arg);
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		wait_for_completion(&run.done);
}

/* Without those that CPUs and caches keep for the next use; tests count these by their own figures. */
static long frames_in_use(void)
{
	long used = 0;

	rcu_barrier();
	area_purge();
	drain_all_frames();
	for (pfn_t pfn = 0; pfn < this_phys()->max_pfn; pfn++) {
		unsigned int owner = frame_owner(pfn);

		used += owner >= PAGE_OWNER_KERNEL && owner != PAGE_OWNER_SLAB &&
			owner != PAGE_OWNER_PGTABLE && owner != PAGE_OWNER_STACK;
	}
	return used;
}

/* The test is CPU 0 from here on. */
static struct hosted_machine *take(const struct hosted_config *config)
{
	if (config->cpus > this_quire()->nr_cpus)
		tap_skip_all("needs more CPUs than this machine has");
	stay_on(current, 0);
	machine.kept = frames_in_use();
	return &machine;
}

static void give_back(struct hosted_machine *m)
{
	u64 end = ktime_get_ns() + SETTLE_NS;
	long left;

	while ((left = frames_in_use() - m->kept) > 0 && ktime_get_ns() < end) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_until(ktime_get_ns() + NSEC_PER_MSEC);
	}
	tap_ok(left <= 0, "every page came back");
	if (left > 0)
		tap_diag("%ld pages did not", left);
}

struct quire *hosted_quire(struct hosted_machine *m)
{
	return this_quire();
}

struct hosted_machine *tap_machine_config(const struct hosted_config *config)
{
	return take(config);
}

struct hosted_machine *tap_machine(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes)
{
	return take(&(struct hosted_config){ .cpus = cpus });
}

void tap_machine_end(struct hosted_machine *m)
{
	tap_is(quire_self_check(), 0, "no invariant is broken at the end");
	give_back(m);
}

struct hosted_machine *tap_machine_bare(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes)
{
	return tap_machine(mem_bytes, cpus, nodes);
}

void tap_machine_bare_end(struct hosted_machine *m)
{
	tap_machine_end(m);
}

struct hosted_machine *tap_machine_frames(const struct hosted_config *config)
{
	return take(config);
}

void tap_machine_frames_end(struct hosted_machine *m)
{
	tap_machine_end(m);
}

struct hosted_machine *tap_machine_objects(const struct hosted_config *config)
{
	return take(config);
}

void tap_machine_objects_end(struct hosted_machine *m)
{
	tap_machine_end(m);
}

struct hosted_machine *tap_machine_tables(const struct hosted_config *config)
{
	return take(config);
}

void tap_machine_tables_end(struct hosted_machine *m)
{
	tap_machine_end(m);
}
