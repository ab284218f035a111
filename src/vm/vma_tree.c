/* SPDX-License-Identifier: MIT */
/* vma_tree.c - look up, insert and remove VMAs in the tree. */
#include "vm/vma_tree.h"

#include "base/assert.h"
#include "base/math.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/vm.h"
#include "vm/vma_tree_int.h"

/* From the root to a leaf: idx[level] is the slot taken in node[level]. */
struct tree_path {
	unsigned int depth;
	void *node[VMA_TREE_MAX_DEPTH];
	unsigned int idx[VMA_TREE_MAX_DEPTH];
};

/* Nodes taken before anything changes; what is left over is given back. */
struct node_purse {
	struct vma_leaf *leaf;
	struct vma_inner *inner[VMA_TREE_MAX_DEPTH];
	unsigned int nr_inner;
};

void vma_tree_init(struct vma_tree *tree)
{
	tree->root = NULL;
	tree->depth = 0;
	tree->alone = true;
}

static struct kmem_cache *node_cache(const void *node)
{
	struct vm_state *vm = this_quire()->vm;

	return node_is_leaf(node) ? vm->leaf_cache : vm->inner_cache;
}

static void node_free_rcu(struct rcu_head *head)
{
	void *node = container_of(head, struct vma_leaf, rcu);

	kmem_cache_free(node_cache(node), node);
}

static void node_free(struct vma_tree *tree, void *node)
{
	if (tree->alone)
		kmem_cache_free(node_cache(node), node);
	else
		call_rcu(&((struct vma_leaf *)node)->rcu, node_free_rcu);
}

static void subtree_free(void *node)
{
	struct vma_inner *inner = node;

	if (!node_is_leaf(node))
		for (unsigned int i = 0; i < inner->nr; i++)
			subtree_free(inner->slot[i]);
	kmem_cache_free(node_cache(node), node);
}

void vma_tree_destroy(struct vma_tree *tree)
{
	if (tree->root)
		subtree_free(tree->root);
	vma_tree_init(tree);
}

/* The last VMA at or below addr, as a reader without a lock may find it: each word is loaded once and is valid. */
static __always_inline struct vm_area_struct *lookup_floor(const struct vma_tree *tree, unsigned long addr)
{
	/* Acquire, here and for nr: pairs with the release of root and nr, so that the slots below are seen filled. */
	const struct vma_inner *node = smp_load_acquire(&tree->root);
	unsigned int nr;
	int i;

	if (!node)
		return NULL;
	while (!node->is_leaf) {
		nr = smp_load_acquire(&node->nr);
		i = node_floor(node->lo, nr, addr);
		if (i < 0)
			return NULL;
		node = smp_load_acquire(&node->slot[i]);
	}
	nr = smp_load_acquire(&node->nr);
	i = node_floor(node->lo, nr, addr);
	return i < 0 ? NULL : smp_load_acquire(&node->slot[i]);
}

struct vm_area_struct *vma_tree_lookup_rcu(const struct vma_tree *tree, unsigned long addr)
{
	return lookup_floor(tree, addr);
}

struct vm_area_struct *vma_tree_floor(const struct vma_tree *tree, unsigned long addr)
{
	return lookup_floor(tree, addr);
}

static struct vm_area_struct *first_vma(const struct vma_tree *tree)
{
	const struct vma_inner *node = tree->root;

	if (!node)
		return NULL;
	while (!node->is_leaf)
		node = node->slot[0];
	return node->slot[0];
}

struct vm_area_struct *vma_tree_find(const struct vma_tree *tree, unsigned long addr)
{
	struct vm_area_struct *vma = lookup_floor(tree, addr);

	if (!vma)
		return first_vma(tree);
	return addr < vma->vm_end ? vma : vma->vm_next;
}

