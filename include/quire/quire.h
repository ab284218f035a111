/* SPDX-License-Identifier: MIT */
/*
 * quire.h - life of a machine: the stages of initialisation in order, each a place where an embedder may stop.
 *
 *	quire_start          port, command line
 *	quire_add_memory_map firmware's ranges -> memblock       (sanitised; mem=, memmap= applied)
 *	quire_init_frames    direct map, sections, memmap, nodes and zones, buddy, per-CPU lists   [tier 1]
 *	quire_init_objects   kmem_cache_*, kmalloc                                                   [tier 2]
 *	quire_init_kernel_va vmalloc, ioremap, guarded stacks                                        [tier 3]
 *	quire_init_user_vm   page cache, mm_struct, faults, overcommit                               [tier 4]
 *
 * Context: one CPU, IRQs off, in this order. Each asserts the stage before it.
 */
#ifndef QUIRE_QUIRE_H
#define QUIRE_QUIRE_H

#include "quire/port.h"
#include "quire/types.h"

enum quire_range_type { /* the firmware's types, e820 numbers */
	QUIRE_RANGE_RAM = 1,
	QUIRE_RANGE_RESERVED = 2,
	QUIRE_RANGE_ACPI = 3,
	QUIRE_RANGE_NVS = 4,
	QUIRE_RANGE_UNUSABLE = 5,
	QUIRE_RANGE_PMEM = 7,
};

struct quire_map_entry {
	paddr_t start, size;
	enum quire_range_type type;
};

struct quire_node_range { /* from SRAT */
	paddr_t start, end;
	int nid;
	bool hotplug;
};

struct quire_boot {
	const struct quire_port *port;
	const char *cmdline;                    /* whole kernel command line; may be NULL                   */
	const struct quire_map_entry *map;      /* unsorted, overlapping, with zero entries: as it comes    */
	unsigned int nr_map;
	const struct quire_node_range *nodes;   /* NULL: one node                                            */
	unsigned int nr_nodes;                  /* entries of nodes[]                                        */
	const u8 *distances;                    /* SLIT, nr x nr by node id, or NULL (10 / 20)               */
	unsigned int nr_distances;
	unsigned int nr_cpus;                   /* possible CPUs                                             */
	const u8 *cpu_to_node;                  /* by CPU, or NULL: all node 0                               */
	struct phys_range image, text, rodata, data, init, bss; /* kernel image, physical; empty when hosted */
	struct phys_range initrd;               /* reserved until quire_free_range()                         */
	const struct phys_range *reserved;      /* more to keep: boot structures                             */
	unsigned int nr_reserved;
};

/* A place for a machine, where the host keeps it as bytes; it starts as zeroes. (What lies in it: sync/quire_state.h.) */
struct quire_place {
	u64 words[640];
} __attribute__((aligned(64)));

/* Puts the machine at its place (this_quire()) and remembers `boot`: the struct, its command line and its image's
 * ranges must stay valid as long as the machine, what else it points to until frames are up. 0 or -EINVAL. */
int quire_start(const struct quire_boot *boot);
int quire_add_memory_map(void);
/* 0, or -ENOMEM with a log line that says how much memory is needed. */
int quire_init_frames(void);
int quire_init_objects(void);
int quire_init_kernel_va(void);
int quire_init_user_vm(void);
/* All of the above. */
int quire_init(const struct quire_boot *boot);

/* Gives a reserved boot range (init text, initrd) to the buddy; logs "Freeing NAME memory: NK". */
void quire_free_range(const char *name, paddr_t start, paddr_t end);
/* Runs every room's *_check. Number of broken invariants, each logged. */
unsigned int quire_self_check(void);
/* Hosted: everything back, state gone. Returns the number of pages that were not given back. */
unsigned long quire_shutdown(void);

#endif
