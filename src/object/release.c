/* SPDX-License-Identifier: MIT */
/* release.c - the end of user and page cache pages; this room's beginning. */
#include "base/assert.h"
#include "object/lru.h"
#include "object/object.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "phys/page_alloc.h"
#include "phys/zone.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/stats.h"

static int lruvec_init(struct object_state *object)
{
	pg_data_t *pgdat;
	int nid;

	for_each_online_pgdat(pgdat, nid) {
		struct lruvec *vec = kzalloc(sizeof(*vec), GFP_KERNEL);

		if (!vec)
			return -ENOMEM;
		for (unsigned int i = 0; i < LRU_SHARDS; i++) {
			spin_lock_init(&vec->shard[i].lock, LOCK_LRU);
			for (unsigned int l = 0; l < NR_LRU_LISTS; l++) {
				vec->shard[i].list[l].first = PAGE_NO_PFN;
				vec->shard[i].list[l].last = PAGE_NO_PFN;
			}
		}
		object->lruvec[nid] = vec;
		pgdat->lruvec = vec;
	}
	return 0;
}

int object_init(void)
{
	struct object_state *object = kzalloc(sizeof(*object), GFP_KERNEL);

	if (!object)
		return -ENOMEM;
	this_quire()->object = object;
	object->anon_vma_cache = KMEM_CACHE(anon_vma, SLAB_TYPESAFE_BY_RCU);
	object->xa_cache = KMEM_CACHE(xa_node, SLAB_RECLAIM_ACCOUNT);
	object->zeros = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!object->anon_vma_cache || !object->xa_cache || !object->zeros || lruvec_init(object) != 0)
		return -ENOMEM;
	page_set_owner(object->zeros, PAGE_OWNER_ZERO);
	phys_set_lru_release(lru_release_pages);
	return 0;
}

void object_exit(void)
{
	struct object_state *object = this_object();

	if (!object)
		return;
	phys_set_lru_release(NULL);
	for (int nid = 0; nid < QUIRE_MAX_NODES; nid++)
		kfree(object->lruvec[nid]);
	if (object->zeros) {
		page_set_owner(object->zeros, PAGE_OWNER_KERNEL);
		put_page(object->zeros);
	}
	if (object->xa_cache)
		kmem_cache_destroy(object->xa_cache);
	if (object->anon_vma_cache)
		kmem_cache_destroy(object->anon_vma_cache);
	kfree(object);
	this_quire()->object = NULL;
}
