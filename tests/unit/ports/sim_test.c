/* SPDX-License-Identifier: MIT */
/*
 * sim_test.c - a seed repeats its run exactly, other seeds give other runs, and a deadlock is
 * found.
 */
#include "base/bitmap.h"
#include "quire/port.h"
#include "sim/sim.h"
#include "sync/mutex.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define CPUS 3
#define STEPS 200

static char trace[CPUS * STEPS + 1];
static unsigned int nr_trace;
static spinlock_t lock;

static void leave_trace(void *arg)
{
	for (int i = 0; i < STEPS; i++) {
		spin_lock(&lock);
		trace[nr_trace++] = (char)('0' + this_cpu());
		spin_unlock(&lock);
	}
	(void)arg;
}

static uint64_t one_run(uint64_t seed, char *result)
{
	struct hosted_config config = { .mem_bytes = 1 << 20, .cpus = CPUS };
	struct hosted_machine *m = sim_create(&config, seed);
	uint64_t switches;

	nr_trace = 0;
	spin_lock_init(&lock, LOCK_LEAF);
	sim_run(m, CPUS, leave_trace, NULL);
	switches = sim_switches(m);
	sim_destroy(m);
	memcpy(result, trace, sizeof(trace));
	return switches;
}

static void test_repeats(void)
{
	static char first[sizeof(trace)], second[sizeof(trace)];
	uint64_t a = one_run(tap_seed(), first), b = one_run(tap_seed(), second);
	int different = 0;

	tap_is(strlen(first), CPUS * STEPS, "every CPU did its steps");
	tap_ok(a == b && !strcmp(first, second), "[G1] the same seed, the same run");
	for (uint64_t i = 1; i < 8; i++) {
		one_run(tap_seed() + i, second);
		different += strcmp(first, second) != 0;
	}
	tap_ok(different >= 6, "another seed, another run");
}

static DEFINE_MUTEX(left, LOCK_UNRANKED);
static DEFINE_MUTEX(right, LOCK_UNRANKED);

static void embrace(void *arg)
{
	for (;;) {
		mutex_lock(this_cpu() ? &left : &right);
		quire_host_relax();
		mutex_lock(this_cpu() ? &right : &left);
		mutex_unlock(&left);
		mutex_unlock(&right);
	}
	(void)arg;
}

static void deadlock(void *arg)
{
	struct hosted_config config = { .mem_bytes = 1 << 20, .cpus = 2 };

	sim_run(sim_create(&config, tap_seed()), 2, embrace, arg);
}

static void spin_for_ever(void *arg)
{
	struct hosted_config config = { .mem_bytes = 1 << 20, .cpus = 2 };

	sim_create(&config, tap_seed());
	for (;;)
		quire_host_relax();
	(void)arg;
}

static void test_time(void)
{
	struct hosted_config config = { .mem_bytes = 1 << 20, .cpus = 1 };
	struct hosted_machine *m = sim_create(&config, tap_seed());
	u64 later = sim_port.now_ns() + 3600 * 1000000000ULL;

	tap_ok(sim_port.park(later) < 0 && sim_port.now_ns() >= later,
	       "an hour passes at once when everybody sleeps");
	sim_destroy(m);
}

int main(void)
{
	tap_plan(0);
	test_repeats();
	test_time();
	tap_dies(deadlock, NULL, "parked for ever: 0 1", "[G3] a deadlock is found");
	tap_dies(spin_for_ever, NULL, "no CPU makes progress", "[G4] a livelock is found");
	return tap_done();
}
