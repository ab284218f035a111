/* SPDX-License-Identifier: MIT */
/*
 * rbtree.c - red-black insertion and deletion, each with its mirror image folded into one text.
 *
 * Children are reached as child[side], so that "the same with left and right exchanged" is never
 * written out. A NULL child counts as black.
 */
#include "base/rbtree.h"

enum side { LEFT, RIGHT };

static inline struct rb_node **child(struct rb_node *node, enum side side)
{
	return side == LEFT ? &node->rb_left : &node->rb_right;
}

static inline enum side other(enum side side)
{
	return side == LEFT ? RIGHT : LEFT;
}

static inline enum side side_of(const struct rb_node *node, const struct rb_node *parent)
{
	return parent->rb_left == node ? LEFT : RIGHT;
}

static inline bool black(const struct rb_node *node)
{
	return !node || rb_is_black(node);
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (uintptr_t)parent | (node->parent_color & RB_BLACK);
}

static inline void set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *node)
{
	node->parent_color &= ~RB_BLACK;
}

/* Whatever pointed at `old` under `parent` (or the root) points at `now`. */
static void replace_child(struct rb_node *parent, struct rb_node *old, struct rb_node *now,
			  struct rb_root *root)
{
	if (!parent)
		WRITE_ONCE(root->rb_node, now);
	else
		WRITE_ONCE(*child(parent, side_of(old, parent)), now);
}

/*
 * `top` goes down towards `down`, its other child comes up in its place:
 *
 *        top               up
 *       /   \             /  \
 *      a    up    ->   top    c       for down == LEFT
 *          /  \        / \
 *         b    c      a   b
 */
static void rotate(struct rb_node *top, enum side down, struct rb_root *root,
		   const struct rb_augment *augment)
{
	struct rb_node *up = *child(top, other(down)), *parent = rb_parent(top);
	struct rb_node *middle = *child(up, down);

	replace_child(parent, top, up, root);
	set_parent(up, parent);
	WRITE_ONCE(*child(top, other(down)), middle);
	if (middle)
		set_parent(middle, top);
	WRITE_ONCE(*child(up, down), top);
	set_parent(top, up);
	if (augment) {
		augment->update(top);
		augment->update(up);
	}
}

void rb_augment_up(struct rb_node *node, const struct rb_augment *augment)
{
	for (; node && augment->update(node); node = rb_parent(node))
		;
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *augment)
{
	struct rb_node *parent, *grand, *uncle;
	enum side side;

	if (augment) {
		augment->update(node);
		rb_augment_up(rb_parent(node), augment);
	}
	while ((parent = rb_parent(node)) && !rb_is_black(parent)) {
		/* A red parent is not the root, so there is a grandparent. */
		grand = rb_parent(parent);
		side = side_of(parent, grand);
		uncle = *child(grand, other(side));
		if (!black(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (side_of(node, parent) != side) {
			rotate(parent, side, root, augment);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(grand, other(side), root, augment);
		break;
	}
	set_black(root->rb_node);
}

/* The subtree `node` (maybe NULL) under `parent` is one black short of its sibling. */
static void fix_short(struct rb_node *node, struct rb_node *parent, struct rb_root *root,
		      const struct rb_augment *augment)
{
	while (parent && black(node)) {
		enum side side = parent->rb_left == node ? LEFT : RIGHT;
		struct rb_node *sibling = *child(parent, other(side));

		if (!black(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(parent, side, root, augment);
			sibling = *child(parent, other(side));
		}
		if (black(sibling->rb_left) && black(sibling->rb_right)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (black(*child(sibling, other(side)))) {
			set_black(*child(sibling, side));
			set_red(sibling);
			rotate(sibling, other(side), root, augment);
			sibling = *child(parent, other(side));
		}
		sibling->parent_color = (sibling->parent_color & ~RB_BLACK) |
					(parent->parent_color & RB_BLACK);
		set_black(parent);
		set_black(*child(sibling, other(side)));
		rotate(parent, side, root, augment);
		return;
	}
	if (node)
		set_black(node);
}

/* `heir`, the next node in order, leaves its place and takes that of `node`, colour included. */
static void take_place(struct rb_node *heir, struct rb_node *node, struct rb_root *root)
{
	heir->rb_left = node->rb_left;
	set_parent(heir->rb_left, heir);
	heir->rb_right = node->rb_right;
	if (heir->rb_right)
		set_parent(heir->rb_right, heir);
	replace_child(rb_parent(node), node, heir, root);
	heir->parent_color = node->parent_color;
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *augment)
{
	struct rb_node *gone = node, *parent, *below;
	bool was_black;

	/*
	 * A node with two children gives its place to its successor; it is that one's old place
	 * that goes.
	 */
	if (node->rb_left && node->rb_right)
		for (gone = node->rb_right; gone->rb_left; gone = gone->rb_left)
			;
	below = gone->rb_left ? gone->rb_left : gone->rb_right;
	parent = rb_parent(gone);
	was_black = rb_is_black(gone);
	replace_child(parent, gone, below, root);
	if (below)
		set_parent(below, parent);
	if (gone != node) {
		take_place(gone, node, root);
		if (parent == node)
			parent = gone;
	}
	if (augment) {
		/*
		 * Every summary on the way up, for the heir's may be stale although it does not
		 * change above.
		 */
		for (struct rb_node *n = parent; n; n = rb_parent(n))
			augment->update(n);
	}
	if (was_black)
		fix_short(below, parent, root, augment);
}

void rb_replace_node(struct rb_node *old, struct rb_node *new_node, struct rb_root *root)
{
	*new_node = *old;
	if (old->rb_left)
		set_parent(old->rb_left, new_node);
	if (old->rb_right)
		set_parent(old->rb_right, new_node);
	replace_child(rb_parent(old), old, new_node, root);
}

static struct rb_node *outermost(struct rb_node *node, enum side side)
{
	if (node)
		while (*child(node, side))
			node = *child(node, side);
	return node;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->rb_node, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->rb_node, RIGHT);
}

/*
 * The neighbour of `node` on `side`: the near end of that subtree, or the first ancestor on that
 * side.
 */
static struct rb_node *neighbour(const struct rb_node *node, enum side side)
{
	struct rb_node *n = (struct rb_node *)(uintptr_t)node, *parent;

	if (*child(n, side))
		return outermost(*child(n, side), other(side));
	while ((parent = rb_parent(n)) && side_of(n, parent) == side)
		n = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, LEFT);
}
