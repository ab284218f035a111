/* SPDX-License-Identifier: MIT */
/* rmap_walk.c - from a page to the entries that map it. */
#include "object/object.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"

/* Is this entry one that the visitor wants? */
static bool entry_wanted(const struct rmap_visit *visit, pte_t entry, const struct page *page)
{
	if (unlikely(visit->was))
		return is_migration_pte(entry) && softpte_pfn(entry) == page_to_pfn(visit->was);
	return pte_present(entry) && !pte_special(entry) && pte_page(entry) == page;
}

/* The entry at addr, if it is the page's. False: the visitor stops. */
static bool visit_at(struct page *page, struct rmap_area *area, vaddr_t addr, struct rmap_visit *visit)
{
	spinlock_t *ptl;
	pte_t *pte = pgtable_lock_pte_nopop(area->pgtable, addr, &ptl);
	bool go_on = true;

	if (!pte)
		return true;
	if (entry_wanted(visit, pte_read(pte), page))
		go_on = visit->entry(visit, area, addr, pte, page);
	spin_unlock(ptl);
	return go_on;
}

/* The page is where its offset says, or, in a remapped area, anywhere. */
static bool visit_area(struct page *page, struct rmap_area *area, pgoff_t index, struct rmap_visit *visit)
{
	if (visit->skip && visit->skip(visit, area))
		return true;
	if (likely(!(READ_ONCE(area->flags) & RMAP_NONLINEAR)))
		return visit_at(page, area, area->start + ((vaddr_t)(index - area->pgoff) << PAGE_SHIFT), visit);
	for (unsigned long i = 0; i < area->nr; i++)
		if (!visit_at(page, area, area->start + ((vaddr_t)i << PAGE_SHIFT), visit))
			return false;
	return true;
}

static bool walk_anon(struct page *page, struct rmap_visit *visit)
{
	struct anon_vma *anon = page_anon_vma(page);
	pgoff_t index = page_index(page);
	struct interval_node *node;
	bool go_on = true;

	anon_vma_get(anon);
	down_read(&anon->lock);
	interval_for_each(node, &anon->areas, index, index) {
		go_on = visit_area(page, container_of(node, struct rmap_area, anon_node), index, visit);
		if (!go_on)
			break;
	}
	up_read(&anon->lock);
	anon_vma_put(anon);
	return go_on;
}

static bool walk_file(struct page *page, struct address_space *mapping, struct rmap_visit *visit)
{
	pgoff_t index = page_index(page);
	struct interval_node *node;
	bool go_on = true;

	down_read(&mapping->i_mmap_lock);
	interval_for_each(node, &mapping->i_mmap, index, index) {
		go_on = visit_area(page, container_of(node, struct rmap_area, file_node), index, visit);
		if (!go_on)
			break;
	}
	up_read(&mapping->i_mmap_lock);
	return go_on;
}

bool rmap_walk(struct page *page, struct rmap_visit *visit)
{
	struct address_space *mapping;

	if (PageAnon(page))
		return walk_anon(page, visit);
	mapping = page_mapping(page);
	return !mapping || walk_file(page, mapping, visit);
}
