/* SPDX-License-Identifier: MIT */
/* buddy.c - split, merge and find runs in a page block's map; nothing else. */
#include "phys/buddy.h"

/* Bits at multiples of 2^order within a word. */
static const u64 aligned_bits[7] = {
	~0ull, 0x5555555555555555ull, 0x1111111111111111ull, 0x0101010101010101ull,
	0x0001000100010001ull, 0x0000000100000001ull, 1ull,
};

static u64 run_mask(unsigned int order)
{
	return order >= 6 ? ~0ull : (1ull << (1u << order)) - 1;
}

/* Words that a run covers. */
static unsigned int run_words(unsigned int order)
{
	return order > 6 ? 1u << (order - 6) : 1;
}

bool block_run_free(const struct pageblock *block, unsigned int offset, unsigned int order)
{
	const u64 *word = &block->map[offset / 64];
	u64 mask = run_mask(order) << (offset % 64);
	unsigned int i;

	for (i = 0; i < run_words(order); i++)
		if ((word[i] & mask) != mask)
			return false;
	return true;
}

bool block_run_used(const struct pageblock *block, unsigned int offset, unsigned int order)
{
	const u64 *word = &block->map[offset / 64];
	u64 mask = run_mask(order) << (offset % 64);
	unsigned int i;

	for (i = 0; i < run_words(order); i++)
		if (word[i] & mask)
			return false;
	return true;
}

static void flip_run(struct pageblock *block, unsigned int offset, unsigned int order)
{
	u64 *word = &block->map[offset / 64];
	u64 mask = run_mask(order) << (offset % 64);
	unsigned int i;

	for (i = 0; i < run_words(order); i++)
		word[i] ^= mask;
}

/* One run of `order` more or fewer; a run of order 9 is the whole block and is told by nr_free. */
static void count_run(struct pageblock *block, unsigned int order, int delta)
{
	if (order == 0)
		block->nr_single = (u16)(block->nr_single + delta);
	else if (order < PAGEBLOCK_ORDER)
		block->runs += (u64)(s64)delta << 8 * (order - 1);
}

/* Merges the run at *offset upwards while its buddy lies in the same word; the order that it reaches, at most 6. */
static unsigned int merge_in_word(struct pageblock *block, unsigned int *offset, unsigned int order)
{
	u64 word = block->map[*offset / 64];
	unsigned int at = *offset % 64;

	for (; order < 6; order++) {
		u64 buddy = run_mask(order) << (at ^ 1u << order);

		if ((word & buddy) != buddy)
			break;
		count_run(block, order, -1);
		at &= ~(1u << order);
	}
	*offset = *offset / 64 * 64 + at;
	return order;
}

void block_free(struct pageblock *block, unsigned int offset, unsigned int order)
{
	QUIRE_ASSERT_MSG(block_run_used(block, offset, order), "[B2] a frame is freed that is free already");
	flip_run(block, offset, order);
	block->nr_free = (u16)(block->nr_free + (1u << order));
	if (likely(order < 6)) {
		order = merge_in_word(block, &offset, order);
		if (likely(order < 6)) {
			count_run(block, order, 1);
			return;
		}
	}
	for (; order < PAGEBLOCK_ORDER; order++) {
		unsigned int buddy = offset ^ 1u << order;

		if (!block_run_free(block, buddy, order))
			break;
		count_run(block, order, -1);
		offset &= buddy;
	}
	count_run(block, order, 1);
}

void block_free_word(struct pageblock *block, unsigned int word, u64 frames)
{
	while (frames) {
		unsigned int at = (unsigned int)__builtin_ctzll(frames), order = 6;

		while (at & ((1u << order) - 1) || (frames >> at & run_mask(order)) != run_mask(order))
			order--;
		block_free(block, word * 64 + at, order);
		frames &= ~(run_mask(order) << at);
	}
}

