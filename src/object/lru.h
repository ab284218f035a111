/* SPDX-License-Identifier: MIT */
/*
 * lru.h - the lists on which user and page cache pages wait to be reclaimed.
 *
 *	node --> shard[(pfn >> LRU_SHARD_SHIFT) % LRU_SHARDS] --> { inactive anon, active anon, inactive file, active file,
 *	                                                           unevictable }
 *
 * One lock for the lists of a node is what makes others gather pages in per-CPU batches: those hold references, keep freed
 * pages from being free, must be drained before anything can be isolated, and make the counts approximate. Here the lists are
 * split by page frame number instead: a page's lock is found from the page alone, two CPUs rarely want the same one, and
 * each page is on its list, and counted, from the moment it is added to the moment it is freed.
 *
 * [L1] PG_lru is set exactly while the page is on the list that page_lru() names, under the shard's lock.
 * [L2] nr of a list is the number of pages on it; the sum over shards and nodes is NR_INACTIVE_ANON + list of the statistics.
 * [L3] The tail of a list is the page that was added or rotated first.
 *
 * Lock: shard->lock, rank LOCK_LRU, interrupts off. Sleeps: never. Cost: O(1). Allocates: never.
 */
#ifndef OBJECT_LRU_H
#define OBJECT_LRU_H

#include "base/compiler.h"
#include "quire/page.h"
#include "sync/spinlock.h"

enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	LRU_UNEVICTABLE,
	NR_LRU_LISTS,
};

/* log2 pages of a run that shares a shard: a batch from the buddy and a freed range stay under one lock. */
#define LRU_SHARD_SHIFT 6
/* Shards of a node: more than the CPUs of most. Power of two. */
#define LRU_SHARDS 16

struct lru_pages {
	u32 first, last;       /* (shard->lock) pfns, PAGE_NO_PFN when empty */
	unsigned long nr;      /* (shard->lock) to write; racy reads are hints */
};

struct lru_shard {
	spinlock_t lock;
	struct lru_pages list[NR_LRU_LISTS];
} __cacheline_aligned;

struct lruvec {
	struct lru_shard shard[LRU_SHARDS];
};

struct lru_shard *page_lru_shard(const struct page *page);

static inline enum lru_list page_lru(const struct page *page)
{
	u32 flags = atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed);

	if (flags & (1u << PG_unevictable))
		return LRU_UNEVICTABLE;
	return (enum lru_list)((flags >> PG_swapbacked & 1 ? LRU_INACTIVE_ANON : LRU_INACTIVE_FILE) +
			       (flags >> PG_active & 1));
}

/* Puts a page that is on no list on the one that its flags name. */
void lru_cache_add(struct page *page);
/* Takes a page off its list, if it is on one: true when it was. */
bool lru_del(struct page *page);
/* Inactive to active list. */
void activate_page(struct page *page);
/* Active to inactive list, at the head. */
void deactivate_page(struct page *page);
/* To the tail of the inactive list: the next one to go. */
/* An anonymous page whose contents may go while it is clean: reclaim finds it among the files' pages. */
void lru_lazyfree(struct page *page);
void lru_rotate_to_tail(struct page *page);
/* Seen in use: referenced, and when referenced already, active. */
void mark_page_accessed(struct page *page);
/* Onto and off the unevictable list (mlock). */
void lru_set_unevictable(struct page *page, bool unevictable);
/* A page that some VMA has locked may not be evicted, or may again. Context: the table of one of its entries may be locked. */
void mlock_page(struct page *page);
void munlock_page(struct page *page);
/* Takes a page off its list with one reference more; false: it is on none. Until it is put back nobody else does, and its links
 * are the caller's. The caller need not know what the frame is now, only that it has a struct page. */
bool isolate_lru_page(struct page *page);
void putback_lru_page(struct page *page);
/* Number of pages on a list of a node. Racy. */
unsigned long lru_nr_pages(int nid, enum lru_list list);

/* Takes pages that nobody refers to any more off their lists, with what else they leave behind. */
void lru_release_pages(struct page **pages, unsigned long nr);

#endif