/* The path to the leaf in which `start` is or would be. */
static void path_find(const struct vma_tree *tree, unsigned long start, struct tree_path *path)
{
	void *node = tree->root;

	path->depth = 0;
	for (;;) {
		struct vma_inner *inner = node;
		int i = node_floor(inner->lo, inner->nr, start);

		path->node[path->depth] = node;
		path->idx[path->depth] = i < 0 ? 0 : (unsigned int)i;
		path->depth++;
		if (inner->is_leaf) {
			/* In a leaf: where a new key goes, behind the last one that is not above. */
			path->idx[path->depth - 1] = (unsigned int)(i + 1);
			return;
		}
		node = inner->slot[i < 0 ? 0 : i];
	}
}

static bool summary_update(struct vma_inner *parent, unsigned int i, const void *child)
{
	struct node_summary sum;

	node_summarise(child, &sum);
	if (parent->lo[i] == sum.lo && parent->hi[i] == sum.hi && parent->gap[i] == sum.gap)
		return false;
	node_store(parent->lo[i], sum.lo);
	parent->hi[i] = sum.hi;
	parent->gap[i] = sum.gap;
	return true;
}

/* Brings the summaries above the node at `level` up to date, as far as they change. */
static void path_update_above(struct tree_path *path, unsigned int level)
{
	while (level-- > 0)
		if (!summary_update(path->node[level], path->idx[level], path->node[level + 1]))
			return;
}

/* The same from the leaf on. */
static void path_update(struct tree_path *path)
{
	path_update_above(path, path->depth - 1);
}

/* After a VMA was put behind the others of its leaf. */
static void path_grown(struct tree_path *path, const struct vm_area_struct *vma)
{
	for (unsigned int level = path->depth - 1; level-- > 0;) {
		struct vma_inner *parent = path->node[level];
		unsigned int i = path->idx[level];

		parent->gap[i] = max(parent->gap[i], vma->vm_start - parent->hi[i]);
		parent->hi[i] = vma->vm_end;
		if (i + 1u < parent->nr) {
			/* The hole before the next child is smaller now. */
			path_update_above(path, level);
			return;
		}
	}
}

/* After a hole of that length came to be between two VMAs of the leaf. */
static void path_hole_grown(struct tree_path *path, unsigned long hole)
{
	for (unsigned int level = path->depth - 1; level-- > 0;) {
		struct vma_inner *parent = path->node[level];

		if (parent->gap[path->idx[level]] >= hole)
			return;
		parent->gap[path->idx[level]] = hole;
	}
}

/* The same when a summary on the way may be up to date already although those above it are not. */
static void path_update_all(struct tree_path *path)
{
	for (unsigned int level = path->depth - 1; level-- > 0;)
		summary_update(path->node[level], path->idx[level], path->node[level + 1]);
}

static void purse_empty(struct node_purse *purse)
{
	if (purse->leaf)
		kmem_cache_free(this_quire()->vm->leaf_cache, purse->leaf);
	while (purse->nr_inner > 0)
		kmem_cache_free(this_quire()->vm->inner_cache, purse->inner[--purse->nr_inner]);
}

/* One leaf, and an inner node for each full ancestor in a row, and one more for a new root if that row reaches the top. */
static int purse_fill(struct node_purse *purse, const struct tree_path *path)
{
	unsigned int level = path->depth - 1, need = 0;

	purse->nr_inner = 0;
	purse->leaf = kmem_cache_alloc(this_quire()->vm->leaf_cache, GFP_KERNEL);
	if (!purse->leaf)
		return -ENOMEM;
	purse->leaf->is_leaf = 1;
	purse->leaf->nr = 0;
	while (level > 0 && node_nr(path->node[level - 1]) == VMA_TREE_FANOUT) {
		level--;
		need++;
	}
	if (level == 0)
		need++;
	while (purse->nr_inner < need) {
		struct vma_inner *inner = kmem_cache_alloc(this_quire()->vm->inner_cache, GFP_KERNEL);

		if (!inner) {
			purse_empty(purse);
			return -ENOMEM;
		}
		inner->is_leaf = 0;
		inner->nr = 0;
		purse->inner[purse->nr_inner++] = inner;
	}
	return 0;
}

