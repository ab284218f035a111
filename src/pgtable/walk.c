/* SPDX-License-Identifier: MIT */
/* walk.c - the walks that are too long to be inline: over holes, and to entries above the leaves. */
#include "pgtable/walk.h"

pte_t *pgtable_find_entry(const struct pgtable *pgt, vaddr_t addr, unsigned int *level)
{
	pte_t *table = pgt->root;

	for (*level = PGTABLE_ROOT_LEVEL; *level > 0; --*level) {
		pte_t *entry = &table[pt_index(addr, *level)];
		pte_t value = pte_read(entry);

		if (!pte_is_table(value))
			return entry;
		table = pte_table(value);
	}
	return &table[pt_index(addr, 0)];
}

static void cursor_set(struct pgtable_cursor *c, pte_t *pte, vaddr_t addr, vaddr_t end, unsigned int level)
{
	c->addr = addr;
	c->end = end;
	c->pte = pte;
	c->ptl = pte_lockptr(pte);
	c->level = level;
}

/* Looks for the first part at or above addr among what `table` serves from addr on. */
static bool cursor_scan(struct pgtable_cursor *c, pte_t *table, unsigned int level, vaddr_t addr)
{
	unsigned int entries = pt_entries(level);

	for (unsigned int i = pt_index(addr, level); i < entries; i++) {
		pte_t entry = pte_read(&table[i]);
		vaddr_t next = pt_addr_end(addr, c->last, level);

		if (pte_is_table(entry)) {
			if (level == 1) {
				cursor_set(c, &pte_table(entry)[pt_index(addr, 0)], addr, next, 0);
				return true;
			}
			if (cursor_scan(c, pte_table(entry), level - 1, addr))
				return true;
		} else if (pte_present(entry)) {
			cursor_set(c, &table[i], addr, next, level);
			return true;
		}
		if (next == c->last)
			return false;
		addr = next;
	}
	return false;
}

bool pgtable_cursor_find(struct pgtable_cursor *c, vaddr_t from)
{
	return cursor_scan(c, c->pgt->root, PGTABLE_ROOT_LEVEL, from);
}
