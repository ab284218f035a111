/* SPDX-License-Identifier: MIT */
/*
 * placement.h - which page block a request is served from: one pure function, which a host may replace.
 *
 * Memory is kept in page blocks of 2 MiB. A zone files those with free frames by how full they are and by the largest free run
 * that they hold, and asks the policy for each run that it takes (for frames of order 0: for each block that it takes some from).
 *
 *	fullness 0 [fullest]   orders 0 1 2 ... 8      avail[0] = bits of the orders
 *	...
 *	fullness 7 [emptiest]  orders 0 1 2 ... 8 9 10     9 and 10: wholly free blocks, one or two of them
 *
 * The default fills the fullest blocks first, so that scattered memory empties elsewhere into whole free blocks.
 *
 * Locks: the policy is called with the zone's lock held and interrupts off; it may take none. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_PLACEMENT_H
#define QUIRE_PLACEMENT_H

#include "quire/types.h"

/* Fullness classes. Fewer heal slower, more cost list heads. */
#define NR_FULLNESS 8

/* What one mobility type of a zone has on offer: bit `o` of avail[f] says that blocks of fullness f are there whose largest free
 * run has order `o`. */
struct offer {
	u16 avail[NR_FULLNESS];
};

/* A list that is not empty: one of the blocks on it is taken from. `order` is its blocks' largest run, not less than what is asked. */
struct placement {
	unsigned int fullness, order;
};

/* Chooses the list to serve `order` from; false when no block has such a run. */
typedef bool (*placement_policy)(const struct offer *offer, unsigned int order, struct placement *place);

/* The default: the fullest block that can serve the request, in it the smallest large run. */
bool place_fullest(const struct offer *offer, unsigned int order, struct placement *place);
/* The opposite, for comparison: the block with the smallest run that fits, however empty. */
bool place_best_fit(const struct offer *offer, unsigned int order, struct placement *place);

/* From now on all zones ask `policy`. NULL: the default. Context: any, after quire_init_frames(). */
void phys_set_placement(placement_policy policy);

#endif
