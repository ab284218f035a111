/* SPDX-License-Identifier: MIT */
/* tables_machine.c - machines up to objects, and up to kernel addresses with page tables. */
#include <stdlib.h>

#include "kmem/slab_int.h"
#include "kva/kva.h"
#include "phys/phys.h"
#include "quire/slab.h"
#include "sync/rcu.h"
#include "tap.h"
#include "tap_machine.h"

static int boot_to_objects(struct hosted_machine *machine)
{
	int err = quire_start(hosted_boot_info(machine));

	if (!err)
		err = quire_add_memory_map();
	if (!err)
		err = quire_init_frames();
	return err ? err : quire_init_objects();
}

static struct hosted_machine *started(struct hosted_machine *machine, int err)
{
	if (!machine || err) {
		tap_diag("the machine did not start");
		exit(1);
	}
	return machine;
}

struct hosted_machine *tap_machine_objects(const struct hosted_config *config)
{
	struct hosted_machine *machine = tap_world_create(config);

	return started(machine, machine ? boot_to_objects(machine) : 0);
}

void tap_machine_objects_end(struct hosted_machine *machine)
{
	rcu_barrier();
	kmem_shutdown();
	tap_is(phys_pages_in_use(), 0, "the machine gets every frame back");
	tap_world_destroy(machine);
}

struct hosted_machine *tap_machine_tables(const struct hosted_config *config)
{
	struct hosted_machine *machine = tap_machine_objects(config);

	return started(machine, quire_init_kernel_va());
}

void tap_machine_tables_end(struct hosted_machine *machine)
{
	tap_is(phys_check(), 0, "frames are in order");
	tap_is(kva_check(), 0, "kernel ranges are in order");
	kva_shutdown();
	tap_world_destroy(machine);
}
