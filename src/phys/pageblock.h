/* SPDX-License-Identifier: MIT */
/*
 * pageblock.h - what kind of pages a block of 2 MiB is for, and the three decisions that keep kinds apart, each a pure
 * function over plain values.
 *
 * Pages that cannot move are kept out of blocks of pages that can, so that whole blocks come free again. Every block has
 * a mobility type; an allocation is served from a block of its own type; when none has room, from the type whose pollution
 * hurts least (fallback order), and then either the whole block changes its type (stealing) or the page is just taken.
 *
 * A zone files its blocks with free frames under (mobility, fullness, largest free run):
 *
 *	fullness 0 [fullest]   orders 0 1 2 ... 8      the placement policy looks here first, so that scattered
 *	...                                            memory fills up here ...
 *	fullness 7 [emptiest]  orders 0 1 2 ... 8 9 10 ... and empties here, into whole free blocks
 *
 * Locks: none; pure. Sleeps: never. Cost: O(1). Allocates: never.
 */
#ifndef PHYS_PAGEBLOCK_H
#define PHYS_PAGEBLOCK_H

#include "phys/buddy.h"
#include "quire/gfp.h"
#include "quire/placement.h"

enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_PCPTYPES,                     /* as many kinds as per-CPU lists have                     */
	MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES, /* set apart for urgent requests of more than one page    */
	MIGRATE_CMA,                          /* set apart at boot, lent to movable pages only           */
	MIGRATE_ISOLATE,                      /* nothing is taken from here                              */
	MIGRATE_TYPES,
};

/* Frames of a fullness class: 64. */
#define FULLNESS_SHIFT (PAGEBLOCK_ORDER - 3)
static_assert(PAGEBLOCK_PAGES >> FULLNESS_SHIFT == NR_FULLNESS, "a class for each block");

/* Class of a block with `nr_free` free frames: 0 is the fullest. */
static inline unsigned int block_fullness(unsigned int nr_free)
{
	return (nr_free - 1) >> FULLNESS_SHIFT;
}

/* The types to fall back to, best first, ended by MIGRATE_TYPES. */
const u8 *fallback_order(enum migratetype type);

enum steal {
	STEAL_NOTHING, /* leave the block alone                               */
	STEAL_PAGES,   /* take the pages, the block stays what it is          */
	STEAL_BLOCK,   /* the block becomes ours                              */
};
/* What a request of `order` and type `want` does with a block of another type that has `nr_free` free frames. */
enum steal steal_rule(unsigned int order, enum migratetype want, enum migratetype have, unsigned int nr_free);

/* Columns of the per-CPU lists: one for each ordinary type, and one that never holds anything. */
#define NR_LIST_COLUMNS (MIGRATE_PCPTYPES + 1)
#define NO_LIST_COLUMN MIGRATE_PCPTYPES

/* Where frames of a block of this type wait: those lent to movable pages with the movable, those set apart nowhere. */
static inline u8 list_column(enum migratetype type)
{
	if (type < MIGRATE_PCPTYPES)
		return (u8)type;
	return type == MIGRATE_CMA ? MIGRATE_MOVABLE : NO_LIST_COLUMN;
}

static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	/* __GFP_MOVABLE and __GFP_RECLAIMABLE are the bits 3 and 4; both at once is nonsense and counts as neither. */
	return (enum migratetype)((gfp >> 3 & 3) % 3);
}

/* "Unmovable", ..., as /proc/pagetypeinfo spells it. */
const char *migratetype_name(enum migratetype type);

#endif
