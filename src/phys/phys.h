/* SPDX-License-Identifier: MIT */
/*
 * phys.h - the stages in which physical memory comes up; called by front/quire.c in this order, on one CPU.
 *
 *	bootmap_init                    firmware's map -> memblock
 *	(the ISA's direct map)
 *	phys_init_sections_and_zones    memmap, nodes, zones, zonelists, per-CPU sets
 *	memblock_free_all               what is not reserved -> buddy; from here on alloc_pages works
 *	phys_init_late                  watermarks, the allocator's own relief steps, the Memory: line
 *
 * Context: boot, one CPU, IRQs off. Sleeps: never. Fails: -ENOMEM, with a line that says how much is needed.
 */
#ifndef PHYS_PHYS_H
#define PHYS_PHYS_H

#include "phys/bootmap.h"
#include "phys/memblock.h"
#include "quire/quire.h"

int phys_init_sections_and_zones(const struct quire_boot *boot);
void memblock_free_all(void);
void phys_init_late(void);
/* Broken invariants, each logged. */
unsigned int phys_check(void);
/* Frames that are neither free nor were ever given to the allocator; for quire_shutdown. */
unsigned long phys_pages_in_use(void);

#endif
