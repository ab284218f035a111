/* SPDX-License-Identifier: MIT */
/*
 * relief.h - who can give pages back? The floors above join this ladder; the allocator climbs it and names nobody.
 *
 *	cost   10 drain the per-CPU lists      phys
 *	       20 dissolve urgent reserves     phys
 *	       40 reclaim                      joined by higher floors
 *	       60 compact
 *	       90 kill                         only when everything else has failed
 *
 * [L1] Steps run one at a time in a context, cheapest first, and never inside another step: an allocation of a context
 *      in relief gets the reserves and no ladder.
 * [L2] A step runs with no lock of LOCK_RELIEF_CEILING or higher held.
 * [L3] Crossing a watermark only wakes the background worker; it never reclaims.
 *
 * Lock: registration is for boot and shut-down, one context. Sleeps: the steps may. Allocates: never.
 */
#ifndef PHYS_RELIEF_H
#define PHYS_RELIEF_H

#include "quire/types.h"

enum relief_cost {
	RELIEF_DRAIN = 10,
	RELIEF_UNRESERVE = 20,
	RELIEF_RECLAIM = 40,
	RELIEF_COMPACT = 60,
	RELIEF_KILL = 90, /* from here on: not for __GFP_NORETRY and __GFP_RETRY_MAYFAIL, only with __GFP_FS */
};

/* What is wanted. */
struct pressure {
	gfp_t gfp;
	unsigned int order;
	int nid;
	unsigned int highest_zone;       /* enum zone_type                          */
	const unsigned long *nodemask;
	unsigned int round;              /* full climbs of the ladder so far        */
};

struct relief {
	struct relief *next;             /* (c) costlier                            */
	int cost;                        /* (c)                                     */
	const char *name;                /* (c) for reports                         */
	unsigned int min_order;          /* (c) smaller requests it cannot help     */
	unsigned long (*run)(struct relief *self, const struct pressure *pressure); /* frames given back */
	unsigned long nr_runs, nr_given; /* (a) for reports                         */
};

struct relief_ladder {
	struct relief *first;
	void (*wake_background)(struct zone *zone, unsigned int order);
	struct relief drain, unreserve;  /* the allocator's own steps               */
};

void relief_register(struct relief *relief);
void relief_unregister(struct relief *relief);
/* Has a step of this cost or more, but less than `below`, joined that may help a request of this order? */
bool relief_reaches(int cost, int below, unsigned int order);
/* Who is to be woken when a zone falls below its low watermark (kswapd). Must not sleep or allocate. */
void relief_set_background(void (*wake)(struct zone *zone, unsigned int order));
void relief_wake_background(struct zone *zone, unsigned int order);

/* Runs the cheapest step that costs at least *level and sets *level past it; frames given back. 0 and *level RELIEF_END: no step
 * is left; those from RELIEF_KILL on are run only when *level asks for them. */
#define RELIEF_END 0x7fffffff
unsigned long relief_step(const struct pressure *pressure, int *level);

#endif