/* First run of exactly `order` < 6: wholly free, aligned, and its buddy not wholly free. */
static unsigned int locate_small(const struct pageblock *block, unsigned int order)
{
	unsigned int i, k;

	for (i = 0; i < PAGEBLOCK_WORDS; i++) {
		u64 runs = block->map[i], pairs;

		if (!runs)
			continue;
		for (k = 0; k < order; k++)
			runs &= runs >> (1u << k) & aligned_bits[k + 1];
		pairs = runs & runs >> (1u << order) & aligned_bits[order + 1];
		runs &= ~(pairs | pairs << (1u << order));
		if (runs)
			return i * 64 + (unsigned int)__builtin_ctzll(runs);
	}
	BUG();
}

static unsigned int locate_large(const struct pageblock *block, unsigned int order)
{
	unsigned int offset;

	for (offset = 0; offset < PAGEBLOCK_PAGES; offset += 1u << order)
		if (block_run_free(block, offset, order) && !block_run_free(block, offset ^ 1u << order, order))
			return offset;
	BUG();
}

static unsigned int locate(const struct pageblock *block, unsigned int order)
{
	if (order == PAGEBLOCK_ORDER)
		return 0;
	return order < 6 ? locate_small(block, order) : locate_large(block, order);
}

/* Order of the smallest run of at least `order`. */
static unsigned int smallest_run(const struct pageblock *block, unsigned int order)
{
	u64 larger;

	if (block->nr_free == PAGEBLOCK_PAGES)
		return PAGEBLOCK_ORDER;
	if (order == 0 && block->nr_single)
		return 0;
	larger = order ? block->runs >> 8 * (order - 1) << 8 * (order - 1) : block->runs;
	BUG_ON(!larger);
	return (unsigned int)__builtin_ctzll(larger) / 8 + 1;
}

/* Takes the low 2^order frames of the run of order `from` at `offset`; the high halves become runs. */
static void take_low(struct pageblock *block, unsigned int offset, unsigned int from, unsigned int order)
{
	count_run(block, from, -1);
	while (from > order)
		count_run(block, --from, 1);
	flip_run(block, offset, order);
	block->nr_free = (u16)(block->nr_free - (1u << order));
}

unsigned int block_take(struct pageblock *block, unsigned int order)
{
	unsigned int from = smallest_run(block, order);
	unsigned int offset = locate(block, from);

	take_low(block, offset, from, order);
	return offset;
}

unsigned int block_take_some(struct pageblock *block, unsigned int max_order, unsigned int *order)
{
	unsigned int from = smallest_run(block, 0);
	unsigned int offset = locate(block, from);

	*order = min(from, max_order);
	take_low(block, offset, from, *order);
	return offset;
}

unsigned int block_take_all(struct pageblock *block, u32 start, u32 *frames)
{
	unsigned int i, nr = 0;

	for (i = 0; i < PAGEBLOCK_WORDS; i++) {
		u64 left = block->map[i];

		for (; left; left &= left - 1)
			frames[nr++] = start + i * 64 + (unsigned int)__builtin_ctzll(left);
		block->map[i] = 0;
	}
	block->runs = 0;
	block->nr_single = 0;
	block->nr_free = 0;
	return nr;
}

void block_take_at(struct pageblock *block, unsigned int offset, unsigned int order)
{
	unsigned int from = order, start;

	QUIRE_ASSERT(block_run_free(block, offset, order));
	while (from < PAGEBLOCK_ORDER && block_run_free(block, (offset & ~((1u << from) - 1)) ^ 1u << from, from))
		from++;
	/* Split downwards; the half without our frames becomes a run. */
	count_run(block, from, -1);
	for (start = from; start > order; start--)
		count_run(block, start - 1, 1);
	flip_run(block, offset, order);
	block->nr_free = (u16)(block->nr_free - (1u << order));
}

void block_count_runs(const struct pageblock *block, unsigned int runs[PAGEBLOCK_ORDER + 1])
{
	unsigned int order, offset;

	for (order = 0; order <= PAGEBLOCK_ORDER; order++)
		runs[order] = 0;
	for (offset = 0; offset < PAGEBLOCK_PAGES; offset += 1u << order) {
		if (!block_frame_free(block, offset)) {
			order = 0;
			continue;
		}
		for (order = 0; order < PAGEBLOCK_ORDER && !(offset & ((2u << order) - 1)); order++)
			if (!block_run_free(block, offset, order + 1))
				break;
		runs[order]++;
	}
}
