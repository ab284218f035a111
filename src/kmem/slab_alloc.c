/* SPDX-License-Identifier: MIT */
/*
 * slab_alloc.c - allocation: from this CPU's magazine, else half a magazine from the node, else a new slab.
 */
#include "kmem/slab_int.h"

#include "base/assert.h"
#include "base/string.h"
#include "phys/memmap.h"
#include "phys/phys_state.h"
#include "sync/lockrank.h"
#include "sync/ctx.h"
#include "sync/fail_nth.h"

/* Takes up to `nr` objects from the node's partial slabs. Context: node->lock is not held. */
static unsigned int node_take(struct kmem_cache *cache, struct kmem_cache_node *node, unsigned int nr, void **objects)
{
	unsigned int got = 0;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	while (got < nr && node->partial_first != PAGE_NO_PFN) {
		struct slab *slab = page_slab(pfn_to_page(node->partial_first));

		if (slab->inuse == 0)
			node->nr_empty--;
		while (got < nr && slab->inuse < slab->objects)
			objects[got++] = slab_take(cache, slab);
		if (slab->inuse == slab->objects)
			node_del_partial(node, slab);
	}
	node->nr_free -= got;
	spin_unlock_irqrestore(&node->lock, flags);
	return got;
}

/* Makes sure that the node of `nid` has a free object. False: out of memory. May sleep by gfp. */
static bool node_grow(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	struct slab *slab = slab_new(cache, gfp, nid);
	struct kmem_cache_node *node;
	unsigned long flags;

	if (!slab)
		return false;
	node = kmem_node_of(cache, slab);
	spin_lock_irqsave(&node->lock, flags);
	node->nr_slabs++;
	node->nr_empty++;
	node->nr_objects += slab->objects;
	node->nr_free += slab->objects;
	node_add_partial(node, slab);
	spin_unlock_irqrestore(&node->lock, flags);
	return true;
}

/* Half a magazine from the local node. The magazine must be this CPU's and not busy. */
static void magazine_refill(struct kmem_cache *cache, struct kmem_magazine *mag, struct kmem_cache_node *node)
{
	WRITE_ONCE(mag->busy, 1);
	barrier();
	mag->avail = (u16)node_take(cache, node, (mag->capacity + 1u) / 2, mag->objects);
	barrier();
	WRITE_ONCE(mag->busy, 0);
}

static int numa_node_id(void)
{
	return this_phys_cpu()->nid;
}

static __noinline void *kmem_cache_alloc_slow(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	int local = numa_node_id();

	if (nid == NUMA_NO_NODE)
		nid = local;
	for (;;) {
		struct kmem_cache_node *node = &cache->node[nid];
		struct kmem_magazine *mag;
		void *object = NULL;

		cpu_pin();
		mag = cache->magazine[this_cpu()];
		if (!mag->busy && nid == numa_node_id()) {
			magazine_refill(cache, mag, node);
			if (mag->avail)
				object = mag->objects[--mag->avail];
		} else if (!node_take(cache, node, 1, &object)) {
			object = NULL;
		}
		cpu_unpin();
		if (object)
			return object;
		if (!node_grow(cache, gfp, nid)) {
			if (nid == local || gfp & __GFP_THISNODE)
				return NULL;
			nid = local;
		}
	}
}

static __always_inline void *alloc_object(struct kmem_cache *cache, gfp_t gfp)
{
	struct kmem_magazine *mag;
	void *object;

	might_relieve(gfp);
	if (should_fail_alloc(QUIRE_FAIL_SLAB, gfp))
		return NULL;
	cpu_pin();
	mag = cache->magazine[this_cpu()];
	if (likely(!mag->busy && mag->avail)) {
		WRITE_ONCE(mag->busy, 1);
		barrier();
		object = mag->objects[--mag->avail];
		barrier();
		WRITE_ONCE(mag->busy, 0);
		cpu_unpin();
	} else {
		cpu_unpin();
		object = kmem_cache_alloc_slow(cache, gfp, NUMA_NO_NODE);
		if (unlikely(!object))
			return NULL;
	}
	return object;
}

static __always_inline void *finish_alloc(struct kmem_cache *cache, gfp_t gfp, void *object, unsigned long ip)
{
	if (unlikely(!object))
		return NULL;
	if (unlikely(cache->flags & SLAB_DEBUG_FLAGS))
		slab_debug_alloc(cache, object, ip);
	if (gfp & __GFP_ZERO)
		memset(object, 0, cache->object_size);
	return object;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return finish_alloc(cache, gfp, alloc_object(cache, gfp), (unsigned long)__builtin_return_address(0));
}

void *kmem_cache_alloc_from(struct kmem_cache *cache, gfp_t gfp, unsigned long ip)
{
	return finish_alloc(cache, gfp, alloc_object(cache, gfp), ip);
}

void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	return finish_alloc(cache, gfp | __GFP_ZERO, alloc_object(cache, gfp),
			    (unsigned long)__builtin_return_address(0));
}

void *kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	void *object;

	if (nid == NUMA_NO_NODE || nid == numa_node_id()) {
		object = alloc_object(cache, gfp);
	} else {
		might_relieve(gfp);
		object = kmem_cache_alloc_slow(cache, gfp, nid);
	}
	return finish_alloc(cache, gfp, object, (unsigned long)__builtin_return_address(0));
}

size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr, void **objects)
{
	size_t got = 0;

	while (got < nr) {
		objects[got] = finish_alloc(cache, gfp, alloc_object(cache, gfp),
					    (unsigned long)__builtin_return_address(0));
		if (!objects[got]) {
			kmem_cache_free_bulk(cache, got, objects);
			return 0;
		}
		got++;
	}
	return got;
}
