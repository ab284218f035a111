/* SPDX-License-Identifier: MIT */
/* interval.c - overlap search on a tree that carries the maximum end of each subtree. */
#include "base/interval.h"

#include "base/assert.h"

static inline struct interval_node *node_of(struct rb_node *rb)
{
	return rb_entry_safe(rb, struct interval_node, rb);
}

/* [N2] for one node. */
static bool update(struct rb_node *rb)
{
	struct interval_node *node = node_of(rb);
	struct interval_node *left = node_of(rb->rb_left), *right = node_of(rb->rb_right);
	unsigned long last = node->last;
	bool changed;

	if (left && left->subtree_last > last)
		last = left->subtree_last;
	if (right && right->subtree_last > last)
		last = right->subtree_last;
	changed = node->subtree_last != last;
	node->subtree_last = last;
	return changed;
}

static const struct rb_augment interval_augment = { .update = update };

void interval_insert(struct interval_node *node, struct rb_root *root)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	QUIRE_ASSERT(node->start <= node->last);
	while (*link) {
		parent = *link;
		link = node->start < node_of(parent)->start ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&node->rb, parent, link);
	rb_insert_augmented(&node->rb, root, &interval_augment);
}

void interval_remove(struct interval_node *node, struct rb_root *root)
{
	rb_erase_augmented(&node->rb, root, &interval_augment);
	rb_clear_node(&node->rb);
}

/* The first overlap in the subtree of `node`, which is known to end at or after `start`. */
static struct interval_node *first_in(struct interval_node *node, unsigned long start,
				      unsigned long last)
{
	for (;;) {
		struct interval_node *left = node_of(node->rb.rb_left);

		/*
		 * Something on the left ends late enough: the answer, if any, is there, for it also
		 * begins first.
		 */
		if (left && left->subtree_last >= start) {
			node = left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		node = node_of(node->rb.rb_right);
		if (!node || node->subtree_last < start)
			return NULL;
	}
}

struct interval_node *interval_first(const struct rb_root *root, unsigned long start,
				     unsigned long last)
{
	struct interval_node *node = node_of(root->rb_node);

	if (!node || node->subtree_last < start)
		return NULL;
	return first_in(node, start, last);
}

struct interval_node *interval_next(struct interval_node *node, unsigned long start,
				    unsigned long last)
{
	struct rb_node *rb = &node->rb, *from;

	for (;;) {
		struct interval_node *right = node_of(rb->rb_right);

		if (right && right->subtree_last >= start)
			return first_in(right, start, last);
		/* Up to the first ancestor that is entered from its left: the next in order. */
		do {
			from = rb;
			rb = rb_parent(rb);
			if (!rb)
				return NULL;
		} while (from == rb->rb_right);
		node = node_of(rb);
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
	}
}
