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

static inline struct hosted_machine *tables_machine_of(const struct hosted_config *wanted)
{
	struct hosted_config config = *wanted;

	if (getenv("QUIRE_LOG"))
		config.log = stdout;
	return tap_machine_tables(&config);
}

static inline struct hosted_machine *tables_machine(uint64_t mem_bytes, unsigned int cpus)
{
	return tables_machine_of(&(struct hosted_config){ .mem_bytes = mem_bytes, .cpus = cpus });
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

#endif
