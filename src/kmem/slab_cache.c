/* SPDX-License-Identifier: MIT */
/*
 * slab_cache.c - life of a cache: its layout, its magazines, and the first cache, which is static.
 */
#include "kmem/slab_int.h"

#include "arch/page.h"
#include "base/assert.h"
#include "base/math.h"
#include "base/string.h"
#include "phys/memmap.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "quire/quire.h"
#include "sync/ctx.h"
#include "sync/report.h"

/* A slab may waste this part of itself at its end before a larger order is tried: 1/16, as small orders are always
 * there and large ones are not. */
#define SLAB_WASTE_PART 16

/* Magazine capacity by object size: about 8 KiB of objects per CPU and cache, between 4 and 64 objects. */
static unsigned int magazine_capacity(const struct kmem_cache *cache)
{
	unsigned int by_bytes = 8192 / cache->size;

	return min(max(by_bytes, 4u), 64u);
}

static unsigned int pick_order(unsigned int size)
{
	unsigned int order;

	for (order = 0; order < SLAB_MAX_ORDER; order++) {
		size_t bytes = PAGE_SIZE << order;

		if (bytes >= size && bytes % size <= bytes / SLAB_WASTE_PART)
			break;
	}
	return order;
}

static void place_objects(struct kmem_cache *cache, unsigned int align)
{
	unsigned int size = ALIGN(max(cache->object_size, (unsigned int)sizeof(u16)), 1u << SLAB_LINK_SHIFT);

	if (cache->flags & SLAB_HWCACHE_ALIGN) {
		unsigned int line = CACHE_LINE_BYTES;

		while (line / 2 >= cache->object_size && line > 8)
			line /= 2;
		align = max(align, line);
	}
	cache->align = max(align, 1u << SLAB_LINK_SHIFT);
	cache->left = 0;
	cache->link_offset = 0;
	/* The link may not lie in an object that keeps its content while it is free. */
	if (cache->ctor || cache->flags & (SLAB_TYPESAFE_BY_RCU | SLAB_POISON)) {
		cache->link_offset = size;
		size += 1u << SLAB_LINK_SHIFT;
	}
	cache->size = size;
	if (cache->flags & SLAB_DEBUG_FLAGS)
		slab_debug_layout(cache);
	cache->size = ALIGN(cache->size, cache->align);
}

/* kmem_cache_setup - fills a cache whose node array is in place. 0 or -EINVAL. */
int kmem_cache_setup(struct kmem_cache *cache, const char *name, unsigned int size, unsigned int align,
		     slab_flags_t flags, void (*ctor)(void *object))
{
	struct kmem_state *kmem = this_quire()->kmem;
	unsigned int nid;

	if (size == 0 || size > (PAGE_SIZE << SLAB_MAX_ORDER) || align & (align - 1) || align > PAGE_SIZE)
		return -EINVAL;
	strscpy(cache->name, name, sizeof(cache->name));
	cache->object_size = size;
	cache->flags = slab_debug_parse(this_quire()->boot ? this_quire()->boot->cmdline : NULL, name, flags);
	cache->ctor = ctor;
	cache->gfp = flags & SLAB_CACHE_DMA ? __GFP_DMA : 0;
	if (flags & SLAB_RECLAIM_ACCOUNT)
		cache->gfp |= __GFP_RECLAIMABLE;
	place_objects(cache, align);
	cache->min_order = order_of(cache->size, PAGE_SHIFT);
	cache->order = max(pick_order(cache->size), cache->min_order);
	if (this_quire()->port->random)
		this_quire()->port->random(&cache->secret, sizeof(cache->secret));
	cache->magazine = kmem->no_magazines;
	for (nid = 0; nid < kmem->nr_nodes; nid++)
		node_init(&cache->node[nid]);
	return 0;
}

struct kmem_cache_node *kmem_node_of(struct kmem_cache *cache, const struct slab *slab)
{
	return &cache->node[page_to_nid((const struct page *)slab)];
}

/* kmem_cache_give_magazines - from now on the cache has a fast path. A cache that checks its objects has none: every
 * one passes through its slab. 0 or -ENOMEM. */
