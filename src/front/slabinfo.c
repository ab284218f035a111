/* SPDX-License-Identifier: MIT */
/*
 * slabinfo.c - /proc/slabinfo, version 2.1 of Linux's format.
 *
 * An object that waits in a CPU's magazine is free, although its slab counts it as in use; the figure is a snapshot.
 */
#include "kmem/slab_int.h"

#include "arch/page.h"
#include "base/format.h"
#include "base/string.h"
#include "front/text.h"
#include "quire/stats.h"
#include "sync/ctx.h"

struct cache_figures {
	char name[SLAB_NAME_BYTES];
	unsigned long active, objects, slabs, active_slabs;
	unsigned int size, per_slab, pages;
};

static void cache_figures(struct kmem_cache *cache, struct cache_figures *out)
{
	unsigned long free = 0;
	unsigned int i;

	*out = (struct cache_figures){ .size = cache->size, .pages = 1u << cache->order };
	memcpy(out->name, cache->name, sizeof(out->name));
	out->per_slab = (unsigned int)((PAGE_SIZE << cache->order) / cache->size);
	for (i = 0; i < this_quire()->kmem->nr_nodes; i++) {
		struct kmem_cache_node *node = &cache->node[i];
		unsigned long flags;

		spin_lock_irqsave(&node->lock, flags);
		out->objects += node->nr_objects;
		out->slabs += node->nr_slabs;
		out->active_slabs += node->nr_slabs - node->nr_empty;
		free += node->nr_free;
		spin_unlock_irqrestore(&node->lock, flags);
	}
	for (i = 0; i < this_quire()->nr_cpus; i++)
		free += READ_ONCE(cache->magazine[i]->avail);
	out->active = out->objects > free ? out->objects - free : 0;
}

/* The n-th cache's figures; false behind the last. */
static bool nth_figures(unsigned int n, struct cache_figures *out)
{
	struct kmem_state *kmem = this_quire()->kmem;
	struct kmem_cache *cache;
	bool found = false;

	spin_lock(&kmem->lock);
	list_for_each_entry(cache, &kmem->caches, list) {
		if (n-- == 0) {
			cache_figures(cache, out);
			found = true;
			break;
		}
	}
	spin_unlock(&kmem->lock);
	return found;
}

int quire_show_slabinfo(struct text_sink *sink)
{
	struct cache_figures f;
	unsigned int n;
	int err;

	err = text_puts(sink, "slabinfo - version: 2.1\n"
			      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
			      "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (n = 0; !err && nth_figures(n, &f); n++)
		err = text_printf(sink, "%-17s %6lu %6lu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6lu %6lu %6u\n",
				  f.name, f.active, f.objects, f.size, f.per_slab, f.pages, 0, 0, 0, f.active_slabs,
				  f.slabs, 0);
	return err;
}
