/* SPDX-License-Identifier: MIT */
/* zap.c - unmap a range of one page table. */
#include "object/zap.h"

#include "base/assert.h"
#include "object/lru.h"
#include "object/migrate.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "quire/stats.h"

/* What one leaf table's worth of unmapping adds up to. */
struct zap_sums {
	long rss[NR_MM_COUNTERS];
	unsigned int nid;
	long anon_unmapped, file_unmapped; /* pages of that node that nobody maps any more */
};

static void zap_account_node(struct zap_sums *sums)
{
	if (sums->anon_unmapped)
		mod_node_page_state(sums->nid, NR_ANON_MAPPED, -sums->anon_unmapped);
	if (sums->file_unmapped)
		mod_node_page_state(sums->nid, NR_FILE_MAPPED, -sums->file_unmapped);
	sums->anon_unmapped = sums->file_unmapped = 0;
}

static void zap_account(struct pgtable *pgt, struct zap_sums *sums)
{
	for (unsigned int i = 0; i < NR_MM_COUNTERS; i++)
		if (sums->rss[i])
			pgtable_add_rss(pgt, i, -sums->rss[i]);
	zap_account_node(sums);
}

/* The next page's node; most tables map pages of one. */
static inline void zap_enter_node(struct zap_sums *sums, const struct page *page)
{
	if (likely(page_to_nid(page) == sums->nid))
		return;
	zap_account_node(sums);
	sums->nid = page_to_nid(page);
}

static inline bool last_mapping_gone(struct page *page)
{
	return atomic_fetch_sub_explicit(&page->_mapcount, 1, memory_order_relaxed) == 0;
}

static void zap_file_page(struct page *page, pte_t pte, struct zap_sums *sums)
{
	if (pte_dirty(pte))
		account_page_dirtied(page);
	if (pte_young(pte))
		mark_page_accessed(page);
	sums->rss[mm_counter_of(page)]++;
	sums->file_unmapped += last_mapping_gone(page);
}

static bool spared(const struct zap_range *range, const struct page *page)
{
	if (PageAnon(page))
		return range->keep_private;
	return range->check_index && (page_index(page) < range->first || page_index(page) > range->last);
}

/* What stays of the entry of a page that is being moved, as of one that is mapped. */
static pte_t zapped_moving(const struct zap_range *range, const struct page *page, pte_t old)
{
	if (range->check_index)
		return pte_mksoft(SOFT_NONLINEAR, page_index(page), 0);
	return range->keep_wp && softpte_uffd_wp(old) ? make_pte_marker(PTE_MARKER_UFFD_WP) : (pte_t){ 0 };
}

/* Entries that are not present: what is remembered there is forgotten, unless only a part of the file goes, not the mapping. */
static void zap_soft(const struct zap_range *range, pte_t *pte, pte_t old, struct zap_sums *sums)
{
	unsigned int marker = pte_marker_bits(old);
	struct page *page;

	if (is_migration_pte(old)) {
		page = pfn_to_page(softpte_pfn(old));
		if (spared(range, page))
			return;
		sums->rss[mm_counter_of(page)]++;
		set_pte(pte, zapped_moving(range, page, old));
		migration_entry_gone(page);
		return;
	}
	if (range->check_index && softpte_type(old) == SOFT_NONLINEAR)
		return;
	/* What a monitor declared lost is a private copy, too. */
	if ((range->keep_wp && (marker & PTE_MARKER_UFFD_WP)) || (range->keep_private && (marker & PTE_MARKER_POISONED)))
		return;
	pte_clear(pte);
}

static void zap_part(struct mmu_gather *tlb, const struct pgtable_cursor *c, const struct zap_range *range)
{
	bool filter = range->keep_private || range->check_index, whole = tlb->flags & GATHER_FULLMM;
	struct zap_sums sums = { 0 };
	pte_t *pte = c->pte;

	spin_lock(c->ptl);
	for (vaddr_t addr = c->addr; addr < c->end; addr += PAGE_SIZE, pte++) {
		pte_t old = pte_read(pte);
		struct page *page;

		if (pte_none(old))
			continue;
		if (unlikely(!pte_present(old))) {
			zap_soft(range, pte, old, &sums);
			continue;
		}
		page = pte_page(old);
		/* The zero page is nobody's copy. */
		if (unlikely(filter) && (pte_special(old) ? range->check_index : spared(range, page)))
			continue;
		tlb_note_range(tlb, addr, addr + PAGE_SIZE);
		if (whole)
			pte_clear(pte);
		else
			old = ptep_get_and_clear(pte);
		if (unlikely(range->keep_wp && pte_uffd_wp(old)))
			set_pte(pte, make_pte_marker(PTE_MARKER_UFFD_WP));
		if (unlikely(pte_special(old)))
			continue;
		zap_enter_node(&sums, page);
		if (PageAnon(page)) {
			sums.rss[MM_ANONPAGES]++;
			sums.anon_unmapped += last_mapping_gone(page);
		} else {
			zap_file_page(page, old, &sums);
		}
		if (unlikely(range->check_index))
			set_pte(pte, pte_mksoft(SOFT_NONLINEAR, page_index(page), 0));
		tlb_remove_page(tlb, page);
	}
	zap_account(tlb->pgt, &sums);
	spin_unlock(c->ptl);
}

void zap_page_range(struct mmu_gather *tlb, const struct zap_range *range)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, tlb->pgt, range->start, range->end)
		zap_part(tlb, &c, range);
}
