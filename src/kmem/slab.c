/* SPDX-License-Identifier: MIT */
/*
 * slab.c - slabs of pages: getting one from the buddy, taking objects out of it, putting them back.
 */
#include "kmem/slab_int.h"

#include "arch/page.h"
#include "base/assert.h"
#include "phys/memmap.h"
#include "quire/stats.h"
#include "sync/ctx.h"

static unsigned int slab_objects(const struct kmem_cache *cache, unsigned int order)
{
	return (unsigned int)((PAGE_SIZE << order) / cache->size);
}

static void slab_count(const struct kmem_cache *cache, const struct page *page, long pages)
{
	mod_node_page_state(page_to_nid(page), cache->flags & SLAB_RECLAIM_ACCOUNT ? NR_SLAB_RECLAIMABLE : NR_SLAB_UNRECLAIMABLE, pages);
}

/* slab_new - a slab from the buddy, on no list yet. A large one is tried for without effort: when memory is short the
 * smallest that holds an object will do. */
struct slab *slab_new(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	unsigned int order = cache->order;
	/* A slab is nobody's alone, and not dirty: what the object's user wants of its page is not meant for it. */
	gfp_t want = (gfp & ~(__GFP_ZERO | __GFP_COMP | __GFP_ACCOUNT | __GFP_WRITE)) | cache->gfp;
	gfp_t light = (want | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	struct page *page = NULL;
	struct slab *slab;

	if (order > cache->min_order)
		page = alloc_pages_node(nid, light | __GFP_COMP, order);
	if (!page) {
		order = cache->min_order;
		page = alloc_pages_node(nid, order ? want | __GFP_COMP : want, order);
	}
	if (!page)
		return NULL;

	page_set_owner(page, PAGE_OWNER_SLAB);
	slab = page_slab(page);
	slab->inuse = 0;
	slab->fresh = 0;
	slab->free_head = SLAB_NO_LINK;
	slab->objects = (u16)slab_objects(cache, order);
	slab->cache = cache;
	slab_count(cache, page, 1l << order);
	return slab;
}

/* slab_discard - an empty slab, on no list, back to the buddy. */
void slab_discard(struct kmem_cache *cache, struct slab *slab)
{
	struct page *page = slab_page(slab);
	unsigned int order = compound_order(page);

	slab_count(cache, page, -(1l << order));
	slab->cache = NULL;
	page_set_owner(page, PAGE_OWNER_KERNEL);
	__free_pages(page, order);
}

struct slab *slab_of(const void *object)
{
	return page_slab(compound_head(virt_to_page(object)));
}

static u16 *slab_link(struct kmem_cache *cache, void *object)
{
	return (u16 *)((char *)object + cache->link_offset);
}

/* slab_take - one object of a slab that has one: the last that came back, or the next that was never out. */
void *slab_take(struct kmem_cache *cache, struct slab *slab)
{
	char *base = page_address(slab_page(slab));
	void *object;

	if (slab->free_head != SLAB_NO_LINK) {
		object = base + ((size_t)slab->free_head << SLAB_LINK_SHIFT) + cache->left;
		slab->free_head = *slab_link(cache, object) ^ cache->secret;
		BUG_ON(slab->free_head != SLAB_NO_LINK &&
		       ((u32)slab->free_head << SLAB_LINK_SHIFT) / cache->size >= slab->objects);
	} else {
		QUIRE_ASSERT(slab->fresh < slab->objects);
		object = base + (size_t)slab->fresh++ * cache->size + cache->left;
		if (unlikely(cache->flags & SLAB_DEBUG_FLAGS))
			slab_debug_fresh(cache, object);
		if (cache->ctor)
			cache->ctor(object);
	}
	slab->inuse++;
	return object;
}

void slab_put(struct kmem_cache *cache, struct slab *slab, void *object)
{
	char *base = page_address(slab_page(slab));
	size_t place = (size_t)((char *)object - cache->left - base);

	QUIRE_ASSERT_MSG(slab->cache == cache, "an object is freed to another cache than its own");
	QUIRE_ASSERT_MSG(place % cache->size == 0 && place / cache->size < slab->fresh,
			 "a pointer into the middle of an object is freed");
	QUIRE_ASSERT_MSG(slab->inuse > 0, "an object is freed twice");
	*slab_link(cache, object) = slab->free_head ^ cache->secret;
	slab->free_head = (u16)(place >> SLAB_LINK_SHIFT);
	slab->inuse--;
}

/* ---- the partial list: slabs linked by page frame number; taken from the front, put to the back ---- */

void node_init(struct kmem_cache_node *node)
{
	*node = (struct kmem_cache_node){ .partial_first = PAGE_NO_PFN, .partial_last = PAGE_NO_PFN };
	spin_lock_init(&node->lock, LOCK_SLAB_NODE);
}

void node_add_partial(struct kmem_cache_node *node, struct slab *slab)
{
	u32 pfn = (u32)page_to_pfn(slab_page(slab));

	slab->link = (struct page_link){ .next = PAGE_NO_PFN, .prev = node->partial_last };
	if (node->partial_last != PAGE_NO_PFN)
		page_slab(pfn_to_page(node->partial_last))->link.next = pfn;
	else
		node->partial_first = pfn;
	node->partial_last = pfn;
	node->nr_partial++;
}

void node_del_partial(struct kmem_cache_node *node, struct slab *slab)
{
	if (slab->link.prev != PAGE_NO_PFN)
		page_slab(pfn_to_page(slab->link.prev))->link.next = slab->link.next;
	else
		node->partial_first = slab->link.next;
	if (slab->link.next != PAGE_NO_PFN)
		page_slab(pfn_to_page(slab->link.next))->link.prev = slab->link.prev;
	else
		node->partial_last = slab->link.prev;
	node->nr_partial--;
}

void node_remove_empty(struct kmem_cache_node *node, struct slab *slab)
{
	QUIRE_ASSERT(slab->inuse == 0);
	node_del_partial(node, slab);
	node->nr_empty--;
	node->nr_slabs--;
	node->nr_objects -= slab->objects;
	node->nr_free -= slab->objects;
}
