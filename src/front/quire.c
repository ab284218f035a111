/* SPDX-License-Identifier: MIT */
/*
 * quire.c - the order of initialisation, and the one place that introduces the wings to each other.
 */
#include "quire/quire.h"

#include "arch/mmu.h"
#include "base/assert.h"
#include "kmem/slab_int.h"
#include "kva/kva.h"
#include "object/object.h"
#include "phys/phys.h"
#include "quire/errno.h"
#include "sync/ctx.h"
#include "sync/report.h"
#include "sync/sync.h"
#include "vm/vm.h"

enum stage { STAGE_STARTED = 1, STAGE_MAP, STAGE_FRAMES, STAGE_OBJECTS, STAGE_KERNEL_VA, STAGE_USER_VM };

static int missing(const char *member)
{
	if (this_quire()->port->log)
		quire_log(QUIRE_LOG_CRIT, "quire: the port lacks its member \"%s\"", member);
	return -EINVAL;
}

static void enter(enum stage stage)
{
	BUG_ON(this_quire()->stage != (unsigned int)stage - 1);
	this_quire()->stage = stage;
}

int quire_start(const struct quire_boot *boot)
{
	struct quire *quire = this_quire();

	if (!boot->port || !boot->port->log || !boot->port->panic)
		return -EINVAL;
	quire->port = boot->port;
	quire->boot = boot;
	quire->nr_cpus = boot->nr_cpus ? boot->nr_cpus : 1;
	if (!boot->port->now_ns)
		return missing("now_ns");
	if (quire->nr_cpus > QUIRE_MAX_CPUS) {
		quire_log(QUIRE_LOG_WARNING, "quire: %u CPUs, of which %d are used", quire->nr_cpus, QUIRE_MAX_CPUS);
		quire->nr_cpus = QUIRE_MAX_CPUS;
	}
	if (quire->nr_cpus > 1 && !boot->port->call_cpus)
		return missing("call_cpus");
	enter(STAGE_STARTED);
	return 0;
}

int quire_add_memory_map(void)
{
	int err = bootmap_init(this_quire()->boot);

	if (err)
		return err;
	enter(STAGE_MAP);
	return 0;
}

int quire_init_frames(void)
{
	const struct quire_boot *boot = this_quire()->boot;
	int err = arch_init_mem_mapping();

	if (!err)
		err = sync_init();
	if (!err)
		err = phys_init_sections_and_zones(boot);
	if (err)
		return err;
	memblock_free_all();
	phys_init_late();
	enter(STAGE_FRAMES);
	return 0;
}

int quire_init_objects(void)
{
	int err = kmem_init();

	if (err)
		return err;
	enter(STAGE_OBJECTS);
	return 0;
}

int quire_init_kernel_va(void)
{
	int err;

	if (!this_quire()->port->park)
		return missing("park");
	err = kva_init();
	if (err)
		return err;
	enter(STAGE_KERNEL_VA);
	return 0;
}

int quire_init_user_vm(void)
{
	int err = object_init();

	if (!err)
		err = vm_init();
	if (err)
		return err;
	enter(STAGE_USER_VM);
	return 0;
}

int quire_init(const struct quire_boot *boot)
{
	int err = quire_start(boot);

	if (!err)
		err = quire_add_memory_map();
	if (!err)
		err = quire_init_frames();
	if (!err)
		err = quire_init_objects();
	if (!err)
		err = quire_init_kernel_va();
	if (!err)
		err = quire_init_user_vm();
	return err;
}

unsigned int quire_self_check(void)
{
	return phys_check() + kmem_check() + kva_check() + object_check() + vm_check();
}
