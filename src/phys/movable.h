/* SPDX-License-Identifier: MIT */
/*
 * movable.h - how much of memory is kept for pages that can move away: kernelcore= and movablecore=.
 *
 *	node 0  | core ............... | ZONE_MOVABLE ......... |      kernelcore= is the memory that is not movable, in all;
 *	node 1  | core ............... | ZONE_MOVABLE |                every node gives the same amount, as far as it has it
 *
 * Only the highest zone by address is shared out: what lies below is for devices that reach no further, and stays core.
 * movable_node: so is all memory that SRAT calls hot-pluggable.
 * Values are sizes (K, M, G, T) or per cent of memory. kernelcore=mirror is refused: there is no word on mirrored memory.
 *
 * Locks: none; boot. Sleeps: never. Allocates: never.
 */
#ifndef PHYS_MOVABLE_H
#define PHYS_MOVABLE_H

#include "quire/config.h"
#include "quire/types.h"

struct movable_node { /* pages */
	unsigned long total; /* of RAM                                          */
	unsigned long low;   /* of it below the zone that is shared out         */
};

/* Pages that stay core in a node at this level. */
static inline unsigned long movable_core_of(const struct movable_node *node, unsigned long level)
{
	unsigned long core = level < node->total ? level : node->total;

	return core > node->low ? core : node->low;
}

/* The smallest level at which the nodes together keep `core` pages, or all that they have. */
unsigned long movable_level(const struct movable_node *nodes, unsigned int nr, unsigned long core);

/* Pages that the command line wants as core of `total`; `total` itself: nothing is to be movable. */
unsigned long movable_wanted_core(const char *cmdline, unsigned long total);

/* Says from where on each node's memory is ZONE_MOVABLE (phys->movable_start). */
void movable_init(void);

#endif