static void leaf_insert_at(struct vma_leaf *leaf, unsigned int at, struct vm_area_struct *vma)
{
	for (unsigned int i = leaf->nr; i > at; i--) {
		node_store(leaf->key[i], leaf->key[i - 1]);
		smp_store_release(&leaf->slot[i], leaf->slot[i - 1]);
	}
	node_store(leaf->key[at], vma->vm_start);
	/* Release: pairs with a reader's dependent loads of the VMA. */
	smp_store_release(&leaf->slot[at], vma);
	smp_store_release(&leaf->nr, (u16)(leaf->nr + 1));
}

static void inner_insert_at(struct vma_inner *inner, unsigned int at, void *child)
{
	struct node_summary sum;

	for (unsigned int i = inner->nr; i > at; i--) {
		node_store(inner->lo[i], inner->lo[i - 1]);
		smp_store_release(&inner->slot[i], inner->slot[i - 1]);
		inner->hi[i] = inner->hi[i - 1];
		inner->gap[i] = inner->gap[i - 1];
	}
	node_summarise(child, &sum);
	node_store(inner->lo[at], sum.lo);
	inner->hi[at] = sum.hi;
	inner->gap[at] = sum.gap;
	smp_store_release(&inner->slot[at], child);
	smp_store_release(&inner->nr, (u16)(inner->nr + 1));
}

static void inner_remove_at(struct vma_inner *inner, unsigned int at)
{
	for (unsigned int i = at; i + 1 < inner->nr; i++) {
		node_store(inner->lo[i], inner->lo[i + 1]);
		smp_store_release(&inner->slot[i], inner->slot[i + 1]);
		inner->hi[i] = inner->hi[i + 1];
		inner->gap[i] = inner->gap[i + 1];
	}
	smp_store_release(&inner->nr, (u16)(inner->nr - 1));
}

/* Moves entries [from, nr) of `left` to the end of the `right` of the same kind. */
static void node_move_tail(void *left, void *right, unsigned int from)
{
	struct vma_inner *l = left, *r = right;
	unsigned int n = l->nr - from;

	for (unsigned int i = 0; i < n; i++) {
		node_store(r->lo[r->nr + i], l->lo[from + i]);
		smp_store_release(&r->slot[r->nr + i], l->slot[from + i]);
		if (!l->is_leaf) {
			r->hi[r->nr + i] = l->hi[from + i];
			r->gap[r->nr + i] = l->gap[from + i];
		}
	}
	smp_store_release(&r->nr, (u16)(r->nr + n));
}

/*
 * Splits the full node at `level`: its upper half goes to `right`, which is linked into the parent (that has room) or under
 * a new root. A split point far from the insertion keeps ascending or descending insertions from leaving half-empty nodes.
 */
static void split_node(struct vma_tree *tree, struct tree_path *path, unsigned int level, void *right,
		       struct node_purse *purse)
{
	struct vma_inner *left = path->node[level], *parent;
	unsigned int at = path->idx[level];
	unsigned int from = at >= VMA_TREE_FANOUT - 1 ? VMA_TREE_FANOUT - 3 : at <= 1 ? 3 : VMA_TREE_FANOUT / 2;

	node_move_tail(left, right, from);
	if (level == 0) {
		struct vma_inner *root = purse->inner[--purse->nr_inner];

		inner_insert_at(root, 0, left);
		smp_store_release(&tree->root, (void *)root);
		tree->depth++;
		for (unsigned int l = path->depth++; l > 0; l--) {
			path->node[l] = path->node[l - 1];
			path->idx[l] = path->idx[l - 1];
		}
		path->node[0] = root;
		path->idx[0] = 0;
		level = 1;
	}
	parent = path->node[level - 1];
	inner_insert_at(parent, path->idx[level - 1] + 1, right);
	/* Only now: a reader finds the moved entries in one node or in both. */
	smp_store_release(&left->nr, (u16)from);
	if (at > from || (at == from && !left->is_leaf)) {
		path->node[level] = right;
		path->idx[level] = at - from;
		path->idx[level - 1]++;
	}
	at = path->idx[level - 1] - (path->node[level] == right);
	summary_update(parent, at, left);
	summary_update(parent, at + 1, right);
}

