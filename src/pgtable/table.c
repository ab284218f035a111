/* SPDX-License-Identifier: MIT */
/* table.c - table pages: made, linked, moved, taken out. */
#include "pgtable/table.h"

#include "pgtable/gather.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/stats.h"

static struct page *table_alloc_raw(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);
	struct table_page *table = (struct table_page *)page;

	if (unlikely(!page))
		return NULL;
	page_set_owner(page, PAGE_OWNER_PGTABLE);
	spin_lock_init(&table->ptl, LOCK_PTE);
	table->pgt = NULL;
	return page;
}

struct page *table_alloc(gfp_t gfp)
{
	return table_alloc_raw(gfp | __GFP_ZERO);
}

void table_free(struct page *page)
{
	page_set_owner(page, PAGE_OWNER_KERNEL);
	((struct table_page *)page)->pgt = NULL;
	__free_page(page);
}

/* How many tables are missing on the way to addr. */
static unsigned int tables_missing(const struct pgtable *pgt, vaddr_t addr)
{
	unsigned int level;
	pte_t *entry = pgtable_find_entry(pgt, addr, &level);

	return level > 0 && pte_none(pte_read(entry)) ? level : 0;
}

int table_purse_fill(struct table_purse *purse, struct pgtable *pgt, vaddr_t addr, gfp_t gfp)
{
	unsigned int wanted = tables_missing(pgt, addr);

	while (purse->nr < wanted) {
		struct page *page = table_alloc(gfp);

		if (!page)
			return -ENOMEM;
		purse->page[purse->nr++] = page;
	}
	return 0;
}

void table_purse_empty_slow(struct table_purse *purse)
{
	while (purse->nr)
		table_free(purse->page[--purse->nr]);
}

/* Puts a table below *entry. pgt->lock is held. */
static void link_table(struct pgtable *pgt, pte_t *entry, unsigned int level, struct page *page)
{
	struct table_page *table = (struct table_page *)page;

	table->level = level;
	table->pgt = pgt;
	pgt->pgtables_bytes += PAGE_SIZE;
	mod_node_page_state(NR_PAGETABLE, 1);
	/* Release: pairs with the loads of lock-free walks, which see the zeroes (and the lock) behind the entry. */
	set_pte_release(entry, pfn_pte_table(page_to_pfn(page)));
}

static void unlink_table(struct pgtable *pgt, pte_t *entry)
{
	pte_clear(entry);
	pgt->pgtables_bytes -= PAGE_SIZE;
	mod_node_page_state(NR_PAGETABLE, -1);
}

/* The entry of addr at `level`, tables above it made from the purse. pgt->lock is held. NULL: too few, or a huge page. */
static pte_t *link_down_to(struct pgtable *pgt, vaddr_t addr, unsigned int level, struct table_purse *purse)
{
	pte_t *entry = &pgt->root[pt_index(addr, PGTABLE_ROOT_LEVEL)];

	for (unsigned int at = PGTABLE_ROOT_LEVEL; at > level; at--) {
		pte_t value = pte_read(entry);

		if (pte_none(value)) {
			if (!purse->nr)
				return NULL;
			link_table(pgt, entry, at - 1, purse->page[--purse->nr]);
			value = pte_read(entry);
		} else if (!pte_is_table(value)) {
			return NULL;
		}
		entry = &pte_table(value)[pt_index(addr, at - 1)];
	}
	return entry;
}

pte_t *pgtable_link_tables(struct pgtable *pgt, vaddr_t addr, struct table_purse *purse)
{
	pte_t *pte;

	spin_lock(&pgt->lock);
	pte = link_down_to(pgt, addr, 0, purse);
	spin_unlock(&pgt->lock);
	return pte;
}

int pgtable_populate(struct pgtable *pgt, vaddr_t addr, gfp_t gfp)
{
	struct table_purse purse = TABLE_PURSE_INIT;
	int err = 0;

	while (!err && !pgtable_find_pte(pgt, addr)) {
		err = table_purse_fill(&purse, pgt, addr, gfp);
		if (!err)
			pgtable_link_tables(pgt, addr, &purse);
	}
	table_purse_empty(&purse);
	return err;
}

struct free_range {
	struct mmu_gather *tlb;
	vaddr_t floor, last; /* what may go lies in [floor, last] */
};

/* Frees the tables below `table` that serve [addr, end) and lie in the range. pgt->lock is held. */
static void free_level(const struct free_range *range, pte_t *table, unsigned int level, vaddr_t addr, vaddr_t end)
{
	pte_t *entry = &table[pt_index(addr, level)];

	for (;; entry++) {
		vaddr_t next = pt_addr_end(addr, end, level);
		pte_t value = pte_read(entry);

		if (pte_is_table(value)) {
			vaddr_t first = addr & ~(pt_size(level) - 1);

			if (level > 1)
				free_level(range, pte_table(value), level - 1, addr, next);
			if (first >= range->floor && first + (pt_size(level) - 1) <= range->last) {
				unlink_table(range->tlb->pgt, entry);
				tlb_note_range(range->tlb, addr, next);
				tlb_remove_table(range->tlb, pte_page(value));
			}
		}
		if (next == end)
			return;
		addr = next;
	}
}

void pgtable_free_tables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	struct free_range range = { .tlb = tlb, .floor = floor, .last = ceiling - 1 };
	struct pgtable *pgt = tlb->pgt;

	spin_lock(&pgt->lock);
	free_level(&range, pgt->root, PGTABLE_ROOT_LEVEL, start, end);
	spin_unlock(&pgt->lock);
}

bool pgtable_move_table(struct pgtable *pgt, vaddr_t from, vaddr_t to, struct table_purse *purse)
{
	unsigned int level;
	pte_t *source, *target;
	bool moved = true;

	QUIRE_ASSERT(!((from | to) & (pt_size(1) - 1)));
	spin_lock(&pgt->lock);
	source = pgtable_find_entry(pgt, from, &level);
	if (level == 0) {
		/* `source` is the first entry of the leaf table; the one that leads there is wanted */
		source = link_down_to(pgt, from, 1, purse);
		target = link_down_to(pgt, to, 1, purse);
		moved = target && pte_none(pte_read(target));
		if (moved) {
			set_pte(target, pte_read(source));
			pte_clear(source);
		}
	} else if (!pte_none(pte_read(source))) {
		moved = false;
	}
	spin_unlock(&pgt->lock);
	return moved;
}

int pgtable_init(struct pgtable *pgt)
{
	struct page *page = table_alloc_raw(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	*pgt = (struct pgtable){ .root = page_address(page) };
	spin_lock_init(&pgt->lock, LOCK_PAGE_TABLE);
	((struct table_page *)page)->pgt = pgt;
	((struct table_page *)page)->level = PGTABLE_ROOT_LEVEL;
	arch_root_init(pgt->root);
	mod_node_page_state(NR_PAGETABLE, 1);
	return 0;
}

void pgtable_destroy(struct pgtable *pgt)
{
	if (!bitmap_empty(pgt->cpus, QUIRE_MAX_CPUS))
		flush_tlb_range_flags(pgt, 0, ~0ul, TLB_FREED_TABLES);
	QUIRE_ASSERT(bitmap_empty(pgt->cpus, QUIRE_MAX_CPUS));
	QUIRE_ASSERT(!pgt->pgtables_bytes);
	mod_node_page_state(NR_PAGETABLE, -1);
	table_free(virt_to_page(pgt->root));
	pgt->root = NULL;
}
