/* SPDX-License-Identifier: MIT */
/*
 * reclaim.h - what this room does for the floors below, which ask without knowing it: moving pages out of named frames, and making
 * large free runs out of scattered ones.
 *
 *	alloc_contig_range  -> migrate_range        pages of programs and files go elsewhere
 *	a large request     -> compact (relief)     the emptiest blocks of movable pages are vacated into the fullest
 *	/proc/sys/vm/compact_memory -> compact_all
 *
 * Elsewhere a second scanner looks for free pages from the other end of the zone. Here the allocator itself serves from the fullest
 * block that can (phys/pageblock.h), so that what is moved out of the emptiest lands where it fills holes.
 *
 * Locks: none held by the caller of rank LOCK_RELIEF_CEILING or higher. Sleeps: yes. Allocates: frames to move to, never from the
 * reserves.
 */
#ifndef RECLAIM_RECLAIM_H
#define RECLAIM_RECLAIM_H

#include "phys/relief.h"
#include "phys/zone.h"

struct reclaim_state {
	struct relief compact;        /* (c) */
	unsigned int defer_shift;     /* (a) failures in a row, bounded */
	unsigned int defer_count;     /* (a) requests turned away since the last attempt */
};

#define this_reclaim() (this_quire()->reclaim)

/* Joins the allocator. 0 or -ENOMEM. Context: boot, once, after object_init(). */
int reclaim_init(void);
/* Leaves it. Context: shut-down, once. */
void reclaim_exit(void);

/* Moves the pages in frames [start, end) that can be moved; they are isolated from the allocator meanwhile, or others take them.
 * 0, or -EBUSY: there is one that never moves. */
int migrate_range(pfn_t start, pfn_t end);

/* Vacates blocks of a zone until a run of `order` is free (MAX_ORDER + 1: as many as are worth it). Blocks vacated. */
unsigned int compact_zone(struct zone *zone, unsigned int order);
/* The step of the ladder: frames of the blocks vacated for a request. */
unsigned long compact_relief(struct relief *self, const struct pressure *pressure);
/* All zones, as far as it is worth it. */
void compact_all(void);

#endif