int kmem_cache_give_magazines(struct kmem_cache *cache)
{
	unsigned int nr = this_quire()->nr_cpus, capacity = magazine_capacity(cache), cpu;
	size_t bytes = ALIGN(sizeof(struct kmem_magazine) + capacity * sizeof(void *), (size_t)CACHE_LINE_BYTES);
	struct kmem_magazine **magazines;
	char *memory;

	if (cache->flags & SLAB_DEBUG_FLAGS)
		return 0;
	magazines = kmalloc(nr * sizeof(*magazines), GFP_KERNEL);
	memory = kzalloc(nr * bytes, GFP_KERNEL);
	if (!magazines || !memory) {
		kfree(magazines);
		kfree(memory);
		return -ENOMEM;
	}
	for (cpu = 0; cpu < nr; cpu++) {
		magazines[cpu] = (struct kmem_magazine *)(memory + cpu * bytes);
		magazines[cpu]->capacity = (u16)capacity;
	}
	WRITE_ONCE(cache->magazine, magazines);
	return 0;
}

static void cache_free(struct kmem_cache *cache)
{
	struct kmem_state *kmem = this_quire()->kmem;

	if (cache->magazine != kmem->no_magazines) {
		kfree(cache->magazine[0]);
		kfree(cache->magazine);
	}
	kfree(cache->node);
	kmem_cache_free(&kmem->boot_cache, cache);
}

static struct kmem_cache *cache_make(const char *name, unsigned int size, unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *object))
{
	struct kmem_state *kmem = this_quire()->kmem;
	struct kmem_cache *cache = kmem_cache_zalloc(&kmem->boot_cache, GFP_KERNEL);

	if (!cache)
		return NULL;
	cache->magazine = kmem->no_magazines;
	cache->node = kcalloc(kmem->nr_nodes, sizeof(*cache->node), GFP_KERNEL);
	if (!cache->node || kmem_cache_setup(cache, name, size, align, flags, ctor) ||
	    kmem_cache_give_magazines(cache)) {
		cache_free(cache);
		return NULL;
	}
	spin_lock(&kmem->lock);
	list_add_tail(&cache->list, &kmem->caches);
	spin_unlock(&kmem->lock);
	return cache;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *object))
{
	struct kmem_cache *cache = cache_make(name, size, align, flags, ctor);

	if (!cache && flags & SLAB_PANIC)
		quire_panic("kmem_cache_create: no memory, or bad size or alignment, for cache \"%s\" (%u bytes)", name, size);
	return cache;
}

unsigned long kmem_cache_shrink(struct kmem_cache *cache)
{
	struct kmem_state *kmem = this_quire()->kmem;
	unsigned long pages = 0, flags;
	unsigned int nid;

	kmem_cache_flush(cache);
	for (nid = 0; nid < kmem->nr_nodes; nid++) {
		struct kmem_cache_node *node = &cache->node[nid];
		u32 pfn, next;

		spin_lock_irqsave(&node->lock, flags);
		for (pfn = node->partial_first; pfn != PAGE_NO_PFN; pfn = next) {
			struct slab *slab = page_slab(pfn_to_page(pfn));

			next = slab->link.next;
			if (slab->inuse)
				continue;
			pages += 1ul << compound_order(slab_page(slab));
			node_remove_empty(node, slab);
			slab_release(cache, slab);
		}
		spin_unlock_irqrestore(&node->lock, flags);
	}
	return pages;
}

static unsigned long cache_in_use(struct kmem_cache *cache)
{
	unsigned long used = 0;
	unsigned int nid;

	for (nid = 0; nid < this_quire()->kmem->nr_nodes; nid++)
		used += cache->node[nid].nr_objects - cache->node[nid].nr_free;
	return used;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	struct kmem_state *kmem = this_quire()->kmem;
	unsigned long used;

	if (!cache)
		return;
	kmem_cache_shrink(cache);
	used = cache_in_use(cache);
	if (used) {
		quire_log(QUIRE_LOG_ERR, "kmem_cache_destroy: %lu objects remain in cache \"%s\"; it stays", used, cache->name);
		slab_report_leaks(cache);
		return;
	}
	spin_lock(&kmem->lock);
	list_del(&cache->list);
	spin_unlock(&kmem->lock);
	/* Type-safe slabs on their way out still name the cache. */
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	cache_free(cache);
}

unsigned int kmem_cache_size(const struct kmem_cache *cache)
{
	return cache->object_size;
}

const char *kmem_cache_name(const struct kmem_cache *cache)
{
	return cache->name;
}
