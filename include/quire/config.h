/* SPDX-License-Identifier: MIT */
/*
 * config.h - every knob that is chosen at compile time: unit, default, reason, range.
 *
 * Knobs are used in plain `if`, so that every branch always compiles. What may change at run time is a
 * sysctl, not a knob.
 *
 * Floor: F0. Locks: none. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_CONFIG_H
#define QUIRE_CONFIG_H

/* 0 or 1: check invariants all the time (lock ranks, counts, list membership, poison). */
#ifndef QUIRE_DEBUG
#define QUIRE_DEBUG 0
#endif

/* CPUs: the most that one machine may have. Per-CPU data is allocated for possible CPUs only; the knob
 * bounds CPU masks; a lock names its holder in 8 bits, so 255 is the most. */
#ifndef QUIRE_MAX_CPUS
#define QUIRE_MAX_CPUS 64
#endif

/* NUMA nodes: four bits of page->flags hold the node. */
#ifndef QUIRE_MAX_NODES
#define QUIRE_MAX_NODES 16
#endif

/* Buddy: the highest order, so 4 MiB runs with 4 KiB pages, as Linux's MAX_PAGE_ORDER. */
#define MAX_ORDER 10
#define NR_ORDERS (MAX_ORDER + 1)

/* log2 pages of a page block, the unit of mobility: 2 MiB, a huge page of x86-64 and PAE. */
#define PAGEBLOCK_ORDER 9

/* Bytes of a frame's descriptor, for those below it who make room for them (page.h asserts it). */
#define QUIRE_STRUCT_PAGE_BYTES 32

_Static_assert(QUIRE_MAX_CPUS >= 1 && QUIRE_MAX_CPUS <= 255, "a spinlock names its holder in 8 bits");
_Static_assert(QUIRE_MAX_NODES >= 1 && QUIRE_MAX_NODES <= 16, "page->flags has 4 bits for the node");

#endif
