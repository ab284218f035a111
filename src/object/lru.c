/* SPDX-License-Identifier: MIT */
/* lru.c - add, remove and move pages on the reclaim lists. */
#include "object/lru.h"

#include "base/assert.h"
#include "object/object.h"
#include "phys/memmap.h"
#include "quire/stats.h"

#define LRU_BIT(bit) (1u << (bit))

struct lru_shard *page_lru_shard(const struct page *page)
{
	pfn_t pfn = page_to_pfn(page);

	return &this_object()->lruvec[page_to_nid(page)]->shard[pfn >> LRU_SHARD_SHIFT & (LRU_SHARDS - 1)];
}

static void link_head(struct lru_pages *list, struct page *page)
{
	u32 pfn = (u32)page_to_pfn(page);

	page->lru.next = list->first;
	page->lru.prev = PAGE_NO_PFN;
	if (list->first == PAGE_NO_PFN)
		list->last = pfn;
	else
		pfn_to_page(list->first)->lru.prev = pfn;
	list->first = pfn;
	list->nr++;
}

static void link_tail(struct lru_pages *list, struct page *page)
{
	u32 pfn = (u32)page_to_pfn(page);

	page->lru.prev = list->last;
	page->lru.next = PAGE_NO_PFN;
	if (list->last == PAGE_NO_PFN)
		list->first = pfn;
	else
		pfn_to_page(list->last)->lru.next = pfn;
	list->last = pfn;
	list->nr++;
}

static void unlink_page(struct lru_pages *list, struct page *page)
{
	if (page->lru.prev == PAGE_NO_PFN)
		list->first = page->lru.next;
	else
		pfn_to_page(page->lru.prev)->lru.next = page->lru.next;
	if (page->lru.next == PAGE_NO_PFN)
		list->last = page->lru.prev;
	else
		pfn_to_page(page->lru.next)->lru.prev = page->lru.prev;
	list->nr--;
}

static inline void lru_count(unsigned int nid, enum lru_list lru, long delta)
{
	mod_node_page_state(nid, (enum node_stat_item)(NR_INACTIVE_ANON + lru), delta);
}
static_assert(NR_UNEVICTABLE - NR_INACTIVE_ANON == LRU_UNEVICTABLE, "statistics follow the order of the lists");

void lru_cache_add(struct page *page)
{
	struct lru_shard *shard = page_lru_shard(page);
	unsigned long irq;
	enum lru_list lru;

	QUIRE_ASSERT(!PageLRU(page));
	spin_lock_irqsave(&shard->lock, irq);
	/* Whoever knows the page already may just be changing what its list is. */
	lru = page_lru(page);
	page_set_flag(page, PG_lru);
	link_head(&shard->list[lru], page);
	spin_unlock_irqrestore(&shard->lock, irq);
	lru_count(page_to_nid(page), lru, 1);
}

/* The page as it leaves its list; the lock is held. */
static enum lru_list lru_del_locked(struct lru_shard *shard, struct page *page)
{
	enum lru_list lru = page_lru(page);

	unlink_page(&shard->list[lru], page);
	page_clear_flag(page, PG_lru);
	return lru;
}

bool lru_del(struct page *page)
{
	struct lru_shard *shard = page_lru_shard(page);
	unsigned long irq;
	enum lru_list lru;

	spin_lock_irqsave(&shard->lock, irq);
	if (!PageLRU(page)) {
		spin_unlock_irqrestore(&shard->lock, irq);
		return false;
	}
	lru = lru_del_locked(shard, page);
	spin_unlock_irqrestore(&shard->lock, irq);
	lru_count(page_to_nid(page), lru, -1);
	return true;
}

/* What the state of a page on a list is, besides being on it. */
#define LRU_FLAGS (LRU_BIT(PG_lru) | LRU_BIT(PG_active) | LRU_BIT(PG_unevictable) | LRU_BIT(PG_mlocked) | LRU_BIT(PG_waiters))

/* What left the lists of a node. */
struct lru_gone {
	unsigned int nid;
	long pages[NR_LRU_LISTS], mlocked;
};

static void count_gone(const struct lru_gone *gone)
{
	for (unsigned int lru = 0; lru < NR_LRU_LISTS; lru++)
		if (gone->pages[lru])
			lru_count(gone->nid, (enum lru_list)lru, -gone->pages[lru]);
	if (unlikely(gone->mlocked))
		mod_node_page_state(gone->nid, NR_MLOCK, -gone->mlocked);
}

