/* SPDX-License-Identifier: MIT */
/* run_hosted.c - tests on threads. */
#include "tap.h"
#include "tap_machine.h"

const int tap_schedules = 1;
const int tap_pace = 1;

struct hosted_machine *tap_world_create(const struct hosted_config *config)
{
	return hosted_create(config);
}

void tap_world_destroy(struct hosted_machine *machine)
{
	hosted_destroy(machine);
}

void tap_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg)
{
	hosted_run(machine, cpus, fn, arg);
}
