/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - one page block of 2 MiB as a buddy system: runs of 2^order frames that split and merge.
 *
 *	order 2  [ 0  1  2  3 ]      split: the low half is given, the high half
 *	order 1  [ 0  1 ][ 2  3 ]    becomes a free run one order down;
 *	order 0  [ 0 ][ 1 ]          merge: the same backwards, when both are free
 *
 * A run is not a chain of struct pages but a stretch of set bits in the block's map, one bit a frame. Splitting, merging
 * and finding are arithmetic on eight words in one cache line: freeing a frame touches neither its own struct page nor
 * its neighbours', so the zone's lock is held for a few nanoseconds, and a million frames need no list links.
 *
 * [B1] A free run starts at a frame number divisible by its length.
 * [B2] Two free buddies of one order never coexist: a run's buddy is not wholly free. (So the set of runs follows from
 *      the bits alone.)
 * [B3] nr_free is the number of set bits; nr_single and the bytes of `runs` count the runs of each order below 9.
 *
 * Lock: zone->lock of the block's zone, every call. Sleeps: never. Cost: O(orders + words). Allocates: never.
 */
#ifndef PHYS_BUDDY_H
#define PHYS_BUDDY_H

#include "base/assert.h"
#include "base/math.h"
#include "quire/config.h"
#include "quire/types.h"

#define PAGEBLOCK_PAGES (1u << PAGEBLOCK_ORDER)
#define PAGEBLOCK_WORDS (PAGEBLOCK_PAGES / 64)

struct pageblock {                  /* (Z) zone->lock  (a) atomic  (c) constant after boot               */
	u64 map[PAGEBLOCK_WORDS];   /* (Z) bit set: the frame is free                                      */
	u64 runs;                   /* (Z) byte k-1: free runs of order k, for k = 1..8                    */
	u16 nr_single;              /* (Z) free runs of order 0                                            */
	u16 nr_free;                /* (Z) free frames                                                     */
	u8 mt;                      /* (Z) to write, (a) to read: enum migratetype                         */
	u8 zone_id;                 /* (c) node << 3 | zone: the one zone that owns the block              */
	u8 filed;                   /* (Z) which of the zone's lists it is on (pageblock.h)                */
	u8 flags;                   /* (Z) PB_*                                                            */
	u32 next, prev;             /* (Z) block numbers                                                   */
	u16 present;                /* (c) frames of RAM in it that the allocator manages                  */
	u8 type_before;             /* (Z) what an isolated block was                                      */
} __aligned(64);
static_assert(PAGEBLOCK_ORDER == 9, "runs has bytes for orders 1 to 8");

enum pageblock_flags {
	PB_RAW = 1 << 0,   /* no struct page of the block was written yet: all its frames are free        */
	PB_PAIR = 1 << 1,  /* first of two free blocks that form a run of order 10                        */
	PB_PAIRED = 1 << 2, /* second of them                                                             */
};

/* Number of free runs of `order` (0..8). */
static inline unsigned int block_nr_runs(const struct pageblock *block, unsigned int order)
{
	return order ? (unsigned int)(block->runs >> 8 * (order - 1)) & 0xff : block->nr_single;
}

/* Order of the largest free run, 9 for a wholly free block, -1 for a full one. */
static inline int block_max_order(const struct pageblock *block)
{
	if (block->nr_free == PAGEBLOCK_PAGES)
		return PAGEBLOCK_ORDER;
	if (block->runs)
		return (63 - __builtin_clzll(block->runs)) / 8 + 1;
	return block->nr_single ? 0 : -1;
}

static inline bool block_frame_free(const struct pageblock *block, unsigned int offset)
{
	return block->map[offset / 64] >> (offset % 64) & 1;
}

/* All 2^order frames at `offset` free? (order <= 9) */
bool block_run_free(const struct pageblock *block, unsigned int offset, unsigned int order);
/* No frame of the run free? */
bool block_run_used(const struct pageblock *block, unsigned int offset, unsigned int order);

/* Gives back a run that is not free; merges it upwards. */
void block_free(struct pageblock *block, unsigned int offset, unsigned int order);
/* Gives back the frames whose bits are set in one word of the map; none of them is free. The same as one by one, but by runs. */
void block_free_word(struct pageblock *block, unsigned int word, u64 frames);
/* Takes a run of exactly `order` (0..9) out of the smallest run that holds it; its offset. There must be one. */
unsigned int block_take(struct pageblock *block, unsigned int order);
/* Takes a run of at most `max_order`, out of the smallest run there is; *order tells which. nr_free must not be 0. */
unsigned int block_take_some(struct pageblock *block, unsigned int max_order, unsigned int *order);
/* Takes all that is free: frames[] gets `start` plus each offset, in rising order. How many. */
unsigned int block_take_all(struct pageblock *block, u32 start, u32 *frames);
/* Takes the given frames, which are all free, wherever they lie in their runs. */
void block_take_at(struct pageblock *block, unsigned int offset, unsigned int order);

/* Counts runs from the bits alone, for checks: runs[0..9]. */
void block_count_runs(const struct pageblock *block, unsigned int runs[PAGEBLOCK_ORDER + 1]);

#endif
