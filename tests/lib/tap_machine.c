/* SPDX-License-Identifier: MIT */
/* tap_machine.c - bare machines for tests of the low floors, and running on several CPUs. */
#include "tap_machine.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "sync/sync_state.h"
#include "tap.h"

struct hosted_machine *tap_machine_bare(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes)
{
	struct hosted_config config = { .mem_bytes = mem_bytes, .cpus = cpus, .nodes = nodes,
					.log = stdout };
	struct hosted_machine *machine = tap_world_create(&config);
	void *mem;

	if (!machine || posix_memalign(&mem, CACHE_LINE_BYTES, sync_state_bytes(cpus))) {
		tap_diag("no room for a machine");
		exit(1);
	}
	sync_init(mem, cpus);
	return machine;
}

void tap_machine_bare_end(struct hosted_machine *machine)
{
	struct sync_state *sync = hosted_quire(machine)->sync;

	rcu_barrier();
	tap_world_destroy(machine);
	free(sync);
}
