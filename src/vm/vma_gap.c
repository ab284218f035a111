/* SPDX-License-Identifier: MIT */
/* vma_gap.c - find a hole for a new mapping in logarithmic time; check the tree's invariants. */
#include "base/math.h"
#include "quire/errno.h"
#include "vm/vma_tree_int.h"

#define NO_PLACE ((unsigned long)-ENOMEM)

void node_summarise(const void *node, struct node_summary *sum)
{
	const struct vma_inner *inner = node;
	const struct vma_leaf *leaf = node;
	unsigned int nr = node_nr(node);
	unsigned long gap = 0, end;

	if (leaf->is_leaf) {
		end = leaf->slot[0]->vm_end;
		for (unsigned int i = 1; i < nr; i++) {
			gap = max(gap, leaf->key[i] - end);
			end = leaf->slot[i]->vm_end;
		}
	} else {
		gap = inner->gap[0];
		end = inner->hi[0];
		for (unsigned int i = 1; i < nr; i++) {
			gap = max(gap, max(inner->lo[i] - end, inner->gap[i]));
			end = inner->hi[i];
		}
	}
	sum->lo = leaf->key[0];
	sum->hi = end;
	sum->gap = gap;
}

/* Places the request as high as possible in the hole [start, end), or NO_PLACE. */
static unsigned long fit_high(const struct gap_request *req, unsigned long start, unsigned long end)
{
	unsigned long at;

	start = max(start, req->low);
	end = min(end, req->high);
	if (end <= start || end - start < req->len)
		return NO_PLACE;
	at = end - req->len;
	at -= (at - req->align_offset) & req->align_mask;
	return at >= start && at < end ? at : NO_PLACE;
}

static unsigned long fit_low(const struct gap_request *req, unsigned long start, unsigned long end)
{
	unsigned long at;

	start = max(start, req->low);
	end = min(end, req->high);
	if (end <= start || end - start < req->len)
		return NO_PLACE;
	at = start + ((req->align_offset - start) & req->align_mask);
	return at >= start && at < end && end - at >= req->len ? at : NO_PLACE;
}

static const struct vm_area_struct *leftmost(const struct vma_inner *node)
{
	while (!node->is_leaf)
		node = node->slot[0];
	return node->slot[0];
}

static unsigned long leaf_topdown(const struct vma_leaf *leaf, const struct gap_request *req)
{
	for (unsigned int i = leaf->nr - 1u; i > 0; i--) {
		unsigned long start = leaf->slot[i - 1]->vm_end, at;

		if (leaf->key[i] - start < req->len)
			continue;
		if (leaf->key[i] <= req->low)
			return NO_PLACE;
		at = fit_high(req, start, vma_gap_end(leaf->slot[i]));
		if (at != NO_PLACE)
			return at;
	}
	return NO_PLACE;
}

static unsigned long node_topdown(const void *node, const struct gap_request *req)
{
	const struct vma_inner *inner = node;
	unsigned long at;

	if (inner->is_leaf)
		return leaf_topdown(node, req);
	for (unsigned int i = inner->nr; i-- > 0;) {
		/* Sizes first: most children have no hole that is large enough. */
		if (inner->gap[i] >= req->len) {
			if (inner->hi[i] <= req->low)
				return NO_PLACE;
			at = inner->lo[i] < req->high ? node_topdown(inner->slot[i], req) : NO_PLACE;
			if (at != NO_PLACE)
				return at;
		}
		if (i > 0 && inner->lo[i] - inner->hi[i - 1] >= req->len) {
			if (inner->lo[i] <= req->low)
				return NO_PLACE;
			at = fit_high(req, inner->hi[i - 1], vma_gap_end(leftmost(inner->slot[i])));
			if (at != NO_PLACE)
				return at;
		}
	}
	return NO_PLACE;
}

