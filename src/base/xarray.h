/* SPDX-License-Identifier: MIT */
/*
 * xarray.h - from an index to a pointer or a small value, with three marks that can be searched
 * for.
 *
 *      head -> node(shift 6) -> slots[64] -> node(shift 0) -> slots[64] -> entries     index 0 .. 4095
 *      head -> entry                                                                   only index 0
 *
 *      index of an entry = offset in the top node : ... : offset in the leaf, 6 bits each
 *
 * An entry is a pointer to something aligned to 4 bytes, or xa_mk_value(v) with v <= LONG_MAX.
 *
 * [Y1] A node's count is the number of its slots in use, and no node is empty.
 * [Y2] A mark of an inner slot is set exactly when some entry below it has the mark.
 * [Y3] The top node is as low as the highest index allows; a lone entry at index 0 needs no node.
 * [Y4] A node that is taken out is handed to free_node, which lets a grace period pass before the
 *      memory is used again: lookups without the lock follow pointers into nodes that are valid,
 *      if maybe old.
 * [Y5] A store never allocates: it draws from the caller's purse, and with too few nodes there it
 *      declines and changes nothing. xa_nodes_for(highest index) nodes are always enough.
 *
 * Lock: the caller's for every change; xa_load, xa_find and the marks' readers need only an RCU
 * read section. Sleeps: never. Cost: O(levels); 3 levels reach 1 GiB of pages. Allocates: never.
 */
#ifndef QUIRE_BASE_XARRAY_H
#define QUIRE_BASE_XARRAY_H

#include "base/atomic.h"
#include "base/bitmap.h"

#define XA_SHIFT	6
#define XA_SLOTS	(1U << XA_SHIFT)
/* Levels that an index of all bits needs. */
#define XA_MAX_LEVELS	((unsigned int)(sizeof(long) * 8 + XA_SHIFT - 1) / XA_SHIFT)

typedef enum {
	XA_MARK_0,
	XA_MARK_1,
	XA_MARK_2,
	XA_NR_MARKS,
	XA_PRESENT = 8,	/* as a filter: any entry */
} xa_mark_t;

struct xa_node {
	uint8_t shift;	/* bits of the index below this node's offset; 0 in a leaf */
	uint8_t offset;	/* in its parent */
	uint8_t count;	/* slots in use */
	struct xa_node *parent;
	void *link[2];	/* for purses, and for whoever defers the freeing (an rcu_head fits) */
	unsigned long marks[XA_NR_MARKS][BITS_TO_LONGS(XA_SLOTS)];
	void *slots[XA_SLOTS];
};

struct xarray {
	void *head;	/* NULL, an entry, or a tagged node */
	uint8_t head_marks;	/* of the entry that stands in head; bit n = mark n */
	void (*free_node)(struct xa_node *node);
};

/* Nodes that the caller has set aside before it took the lock. */
struct xa_purse {
	struct xa_node *first;
	unsigned int nr;
};

#define XARRAY_INIT(free_node_)	{ NULL, 0, free_node_ }
#define XA_PURSE_INIT		{ NULL, 0 }

/* free_node is called with the caller's lock held, after the node was unlinked ([Y4]). */
static inline void xa_init(struct xarray *xa, void (*free_node)(struct xa_node *node))
{
	xa->head = NULL;
	xa->head_marks = 0;
	xa->free_node = free_node;
}

static inline void *xa_mk_value(unsigned long v)
{
	return (void *)((v << 1) | 1);
}

static inline bool xa_is_value(const void *entry)
{
	return (uintptr_t)entry & 1;
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (uintptr_t)entry >> 1;
}

static inline bool xa_empty(const struct xarray *xa)
{
	return !__atomic_load_n(&xa->head, __ATOMIC_RELAXED);
}

/* Some entry has this mark. */
bool xa_marked(const struct xarray *xa, xa_mark_t mark);

static inline void xa_purse_put(struct xa_purse *purse, struct xa_node *node)
{
	node->link[0] = purse->first;
	purse->first = node;
	purse->nr++;
}

