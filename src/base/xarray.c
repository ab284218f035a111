/* SPDX-License-Identifier: MIT */
/*
 * xarray.c - the radix tree: growing at the top, descending, marks on the way up.
 *
 * A pointer to a node is tagged with bit 1, so that head and slots can hold an entry or a node.
 * Stores publish with release; lookups load with acquire: a reader that finds a node finds it
 * filled in.
 */
#include "base/xarray.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/math.h"
#include "base/string.h"
#include "quire/errno.h"

#define NODE_TAG	2UL

static inline bool is_node(const void *p)
{
	return ((uintptr_t)p & 3) == NODE_TAG;
}

static inline struct xa_node *to_node(const void *p)
{
	return (struct xa_node *)((uintptr_t)p & ~NODE_TAG);
}

static inline void *tagged(struct xa_node *node)
{
	return (void *)((uintptr_t)node | NODE_TAG);
}

/* Acquire: pairs with the release in publish. */
static inline void *look(void *const *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static inline void publish(void **slot, void *what)
{
	__atomic_store_n(slot, what, __ATOMIC_RELEASE);
}

static inline unsigned int offset_of(const struct xa_node *node, unsigned long index)
{
	return (unsigned int)(index >> node->shift) & (XA_SLOTS - 1);
}

/* Indices within a node, counted from its first: all ones below the next level's offset. */
static inline unsigned long span_of(const struct xa_node *node)
{
	unsigned int bits = node->shift + XA_SHIFT;

	return bits >= (unsigned int)BITS_PER_LONG ? ~0UL : (1UL << bits) - 1;
}

/* Levels of nodes that an index needs; 0 for index 0. */
static unsigned int levels_of(unsigned long index)
{
	return (fls_long(index) + XA_SHIFT - 1) / XA_SHIFT;
}

static inline bool node_mark(const struct xa_node *node, unsigned int offset, xa_mark_t mark)
{
	return test_bit(offset, node->marks[mark]);
}

static bool node_any_mark(const struct xa_node *node, xa_mark_t mark)
{
	return !bitmap_empty(node->marks[mark], XA_SLOTS);
}

bool xa_marked(const struct xarray *xa, xa_mark_t mark)
{
	void *head = look(&xa->head);

	if (is_node(head))
		return node_any_mark(to_node(head), mark);
	return READ_ONCE(xa->head_marks) >> mark & 1;
}

unsigned int xa_nodes_for(unsigned long max)
{
	unsigned int levels = levels_of(max);

	/* A spine above what is there, and a path of its own below the top. */
	return levels ? 2 * levels - 1 : 0;
}

/* No index of the node's own levels and below reaches this far. */
static inline bool beyond(const struct xa_node *node, unsigned long index)
{
	return index >> node->shift >= XA_SLOTS;
}

/* The leaf slot of `index`, and its node in *leaf; NULL when there is no such leaf. */
static void **find_slot(const struct xarray *xa, unsigned long index, struct xa_node **leaf)
{
	void *at = look(&xa->head);
	struct xa_node *node;
	void **slot;

	if (!is_node(at) || beyond(to_node(at), index))
		return NULL;
	for (;;) {
		node = to_node(at);
		slot = &node->slots[offset_of(node, index)];
		if (!node->shift)
			break;
		at = look(slot);
		if (!at)
			return NULL;
	}
	*leaf = node;
	return slot;
}

void *xa_load(const struct xarray *xa, unsigned long index)
{
	void *at = look(&xa->head);
	const struct xa_node *node;
	unsigned int shift;

	if (!is_node(at))
		return index ? NULL : at;
	node = to_node(at);
	if (beyond(node, index))
		return NULL;
	for (;;) {
		shift = node->shift;
		at = look(&node->slots[index >> shift & (XA_SLOTS - 1)]);
		if (!shift || !at)
			return at;
		node = to_node(at);
	}
}

void *const *xa_slots(const struct xarray *xa, unsigned long start, unsigned int *nr)
{
	unsigned int left = XA_SLOTS - (unsigned int)(start & (XA_SLOTS - 1));
	struct xa_node *leaf;
	void *const *slot = find_slot(xa, start, &leaf);

	if (unlikely(!slot) && !start && !is_node(look(&xa->head))) {
		/* A lone entry stands in the head. */
		slot = &xa->head;
		left = 1;
	}
	*nr = min(*nr, left);
	return slot;
}

unsigned int xa_nodes_needed(const struct xarray *xa, unsigned long index)
{
	void *at = look(&xa->head);
	unsigned int levels = levels_of(index), have, needed = 0;

	if (!at)
		return levels;
	if (!is_node(at))
		return levels ? 2 * levels - 1 : 0;
	have = to_node(at)->shift / XA_SHIFT + 1;
	if (levels > have)
		return (levels - have) + (levels - 1);
	/* Down the path, until it ends. */
	for (;;) {
		struct xa_node *node = to_node(at);

		if (!node->shift)
			return 0;
		at = look(&node->slots[offset_of(node, index)]);
		if (!at) {
			needed = node->shift / XA_SHIFT;
			return needed;
		}
	}
}

static struct xa_node *new_node(struct xa_purse *purse, unsigned int shift, struct xa_node *parent,
				unsigned int offset)
{
	struct xa_node *node = xa_purse_take(purse);

	memset(node, 0, sizeof(*node));
	node->shift = (uint8_t)shift;
	node->parent = parent;
	node->offset = (uint8_t)offset;
	return node;
}

/* One level more on top; what was head becomes the first slot, with its marks. */
static void grow(struct xarray *xa, struct xa_purse *purse)
{
	void *below = xa->head;
	struct xa_node *child = is_node(below) ? to_node(below) : NULL;
	struct xa_node *top = new_node(purse, child ? child->shift + XA_SHIFT : 0, NULL, 0);

	for (unsigned int mark = 0; mark < XA_NR_MARKS; mark++)
		if (xa_marked(xa, (xa_mark_t)mark))
			__set_bit(0, top->marks[mark]);
	top->slots[0] = below;
	top->count = 1;
	if (child)
		child->parent = top;
	publish(&xa->head, tagged(top));
	xa->head_marks = 0;
}

/*
 * Makes all nodes on the way to `index`; the purse has enough. The leaf, NULL when head itself is
 * the slot.
 */
static struct xa_node *make_path(struct xarray *xa, unsigned long index, struct xa_purse *purse)
{
	struct xa_node *node;
	unsigned int levels = levels_of(index);

	if (!xa->head) {
		if (!levels)
			return NULL;
		node = new_node(purse, (levels - 1) * XA_SHIFT, NULL, 0);
		publish(&xa->head, tagged(node));
	}
	if (!is_node(xa->head)) {
		if (!levels)
			return NULL;
		grow(xa, purse);
	}
	while (index > span_of(to_node(xa->head)))
		grow(xa, purse);
	for (node = to_node(xa->head); node->shift; ) {
		unsigned int offset = offset_of(node, index);

		if (!node->slots[offset]) {
			struct xa_node *child = new_node(purse, node->shift - XA_SHIFT, node, offset);

			node->count++;
			publish(&node->slots[offset], tagged(child));
		}
		node = to_node(node->slots[offset]);
	}
	return node;
}

int xa_store(struct xarray *xa, unsigned long index, void *entry, struct xa_purse *purse, void **old)
{
	struct xa_node *leaf;
	void **slot;

	QUIRE_ASSERT(entry && !is_node(entry));
	if ((purse ? purse->nr : 0) < xa_nodes_needed(xa, index))
		return -ENOMEM;
	leaf = make_path(xa, index, purse);
	slot = leaf ? &leaf->slots[offset_of(leaf, index)] : &xa->head;
	if (old)
		*old = *slot;
	if (leaf && !*slot)
		leaf->count++;
	publish(slot, entry);
	return 0;
}

int xa_insert(struct xarray *xa, unsigned long index, void *entry, struct xa_purse *purse)
{
	if (xa_load(xa, index))
		return -EBUSY;
	return xa_store(xa, index, entry, purse, NULL);
}

void *xa_replace(struct xarray *xa, unsigned long index, void *entry)
{
	struct xa_node *leaf;
	void **slot, *old;

	QUIRE_ASSERT(entry && !is_node(entry));
	slot = find_slot(xa, index, &leaf);
	if (!slot && !index && !is_node(xa->head))
		slot = &xa->head;
	old = slot ? *slot : NULL;
	if (old)
		publish(slot, entry);
	return old;
}

/* [Y2] upwards from a slot that has just lost its mark, or been emptied. */
static void clear_mark_up(struct xa_node *node, unsigned int offset, xa_mark_t mark)
{
	while (node && node_mark(node, offset, mark)) {
		clear_bit(offset, node->marks[mark]);
		if (node_any_mark(node, mark))
			return;
		offset = node->offset;
		node = node->parent;
	}
}

/* [Y3]: a top node with nothing but its first slot is one level too many. */
static void shrink(struct xarray *xa)
{
	while (is_node(xa->head)) {
		struct xa_node *top = to_node(xa->head);
		void *first = top->slots[0];

		if (top->count != 1 || !first)
			return;
		if (is_node(first))
			to_node(first)->parent = NULL;
		else
			for (unsigned int mark = 0; mark < XA_NR_MARKS; mark++)
				if (node_mark(top, 0, (xa_mark_t)mark))
					xa->head_marks |= (uint8_t)(1U << mark);
		publish(&xa->head, first);
		xa->free_node(top);
	}
}

/* [Y1]: takes out `node` if it is empty, and its parents if that empties them. */
static void prune(struct xarray *xa, struct xa_node *node)
{
	while (node && !node->count) {
		struct xa_node *parent = node->parent;

		if (parent) {
			publish(&parent->slots[node->offset], NULL);
			parent->count--;
		} else {
			publish(&xa->head, NULL);
		}
		xa->free_node(node);
		node = parent;
	}
	shrink(xa);
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	struct xa_node *leaf = NULL;
	void **slot = find_slot(xa, index, &leaf), *old;

	if (!slot) {
		if (index || is_node(xa->head))
			return NULL;
		old = xa->head;
		publish(&xa->head, NULL);
		xa->head_marks = 0;
		return old;
	}
	old = *slot;
	if (!old)
		return NULL;
	for (unsigned int mark = 0; mark < XA_NR_MARKS; mark++)
		clear_mark_up(leaf, offset_of(leaf, index), (xa_mark_t)mark);
	publish(slot, NULL);
	leaf->count--;
	prune(xa, leaf);
	return old;
}

void xa_erase_row(struct xarray *xa, unsigned long first, unsigned int nr)
{
	struct xa_node *leaf = NULL;
	void **slot = find_slot(xa, first, &leaf);

	if (!slot) {
		if (nr)
			xa_erase(xa, first);
		return;
	}
	QUIRE_ASSERT(offset_of(leaf, first) + nr <= XA_SLOTS);
	for (unsigned int mark = 0; mark < XA_NR_MARKS; mark++)
		for (unsigned int i = 0; i < nr && node_any_mark(leaf, (xa_mark_t)mark); i++)
			clear_mark_up(leaf, offset_of(leaf, first) + i, (xa_mark_t)mark);
	for (unsigned int i = 0; i < nr; i++) {
		leaf->count -= slot[i] != NULL;
		publish(&slot[i], NULL);
	}
	prune(xa, leaf);
}

unsigned long xa_erase_range(struct xarray *xa, unsigned long first, unsigned long last,
			     void (*gone)(void *entry, unsigned long index, void *data), void *data)
{
	unsigned long index = first, nr = 0;
	void *entry;

	for (entry = xa_find(xa, &index, last, XA_PRESENT); entry;
	     entry = xa_find_after(xa, &index, last, XA_PRESENT), nr++) {
		xa_erase(xa, index);
		if (gone)
			gone(entry, index, data);
	}
	return nr;
}

void xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	struct xa_node *node;
	void **slot = find_slot(xa, index, &node);
	unsigned int offset;

	if (!slot) {
		if (!index && xa->head && !is_node(xa->head))
			WRITE_ONCE(xa->head_marks, (uint8_t)(xa->head_marks | 1U << mark));
		return;
	}
	if (!*slot)
		return;
	offset = offset_of(node, index);
	while (node && !node_mark(node, offset, mark)) {
		set_bit(offset, node->marks[mark]);
		offset = node->offset;
		node = node->parent;
	}
}

void xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	struct xa_node *node;
	void **slot = find_slot(xa, index, &node);

	if (slot)
		clear_mark_up(node, offset_of(node, index), mark);
	else if (!index && !is_node(xa->head))
		WRITE_ONCE(xa->head_marks, (uint8_t)(xa->head_marks & ~(1U << mark)));
}

bool xa_get_mark(const struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	struct xa_node *node;

	if (find_slot(xa, index, &node))
		return node_mark(node, offset_of(node, index), mark);
	return !index && !is_node(look(&xa->head)) && (READ_ONCE(xa->head_marks) >> mark & 1);
}

/* The first offset at or after `from` that passes the filter; XA_SLOTS for none. */
static unsigned int next_offset(const struct xa_node *node, unsigned int from, xa_mark_t filter)
{
	if (filter != XA_PRESENT)
		return (unsigned int)find_next_bit(node->marks[filter], XA_SLOTS, from);
	while (from < XA_SLOTS && !__atomic_load_n(&node->slots[from], __ATOMIC_RELAXED))
		from++;
	return from;
}

/*
 * One descent towards the first match at or after *index. The entry, or NULL with *index at the
 * first index not yet ruled out; NULL with *index == 0 when there is nothing more.
 */
static void *descend(struct xa_node *node, unsigned long *index, unsigned long max, xa_mark_t filter)
{
	for (;;) {
		unsigned int offset = offset_of(node, *index);
		unsigned int found = next_offset(node, offset, filter);
		void *at;

		if (found == XA_SLOTS) {
			*index = (*index | span_of(node)) + 1;
			return NULL;
		}
		if (found != offset)
			*index = (*index & ~span_of(node)) | (unsigned long)found << node->shift;
		if (*index > max) {
			*index = 0;
			return NULL;
		}
		at = look(&node->slots[found]);
		if (!node->shift) {
			/* Emptied since next_offset looked: on to the next one. */
			if (!at)
				++*index;
			return at;
		}
		if (!at) {
			*index = (*index | ((1UL << node->shift) - 1)) + 1;
			return NULL;
		}
		node = to_node(at);
	}
}

