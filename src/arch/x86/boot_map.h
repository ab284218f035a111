/* SPDX-License-Identifier: MIT */
/*
 * boot_map.h - filling the kernel's part of the tables at boot, for all that x86 has: what arch_init_mem_mapping() of each ISA
 * is made of.
 *
 * Lock: none; boot CPU. Sleeps: never. Fails: NULL or -ENOMEM. Allocates: from struct boot_memory.
 */
#ifndef ARCH_X86_BOOT_MAP_H
#define ARCH_X86_BOOT_MAP_H

#include "arch/mmu.h"
#include "arch/tlb.h"
#include "quire/quire.h"

/* One piece of work: where, what, how, and with which largest level. */
struct boot_map {
	const struct boot_memory *memory;
	u64 *bytes;          /* by level, counted up */
	pgprot_t prot;
	unsigned int max_level;
	paddr_t limit;       /* of memory for tables */
	int nid;
};

/* Frames [start, end) of the image, with other rights than data has. */
struct image_part {
	struct phys_range range;
	pgprot_t prot;
};

/* Makes this_quire()->arch. What `limit` bounds is mapped already, as the ISA's direct map will be. */
int boot_make_state(const struct boot_memory *memory, paddr_t limit, u64 supported);
/* An empty table. */
pte_t *boot_new_table(const struct boot_map *map);
/* The table below *entry, which has level `at`; made if it is missing. */
pte_t *boot_table_below(const struct boot_map *map, pte_t *entry, unsigned int at);
/* The table of KERNEL_TOP_LEVEL in the kernel's tree. */
pte_t *boot_kernel_top(void);
/* All RAM below `end` in the direct map, below `top`, a table of KERNEL_TOP_LEVEL. */
int boot_map_ram(struct boot_map *map, pte_t *top, paddr_t end, const struct image_part *parts, unsigned int nr_parts);

#endif
