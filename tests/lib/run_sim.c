/* SPDX-License-Identifier: MIT */
/* run_sim.c - tests on the seeded machine, each run of the program being one schedule. */
#include "sim/sim.h"
#include "tap.h"
#include "tap_machine.h"

const int tap_schedules = 20;
const int tap_pace = 20;

/* Every second seed has five levels of page tables, where addresses are wide enough for them. */
struct hosted_machine *tap_world_create(const struct hosted_config *config)
{
	struct hosted_config seeded = *config;

	seeded.pgtable_l5 |= tap_seed() & 1;
	return sim_create(&seeded, tap_seed());
}

void tap_world_destroy(struct hosted_machine *machine)
{
	sim_destroy(machine);
}

void tap_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg)
{
	sim_run(machine, cpus, fn, arg);
}
