/* SPDX-License-Identifier: MIT */
/*
 * vma_tree_int.h - what changing, searching and checking the VMA tree share: paths and summaries.
 *
 * Lock: as vma_tree.h. Sleeps: never. Allocates: never.
 */
#ifndef VM_VMA_TREE_INT_H
#define VM_VMA_TREE_INT_H

#include "base/atomic.h"
#include "vm/vma.h"
#include "vm/vma_tree.h"

/* What a parent knows about a child. */
struct node_summary {
	unsigned long lo, hi, gap;
};

/*
 * Keys that readers load meanwhile: no tearing, no order. Slots are stored with release and loaded with acquire: a pointer
 * that is moved within a node leads to its VMA as well as one that comes in.
 */
#define node_load(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define node_store(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELAXED)

static inline bool node_is_leaf(const void *node)
{
	return ((const struct vma_leaf *)node)->is_leaf;
}

static inline unsigned int node_nr(const void *node)
{
	return ((const struct vma_leaf *)node)->nr;
}

/* Index of the last key at or below addr, or -1. Keys are read once each, so a changing node is harmless. */
static __always_inline int node_floor(const unsigned long *key, unsigned int nr, unsigned long addr)
{
	unsigned int first = 0;

	while (nr > 0) {
		unsigned int half = nr / 2;

		if (node_load(key[first + half]) <= addr) {
			first += half + 1;
			nr -= half + 1;
		} else {
			nr = half;
		}
	}
	return (int)first - 1;
}

/* The end of the hole before a VMA: a stack keeps its guard gap free. */
unsigned long vma_gap_end(const struct vm_area_struct *vma);

void node_summarise(const void *node, struct node_summary *sum);

#endif
