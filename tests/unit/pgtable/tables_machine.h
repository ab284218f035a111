/* SPDX-License-Identifier: MIT */
/*
 * tables_machine.h - a machine up to kernel addresses, for tests of page tables and of kernel ranges.
 */
#ifndef TESTS_UNIT_PGTABLE_TABLES_MACHINE_H
#define TESTS_UNIT_PGTABLE_TABLES_MACHINE_H

#include <stdlib.h>

#include "hosted/hosted.h"
#include "kva/kva.h"
#include "pgtable/gather.h"
#include "pgtable/tlb.h"
#include "phys/phys.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "sync/ctx.h"
#include "tap.h"
#include "tap_machine.h"

static inline int tables_boot(struct hosted_machine *machine)
{
	int err = quire_start(hosted_boot_info(machine));

	if (!err)
		err = quire_add_memory_map();
	if (!err)
		err = quire_init_frames();
	if (!err)
		err = quire_init_objects();
	return err ? err : quire_init_kernel_va();
}

static inline struct hosted_machine *tables_machine(uint64_t mem_bytes, unsigned int cpus)
{
	struct hosted_config config = { .mem_bytes = mem_bytes, .cpus = cpus };
	struct hosted_machine *machine;

	if (getenv("QUIRE_LOG"))
		config.log = stdout;
	machine = tap_world_create(&config);
	if (!machine || tables_boot(machine)) {
		tap_diag("the machine did not start");
		exit(1);
	}
	return machine;
}

/* The tree without a leaf goes, with all its tables. */
static inline void tables_free_all(struct pgtable *pgt)
{
	struct mmu_gather tlb;

	pgtable_check(pgt, NULL);
	tlb_gather_mmu(&tlb, pgt, 0);
	pgtable_free_tables(&tlb, 0, TASK_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	tap_is(pgt->pgtables_bytes, 0, "no table is left");
	pgtable_switch_kernel();
	pgtable_destroy(pgt);
}

static inline void tables_machine_end(struct hosted_machine *machine)
{
	tap_is(phys_check(), 0, "frames are in order");
	tap_is(kva_check(), 0, "kernel ranges are in order");
	kva_shutdown();
	tap_world_destroy(machine);
}

#endif
