/* SPDX-License-Identifier: MIT */
/* pgtable_check.c - walks a whole tree and compares it with what is said about it: [PG1] [PG2]. */
#include "pgtable/pgtable.h"
#include "quire/port.h"
#include "sync/report.h"

struct tree_check {
	struct pgtable *pgt;
	unsigned int broken;
	unsigned long tables, present, special, soft;
};

static void complain(struct tree_check *check, const char *what, vaddr_t addr)
{
	if (check->broken++ < 8)
		quire_log(QUIRE_LOG_ERR, "pgtable %p: %s at %lx", (void *)check->pgt, what, addr);
}

static void check_table_page(struct tree_check *check, struct page *page, unsigned int level, vaddr_t addr)
{
	struct table_page *table = (struct table_page *)page;

	check->tables++;
	if (page_owner(page) != PAGE_OWNER_PGTABLE || page_count(page) != 1)
		complain(check, "[PG1] a table's frame is not owned as one", addr);
	else if (table->pgt != check->pgt || table->level != level)
		complain(check, "[PG1] a table is in a foreign place", addr);
}

static void check_leaf(struct tree_check *check, pte_t pte, vaddr_t addr)
{
	if (pte_none(pte))
		return;
	if (pte_soft(pte)) {
		check->soft++;
		if (!pte_soft_type(pte))
			complain(check, "[SP1] a soft entry has no type", addr);
		return;
	}
	check->present++;
	if (pte_special(pte)) {
		check->special++;
		return;
	}
	if (page_count(pte_page(pte)) < 1 || PageBuddy(pte_page(pte)))
		complain(check, "a free page is mapped", addr);
}

static void check_level(struct tree_check *check, pte_t *table, unsigned int level, vaddr_t addr)
{
	unsigned int entries = level == PGTABLE_ROOT_LEVEL ? PTRS_PER_USER_ROOT : pt_entries(level);

	for (unsigned int i = 0; i < entries; i++, addr += pt_size(level)) {
		pte_t entry = pte_read(&table[i]);

		if (level == 0 || (pte_present(entry) && !pte_is_table(entry)) || pte_soft(entry)) {
			check_leaf(check, entry, addr);
		} else if (pte_is_table(entry)) {
			check_table_page(check, pte_page(entry), level - 1, addr);
			check_level(check, pte_table(entry), level - 1, addr);
		}
	}
}

unsigned int pgtable_check(struct pgtable *pgt, unsigned long present[3])
{
	struct tree_check check = { .pgt = pgt };

	check_level(&check, pgt->root, PGTABLE_ROOT_LEVEL, 0);
	if (check.tables * PAGE_SIZE != pgt->pgtables_bytes)
		complain(&check, "[PG2] the tables are not as many as counted", check.tables);
	if (present) {
		present[0] = check.present;
		present[1] = check.special;
		present[2] = check.soft;
	}
	return check.broken;
}