/* Makes room in the leaf of the path: splits full ancestors from the top down, so that each parent has room. */
static int insert_slow(struct vma_tree *tree, struct tree_path *path, struct vm_area_struct *vma)
{
	struct node_purse purse;
	unsigned int level = path->depth - 1, depth = path->depth;
	int err = purse_fill(&purse, path);

	if (err)
		return err;
	while (level > 0 && node_nr(path->node[level - 1]) == VMA_TREE_FANOUT)
		level--;
	for (;;) {
		bool leaf = node_is_leaf(path->node[level]);

		split_node(tree, path, level, leaf ? (void *)purse.leaf : (void *)purse.inner[--purse.nr_inner],
			   &purse);
		if (leaf)
			break;
		level += 1 + (path->depth - depth);
		depth = path->depth;
	}
	purse.leaf = NULL;
	purse_empty(&purse);
	leaf_insert_at(path->node[path->depth - 1], path->idx[path->depth - 1], vma);
	path_update(path);
	return 0;
}

/* Into a leaf with room, where the path leads. A summary is made anew only if what is known of it does not tell. */
static void leaf_insert_into(struct tree_path *path, struct vma_leaf *leaf, struct vm_area_struct *vma)
{
	unsigned int at = path->idx[path->depth - 1], old_nr = leaf->nr;
	unsigned long hole = at > 0 && at < old_nr ? leaf->key[at] - leaf->slot[at - 1]->vm_end : 0;

	leaf_insert_at(leaf, at, vma);
	if (path->depth == 1)
		return;
	if (at == old_nr) {
		path_grown(path, vma);
	} else {
		const struct vma_inner *parent = path->node[path->depth - 2];

		/* Into a hole that was not the leaf's largest: nothing above tells of it. */
		if (!hole || hole >= parent->gap[path->idx[path->depth - 2]])
			path_update(path);
	}
}

int vma_tree_insert(struct vma_tree *tree, struct vm_area_struct *vma)
{
	struct tree_path path;
	struct vma_leaf *leaf;

	if (unlikely(!tree->root)) {
		leaf = kmem_cache_alloc(this_quire()->vm->leaf_cache, GFP_KERNEL);
		if (!leaf)
			return -ENOMEM;
		leaf->nr = 0;
		leaf->is_leaf = 1;
		leaf_insert_at(leaf, 0, vma);
		smp_store_release(&tree->root, (void *)leaf);
		tree->depth = 1;
		return 0;
	}
	path_find(tree, vma->vm_start, &path);
	leaf = path.node[path.depth - 1];
	if (unlikely(leaf->nr == VMA_TREE_FANOUT))
		return insert_slow(tree, &path, vma);
	leaf_insert_into(&path, leaf, vma);
	return 0;
}

int vma_tree_append(struct vma_tree *tree, struct vm_area_struct *vma)
{
	struct vma_inner *node = tree->root, *last = node;

	while (last && !last->is_leaf)
		last = last->slot[last->nr - 1];
	if (unlikely(!last) || unlikely(last->nr == VMA_TREE_FANOUT))
		return vma_tree_insert(tree, vma);
	leaf_insert_at((struct vma_leaf *)last, last->nr, vma);
	/* What the last child of each level covers grows by the VMA and the hole before it. */
	for (; !node->is_leaf; node = node->slot[node->nr - 1]) {
		unsigned int i = node->nr - 1u;

		node->gap[i] = max(node->gap[i], vma->vm_start - node->hi[i]);
		node->hi[i] = vma->vm_end;
	}
	return 0;
}

