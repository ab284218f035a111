/* SPDX-License-Identifier: MIT */
/* frames_machine.c - machines whose floors end with phys: memory as an embedder of the frames alone has it. */
#include <stdlib.h>

#include "phys/phys.h"
#include "phys/phys_state.h"
#include "sync/sync_state.h"
#include "tap.h"
#include "tap_machine.h"

struct hosted_machine *tap_machine_frames(const struct hosted_config *config)
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

void tap_machine_frames_end(struct hosted_machine *machine)
{
	tap_is(phys_pages_in_use(), 0, "every frame came back");
	tap_is(phys_check(), 0, "every invariant holds at the end");
	tap_world_destroy(machine);
}
