/* SPDX-License-Identifier: MIT */
/* walk.c - the walks that are too long to be inline: over holes, and to entries above the leaves. */
#include "pgtable/walk.h"

#include "base/math.h"

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
	const struct table_page *page = table_of(table);
	unsigned int i = pt_index(addr, level);
	/* What lies before the table, so that an index tells an address. */
	vaddr_t base = addr & ~((pt_size(level) << PT_INDEX_BITS) - 1);

	while ((i = table_next_used(page, i)) < pt_entries(level)) {
		pte_t entry = pte_read(&table[i]);
		vaddr_t start = base + i * pt_size(level);

		addr = max(addr, start);
		if (addr >= c->last)
			return false;
		if (pte_is_table(entry)) {
			if (level == 1) {
				cursor_set(c, &pte_table(entry)[pt_index(addr, 0)], addr, pt_addr_end(addr, c->last, 1), 0);
				return true;
			}
			if (cursor_scan(c, pte_table(entry), level - 1, addr))
				return true;
		} else if (pte_present(entry)) {
			cursor_set(c, &table[i], addr, pt_addr_end(addr, c->last, level), level);
			return true;
		}
		i++;
	}
	return false;
}

bool pgtable_cursor_find(struct pgtable_cursor *c, vaddr_t from)
{
	return cursor_scan(c, c->pgt->root, PGTABLE_ROOT_LEVEL, from);
}