void lru_release_pages(struct page **pages, unsigned long nr)
{
	struct lru_gone gone = { 0 };
	struct lru_shard *locked = NULL;
	unsigned long irq = 0;

	for (unsigned long i = 0; i < nr; i++) {
		struct page *page = pages[i];
		u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed);
		struct lru_shard *shard;
		enum lru_list lru;

		if (!(flags & LRU_BIT(PG_lru)))
			continue;
		/* Freed together, pages often lie together: one lock serves a run of them. */
		shard = page_lru_shard(page);
		if (shard != locked) {
			if (locked)
				spin_unlock_irqrestore(&locked->lock, irq);
			spin_lock_irqsave(&shard->lock, irq);
			locked = shard;
			if (unlikely(gone.nid != flags >> PAGE_NODE_SHIFT)) {
				count_gone(&gone);
				gone = (struct lru_gone){ .nid = flags >> PAGE_NODE_SHIFT };
			}
		}
		lru = page_lru(page);
		unlink_page(&shard->list[lru], page);
		gone.pages[lru]++;
		gone.mlocked += flags >> PG_mlocked & 1;
		/* Nobody else can reach the page: a plain store will do. */
		atomic_store_explicit(&page->flags, flags & ~LRU_FLAGS, memory_order_relaxed);
	}
	if (locked)
		spin_unlock_irqrestore(&locked->lock, irq);
	count_gone(&gone);
}

/* Changes flags that choose the list, and moves the page if it is on one. */
static void lru_move(struct page *page, u32 set, u32 clear, bool tail)
{
	struct lru_shard *shard = page_lru_shard(page);
	enum lru_list from, to;
	unsigned long irq;
	bool listed;

	spin_lock_irqsave(&shard->lock, irq);
	listed = PageLRU(page);
	from = page_lru(page);
	if (listed)
		unlink_page(&shard->list[from], page);
	atomic_fetch_or_explicit(&page->flags, set, memory_order_relaxed);
	atomic_fetch_and_explicit(&page->flags, ~clear, memory_order_relaxed);
	to = page_lru(page);
	if (listed && tail)
		link_tail(&shard->list[to], page);
	else if (listed)
		link_head(&shard->list[to], page);
	spin_unlock_irqrestore(&shard->lock, irq);
	if (listed && from != to) {
		lru_count(page_to_nid(page), from, -1);
		lru_count(page_to_nid(page), to, 1);
	}
}

void activate_page(struct page *page)
{
	if (PageActive(page) || PageUnevictable(page))
		return;
	lru_move(page, LRU_BIT(PG_active), 0, false);
	count_vm_event(PGACTIVATE);
}

void deactivate_page(struct page *page)
{
	if (!PageActive(page) || PageUnevictable(page))
		return;
	lru_move(page, 0, LRU_BIT(PG_active) | LRU_BIT(PG_referenced), false);
	count_vm_event(PGDEACTIVATE);
}

void lru_rotate_to_tail(struct page *page)
{
	lru_move(page, 0, LRU_BIT(PG_active) | LRU_BIT(PG_referenced), true);
}

void lru_lazyfree(struct page *page)
{
	if (!PageSwapBacked(page) || PageUnevictable(page) || !PageLRU(page))
		return;
	lru_move(page, 0, LRU_BIT(PG_active) | LRU_BIT(PG_referenced) | LRU_BIT(PG_swapbacked), true);
	count_vm_event(PGLAZYFREE);
}

void lru_set_unevictable(struct page *page, bool unevictable)
{
	if (unevictable)
		lru_move(page, LRU_BIT(PG_unevictable), LRU_BIT(PG_active), false);
	else
		lru_move(page, 0, LRU_BIT(PG_unevictable), false);
}

void mlock_page(struct page *page)
{
	if (page_test_and_set_flag(page, PG_mlocked))
		return;
	mod_node_page_state(page_to_nid(page), NR_MLOCK, 1);
	count_vm_event(UNEVICTABLE_MLOCKED);
	lru_set_unevictable(page, true);
}

void munlock_page(struct page *page)
{
	if (!page_test_and_clear_flag(page, PG_mlocked))
		return;
	mod_node_page_state(page_to_nid(page), NR_MLOCK, -1);
	count_vm_event(UNEVICTABLE_MUNLOCKED);
	lru_set_unevictable(page, false);
}

void mark_page_accessed(struct page *page)
{
	if (!PageReferenced(page)) {
		SetPageReferenced(page);
	} else if (!PageActive(page) && !PageUnevictable(page) && PageLRU(page)) {
		activate_page(page);
		ClearPageReferenced(page);
	}
}

bool isolate_lru_page(struct page *page)
{
	struct lru_shard *shard = page_lru_shard(page);
	bool isolated = false;
	enum lru_list lru;
	unsigned long irq;

	spin_lock_irqsave(&shard->lock, irq);
	/* What is on a list is a page, not any other frame; without references it is about to leave. */
	if (PageLRU(page) && get_page_unless_zero(page)) {
		lru = lru_del_locked(shard, page);
		isolated = true;
	}
	spin_unlock_irqrestore(&shard->lock, irq);
	if (isolated)
		lru_count(page_to_nid(page), lru, -1);
	return isolated;
}

void putback_lru_page(struct page *page)
{
	lru_cache_add(page);
	put_page(page);
}

unsigned long lru_nr_pages(int nid, enum lru_list list)
{
	struct lruvec *vec = this_object()->lruvec[nid];
	unsigned long sum = 0;

	if (!vec)
		return 0;
	for (unsigned int i = 0; i < LRU_SHARDS; i++)
		sum += READ_ONCE(vec->shard[i].list[list].nr);
	return sum;
}
