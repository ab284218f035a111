/* SPDX-License-Identifier: MIT */
/*
 * vma_tree.h - the VMAs of one address space in order: a B+tree that faults read without a lock.
 *
 *	            [ 0x400000 | 0x7f0000.. ]            inner: for each child its first start, its last
 *	             /                    \              end and the largest gap between VMAs inside it
 *	  [ A | B | C ]              [ D | E ]           leaf: start of each VMA, pointer to the VMA
 *
 * The literature's choice for lock-free look-up is a persistent tree: every change copies the path to the root. Here nothing is
 * copied. A reader may see a node while it is being changed, and then at worst it misses a VMA that is there, or is
 * handed one that no longer covers the address. Both are harmless, because a reader must lock the VMA it was given and
 * check its range anyway, and takes the mmap lock when it found none. So a change costs a few stores in one leaf.
 *
 * [T1] Keys rise strictly; VMAs do not overlap; a leaf's key is its VMA's vm_start.
 * [T2] In an inner node lo, hi and gap are exact for each child (for writers; readers use lo as a hint).
 * [T3] Slots below nr always point to a node or VMA that is alive or was so when the reader's RCU section began.
 * [T4] A node is a leaf or not for its whole life; no node but the root is empty.
 *
 * Lock: mmap_lock to write for changes and gap searches, to read for vma_tree_find; RCU for vma_tree_lookup_rcu.
 * Sleeps: insert, to allocate. Cost: O(log n). Fails: insert with -ENOMEM, before anything is changed.
 */
#ifndef VM_VMA_TREE_H
#define VM_VMA_TREE_H

#include "base/compiler.h"
#include "quire/types.h"
#include "sync/rcu.h"

/* Entries of a node: a leaf is then 256 bytes on 64-bit, four cache lines. */
#define VMA_TREE_FANOUT 15
/* Each node but the root has a quarter of the fan-out or more children, so 3^12 VMAs; max_map_count is far below. */
#define VMA_TREE_MAX_DEPTH 12

struct vma_leaf {
	u16 nr;                                             /* (M), RCU: release after the slots */
	u8 is_leaf;                                         /* (c) */
	union {
		unsigned long key[VMA_TREE_FANOUT];         /* (M), RCU as hints */
		struct rcu_head rcu;                        /* once unlinked: readers may find odd keys, see [T3] */
	};
	struct vm_area_struct *slot[VMA_TREE_FANOUT];       /* (M), RCU */
};

struct vma_inner {
	u16 nr;
	u8 is_leaf;
	union {
		unsigned long lo[VMA_TREE_FANOUT];
		struct rcu_head rcu;
	};
	void *slot[VMA_TREE_FANOUT];
	unsigned long hi[VMA_TREE_FANOUT];                  /* (M) */
	unsigned long gap[VMA_TREE_FANOUT];                 /* (M) */
};
static_assert(offsetof(struct vma_leaf, slot) == offsetof(struct vma_inner, slot) &&
		      offsetof(struct vma_leaf, key) == offsetof(struct vma_inner, lo),
	      "descent reads keys and slots of both kinds alike");

struct vma_tree {
	void *root;              /* (M), RCU */
	unsigned int depth;      /* (M) levels: 0 empty, 1 the root is a leaf */
	/* (M) no other context looks up in this tree now: nodes need no grace period. Set by the mm at each write lock. */
	bool alone;
};

/* A range of addresses to search for a hole. */
struct gap_request {
	unsigned long len;        /* bytes, whole pages */
	unsigned long low, high;  /* the hole lies in [low, high) */
	unsigned long align_mask; /* the result & mask == align_offset & mask */
	unsigned long align_offset;
};

void vma_tree_init(struct vma_tree *tree);
/* Frees the nodes, not the VMAs. Nobody reads any more. */
void vma_tree_destroy(struct vma_tree *tree);

/* The first VMA that ends above addr, or NULL. */
struct vm_area_struct *vma_tree_find(const struct vma_tree *tree, unsigned long addr);
/* The last VMA that starts at or below addr, or NULL. */
struct vm_area_struct *vma_tree_floor(const struct vma_tree *tree, unsigned long addr);
/* A VMA that probably covers addr, or NULL: see the chapter. Context: RCU read section, no lock. */
struct vm_area_struct *vma_tree_lookup_rcu(const struct vma_tree *tree, unsigned long addr);

/* 0 or -ENOMEM (tree unchanged). The range [vm_start, vm_end) is free. */
int vma_tree_insert(struct vma_tree *tree, struct vm_area_struct *vma);
/* The same for a VMA behind all others, as fork adds them: without a search. */
int vma_tree_append(struct vma_tree *tree, struct vm_area_struct *vma);
void vma_tree_erase(struct vma_tree *tree, struct vm_area_struct *vma);
/* Changes vm_start and vm_end of a VMA in the tree, without passing a neighbour. */
void vma_tree_set_range(struct vma_tree *tree, struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* Puts `new` where `old` of the same range is. */
void vma_tree_replace(struct vma_tree *tree, struct vm_area_struct *old, struct vm_area_struct *new);

/* The highest or the lowest place for the request, or -ENOMEM (as an address). */
unsigned long vma_tree_gap_topdown(const struct vma_tree *tree, const struct gap_request *req);
unsigned long vma_tree_gap_bottomup(const struct vma_tree *tree, const struct gap_request *req);

/* Checks [T1], [T2], [T4]. Returns the number of VMAs, or -1 when one is broken. */
long vma_tree_check(const struct vma_tree *tree);

#endif
