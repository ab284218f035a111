/* SPDX-License-Identifier: MIT */
/*
 * xarray_test.c - the index tree against a sorted table, its nodes counted, and readers without a
 * lock.
 */
#include "base/xarray.h"
#include "quire/errno.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define NR_MODEL 256

static unsigned long indices[NR_MODEL];
static void *entries[NR_MODEL];
static unsigned char marks[NR_MODEL];
static unsigned int nr_model;
static int nr_nodes;

static void free_node(struct xa_node *node)
{
	nr_nodes--;
	free(node);
}

static struct xarray xa = XARRAY_INIT(free_node);

static void fill(struct xa_purse *purse, unsigned int nr)
{
	while (purse->nr < nr) {
		struct xa_node *node = malloc(sizeof(*node));

		memset(node, 0xa5, sizeof(*node));
		xa_purse_put(purse, node);
		nr_nodes++;
	}
}

static void empty(struct xa_purse *purse)
{
	struct xa_node *node;

	while ((node = xa_purse_take(purse)))
		free_node(node);
}

/* Indices cluster at the ends and around a few powers, where levels change. */
static unsigned long some_index(void)
{
	unsigned long base = 0;

	switch (tap_rand_below(5)) {
	case 0:
		base = 1UL << tap_rand_below((unsigned int)BITS_PER_LONG);
		break;
	case 1:
		base = ~0UL - 100;
		break;
	case 2:
		return (unsigned long)tap_rand();
	}
	return base + (unsigned long)tap_rand_below(101);
}

static unsigned int position(unsigned long index)
{
	unsigned int at = 0;

	while (at < nr_model && indices[at] < index)
		at++;
	return at;
}

static int present(unsigned int at, unsigned long index)
{
	return at < nr_model && indices[at] == index;
}

/* [Y1] and [Y2] below `node`; false when broken. */
static int check_node(struct xa_node *node)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < XA_SLOTS; i++) {
		void *slot = node->slots[i];
		struct xa_node *child = (struct xa_node *)((uintptr_t)slot & ~3UL);

		used += slot != NULL;
		for (int m = 0; m < XA_NR_MARKS; m++) {
			int marked = test_bit(i, node->marks[m]);

			if (marked && !slot)
				return 0;
			if (slot && node->shift && marked != !bitmap_empty(child->marks[m], XA_SLOTS))
				return 0;
		}
		if (slot && node->shift &&
		    (child->parent != node || child->offset != i || child->shift + XA_SHIFT != node->shift ||
		     !check_node(child)))
			return 0;
	}
	return used && used == node->count;
}

static int shape_is_right(void)
{
	struct xa_node *top = (struct xa_node *)((uintptr_t)xa.head & ~3UL);

	if (((uintptr_t)xa.head & 3) != 2)
		return nr_model == (xa.head != NULL) && nr_nodes == 0;
	/* [Y3] */
	if (top->count == 1 && top->slots[0])
		return 0;
	return check_node(top);
}

static int walks_agree(void)
{
	unsigned long index = some_index(), max = tap_rand_below(2) ? ~0UL : index + tap_rand_below(5000);
	unsigned int filter = (unsigned int)tap_rand_below(4), at;
	unsigned long found = index;
	void *entry;

	if (max < index)
		max = ~0UL;
	for (at = position(index); at < nr_model; at++)
		if (filter == 3 || (marks[at] >> filter & 1))
			break;
	entry = xa_find(&xa, &found, max, filter == 3 ? XA_PRESENT : (xa_mark_t)filter);
	if (at < nr_model && indices[at] <= max)
		return entry == entries[at] && found == indices[at];
	return !entry;
}

static void remove_at(unsigned int at)
{
	nr_model--;
	memmove(indices + at, indices + at + 1, (nr_model - at) * sizeof(indices[0]));
	memmove(entries + at, entries + at + 1, (nr_model - at) * sizeof(entries[0]));
	memmove(marks + at, marks + at + 1, nr_model - at);
}

static void insert_at(unsigned int at, unsigned long index, void *entry)
{
	memmove(indices + at + 1, indices + at, (nr_model - at) * sizeof(indices[0]));
	memmove(entries + at + 1, entries + at, (nr_model - at) * sizeof(entries[0]));
	memmove(marks + at + 1, marks + at, nr_model - at);
	indices[at] = index;
	entries[at] = entry;
	marks[at] = 0;
	nr_model++;
}

static int store(unsigned long index)
{
	unsigned int at = position(index), needed = xa_nodes_needed(&xa, index);
	void *entry = xa_mk_value(tap_rand_below(1000)), *old = NULL;
	struct xa_purse purse = XA_PURSE_INIT;
	int err, good = 1;

	if (needed > xa_nodes_for(nr_model ? max(index, indices[nr_model - 1]) : index))
		return 0;
	if (needed) {
		fill(&purse, needed - 1);
		good = xa_store(&xa, index, entry, &purse, NULL) == -ENOMEM && purse.nr == needed - 1;
	}
	fill(&purse, needed);
	err = xa_store(&xa, index, entry, &purse, &old);
	good = good && !err && !purse.nr;
	if (present(at, index)) {
		good = good && old == entries[at];
		entries[at] = entry;
	} else {
		good = good && !old;
		insert_at(at, index, entry);
	}
	empty(&purse);
	return good;
}

static int erase(unsigned long index)
{
	unsigned int at = position(index);
	void *old = xa_erase(&xa, index);

	if (!present(at, index))
		return !old;
	if (old != entries[at])
		return 0;
	remove_at(at);
	return 1;
}