/* NULL when it is empty. */
static inline struct xa_node *xa_purse_take(struct xa_purse *purse)
{
	struct xa_node *node = purse->first;

	if (node) {
		purse->first = node->link[0];
		purse->nr--;
	}
	return node;
}

/*
 * Nodes that a store may need at worst in an array whose indices, the new one included, end at
 * `max`.
 */
unsigned int xa_nodes_for(unsigned long max);
/* Nodes that a store at `index` needs right now. Under the lock, or as a hint. */
unsigned int xa_nodes_needed(const struct xarray *xa, unsigned long index);

/* The entry at `index`, NULL for none. */
void *xa_load(const struct xarray *xa, unsigned long index);

/*
 * xa_slots - the slots of start, start + 1 ..., *nr of them at most, as many as lie in start's leaf node: *nr says how many.
 * NULL, with *nr as many indices that have no entry. Read them by xa_slot; nodes are freed after a grace period.
 */
void *const *xa_slots(const struct xarray *xa, unsigned long start, unsigned int *nr);

/* The entry in a slot, NULL for none. Acquire: pairs with the release of the store. */
static inline void *xa_slot(void *const *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

/*
 * xa_store - put `entry` (not NULL) at `index`; *old (may be NULL) gets what was there, whose marks
 * stay. 0, or -ENOMEM when the purse holds fewer than xa_nodes_needed(), with nothing changed.
 */
int __must_check xa_store(struct xarray *xa, unsigned long index, void *entry, struct xa_purse *purse,
			  void **old);
/* xa_insert - the same, but -EBUSY when something is there. */
int __must_check xa_insert(struct xarray *xa, unsigned long index, void *entry, struct xa_purse *purse);
/*
 * xa_replace - put `entry` where an entry is; the marks stay. What was there, NULL (nothing done)
 * for none.
 */
void *xa_replace(struct xarray *xa, unsigned long index, void *entry);
/* Takes out the entry and its marks; what was there. */
void *xa_erase(struct xarray *xa, unsigned long index);
/* Takes out what there is of [first, first + nr), with its marks; the indices are of one leaf, as those that xa_slots gives. */
void xa_erase_row(struct xarray *xa, unsigned long first, unsigned int nr);
/* Takes out all of [first, last], telling `gone` (may be NULL) about each in order. How many. */
unsigned long xa_erase_range(struct xarray *xa, unsigned long first, unsigned long last,
			     void (*gone)(void *entry, unsigned long index, void *data), void *data);

/* Marks belong to entries: setting one where there is none does nothing. */
void xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
void xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
bool xa_get_mark(const struct xarray *xa, unsigned long index, xa_mark_t mark);

/*
 * The first entry in [*index, max] with `filter` (a mark or XA_PRESENT); *index is where. NULL:
 * none.
 */
void *xa_find(const struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter);

/* xa_find, beginning one after *index. */
static inline void *xa_find_after(const struct xarray *xa, unsigned long *index, unsigned long max,
				  xa_mark_t filter)
{
	if (*index >= max)
		return NULL;
	++*index;
	return xa_find(xa, index, max, filter);
}

/*
 * Up to `nr` entries of [start, max] with `filter`, in order, into entries[]; indices[] may be
 * NULL.
 */
unsigned int xa_extract(const struct xarray *xa, void **entries, unsigned long *indices,
			unsigned long start, unsigned long max, unsigned int nr, xa_mark_t filter);

/* The first index in [index, max] that has no entry; max + 1 when all have. */
unsigned long xa_next_hole(const struct xarray *xa, unsigned long index, unsigned long max);

#define xa_for_each_range(xa, index, entry, start, last)				\
	for ((index) = (start), (entry) = xa_find(xa, &(index), last, XA_PRESENT); (entry);	\
	     (entry) = xa_find_after(xa, &(index), last, XA_PRESENT))

#define xa_for_each(xa, index, entry)	xa_for_each_range(xa, index, entry, 0, ~0UL)

#define xa_for_each_marked(xa, index, entry, mark)				\
	for ((index) = 0, (entry) = xa_find(xa, &(index), ~0UL, mark); (entry);	\
	     (entry) = xa_find_after(xa, &(index), ~0UL, mark))

#endif
