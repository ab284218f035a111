/* SPDX-License-Identifier: MIT */
/*
 * interval.h - closed ranges [start, last], found by what they overlap.
 *
 * A red-black tree by start, in which every node also knows the highest `last` of its subtree, so
 * that whole subtrees that end too early are skipped. Ranges may overlap and repeat.
 *
 * [N1] start <= last for every node, and neither changes while it is in the tree.
 * [N2] subtree_last is the maximum of `last` over the node and all below it.
 *
 * Lock: the caller's. Sleeps: never. Cost: O(log n) to change, O(log n + answers) to walk.
 * Allocates: never.
 */
#ifndef QUIRE_BASE_INTERVAL_H
#define QUIRE_BASE_INTERVAL_H

#include "base/rbtree.h"

struct interval_node {
	struct rb_node rb;
	unsigned long start, last;
	unsigned long subtree_last;
};

void interval_insert(struct interval_node *node, struct rb_root *root);
void interval_remove(struct interval_node *node, struct rb_root *root);

/* The first node, by start, that overlaps [start, last]; then the following ones. NULL: no more. */
struct interval_node *interval_first(const struct rb_root *root, unsigned long start,
				     unsigned long last);
struct interval_node *interval_next(struct interval_node *node, unsigned long start,
				    unsigned long last);

#define interval_for_each(node, root, start, last)			\
	for ((node) = interval_first(root, start, last); (node);	\
	     (node) = interval_next(node, start, last))

#endif
