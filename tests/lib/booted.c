/* SPDX-License-Identifier: MIT */
/*
 * booted.c - machines for tests that have gone through all of quire_init, and must come back clean.
 */
#include <stdlib.h>

#include "tap_machine.h"
#include "tap.h"

struct hosted_machine *tap_machine_config(const struct hosted_config *config)
{
	struct hosted_machine *machine = tap_world_create(config);
	int err;

	if (!machine) {
		tap_diag("no room for a machine");
		exit(1);
	}
	err = hosted_boot(machine);
	if (err) {
		tap_diag("quire_init: %d", err);
		exit(1);
	}
	return machine;
}

struct hosted_machine *tap_machine(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes)
{
	struct hosted_config config = { .mem_bytes = mem_bytes, .cpus = cpus, .nodes = nodes };

	if (getenv("QUIRE_LOG"))
		config.log = stdout;
	return tap_machine_config(&config);
}

void tap_machine_end(struct hosted_machine *machine)
{
	tap_is(quire_self_check(), 0, "no invariant is broken at the end");
	tap_is(hosted_shutdown(machine), 0, "every page came back");
	tap_world_destroy(machine);
}