/* Joins a node that has become small with its neighbour under the same parent, if both fit with room to spare. */
static void join_small(struct vma_tree *tree, struct tree_path *path, unsigned int level)
{
	struct vma_inner *parent = path->node[level - 1], *left, *right;
	unsigned int i = path->idx[level - 1];

	if (i + 1 == parent->nr) {
		if (i == 0)
			return;
		i--;
	}
	left = parent->slot[i];
	right = parent->slot[i + 1];
	if (left->nr + right->nr > VMA_TREE_FANOUT * 3 / 4)
		return;
	/* The path's own child moves along. */
	if (path->node[level] == right)
		path->idx[level] += left->nr;
	node_move_tail(right, left, 0);
	inner_remove_at(parent, i + 1);
	summary_update(parent, i, left);
	path->node[level] = left;
	path->idx[level - 1] = i;
	node_free(tree, right);
}

/* After a removal: empty nodes leave, small ones join, a root with one child goes. */
static void shrink_path(struct vma_tree *tree, struct tree_path *path)
{
	unsigned int level = path->depth - 1;

	for (; level > 0; level--) {
		struct vma_inner *parent = path->node[level - 1];
		void *node = path->node[level];

		if (node_nr(node) == 0) {
			inner_remove_at(parent, path->idx[level - 1]);
			node_free(tree, node);
			path->depth = level;
			continue;
		}
		if (node_nr(node) <= VMA_TREE_FANOUT / 4)
			join_small(tree, path, level);
	}
	path_update_all(path);
	while (tree->root && node_nr(tree->root) <= 1) {
		struct vma_inner *root = tree->root;

		if (root->is_leaf && root->nr == 1)
			return;
		smp_store_release(&tree->root, root->nr ? root->slot[0] : NULL);
		tree->depth--;
		node_free(tree, root);
	}
}

/* The leaf that holds a VMA of the tree, its place there, and the way to it. */
static struct vma_leaf *path_to_vma(struct vma_tree *tree, const struct vm_area_struct *vma, struct tree_path *path,
				    unsigned int *at)
{
	struct vma_leaf *leaf;

	path_find(tree, vma->vm_start, path);
	leaf = path->node[path->depth - 1];
	*at = path->idx[path->depth - 1] - 1;
	QUIRE_ASSERT(*at < leaf->nr && leaf->slot[*at] == vma);
	return leaf;
}

void vma_tree_erase(struct vma_tree *tree, struct vm_area_struct *vma)
{
	struct tree_path path;
	unsigned int at;
	struct vma_leaf *leaf = path_to_vma(tree, vma, &path, &at);

	for (unsigned int i = at; i + 1 < leaf->nr; i++) {
		node_store(leaf->key[i], leaf->key[i + 1]);
		smp_store_release(&leaf->slot[i], leaf->slot[i + 1]);
	}
	smp_store_release(&leaf->nr, (u16)(leaf->nr - 1));
	if (leaf->nr <= VMA_TREE_FANOUT / 4 && (path.depth > 1 || leaf->nr == 0))
		shrink_path(tree, &path);
	else if (at > 0 && at < leaf->nr)
		path_hole_grown(&path, leaf->key[at] - leaf->slot[at - 1]->vm_end);
	else
		path_update(&path);
}

void vma_tree_set_range(struct vma_tree *tree, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct tree_path path;
	unsigned int at;
	struct vma_leaf *leaf = path_to_vma(tree, vma, &path, &at);

	WRITE_ONCE(vma->vm_start, start);
	WRITE_ONCE(vma->vm_end, end);
	node_store(leaf->key[at], start);
	path_update(&path);
}

void vma_tree_replace(struct vma_tree *tree, struct vm_area_struct *old, struct vm_area_struct *new)
{
	struct tree_path path;
	unsigned int at;
	struct vma_leaf *leaf = path_to_vma(tree, old, &path, &at);

	smp_store_release(&leaf->slot[at], new);
}
