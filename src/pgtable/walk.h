/* SPDX-License-Identifier: MIT */
/*
 * walk.h - from an address to its entry, and from a range to the leaf tables in it.
 *
 * One entry:
 *	struct table_purse purse = TABLE_PURSE_INIT;
 *	while (!(pte = pgtable_lock_pte(pgt, addr, &purse, &ptl)))     nothing is locked when it is NULL
 *		if (table_purse_fill(&purse, pgt, addr, GFP_KERNEL))
 *			return VM_FAULT_OOM;
 *	... *pte ...
 *	spin_unlock(ptl);
 *	table_purse_empty(&purse);
 *
 * A range, one leaf table (2 MiB) at a time, holes skipped at the highest level that shows them:
 *	struct pgtable_cursor c;
 *	for_each_leaf_table(&c, pgt, start, end) {
 *		spin_lock(c.ptl);
 *		for (pte = c.pte, addr = c.addr; addr < c.end; pte++, addr += PAGE_SIZE)
 *			...
 *		spin_unlock(c.ptl);
 *	}
 *
 * [W1] The parts that a cursor gives are in rising order, lie in [start, end), and no leaf table's part is left out that
 *      existed throughout.
 *
 * Locks: none taken but by the _lock_ calls. The caller keeps tables from being freed: mmap lock, or the lock of a VMA that
 * covers the address, or a reverse map's lock. Sleeps: never. Cost: about thirty instructions to a locked entry.
 */
#ifndef PGTABLE_WALK_H
#define PGTABLE_WALK_H

#include "pgtable/pgtable.h"
#include "pgtable/table.h"

/* The entry of addr in its leaf table, or NULL when there is no table. */
static __always_inline pte_t *pgtable_find_pte(const struct pgtable *pgt, vaddr_t addr)
{
	pte_t *table = pgt->root;

	/* Unrolled from the most that there can be: one test says whether the highest is folded. */
#pragma GCC unroll 5
	for (unsigned int level = PGTABLE_MAX_LEVELS - 1; level > 0; level--) {
		pte_t entry;

		if (level > PGTABLE_ROOT_LEVEL)
			continue;
		entry = pte_read(&table[pt_index(addr, level)]);
		if (unlikely(!pte_is_table(entry)))
			return NULL;
		table = pte_table(entry);
	}
	return &table[pt_index(addr, 0)];
}

/* As above, locked: *ptl is to be unlocked by the caller. NULL: nothing is locked. */
static __always_inline pte_t *pgtable_lock_pte_nopop(const struct pgtable *pgt, vaddr_t addr, spinlock_t **ptl)
{
	pte_t *pte = pgtable_find_pte(pgt, addr);

	if (likely(pte)) {
		*ptl = pte_lockptr(pte);
		spin_lock(*ptl);
	}
	return pte;
}

/* As above; missing tables are taken from the purse. NULL: it has too few. */
static __always_inline pte_t *pgtable_lock_pte(struct pgtable *pgt, vaddr_t addr, struct table_purse *purse,
					       spinlock_t **ptl)
{
	pte_t *pte = pgtable_find_pte(pgt, addr);

	if (unlikely(!pte)) {
		pte = purse->nr ? pgtable_link_tables(pgt, addr, purse) : NULL;
		if (!pte)
			return NULL;
	}
	*ptl = pte_lockptr(pte);
	spin_lock(*ptl);
	return pte;
}

/* The entry that decides about addr: of a leaf table (*level 0), or a huge one, or the first that leads nowhere. */
pte_t *pgtable_find_entry(const struct pgtable *pgt, vaddr_t addr, unsigned int *level);

struct pgtable_cursor {
	const struct pgtable *pgt;
	vaddr_t addr, end;      /* this part: [addr, end)                                              */
	pte_t *pte;             /* entry of addr; the next ones follow                                 */
	spinlock_t *ptl;        /* its table's lock, not taken                                         */
	unsigned int level;     /* 0: entries of pages. 1, 2: *pte is one huge page that covers the part */
	vaddr_t last;           /* end of the whole range                                              */
};

/* Moves on to the first part at or above `from`. False: there is none. */
bool pgtable_cursor_find(struct pgtable_cursor *c, vaddr_t from);

static __always_inline bool pgtable_cursor_begin(struct pgtable_cursor *c, const struct pgtable *pgt, vaddr_t start,
						 vaddr_t end)
{
	pte_t *pte = pgtable_find_pte(pgt, start);

	c->pgt = pgt;
	c->last = end;
	if (unlikely(!pte))
		return pgtable_cursor_find(c, start);
	c->addr = start;
	c->end = pt_addr_end(start, end, 1);
	c->pte = pte;
	c->ptl = pte_lockptr(pte);
	c->level = 0;
	return true;
}

static __always_inline bool pgtable_cursor_next(struct pgtable_cursor *c)
{
	return c->end != c->last && pgtable_cursor_find(c, c->end);
}

/* start < end */
#define for_each_leaf_table(c, pgt, start, end)                                                                            \
	for (bool more_ = pgtable_cursor_begin(c, pgt, start, end); more_; more_ = pgtable_cursor_next(c))

/*
 * Shows fn each entry of [start, end) that is not empty, start < end, for those who only look: @entry is what it holds while
 * its table is locked. Context: fn must not sleep and takes no lock of a rank below the tables'.
 */
static __always_inline void pgtable_look_entries(const struct pgtable *pgt, vaddr_t start, vaddr_t end,
						 void (*fn)(void *arg, pte_t entry), void *arg)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, pgt, start, end) {
		const pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++) {
			pte_t entry = pte_read(pte);

			if (!pte_none(entry))
				fn(arg, entry);
		}
		spin_unlock(c.ptl);
	}
}

#endif
