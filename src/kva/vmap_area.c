/* SPDX-License-Identifier: MIT */
/*
 * vmap_area.c - which kernel addresses are taken: a tree of areas by address in which each node knows the largest hole of
 * its subtree, so that the lowest hole that fits is found in one descent (as VMAs are placed in many systems).
 */
#include "arch/irq.h"
#include "base/math.h"
#include "kva/kva.h"
#include "pgtable/tlb.h"
#include "quire/slab.h"

static struct vmap_area *area_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct vmap_area, node);
}

static unsigned long max_gap_of(struct rb_node *node)
{
	return node ? area_of(node)->max_gap : 0;
}

static bool update_max_gap(struct rb_node *node)
{
	struct vmap_area *area = area_of(node);
	unsigned long best = max(area->gap, max(max_gap_of(node->rb_left), max_gap_of(node->rb_right)));

	if (area->max_gap == best)
		return false;
	area->max_gap = best;
	return true;
}

static const struct rb_augment area_augment = { .update = update_max_gap };

/* Lowest address with `bytes` free, or 0. kva->lock is held. */
static vaddr_t find_hole(struct kva_state *kva, unsigned long bytes)
{
	struct rb_node *node = kva->areas.rb_node;
	struct vmap_area *last;
	vaddr_t from;

	while (node && max_gap_of(node) >= bytes) {
		struct vmap_area *area = area_of(node);

		if (max_gap_of(node->rb_left) >= bytes)
			node = node->rb_left;
		else if (area->gap >= bytes)
			return area->start - area->gap;
		else
			node = node->rb_right;
	}
	last = area_of(rb_last(&kva->areas));
	from = last ? last->end : VMALLOC_START;
	return VMALLOC_END - from >= bytes ? from : 0;
}

static void insert_area(struct kva_state *kva, struct vmap_area *area)
{
	struct rb_node **link = &kva->areas.rb_node, *parent = NULL, *next;
	struct vmap_area *prev;

	while (*link) {
		parent = *link;
		link = area->start < area_of(parent)->start ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&area->node, parent, link);
	prev = area_of(rb_prev(&area->node));
	area->gap = area->start - (prev ? prev->end : VMALLOC_START);
	area->max_gap = area->gap;
	rb_insert_augmented(&area->node, &kva->areas, &area_augment);
	next = rb_next(&area->node);
	if (next) {
		area_of(next)->gap = area_of(next)->start - area->end;
		rb_augment_up(next, &area_augment);
	}
	kva->nr_areas++;
}

static void remove_area(struct kva_state *kva, struct vmap_area *area)
{
	struct rb_node *next = rb_next(&area->node);

	rb_erase_augmented(&area->node, &kva->areas, &area_augment);
	if (next) {
		area_of(next)->gap += area->end - area->start + area->gap;
		rb_augment_up(next, &area_augment);
	}
	kva->nr_areas--;
}

static bool place_area(struct kva_state *kva, struct vmap_area *area, unsigned long bytes)
{
	vaddr_t start;

	spin_lock(&kva->lock);
	start = find_hole(kva, bytes);
	if (start) {
		area->start = start;
		area->end = start + bytes;
		insert_area(kva, area);
	}
	spin_unlock(&kva->lock);
	return start != 0;
}

struct vmap_area *area_alloc(size_t bytes, unsigned int kind, void *caller)
{
	struct kva_state *kva = this_kva();
	struct vmap_area *area;

	bytes = PAGE_ALIGN(bytes) + PAGE_SIZE;
	if (bytes > VMALLOC_END - VMALLOC_START)
		return NULL;
	area = kmem_cache_alloc(kva->area_cache, GFP_KERNEL);
	if (!area)
		return NULL;
	*area = (struct vmap_area){ .kind = (u8)kind, .caller = caller };
	if (place_area(kva, area, bytes))
		return area;
	area_purge();
	if (place_area(kva, area, bytes))
		return area;
	kmem_cache_free(kva->area_cache, area);
	return NULL;
}

/* The area that covers addr. kva->lock is held. */
static struct vmap_area *area_at(struct kva_state *kva, vaddr_t addr)
{
	struct rb_node *node = kva->areas.rb_node;

	while (node) {
		struct vmap_area *area = area_of(node);

		if (addr >= area->start && addr < area->end)
			return area;
		node = addr < area->start ? node->rb_left : node->rb_right;
	}
	return NULL;
}

void area_publish(struct vmap_area *area)
{
	spin_lock(&this_kva()->lock);
	area->state = AREA_LIVE;
	spin_unlock(&this_kva()->lock);
}

struct vmap_area *area_take(vaddr_t addr)
{
	struct kva_state *kva = this_kva();
	struct vmap_area *area;

	spin_lock(&kva->lock);
	area = area_at(kva, addr);
	if (area && area_addr(area) == addr && area->state == AREA_LIVE)
		area->state = AREA_CHANGING;
	else
		area = NULL;
	spin_unlock(&kva->lock);
	return area;
}

size_t vmalloc_bytes(const void *addr)
{
	struct kva_state *kva = this_kva();
	const struct vmap_area *area;
	size_t bytes = 0;

	spin_lock(&kva->lock);
	area = area_at(kva, (vaddr_t)addr);
	if (area && area->state == AREA_LIVE)
		bytes = area_bytes(area);
	spin_unlock(&kva->lock);
	return bytes;
}

void area_free(struct vmap_area *area, bool mapped)
{
	struct kva_state *kva = this_kva();

	spin_lock(&kva->lock);
	if (mapped) {
		area->state = AREA_LAZY;
		list_add_tail(&area->lazy, &kva->lazy);
		WRITE_ONCE(kva->lazy_bytes, kva->lazy_bytes + (area->end - area->start));
	} else {
		remove_area(kva, area);
	}
	spin_unlock(&kva->lock);
	if (!mapped)
		kmem_cache_free(kva->area_cache, area);
}

/* purge_lock is held. */
static void purge_locked(struct kva_state *kva)
{
	struct vmap_area *area, *next;
	struct list_head list = LIST_HEAD_INIT(list);
	vaddr_t start = ~0ul, end = 0;

	spin_lock(&kva->lock);
	list_splice_init(&kva->lazy, &list);
	WRITE_ONCE(kva->lazy_bytes, 0);
	spin_unlock(&kva->lock);
	if (list_empty(&list))
		return;
	list_for_each_entry(area, &list, lazy) {
		start = min(start, area->start);
		end = max(end, area->end);
	}
	flush_tlb_kernel_range(start, end);
	spin_lock(&kva->lock);
	list_for_each_entry(area, &list, lazy)
		remove_area(kva, area);
	spin_unlock(&kva->lock);
	list_for_each_entry_safe(area, next, &list, lazy)
		kmem_cache_free(kva->area_cache, area);
}

void area_purge(void)
{
	struct kva_state *kva = this_kva();

	vfree_deferred();
	mutex_lock(&kva->purge_lock);
	purge_locked(kva);
	mutex_unlock(&kva->purge_lock);
}

void area_purge_if_due(void)
{
	struct kva_state *kva = this_kva();

	if (likely(READ_ONCE(kva->lazy_bytes) < kva->lazy_max) || !irqs_enabled() || !mutex_trylock(&kva->purge_lock))
		return;
	purge_locked(kva);
	mutex_unlock(&kva->purge_lock);
}
