/* SPDX-License-Identifier: MIT */
/*
 * quire_state.h - struct quire, one machine's memory: a directory of pointers to each room's state.
 *
 * A room can open its own door and those below it, because the others' types are incomplete here. All mutable state of the
 * library hangs off this struct, so that a test makes a private machine and an embedder knows what is written.
 *
 * Floor: F1. Locks: none; pointers are constant after the room's init.
 */
#ifndef SYNC_QUIRE_STATE_H
#define SYNC_QUIRE_STATE_H

#include "quire/config.h"
#include "quire/types.h"

struct quire_boot;

/* 8-byte words: 64 entries of the firmware's map and 32 + 32 regions of memblock (phys/bootmap.h asserts the fit). */
#define QUIRE_EARLY_WORDS 512

struct quire {
	const struct quire_port *port;   /* (c) */
	const struct quire_boot *boot;   /* (c) see quire_start() */
	unsigned int nr_cpus;            /* (c) possible CPUs */
	unsigned int stage;              /* (c) stages of initialisation done */
	vaddr_t task_size;               /* (c) TASK_SIZE, where the CPU decides it     */
	bool pgtable_l5;                 /* (c) page tables have five levels, likewise  */

	struct page *memmap;             /* (c) pfn 0's struct page (virtually contiguous) */
	void *slot[QUIRE_MAX_CPUS];      /* CPUs' slots, where the host has no better place (sync/ctx.h) */
	u64 early[QUIRE_EARLY_WORDS];    /* memblock and the boot map, which exist before anything can be allocated */

	struct arch_state *arch;         /* ISA: page-table roots, CPU features   */
	struct sync_state *sync;         /* RCU, hashed wait buckets              */
	struct memblock *memblock;
	struct phys_state *phys;         /* nodes, zones, pcp, relief ladder      */
	struct stat_cpu *stat_cpu;       /* per-CPU event and state counters      */
	struct kmem_state *kmem;
	struct pgtable_room *pgtable;    /* tables that CPUs keep ready           */
	struct kva_state *kva;
	struct object_state *object;
	struct swap_state *swap;
	struct vm_state *vm;
	struct reclaim_state *reclaim;
	struct oom_state *oom;
};

#endif
