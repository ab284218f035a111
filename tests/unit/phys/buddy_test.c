/* SPDX-License-Identifier: MIT */
/* buddy_test.c - a page block against a model of 512 flags, with random runs. */
#include <stdlib.h>
#include <string.h>

#include "phys/buddy.h"
#include "tap.h"

static unsigned int seed = 1;

static unsigned int next_random(unsigned int below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % below;
}

/* Largest aligned free run at `offset` in the model, by brute force. */
static bool model_free(const bool *free, unsigned int offset, unsigned int order)
{
	for (unsigned int i = 0; i < 1u << order; i++)
		if (!free[offset + i])
			return false;
	return true;
}

static unsigned int mismatches(const struct pageblock *block, const bool *free)
{
	unsigned int runs[PAGEBLOCK_ORDER + 1], wrong = 0, nr = 0;

	for (unsigned int i = 0; i < PAGEBLOCK_PAGES; i++) {
		wrong += block_frame_free(block, i) != free[i];
		nr += free[i];
	}
	block_count_runs(block, runs);
	for (unsigned int order = 0; order < PAGEBLOCK_ORDER; order++) {
		unsigned int count = 0;

		for (unsigned int at = 0; at < PAGEBLOCK_PAGES; at += 1u << order)
			count += model_free(free, at, order) && !model_free(free, at ^ 1u << order, order);
		wrong += count != runs[order] || count != block_nr_runs(block, order);
	}
	return wrong + (nr != block->nr_free);
}

static bool set_run(bool *free, unsigned int offset, unsigned int order, bool to)
{
	bool clean = true;

	for (unsigned int i = 0; i < 1u << order; i++) {
		clean &= free[offset + i] != to;
		free[offset + i] = to;
	}
	return clean;
}

static void random_script(unsigned int rounds)
{
	static struct pageblock block;
	static bool free[PAGEBLOCK_PAGES];
	struct { unsigned int offset, order; } held[PAGEBLOCK_PAGES];
	unsigned int nr_held = 0, wrong = 0, dirty = 0;

	memset(&block, 0, sizeof(block));
	memset(free, 0, sizeof(free));
	block_free(&block, 0, PAGEBLOCK_ORDER);
	set_run(free, 0, PAGEBLOCK_ORDER, true);
	for (unsigned int i = 0; i < rounds; i++) {
		unsigned int order = next_random(PAGEBLOCK_ORDER + 1);

		if (next_random(2) && block_max_order(&block) >= (int)order) {
			held[nr_held].offset = block_take(&block, order);
			held[nr_held].order = order;
			dirty += !set_run(free, held[nr_held].offset, order, false) ||
				 held[nr_held].offset & ((1u << order) - 1);
			nr_held++;
		} else if (nr_held) {
			unsigned int k = next_random(nr_held);

			block_free(&block, held[k].offset, held[k].order);
			dirty += !set_run(free, held[k].offset, held[k].order, true);
			held[k] = held[--nr_held];
		}
		wrong += mismatches(&block, free);
	}
	tap_is(wrong, 0, "the counts of runs agree with the model through %u random steps", rounds);
	tap_is(dirty, 0, "every run taken was free and aligned");
	while (nr_held) {
		nr_held--;
		block_free(&block, held[nr_held].offset, held[nr_held].order);
	}
	tap_is(block_max_order(&block), PAGEBLOCK_ORDER, "all back: one run of 512 frames");
}

/* Whole words back, and all that is free at once, against one frame at a time. */
static void words(void)
{
	static struct pageblock block, model;
	unsigned int wrong = 0;

	for (unsigned int round = 0; round < 3000 / (unsigned int)tap_pace; round++) {
		u32 frames[PAGEBLOCK_PAGES];
		unsigned int order, nr, density = next_random(4);

		memset(&block, 0, sizeof(block));
		memset(&model, 0, sizeof(model));
		for (unsigned int i = 0; i < PAGEBLOCK_WORDS; i++) {
			u64 bits[2] = {0, 0};

			for (unsigned int bit = 0; bit < 64; bit++)
				bits[next_random(2)] |= (u64)(next_random(4) <= density) << bit;
			if (density == 3 && next_random(2))
				bits[0] = ~bits[1];
			for (unsigned int half = 0; half < 2; half++)
				block_free_word(&block, i, half ? bits[1] & ~bits[0] : bits[0]);
			for (unsigned int bit = 0; bit < 64; bit++)
				if ((bits[0] | bits[1]) >> bit & 1)
					block_free(&model, i * 64 + bit, 0);
		}
		wrong += memcmp(&block, &model, sizeof(block)) != 0;
		nr = block_take_all(&block, 1000, frames);
		wrong += nr != model.nr_free || block.nr_free || block.runs || block.nr_single;
		for (unsigned int i = 0; i < nr; i++)
			wrong += !block_frame_free(&model, frames[i] - 1000) || (i && frames[i] <= frames[i - 1]);
		for (order = 0; order < PAGEBLOCK_WORDS; order++)
			wrong += block.map[order] != 0;
	}
	tap_is(wrong, 0, "frames freed by words merge as if freed one by one, and all come out at once");
}

static void splitting(void)
{
	static struct pageblock block;
	unsigned int order, total = 0;

	memset(&block, 0, sizeof(block));
	block_free(&block, 0, PAGEBLOCK_ORDER);
	tap_is(block_take(&block, 0), 0, "the lowest frame of a whole block");
	for (order = 0; order < PAGEBLOCK_ORDER; order++)
		total += block_nr_runs(&block, order) == 1;
	tap_is(total, PAGEBLOCK_ORDER, "taking one frame leaves one run of each order 0 to 8");
	tap_is(block_take(&block, 3), 8, "a run of 8 comes from the run of 8, not from a larger one");
	block_free(&block, 0, 0);
	block_free(&block, 8, 3);
	tap_is(block.nr_free, 512, "and merges back");
	block_take_at(&block, 300, 2);
	tap_ok(block_run_used(&block, 300, 2) && block.nr_free == 508, "named frames can be taken");
	total = 0;
	for (order = 0; order < PAGEBLOCK_ORDER; order++)
		total += block_nr_runs(&block, order) << order;
	tap_is(total, 508, "the rest is counted as runs");
	tap_is(block_take_some(&block, 9, &order), 296, "the smallest run first");
	tap_is(order, 2, "which is the buddy of the hole");
}

int main(void)
{
	tap_plan(0);
	splitting();
	words();
	for (unsigned int i = 0; i < 5; i++)
		random_script(2000);
	return tap_done();
}
