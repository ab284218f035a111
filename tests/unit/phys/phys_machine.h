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

static inline struct hosted_machine *phys_machine(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes)
{
	struct hosted_config config = {.mem_bytes = mem_bytes, .cpus = cpus, .nodes = nodes, .log = stdout};

	return tap_machine_frames(&config);
}

#endif
