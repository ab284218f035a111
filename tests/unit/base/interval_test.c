/* SPDX-License-Identifier: MIT */
/* interval_test.c - overlap walks against looking at every range. */
#include "base/interval.h"
#include "tap.h"

#define NR_RANGES 200
#define NR_PLACES 1000

static struct interval_node ranges[NR_RANGES];
static int in[NR_RANGES];
static struct rb_root root = { NULL };

/* [N2] everywhere below; the maximum. */
static unsigned long check_summary(struct rb_node *rb, int *good)
{
	struct interval_node *node = rb_entry(rb, struct interval_node, rb);
	unsigned long last = node->last, below;

	if (rb->rb_left && (below = check_summary(rb->rb_left, good)) > last)
		last = below;
	if (rb->rb_right && (below = check_summary(rb->rb_right, good)) > last)
		last = below;
	if (node->subtree_last != last)
		*good = 0;
	return last;
}

static int walk_agrees(unsigned long start, unsigned long last)
{
	unsigned long previous = 0;
	struct interval_node *node;
	int wanted = 0, seen = 0;

	for (int i = 0; i < NR_RANGES; i++)
		wanted += in[i] && ranges[i].start <= last && ranges[i].last >= start;
	interval_for_each(node, &root, start, last) {
		if (node->start > last || node->last < start || node->start < previous)
			return 0;
		previous = node->start;
		seen++;
	}
	return seen == wanted;
}

int main(void)
{
	int good = 1;

	tap_plan(0);
	tap_ok(!interval_first(&root, 0, ~0UL), "an empty tree overlaps nothing");
	for (int step = 0; step < 30000 && good; step++) {
		unsigned int i = (unsigned int)tap_rand_below(NR_RANGES);
		unsigned long start = tap_rand_below(NR_PLACES);

		if (in[i]) {
			interval_remove(&ranges[i], &root);
		} else {
			ranges[i].start = start;
			ranges[i].last = start + tap_rand_below(tap_rand_below(10) ? 20 : NR_PLACES);
			interval_insert(&ranges[i], &root);
		}
		in[i] = !in[i];
		if (root.rb_node)
			check_summary(root.rb_node, &good);
		start = tap_rand_below(NR_PLACES);
		good = good && walk_agrees(start, start + tap_rand_below(50));
	}
	tap_ok(good, "30000 random changes: summaries are right and walks find every overlap in order");
	tap_ok(walk_agrees(0, ~0UL), "a walk over everything");
	return tap_done();
}
