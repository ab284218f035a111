/* SPDX-License-Identifier: MIT */
/* rmap.c - areas in the reverse maps, and the counts of mappings. */
#include "object/rmap.h"

#include "base/assert.h"
#include "object/lru.h"
#include "object/object.h"
#include "quire/slab.h"
#include "quire/stats.h"
#include "sync/rcu.h"

struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *anon = kmem_cache_alloc(this_object()->anon_vma_cache, GFP_KERNEL);

	if (!anon)
		return NULL;
	init_rwsem(&anon->lock, LOCK_ANON_VMA);
	anon->areas = RB_ROOT;
	/* Release: whoever still looks at the family that was here before sees this one whole (page_get_anon_vma). */
	atomic_store_explicit(&anon->refs, 1, memory_order_release);
	return anon;
}

struct anon_vma *page_get_anon_vma(struct page *page)
{
	struct anon_vma *anon;
	int refs;

	rcu_read_lock();
	anon = page_anon_vma(page);
	/* The family of a page that is mapped lives [A2]; where one was, there is none or another one until readers are gone. */
	if (!PageAnon(page) || page_mapcount(page) == 0)
		goto none;
	refs = atomic_load_explicit(&anon->refs, memory_order_relaxed);
	do {
		if (!refs)
			goto none;
	} while (!atomic_compare_exchange_weak_explicit(&anon->refs, &refs, refs + 1, memory_order_seq_cst,
							memory_order_relaxed));
	/* Still mapped after the reference was taken: it is the page's. */
	smp_mb();
	if (page_mapcount(page) == 0) {
		rcu_read_unlock();
		anon_vma_put(anon);
		return NULL;
	}
	rcu_read_unlock();
	return anon;
none:
	rcu_read_unlock();
	return NULL;
}

void anon_vma_put(struct anon_vma *anon)
{
	/* Release and acquire: the last owner sees the tree empty. */
	if (atomic_fetch_sub_explicit(&anon->refs, 1, memory_order_acq_rel) != 1)
		return;
	QUIRE_ASSERT(rb_root_empty(&anon->areas));
	kmem_cache_free(this_object()->anon_vma_cache, anon);
}

static void node_set(struct interval_node *node, const struct rmap_area *area)
{
	node->start = area->pgoff;
	node->last = area->pgoff + area->nr - 1;
}

/* A remapped area may show any page of the file: every look-up finds it. */
static void file_node_set(struct rmap_area *area)
{
	node_set(&area->file_node, area);
	if (unlikely(area->flags & RMAP_NONLINEAR)) {
		area->file_node.start = 0;
		area->file_node.last = ~0ul;
	}
}

void rmap_link_file(struct rmap_area *area, struct address_space *mapping)
{
	file_node_set(area);
	down_write(&mapping->i_mmap_lock);
	interval_insert(&area->file_node, &mapping->i_mmap);
	up_write(&mapping->i_mmap_lock);
}

void rmap_unlink_file(struct rmap_area *area, struct address_space *mapping)
{
	down_write(&mapping->i_mmap_lock);
	interval_remove(&area->file_node, &mapping->i_mmap);
	up_write(&mapping->i_mmap_lock);
}

void rmap_link_anon(struct rmap_area *area, struct anon_vma *anon)
{
	node_set(&area->anon_node, area);
	anon_vma_get(anon);
	down_write(&anon->lock);
	interval_insert(&area->anon_node, &anon->areas);
	up_write(&anon->lock);
}

void rmap_unlink_anon(struct rmap_area *area, struct anon_vma *anon)
{
	down_write(&anon->lock);
	interval_remove(&area->anon_node, &anon->areas);
	up_write(&anon->lock);
	anon_vma_put(anon);
}

void rmap_set_range(struct rmap_area *area, struct address_space *mapping, struct anon_vma *anon, unsigned long start,
		    pgoff_t pgoff, unsigned long nr)
{
	if (mapping) {
		down_write(&mapping->i_mmap_lock);
		interval_remove(&area->file_node, &mapping->i_mmap);
	}
	if (anon) {
		down_write(&anon->lock);
		interval_remove(&area->anon_node, &anon->areas);
	}
	area->start = start;
	area->pgoff = pgoff;
	area->nr = nr;
	if (anon) {
		node_set(&area->anon_node, area);
		interval_insert(&area->anon_node, &anon->areas);
		up_write(&anon->lock);
	}
	if (mapping) {
		file_node_set(area);
		interval_insert(&area->file_node, &mapping->i_mmap);
		up_write(&mapping->i_mmap_lock);
	}
}

void page_add_new_anon_rmap(struct page *page, struct anon_vma *anon, pgoff_t index)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed);

	/* Nobody else knows the page: one plain store instead of four atomic ones. */
	flags = (flags & ~(15u << PAGE_OWNER_SHIFT)) | (u32)PAGE_OWNER_ANON << PAGE_OWNER_SHIFT;
	atomic_store_explicit(&page->flags, flags | 1u << PG_swapbacked | 1u << PG_uptodate, memory_order_relaxed);
	atomic_store_explicit(&page->_mapcount, 0, memory_order_relaxed);
	page_set_mapping(page, (unsigned long)anon | PAGE_MAPPING_ANON, index);
	mod_node_page_state(flags >> PAGE_NODE_SHIFT, NR_ANON_MAPPED, 1);
}

void page_add_rmap(struct page *page)
{
	if (atomic_fetch_add_explicit(&page->_mapcount, 1, memory_order_relaxed) == -1)
		mod_node_page_state(page_to_nid(page), PageAnon(page) ? NR_ANON_MAPPED : NR_FILE_MAPPED, 1);
}

void page_remove_rmap(struct page *page)
{
	if (atomic_fetch_sub_explicit(&page->_mapcount, 1, memory_order_relaxed) == 0)
		mod_node_page_state(page_to_nid(page), PageAnon(page) ? NR_ANON_MAPPED : NR_FILE_MAPPED, -1);
}