void *xa_find(const struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter)
{
	unsigned long at = *index;
	void *entry = NULL;

	do {
		void *head = look(&xa->head);

		if (!is_node(head)) {
			if (at || !head)
				return NULL;
			if (filter != XA_PRESENT && !(READ_ONCE(xa->head_marks) >> filter & 1))
				return NULL;
			return head;
		}
		if (at > max || at > span_of(to_node(head)))
			return NULL;
		entry = descend(to_node(head), &at, max, filter);
	} while (!entry && at);
	if (entry)
		*index = at;
	return entry;
}

unsigned int xa_extract(const struct xarray *xa, void **entries, unsigned long *indices,
			unsigned long start, unsigned long max, unsigned int nr, xa_mark_t filter)
{
	unsigned long index = start;
	unsigned int got = 0;
	void *entry;

	if (!nr)
		return 0;
	for (entry = xa_find(xa, &index, max, filter); entry;
	     entry = xa_find_after(xa, &index, max, filter)) {
		if (indices)
			indices[got] = index;
		entries[got++] = entry;
		if (got == nr)
			break;
	}
	return got;
}

unsigned long xa_next_hole(const struct xarray *xa, unsigned long index, unsigned long max)
{
	while (index <= max && xa_load(xa, index)) {
		if (index == max)
			return max + 1;
		index++;
	}
	return index;
}
