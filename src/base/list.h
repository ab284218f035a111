/* SPDX-License-Identifier: MIT */
/*
 * list.h - intrusive lists: a ring with a head (list_head), and a one-word head for hash buckets
 * (hlist).
 *
 *      head <-> a <-> b <-> c <-> head          the head is a node that no object contains
 *      first -> a -> b -> c -> NULL             each hlist node also points at the pointer to it
 *
 * [L1] In a ring, n->next->prev == n and n->prev->next == n for every n, the head included.
 * [L2] An empty ring is a head that points at itself both ways.
 * [L3] A node is on at most one list; list_del poisons its links, list_del_init makes it a ring of
 *      one.
 * [L4] In an hlist, *n->pprev == n.
 *
 * Lock: the caller's. Sleeps: never. Cost: O(1), walks and list_count O(n). Allocates: never.
 */
#ifndef QUIRE_BASE_LIST_H
#define QUIRE_BASE_LIST_H

#include "base/compiler.h"

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

/* Never mapped on any ISA that Quire knows, so that following a dead link faults. */
#define LIST_POISON_NEXT	((void *)0x100)
#define LIST_POISON_PREV	((void *)0x122)

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)
#define HLIST_HEAD_INIT		{ NULL }

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	head->prev = head;
}

static inline void __list_add(struct list_head *node, struct list_head *prev, struct list_head *next)
{
	next->prev = node;
	node->next = next;
	node->prev = prev;
	WRITE_ONCE(prev->next, node);
}

/* list_add - put `node` right after `head`: a stack. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	__list_add(node, head, head->next);
}

/* list_add_tail - put `node` right before `head`: a queue. */
static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	__list_add(node, head->prev, head);
}

static inline void __list_del(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}

static inline void list_del(struct list_head *node)
{
	__list_del(node->prev, node->next);
	node->next = LIST_POISON_NEXT;
	node->prev = LIST_POISON_PREV;
}

static inline void list_del_init(struct list_head *node)
{
	__list_del(node->prev, node->next);
	INIT_LIST_HEAD(node);
}

/* list_replace - `new_node` takes the place of `old`, whose links are left as they were. */
static inline void list_replace(struct list_head *old, struct list_head *new_node)
{
	new_node->next = old->next;
	new_node->next->prev = new_node;
	new_node->prev = old->prev;
	new_node->prev->next = new_node;
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	__list_del(node->prev, node->next);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	__list_del(node->prev, node->next);
	list_add_tail(node, head);
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline bool list_is_last(const struct list_head *node, const struct list_head *head)
{
	return node->next == head;
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node->prev == head;
}

static inline void __list_splice(const struct list_head *list, struct list_head *prev,
				 struct list_head *next)
{
	struct list_head *first = list->next, *last = list->prev;

	first->prev = prev;
	prev->next = first;
	last->next = next;
	next->prev = last;
}

/*
 * list_splice - all of `list` goes right after `head`; `list` itself must then be initialised
 * again.
 */
static inline void list_splice(const struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head, head->next);
}

static inline void list_splice_tail(const struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice(list, head->prev, head);
}

static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list)) {
		__list_splice(list, head, head->next);
		INIT_LIST_HEAD(list);
	}
}

static inline void list_splice_tail_init(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list)) {
		__list_splice(list, head->prev, head);
		INIT_LIST_HEAD(list);
	}
}

/*
 * list_cut_position - move the part of `head` up to and including `last` to the uninitialised
 * `list`.
 */
static inline void list_cut_position(struct list_head *list, struct list_head *head,
				     struct list_head *last)
{
	struct list_head *rest = last->next;

	if (list_empty(head) || last == head) {
		INIT_LIST_HEAD(list);
		return;
	}
	list->next = head->next;
	list->next->prev = list;
	list->prev = last;
	last->next = list;
	head->next = rest;
	rest->prev = head;
}

static inline unsigned long list_count(const struct list_head *head)
{
	unsigned long nr = 0;

	for (const struct list_head *n = head->next; n != head; n = n->next)
		nr++;
	return nr;
}

#define list_entry(ptr, type, member)		container_of(ptr, type, member)
#define list_first_entry(head, type, member)	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)	list_entry((head)->prev, type, member)
/* The link of an entry, or the head where a walk has come to its end: no entry is there then, nor need it be aligned as one. */
#define list_link_of(pos, member) \
	((struct list_head *)((uintptr_t)(pos) + offsetof(__typeof__(*(pos)), member)))
#define list_next_entry(pos, member)	list_entry(list_link_of(pos, member)->next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member)	list_entry(list_link_of(pos, member)->prev, __typeof__(*(pos)), member)

#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

#define list_for_each(pos, head) \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* The _safe forms allow the body to take `pos` (and only `pos`) off the list. */
#define list_for_each_safe(pos, n, head) \
	for ((pos) = (head)->next, (n) = (pos)->next; (pos) != (head); (pos) = (n), (n) = (pos)->next)

#define list_for_each_entry(pos, head, member)					\
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member);	\
	     list_link_of(pos, member) != (head); (pos) = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)				\
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member);		\
	     list_link_of(pos, member) != (head); (pos) = list_prev_entry(pos, member))

#define list_for_each_entry_safe(pos, n, head, member)				\
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member),	\
	     (n) = list_next_entry(pos, member);				\
	     list_link_of(pos, member) != (head); (pos) = (n), (n) = list_next_entry(n, member))

#define list_for_each_entry_safe_reverse(pos, n, head, member)			\
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member),		\
	     (n) = list_prev_entry(pos, member);				\
	     list_link_of(pos, member) != (head); (pos) = (n), (n) = list_prev_entry(n, member))

/* Goes on after `pos`, which stays where it is. */
#define list_for_each_entry_continue(pos, head, member)				\
	for ((pos) = list_next_entry(pos, member);				\
	     list_link_of(pos, member) != (head); (pos) = list_next_entry(pos, member))

static inline void INIT_HLIST_HEAD(struct hlist_head *head)
{
	head->first = NULL;
}

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	if (first)
		first->pprev = &node->next;
	node->pprev = &head->first;
	WRITE_ONCE(head->first, node);
}

static inline void __hlist_del(struct hlist_node *node)
{
	WRITE_ONCE(*node->pprev, node->next);
	if (node->next)
		node->next->pprev = node->pprev;
}

static inline void hlist_del(struct hlist_node *node)
{
	__hlist_del(node);
	node->next = LIST_POISON_NEXT;
	node->pprev = LIST_POISON_PREV;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	__hlist_del(node);
	INIT_HLIST_NODE(node);
}

#define hlist_entry(ptr, type, member)	container_of(ptr, type, member)

#define hlist_entry_safe(ptr, type, member) __extension__({	\
	struct hlist_node *__n = (ptr);				\
	__n ? hlist_entry(__n, type, member) : NULL; })

#define hlist_for_each_entry(pos, head, member)						\
	for ((pos) = hlist_entry_safe((head)->first, __typeof__(*(pos)), member); (pos);	\
	     (pos) = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))

/* `n` is a struct hlist_node pointer; the body may take `pos` off the list. */
#define hlist_for_each_entry_safe(pos, n, head, member)					\
	for ((pos) = hlist_entry_safe((head)->first, __typeof__(*(pos)), member);		\
	     (pos) && ((n) = (pos)->member.next, 1);					\
	     (pos) = hlist_entry_safe(n, __typeof__(*(pos)), member))

#endif
