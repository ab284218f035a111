/* SPDX-License-Identifier: MIT */
/* walk_test.c - populating, cursors over holes, freeing and moving whole tables, against a plain model of what is mapped. */
#include <string.h>

#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "tables_machine.h"

static struct pgtable pgt;

/* Pages of the model: a few clusters far apart, so that tables of every level come and go. */
#define CLUSTERS 7
#define CLUSTER_PAGES 1100
static vaddr_t cluster_at[CLUSTERS] = { 0x10000, 0x600000, 0x3ff00000, 0x80000000, 0xbf000000 };
static bool mapped[CLUSTERS][CLUSTER_PAGES];

/* Those that lie where the highest level has another entry than the first, and its last one. */
static void place_high_clusters(void)
{
	cluster_at[5] = (TASK_SIZE / 2 & PMD_MASK) + 3 * PAGE_SIZE;
	cluster_at[6] = TASK_SIZE - CLUSTER_PAGES * PAGE_SIZE;
}

static vaddr_t model_addr(unsigned int cluster, unsigned int page)
{
	return cluster_at[cluster] + page * PAGE_SIZE;
}

static void set_entry(vaddr_t addr, pte_t pte)
{
	struct table_purse purse = TABLE_PURSE_INIT;
	spinlock_t *ptl = NULL;
	pte_t *at;

	while (!(at = pgtable_lock_pte(&pgt, addr, &purse, &ptl)))
		if (table_purse_fill(&purse, &pgt, addr, GFP_KERNEL))
			abort();
	set_pte(at, pte);
	spin_unlock(ptl);
	table_purse_empty(&purse);
}

static void test_populate(void)
{
	struct table_purse purse = TABLE_PURSE_INIT;
	spinlock_t *ptl = NULL;
	unsigned int level;

	tap_ok(!pgtable_find_pte(&pgt, 0x1000), "an empty tree has no leaf");
	tap_ok(!pgtable_lock_pte(&pgt, 0x1000, &purse, &ptl), "an empty purse makes none");
	pgtable_find_entry(&pgt, 0x1000, &level);
	tap_is(level, PGTABLE_ROOT_LEVEL, "the root decides");
	tap_is(table_purse_fill(&purse, &pgt, 0x1000, GFP_KERNEL), 0, "the purse is filled");
	tap_is(purse.nr, PGTABLE_LEVELS - 1, "with a table for each level");
	tap_ok(pgtable_lock_pte(&pgt, 0x1000, &purse, &ptl) != NULL, "and makes a leaf");
	tap_ok(spin_is_locked(ptl), "which is locked");
	spin_unlock(ptl);
	tap_is(purse.nr, 0, "all were needed");
	tap_is(pgt.pgtables_bytes, (PGTABLE_LEVELS - 1) * PAGE_SIZE, "and are counted");
	table_purse_fill(&purse, &pgt, 0x1000, GFP_KERNEL);
	tap_is(purse.nr, 0, "nothing is missing now");
	table_purse_fill(&purse, &pgt, PMD_SIZE, GFP_KERNEL);
	tap_is(purse.nr, 1, "one leaf is missing beside it");
	table_purse_empty(&purse);
}

static void model_randomise(unsigned int density)
{
	for (unsigned int c = 0; c < CLUSTERS; c++)
		for (unsigned int p = 0; p < CLUSTER_PAGES; p++) {
			bool want = tap_rand_below(density) == 0;

			if (want != mapped[c][p])
				set_entry(model_addr(c, p), want ? pte_mkspecial(pfn_pte(1, pgprot_user(1))) : (pte_t){ 0 });
			mapped[c][p] = want;
		}
}

static bool model_mapped(vaddr_t addr)
{
	for (unsigned int c = 0; c < CLUSTERS; c++)
		if (addr >= cluster_at[c] && addr < cluster_at[c] + CLUSTER_PAGES * PAGE_SIZE)
			return mapped[c][(addr - cluster_at[c]) / PAGE_SIZE];
	return false;
}

static unsigned long model_count(vaddr_t start, vaddr_t end)
{
	unsigned long nr = 0;

	for (unsigned int c = 0; c < CLUSTERS; c++)
		for (unsigned int p = 0; p < CLUSTER_PAGES; p++)
			nr += mapped[c][p] && model_addr(c, p) >= start && model_addr(c, p) < end;
	return nr;
}

/* Counts what the cursor sees and complains about what it must not see. */
static unsigned long walk_count(vaddr_t start, vaddr_t end, bool *right)
{
	struct pgtable_cursor c;
	unsigned long nr = 0;
	vaddr_t before = start;

	for_each_leaf_table(&c, &pgt, start, end) {
		vaddr_t addr = c.addr;

		*right = *right && c.addr >= before && c.addr < c.end && c.end <= end &&
			 (c.addr & PMD_MASK) == ((c.end - 1) & PMD_MASK);
		before = c.end;
		for (pte_t *pte = c.pte; addr < c.end; pte++, addr += PAGE_SIZE) {
			*right = *right && pte_present(pte_read(pte)) == model_mapped(addr);
			nr += pte_present(pte_read(pte));
		}
	}
	return nr;
}

static vaddr_t random_border(void)
{
	unsigned int c = (unsigned int)tap_rand_below(CLUSTERS);

	if (tap_rand_below(8) == 0)
		return tap_rand_below(2) ? PAGE_SIZE : TASK_SIZE;
	return cluster_at[c] + (tap_rand_below(CLUSTER_PAGES + 600)) * PAGE_SIZE;
}

