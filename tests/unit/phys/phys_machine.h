/* SPDX-License-Identifier: MIT */
/*
 * phys_machine.h - a machine whose floors end with phys: memory as an embedder of the frames alone has it.
 */
#ifndef TESTS_UNIT_PHYS_MACHINE_H
#define TESTS_UNIT_PHYS_MACHINE_H

#include <stdlib.h>

#include "hosted/hosted.h"
#include "phys/page_alloc.h"
#include "phys/phys.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "sync/sync_state.h"
#include "tap.h"
#include "tap_machine.h"

static inline struct hosted_machine *phys_machine_config(const struct hosted_config *config)
{
	struct hosted_machine *machine = tap_world_create(config);
	struct quire *quire = machine ? hosted_quire(machine) : NULL;
	int err = -1;

	if (machine) {
		quire->boot = hosted_boot_info(machine);
		err = bootmap_init(quire->boot);
		if (!err) {
			sync_init(memblock_alloc(sync_state_bytes(quire->nr_cpus), CACHE_LINE_BYTES), quire->nr_cpus);
			err = phys_init_sections_and_zones(quire->boot);
		}
	}
	if (err) {
		tap_diag("the machine did not start");
		exit(1);
	}
	memblock_free_all();
	phys_init_late();
	return machine;
}

static inline struct hosted_machine *phys_machine(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes)
{
	struct hosted_config config = {.mem_bytes = mem_bytes, .cpus = cpus, .nodes = nodes, .log = stdout};

	return phys_machine_config(&config);
}

/* Everything came back, and every invariant holds. */
static inline void phys_machine_end(struct hosted_machine *machine)
{
	tap_is(phys_pages_in_use(), 0, "every frame came back");
	tap_is(phys_check(), 0, "every invariant holds at the end");
	tap_world_destroy(machine);
}

#endif
