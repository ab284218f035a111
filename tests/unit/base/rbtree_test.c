/* SPDX-License-Identifier: MIT */
/* rbtree_test.c - the tree's invariants after every random change, and its order against counts. */
#include "base/rbtree.h"
#include "tap.h"

#include <string.h>

#define NR_NODES 400
#define NR_KEYS 100

struct thing {
	struct rb_node rb;
	int key;
	int in;
};

static struct thing things[NR_NODES];
static struct rb_root_cached root = RB_ROOT_CACHED;

static struct thing *thing_of(const struct rb_node *rb)
{
	return rb_entry((struct rb_node *)(uintptr_t)rb, struct thing, rb);
}

static bool less(const struct rb_node *a, const struct rb_node *b)
{
	return thing_of(a)->key < thing_of(b)->key;
}

/* Black height of a subtree, -1 when [D2] is broken in it. */
static int black_height(const struct rb_node *node, const struct rb_node *parent)
{
	int left, right;

	if (!node)
		return 1;
	if (rb_parent(node) != parent)
		return -1;
	if (!rb_is_black(node) && (!parent || !rb_is_black(parent)))
		return -1;
	left = black_height(node->rb_left, node);
	right = black_height(node->rb_right, node);
	if (left < 0 || left != right)
		return -1;
	return left + rb_is_black(node);
}

static int check(int nr, const int *per_key)
{
	int seen[NR_KEYS] = { 0 }, forward = 0, backward = 0, last = -1;
	struct rb_node *node;

	if (black_height(root.rb_root.rb_node, NULL) < 0 || root.rb_leftmost != rb_first(&root.rb_root))
		return 0;
	rb_for_each(node, &root.rb_root) {
		if (thing_of(node)->key < last)
			return 0;
		last = thing_of(node)->key;
		seen[last]++;
		forward++;
	}
	for (node = rb_last(&root.rb_root); node; node = rb_prev(node))
		backward++;
	return forward == nr && backward == nr && !memcmp(seen, per_key, sizeof(seen));
}

int main(void)
{
	int per_key[NR_KEYS] = { 0 }, nr = 0, good = 1;
	struct thing spare;

	tap_plan(0);
	for (int step = 0; step < 30000 && good; step++) {
		struct thing *thing = &things[tap_rand_below(NR_NODES)];

		if (thing->in && tap_rand_below(10) == 0) {
			spare = *thing;
			rb_replace_node(&thing->rb, &spare.rb, &root.rb_root);
			if (root.rb_leftmost == &thing->rb)
				root.rb_leftmost = &spare.rb;
			*thing = spare;
			rb_replace_node(&spare.rb, &thing->rb, &root.rb_root);
			if (root.rb_leftmost == &spare.rb)
				root.rb_leftmost = &thing->rb;
		} else if (thing->in) {
			rb_erase_cached(&thing->rb, &root);
			per_key[thing->key]--;
			nr--;
			thing->in = 0;
		} else {
			thing->key = (int)tap_rand_below(NR_KEYS);
			rb_add_cached(&thing->rb, &root, less);
			per_key[thing->key]++;
			nr++;
			thing->in = 1;
		}
		good = check(nr, per_key);
	}
	tap_ok(good, "30000 random changes keep colours, heights, order and the leftmost");
	rb_clear_node(&spare.rb);
	tap_ok(rb_node_empty(&spare.rb), "a cleared node is in no tree");
	return tap_done();
}
