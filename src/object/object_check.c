/* SPDX-License-Identifier: MIT */
/* object_check.c - the invariants of the reclaim lists, as code. */
#include "object/lru.h"
#include "object/object.h"
#include "phys/memmap.h"
#include "quire/stats.h"
#include "sync/report.h"

/* [L1], [L2] and the links of one list. The lock is held. */
static unsigned int check_list(const struct lru_shard *shard, const struct lru_pages *list, enum lru_list lru)
{
	unsigned long nr = 0;
	u32 prev = PAGE_NO_PFN;

	for (u32 pfn = list->first; pfn != PAGE_NO_PFN; nr++) {
		const struct page *page = pfn_to_page(pfn);

		if (!PageLRU(page) || page_lru(page) != lru || page->lru.prev != prev || page_lru_shard(page) != shard ||
		    page_count(page) <= 0) {
			quire_log(QUIRE_LOG_ERR, "lru: list %d: page %u does not belong there", (int)lru, pfn);
			return 1;
		}
		prev = pfn;
		pfn = page->lru.next;
	}
	if (nr == list->nr && prev == list->last)
		return 0;
	quire_log(QUIRE_LOG_ERR, "lru: list %d: %lu pages counted, %lu there", (int)lru, list->nr, nr);
	return 1;
}

unsigned int object_check(void)
{
	unsigned long sums[NR_LRU_LISTS] = { 0 };
	unsigned int broken = 0;

	for (int nid = 0; nid < QUIRE_MAX_NODES; nid++) {
		struct lruvec *vec = this_object()->lruvec[nid];

		for (unsigned int i = 0; vec && i < LRU_SHARDS * NR_LRU_LISTS; i++) {
			struct lru_shard *shard = &vec->shard[i / NR_LRU_LISTS];
			enum lru_list lru = (enum lru_list)(i % NR_LRU_LISTS);
			unsigned long irq;

			spin_lock_irqsave(&shard->lock, irq);
			broken += check_list(shard, &shard->list[lru], lru);
			sums[lru] += shard->list[lru].nr;
			spin_unlock_irqrestore(&shard->lock, irq);
		}
	}
	for (unsigned int lru = 0; lru < NR_LRU_LISTS; lru++) {
		unsigned long counted = global_node_page_state((enum node_stat_item)(NR_INACTIVE_ANON + lru));

		if (counted != sums[lru]) {
			quire_log(QUIRE_LOG_ERR, "lru: statistics say %lu pages on list %u, there are %lu", counted, lru,
				  sums[lru]);
			broken++;
		}
	}
	return broken;
}
