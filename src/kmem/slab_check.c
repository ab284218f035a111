/* SPDX-License-Identifier: MIT */
/*
 * slab_check.c - the invariants [S1] to [S4] as code.
 */
#include "kmem/slab_int.h"

#include "phys/memmap.h"
#include "quire/port.h"
#include "sync/ctx.h"
#include "sync/report.h"

static unsigned int broken(const struct kmem_cache *cache, const char *invariant)
{
	quire_log(QUIRE_LOG_ERR, "kmem check: cache %s breaks %s", cache->name, invariant);
	return 1;
}

static unsigned int check_node(struct kmem_cache *cache, struct kmem_cache_node *node)
{
	unsigned long partial = 0, empty = 0, free = 0, flags;
	unsigned int bad = 0;
	u32 pfn, prev = PAGE_NO_PFN;

	spin_lock_irqsave(&node->lock, flags);
	for (pfn = node->partial_first; pfn != PAGE_NO_PFN; prev = pfn, pfn = page_slab(pfn_to_page(pfn))->link.next) {
		struct slab *slab = page_slab(pfn_to_page(pfn));

		if (!PageSlab(slab_page(slab)) || slab->cache != cache || slab->link.prev != prev)
			bad += broken(cache, "the partial list");
		if (slab->inuse > slab->fresh || slab->fresh > slab->objects)
			bad += broken(cache, "[S1]");
		if (slab->inuse == slab->objects)
			bad += broken(cache, "[S2]");
		partial++;
		empty += slab->inuse == 0;
		free += (unsigned long)(slab->objects - slab->inuse);
		if (bad)
			break;
	}
	if (!bad && (partial != node->nr_partial || empty != node->nr_empty || free != node->nr_free))
		bad += broken(cache, "[S3]");
	spin_unlock_irqrestore(&node->lock, flags);
	return bad;
}

/* kmem_check - number of broken invariants, each logged. Context: no lock of rank LOCK_SLAB_CACHES or higher held. */
unsigned int kmem_check(void)
{
	struct kmem_state *kmem = this_quire()->kmem;
	struct kmem_cache *cache;
	unsigned int bad = 0, i;

	if (!kmem)
		return 0;
	spin_lock(&kmem->lock);
	list_for_each_entry(cache, &kmem->caches, list) {
		for (i = 0; i < kmem->nr_nodes; i++)
			bad += check_node(cache, &cache->node[i]);
		for (i = 0; i < this_quire()->nr_cpus; i++)
			if (cache->magazine[i]->avail > cache->magazine[i]->capacity)
				bad += broken(cache, "[S4]");
	}
	spin_unlock(&kmem->lock);
	return bad;
}