static int mark(unsigned long index)
{
	unsigned int at = position(index), m = (unsigned int)tap_rand_below(XA_NR_MARKS);

	if (tap_rand_below(2)) {
		xa_set_mark(&xa, index, (xa_mark_t)m);
		if (present(at, index))
			marks[at] |= (unsigned char)(1 << m);
	} else {
		xa_clear_mark(&xa, index, (xa_mark_t)m);
		if (present(at, index))
			marks[at] &= (unsigned char)~(1 << m);
	}
	return xa_get_mark(&xa, index, (xa_mark_t)m) == (present(at, index) && (marks[at] >> m & 1));
}

static void test_against_table(void)
{
	const int steps = 12000 / tap_pace;
	int good = 1;

	for (int step = 0; step < steps && good; step++) {
		unsigned long index = some_index();
		/* Long runs of mostly filling and mostly emptying. */
		unsigned int bias = step / 1000 % 2 ? 2 : 6;

		if (nr_model && tap_rand_below(2))
			index = indices[tap_rand_below(nr_model)];
		if (tap_rand_below(10) < 3)
			good = mark(index);
		else if (tap_rand_below(8) < bias && nr_model < NR_MODEL - 1)
			good = store(index);
		else
			good = erase(index);
		good = good && walks_agree() && shape_is_right() &&
		       xa_load(&xa, index) == (present(position(index), index) ? entries[position(index)] : NULL);
	}
	tap_ok(good, "%d random stores, erasures and marks agree with a table", steps);
	while (nr_model)
		erase(indices[tap_rand_below(nr_model)]);
	tap_ok(xa_empty(&xa), "emptied");
	tap_is(nr_nodes, 0, "every node came back");
}

static unsigned long gone_sum;

static void count_gone(void *entry, unsigned long index, void *data)
{
	(void)data;
	gone_sum += xa_to_value(entry) == index;
}

/* Of what test_runs left: 0 to 999 and 4000 to 4999, every seventh marked. */
static void test_rows(void)
{
	unsigned int nr = 10, marked = 0;
	void *const *slots = xa_slots(&xa, 640, &nr);
	unsigned long index;
	void *entry;

	tap_ok(nr == 10 && xa_slot(&slots[9]) == xa_mk_value(649), "the slots of a row");
	nr = 10;
	slots = xa_slots(&xa, 640 + XA_SLOTS - 3, &nr);
	tap_is(nr, 3, "a row ends with its leaf");
	nr = 10;
	tap_ok(!xa_slots(&xa, 2000, &nr) && nr == 10, "where there is no leaf, there are no slots");
	xa_erase_row(&xa, 640, XA_SLOTS - 4);
	tap_ok(!xa_load(&xa, 640) && !xa_load(&xa, 640 + XA_SLOTS - 5) && xa_load(&xa, 639) && xa_load(&xa, 640 + XA_SLOTS - 4),
	       "a row is taken out, and nothing beside it");
	xa_erase_row(&xa, 640 + XA_SLOTS - 10, 10);
	tap_ok(!xa_load(&xa, 640 + XA_SLOTS - 1) && xa_load(&xa, 640 + XA_SLOTS), "also where a part is gone already");
	xa_for_each_marked(&xa, index, entry, XA_MARK_1)
		marked += index % 7 == 0 && (index < 640 || index >= 640 + XA_SLOTS);
	tap_is(marked, 143 - 9 + 143, "the marks went with the entries");
	for (index = 0; index < 1000; index += 8)
		xa_erase_row(&xa, index, 8);
	xa_erase_range(&xa, 4001, ~0UL, NULL, NULL);
	xa_erase_row(&xa, 4000, 1);
	tap_ok(xa_empty(&xa), "rows empty it");
	tap_is(nr_nodes, 0, "and give all nodes back");
}

static void test_runs(void)
{
	struct xa_purse purse = XA_PURSE_INIT;
	unsigned long index, seen = 0;
	void *batch[10], *entry;

	for (unsigned long i = 0; i < 5000; i++) {
		fill(&purse, xa_nodes_for(i));
		if (xa_store(&xa, i, xa_mk_value(i), &purse, NULL))
			break;
		if (i % 7 == 0)
			xa_set_mark(&xa, i, XA_MARK_1);
	}
	empty(&purse);
	xa_for_each(&xa, index, entry)
		seen += xa_to_value(entry) == index;
	tap_is(seen, 5000, "a walk sees all in order");
	seen = 0;
	xa_for_each_marked(&xa, index, entry, XA_MARK_1)
		seen++;
	tap_is(seen, 5000 / 7 + 1, "a walk by mark sees the marked");
	tap_is(xa_extract(&xa, batch, NULL, 4995, ~0UL, 10, XA_PRESENT), 5, "a gang lookup takes what is there");
	tap_is(xa_to_value(batch[0]), 4995, "in order");
	tap_is(xa_next_hole(&xa, 100, ~0UL), 5000, "the first hole is behind the run");
	tap_is(xa_erase_range(&xa, 1000, 3999, count_gone, NULL), 3000, "a range is erased");
	tap_is(gone_sum, 3000, "and each entry was told");
	tap_is(xa_next_hole(&xa, 100, ~0UL), 1000, "now the hole is there");
	tap_ok(shape_is_right() || nr_model == 0, "the shape is right");
	tap_is(xa_insert(&xa, 1, xa_mk_value(1), NULL), -EBUSY, "an insert declines where something is");
	tap_ok(xa_replace(&xa, 1, xa_mk_value(9)) == xa_mk_value(1) && !xa_replace(&xa, 2000, xa_mk_value(9)),
	       "replace needs something to replace");
	test_rows();
	xa_erase_range(&xa, 0, ~0UL, NULL, NULL);
	tap_is(nr_nodes, 0, "all nodes came back");
}

int main(void)
{
	tap_plan(0);
	test_against_table();
	test_runs();
	return tap_done();
}
