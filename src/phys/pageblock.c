/* SPDX-License-Identifier: MIT */
/* pageblock.c - placement, fallback and stealing: the decisions against fragmentation. */
#include "phys/pageblock.h"

static_assert(__GFP_MOVABLE == 1u << 3 && __GFP_RECLAIMABLE == 1u << 4, "gfp_migratetype reads bits 3 and 4");

bool place_fullest(const struct offer *offer, unsigned int order, struct placement *place)
{
	unsigned int f;

	for (f = 0; f < NR_FULLNESS; f++) {
		unsigned int fits = (unsigned int)offer->avail[f] >> order;

		if (!fits)
			continue;
		place->fullness = f;
		place->order = order + (unsigned int)__builtin_ctz(fits);
		return true;
	}
	return false;
}

bool place_best_fit(const struct offer *offer, unsigned int order, struct placement *place)
{
	for (; order <= MAX_ORDER; order++)
		for (unsigned int f = 0; f < NR_FULLNESS; f++) {
			if (!(offer->avail[f] >> order & 1))
				continue;
			*place = (struct placement){f, order};
			return true;
		}
	return false;
}

const u8 *fallback_order(enum migratetype type)
{
	static const u8 order[MIGRATE_PCPTYPES][3] = {
		[MIGRATE_UNMOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE, MIGRATE_TYPES},
		[MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE, MIGRATE_TYPES},
		[MIGRATE_RECLAIMABLE] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_TYPES},
	};
	static const u8 none[] = {MIGRATE_TYPES};

	return type < MIGRATE_PCPTYPES ? order[type] : none;
}

enum steal steal_rule(unsigned int order, enum migratetype want, enum migratetype have, unsigned int nr_free)
{
	if (have >= MIGRATE_PCPTYPES)
		return STEAL_NOTHING;
	/* A wholly free block belongs to nobody yet. */
	if (nr_free == PAGEBLOCK_PAGES)
		return STEAL_BLOCK;
	/* Movable pages do no lasting harm in a foreign block: they can be moved out again. */
	if (want == MIGRATE_MOVABLE)
		return STEAL_PAGES;
	/* Half of the block or more: what we put here next stays together. The same for a large request. */
	if (nr_free >= PAGEBLOCK_PAGES / 2 || order >= PAGEBLOCK_ORDER / 2)
		return STEAL_BLOCK;
	return STEAL_PAGES;
}

const char *migratetype_name(enum migratetype type)
{
	static const char *const names[MIGRATE_TYPES] = {
		"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate",
	};

	return type < MIGRATE_TYPES ? names[type] : "?";
}