static unsigned long leaf_bottomup(const struct vma_leaf *leaf, const struct gap_request *req)
{
	for (unsigned int i = 1; i < leaf->nr; i++) {
		unsigned long start = leaf->slot[i - 1]->vm_end, at;

		if (leaf->key[i] - start < req->len)
			continue;
		if (start >= req->high)
			return NO_PLACE;
		at = fit_low(req, start, vma_gap_end(leaf->slot[i]));
		if (at != NO_PLACE)
			return at;
	}
	return NO_PLACE;
}

static unsigned long node_bottomup(const void *node, const struct gap_request *req)
{
	const struct vma_inner *inner = node;

	if (inner->is_leaf)
		return leaf_bottomup(node, req);
	for (unsigned int i = 0; i < inner->nr; i++) {
		unsigned long at = NO_PLACE;

		if (i > 0 && inner->hi[i - 1] >= req->high)
			return NO_PLACE;
		if (i > 0 && inner->lo[i] - inner->hi[i - 1] >= req->len)
			at = fit_low(req, inner->hi[i - 1], vma_gap_end(leftmost(inner->slot[i])));
		if (at == NO_PLACE && inner->gap[i] >= req->len && inner->hi[i] > req->low)
			at = node_bottomup(inner->slot[i], req);
		if (at != NO_PLACE)
			return at;
	}
	return NO_PLACE;
}

/* First start and last end of the whole tree. */
static void tree_ends(const struct vma_tree *tree, const struct vm_area_struct **first, unsigned long *end)
{
	const struct vma_inner *node = tree->root;

	*first = leftmost(node);
	if (node->is_leaf)
		*end = ((const struct vma_leaf *)tree->root)->slot[node->nr - 1]->vm_end;
	else
		*end = node->hi[node->nr - 1];
}

unsigned long vma_tree_gap_topdown(const struct vma_tree *tree, const struct gap_request *req)
{
	const struct vm_area_struct *first;
	unsigned long end, at;

	if (!tree->root)
		return fit_high(req, 0, ~0ul);
	tree_ends(tree, &first, &end);
	at = fit_high(req, end, ~0ul);
	if (at == NO_PLACE)
		at = node_topdown(tree->root, req);
	if (at == NO_PLACE)
		at = fit_high(req, 0, vma_gap_end(first));
	return at;
}

unsigned long vma_tree_gap_bottomup(const struct vma_tree *tree, const struct gap_request *req)
{
	const struct vm_area_struct *first;
	unsigned long end, at;

	if (!tree->root)
		return fit_low(req, 0, ~0ul);
	tree_ends(tree, &first, &end);
	at = fit_low(req, 0, vma_gap_end(first));
	if (at == NO_PLACE)
		at = node_bottomup(tree->root, req);
	if (at == NO_PLACE)
		at = fit_low(req, end, ~0ul);
	return at;
}

static long check_leaf(const struct vma_leaf *leaf)
{
	for (unsigned int i = 0; i < leaf->nr; i++) {
		if (leaf->key[i] != leaf->slot[i]->vm_start || leaf->slot[i]->vm_end <= leaf->key[i])
			return -1;
		if (i > 0 && leaf->slot[i - 1]->vm_end > leaf->key[i])
			return -1;
	}
	return leaf->nr;
}

static long check_node(const void *node, unsigned int levels)
{
	const struct vma_inner *inner = node;
	long total = 0;

	if (inner->nr == 0 || inner->nr > VMA_TREE_FANOUT || inner->is_leaf != (levels == 1))
		return -1;
	if (inner->is_leaf)
		return check_leaf(node);
	for (unsigned int i = 0; i < inner->nr; i++) {
		struct node_summary sum;
		long below = check_node(inner->slot[i], levels - 1);

		if (below < 0)
			return -1;
		node_summarise(inner->slot[i], &sum);
		if (sum.lo != inner->lo[i] || sum.hi != inner->hi[i] || sum.gap != inner->gap[i])
			return -1;
		if (i > 0 && inner->hi[i - 1] > inner->lo[i])
			return -1;
		total += below;
	}
	return total;
}

long vma_tree_check(const struct vma_tree *tree)
{
	return tree->root ? check_node(tree->root, tree->depth) : 0;
}