static void test_cursor(void)
{
	for (unsigned int round = 0; round < 6; round++) {
		bool right = true;
		unsigned long differ = 0;

		model_randomise(round % 3 ? 40 : 4);
		for (unsigned int i = 0; i < 60; i++) {
			vaddr_t a = random_border(), b = random_border();

			if (a > b) {
				vaddr_t swap = a;

				a = b;
				b = swap;
			}
			if (a == b)
				b += PAGE_SIZE;
			differ += walk_count(a, b, &right) != model_count(a, b);
		}
		tap_ok(right, "[W1] the cursor's parts are in order and in range");
		tap_is(differ, 0, "and none is left out");
	}
}

static void test_check(void)
{
	unsigned long counts[3];

	set_entry(0x7000000, pte_mksoft(SOFT_SWAP, 77, 0));
	tap_is(pgtable_check(&pgt, counts), 0, "the tree is in order");
	tap_is(counts[1], model_count(0, ~0ul), "special entries are those of the model");
	tap_is(counts[2], 1, "one soft entry");
	set_entry(0x7000000, (pte_t){ 0 });
}

static void free_tables_of(vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	struct mmu_gather tlb;

	tlb_gather_mmu(&tlb, &pgt, 0);
	pgtable_free_tables(&tlb, start, end, floor, ceiling);
	tlb_finish_mmu(&tlb);
}

static void test_free_tables(void)
{
	unsigned long before;
	vaddr_t at = 0x20000000;

	set_entry(at, pte_mkspecial(pfn_pte(1, pgprot_user(1))));
	set_entry(at + PMD_SIZE, pte_mkspecial(pfn_pte(1, pgprot_user(1))));
	before = pgt.pgtables_bytes;
	set_entry(at, (pte_t){ 0 });
	set_entry(at + PMD_SIZE, (pte_t){ 0 });
	free_tables_of(at, at + PAGE_SIZE, at, at + PAGE_SIZE);
	tap_is(pgt.pgtables_bytes, before, "a table that reaches beyond the ceiling stays");
	free_tables_of(at, at + PAGE_SIZE, at - PMD_SIZE / 2, at + PMD_SIZE);
	tap_is(pgt.pgtables_bytes, before - PAGE_SIZE, "one that is free between floor and ceiling goes");
	tap_ok(!pgtable_find_pte(&pgt, at) && pgtable_find_pte(&pgt, at + PMD_SIZE), "and its neighbour does not");
	free_tables_of(at + PMD_SIZE, at + PMD_SIZE + PAGE_SIZE, at + PMD_SIZE + PAGE_SIZE, 0);
	tap_is(pgt.pgtables_bytes, before - PAGE_SIZE, "a table that begins below the floor stays");
	tap_is(pgtable_check(&pgt, NULL), 0, "the tree is in order");
}

static void test_move(void)
{
	struct table_purse purse = TABLE_PURSE_INIT;
	vaddr_t from = 0x24000000, to = 0x64000000;
	pte_t pte = pte_mkspecial(pfn_pte(9, pgprot_user(1)));

	set_entry(from + 3 * PAGE_SIZE, pte);
	table_purse_fill(&purse, &pgt, to, GFP_KERNEL);
	tap_ok(pgtable_move_table(&pgt, from, to, &purse), "a leaf table moves");
	tap_ok(!pgtable_find_pte(&pgt, from), "away from here");
	tap_ok(pte_same(pte_read(pgtable_find_pte(&pgt, to + 3 * PAGE_SIZE)), pte), "to there, with its entries");
	tap_ok(pgtable_move_table(&pgt, from, to + PMD_SIZE, &purse), "nothing moves at once");
	set_entry(from, pte);
	tap_ok(!pgtable_move_table(&pgt, from, to, &purse), "not onto another table");
	tap_ok(pgtable_find_pte(&pgt, from), "and stays then");
	table_purse_empty(&purse);
	tap_is(pgtable_check(&pgt, NULL), 0, "the tree is in order");
	set_entry(from, (pte_t){ 0 });
	set_entry(to + 3 * PAGE_SIZE, (pte_t){ 0 });
}

static void clear_model(void)
{
	for (unsigned int c = 0; c < CLUSTERS; c++)
		for (unsigned int p = 0; p < CLUSTER_PAGES; p++)
			if (mapped[c][p])
				set_entry(model_addr(c, p), (pte_t){ 0 });
	memset(mapped, 0, sizeof(mapped));
}

static void test_broken_is_seen(void)
{
	pgt.pgtables_bytes += PAGE_SIZE;
	tap_is(pgtable_check(&pgt, NULL), 1, "[PG2] a wrong count is seen");
	pgt.pgtables_bytes -= PAGE_SIZE;
}

static void test_all(bool five_levels)
{
	struct hosted_config config = { .mem_bytes = 16 << 20, .cpus = 1, .pgtable_l5 = five_levels };
	struct hosted_machine *machine = tables_machine_of(&config);

	tap_diag("%u levels", (unsigned int)PGTABLE_LEVELS);
	place_high_clusters();
	pgtable_init(&pgt);
	test_populate();
	test_cursor();
	test_check();
	test_free_tables();
	test_move();
	test_broken_is_seen();
	clear_model();
	tables_free_all(&pgt);
	tap_machine_tables_end(machine);
}

int main(void)
{
	tap_plan(0);
	test_all(false);
	test_all(true);
	return tap_done();
}
