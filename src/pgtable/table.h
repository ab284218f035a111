/* SPDX-License-Identifier: MIT */
/*
 * table.h - table pages: a purse of them filled before any lock, linking them in, taking them out, moving them.
 *
 *	table_purse_fill()  may sleep  ->  purse [page][page][page]  ->  linked under pgt->lock, cannot fail
 *	                                                             ->  table_purse_empty() gives the rest back
 *
 * [PU1] Pages in a purse are zeroed, owned by PAGE_OWNER_PGTABLE, and in no tree.
 *
 * Locks: as each call says. Sleeps: table_purse_fill, if its gfp lets it. Allocates: the same.
 */
#ifndef PGTABLE_TABLE_H
#define PGTABLE_TABLE_H

#include "pgtable/pgtable.h"

struct mmu_gather;

struct table_purse {
	unsigned int nr;
	struct page *page[PGTABLE_MAX_LEVELS - 1];
};
#define TABLE_PURSE_INIT { .nr = 0 }

/* Enough tables for `addr` in pgt. 0, or -ENOMEM (what is in the purse stays). Context: no lock, may sleep by gfp. */
int table_purse_fill(struct table_purse *purse, struct pgtable *pgt, vaddr_t addr, gfp_t gfp);
void table_purse_empty_slow(struct table_purse *purse);

static __always_inline void table_purse_empty(struct table_purse *purse)
{
	if (unlikely(purse->nr))
		table_purse_empty_slow(purse);
}

/* One zeroed table page and back, outside a tree. NULL when out of memory. */
struct page *table_alloc(gfp_t gfp);
void table_free(struct page *page);

/*
 * The leaf table's entry for addr, with missing tables taken from the purse. NULL: the purse has too few, or a huge page is
 * mapped there. Takes and drops pgt->lock.
 */
pte_t *pgtable_link_tables(struct pgtable *pgt, vaddr_t addr, struct table_purse *purse);

/* All tables on the way to addr exist afterwards: 0 or -ENOMEM. May sleep by gfp. */
int pgtable_populate(struct pgtable *pgt, vaddr_t addr, gfp_t gfp);

/*
 * Takes every table out that lies wholly in [floor, ceiling) (ceiling 0: the top of the address space) and serves addresses
 * in [start, end). The caller says by floor and ceiling that nothing is or will be mapped there: pages are unmapped, VMAs
 * gone from sight. The gather frees them.
 */
void pgtable_free_tables_slow(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling);

static __always_inline void pgtable_free_tables(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor,
						vaddr_t ceiling)
{
	const vaddr_t within = pt_size(1) - 1;
	/* The whole leaf tables between floor and ceiling, and those that serve the range: most small ranges have none. */
	vaddr_t low = (floor + within) & ~within, high = (ceiling & ~within) - 1;
	vaddr_t first = start & ~within, last = (end - 1) | within;

	if ((low > first ? low : first) < (high < last ? high : last))
		pgtable_free_tables_slow(tlb, start, end, floor, ceiling);
}

/*
 * Moves the leaf table of `from` to `to` (both PMD_SIZE aligned) in O(1). False, with nothing changed, when `to` has a table
 * already or the purse is too empty for its upper tables. Both ranges are excluded from faults and reverse walks by the
 * caller, who flushes [from, from + PMD_SIZE). True also when there was nothing to move.
 */
bool pgtable_move_table(struct pgtable *pgt, vaddr_t from, vaddr_t to, struct table_purse *purse);

#endif
