/* SPDX-License-Identifier: MIT */
/*
 * rbtree.h - a balanced ordered tree of intrusive nodes; the caller compares.
 *
 *      struct rb_node **link = &root->rb_node, *parent = NULL;
 *      while (*link) { parent = *link; link = key < key_of(parent) ? &parent->rb_left : &parent->rb_right; }
 *      rb_link_node(&mine->node, parent, link);
 *      rb_insert_color(&mine->node, root);
 *
 * [D1] In-order walking gives the caller's order: equal keys stand in the order of insertion when
 *      the descent goes right on equality.
 * [D2] The root is black, no red node has a red child, and every path from a node down to a leaf
 *      has the same number of black nodes: the height is at most 2 log2(n + 1).
 * [D3] rb_root_cached.rb_leftmost is the first node in order, or NULL.
 *
 * Augmented trees keep a summary of each subtree in its top node: struct rb_augment tells how.
 * Source of the algorithm: Guibas and Sedgewick 1978, deletion as in Cormen et al., ch. 13.
 *
 * Lock: the caller's. Sleeps: never. Cost: O(log n). Allocates: never.
 */
#ifndef QUIRE_BASE_RBTREE_H
#define QUIRE_BASE_RBTREE_H

#include "base/compiler.h"

struct rb_node {
	uintptr_t parent_color;		/* parent | RB_BLACK */
	struct rb_node *rb_left, *rb_right;
} __aligned(sizeof(long));

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

/* update - recompute the summary of `node` from itself and its children; true if it changed. */
struct rb_augment {
	bool (*update)(struct rb_node *node);
};

#define RB_BLACK	1UL
#define RB_ROOT		(struct rb_root){ NULL }
#define RB_ROOT_CACHED	(struct rb_root_cached){ { NULL }, NULL }
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member) __extension__({	\
	struct rb_node *__rb = (ptr);				\
	__rb ? rb_entry(__rb, type, member) : NULL; })

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~RB_BLACK);
}

static inline bool rb_is_black(const struct rb_node *node)
{
	return node->parent_color & RB_BLACK;
}

static inline bool rb_root_empty(const struct rb_root *root)
{
	return !READ_ONCE(root->rb_node);
}

/* A node that is in no tree is its own parent. */
static inline void rb_clear_node(struct rb_node *node)
{
	node->parent_color = (uintptr_t)node;
}

static inline bool rb_node_empty(const struct rb_node *node)
{
	return node->parent_color == (uintptr_t)node;
}

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (uintptr_t)parent;
	node->rb_left = node->rb_right = NULL;
	*link = node;
}

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/*
 * Rebalance after rb_link_node. `augment` may be NULL; else all summaries up to the root are set.
 */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *augment);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *augment);
/* `old` gives its place and colour to `new_node`, which must compare the same. */
void rb_replace_node(struct rb_node *old, struct rb_node *new_node, struct rb_root *root);
/* Recompute summaries from `node` up until one does not change. */
void rb_augment_up(struct rb_node *node, const struct rb_augment *augment);

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	rb_insert_augmented(node, root, NULL);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_augmented(node, root, NULL);
}

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *root)
{
	return root->rb_leftmost;
}

/* `leftmost`: the descent never went right. */
static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root, bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_color(node, &root->rb_root);
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase(node, &root->rb_root);
}

/* rb_add_cached - insert by `less`, keeping the leftmost. */
static inline void rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
				 bool (*less)(const struct rb_node *a, const struct rb_node *b))
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(node, parent, link);
	rb_insert_color_cached(node, root, leftmost);
}

#define rb_for_each(node, root) \
	for ((node) = rb_first(root); (node); (node) = rb_next(node))

#endif
