/* SPDX-License-Identifier: MIT */
/* table.c - table pages: made, linked, moved, taken out. */
#include "pgtable/table.h"

#include "base/math.h"
#include "pgtable/gather.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/stats.h"
#include "sync/fail_nth.h"
#include "sync/percpu.h"

/*
 * Tables that are freed are empty again, so a CPU keeps some as they are: a program's begin and end then clear no table.
 * Roots keep the kernel's entries too, which never change. 16 tables are two small programs' worth.
 */
#define CACHED_TABLES 16
#define CACHED_ROOTS 2

struct table_cache {
	struct percpu_guard guard;
	unsigned int nr_tables, nr_roots; /* (own CPU, guarded) */
	struct page *tables[CACHED_TABLES];
	struct page *roots[CACHED_ROOTS];
} __cacheline_aligned;

struct pgtable_room {
	struct table_cache *cache; /* (c) by CPU */
};

static struct page *table_init(struct page *page)
{
	struct table_page *table = (struct table_page *)page;

	if (unlikely(!page))
		return NULL;
	page_set_owner(page, PAGE_OWNER_PGTABLE);
	spin_lock_init(&table->ptl, LOCK_PTE);
	table->pgt = NULL;
	return page;
}

static void give_back(struct page *page)
{
	page_set_owner(page, PAGE_OWNER_KERNEL);
	__free_page(page);
}

static bool take_cached(struct page **slots, unsigned int *nr, struct percpu_guard *guard, struct page **page)
{
	bool taken = false;

	if (!percpu_enter(guard))
		return false;
	if (likely(*nr)) {
		*page = slots[--*nr];
		taken = true;
	}
	percpu_leave(guard);
	return taken;
}

static bool keep_cached(struct page **slots, unsigned int *nr, unsigned int max, struct percpu_guard *guard,
			struct page *page)
{
	bool kept = false;

	if (!percpu_enter(guard))
		return false;
	if (likely(*nr < max)) {
		slots[(*nr)++] = page;
		kept = true;
	}
	percpu_leave(guard);
	return kept;
}

static struct table_cache *this_cache(void)
{
	struct pgtable_room *room = this_quire()->pgtable;

	return room ? this_cpu_ptr(room->cache) : NULL;
}

struct page *table_alloc(gfp_t gfp)
{
	struct table_cache *cache = this_cache();
	struct page *page;

	if (should_fail_alloc(QUIRE_FAIL_PGTABLE, gfp))
		return NULL;
	if (likely(cache) && take_cached(cache->tables, &cache->nr_tables, &cache->guard, &page))
		return page;
	return table_init(alloc_pages(gfp | __GFP_ZERO, 0));
}

static bool is_empty(const pte_t *table, unsigned int entries)
{
	for (unsigned int i = 0; i < entries; i++)
		if (!pte_none(pte_read(&table[i])))
			return false;
	return true;
}

void table_free(struct page *page)
{
	struct table_cache *cache = this_cache();

	QUIRE_ASSERT_MSG(is_empty(page_address(page), PTRS_PER_TABLE), "a table is freed with something in it");
	((struct table_page *)page)->pgt = NULL;
	if (likely(cache) &&
	    keep_cached(cache->tables, &cache->nr_tables, CACHED_TABLES, &cache->guard, page))
		return;
	give_back(page);
}

/* This wing has no slabs: its state is a run of pages, which a few CPUs do not fill. */
static unsigned int room_order(void)
{
	return order_of(sizeof(struct pgtable_room) + CACHE_LINE_BYTES +
			percpu_bytes(struct table_cache, this_quire()->nr_cpus), PAGE_SHIFT);
}

int pgtable_room_init(void)
{
	struct pgtable_room *room = (struct pgtable_room *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, room_order());

	if (!room)
		return -ENOMEM;
	room->cache = (struct table_cache *)ALIGN((vaddr_t)(room + 1), CACHE_LINE_BYTES);
	this_quire()->pgtable = room;
	return 0;
}

void pgtable_room_exit(void)
{
	struct pgtable_room *room = this_quire()->pgtable;
	unsigned int cpu;

	if (!room)
		return;
	for_each_possible_cpu(cpu) {
		struct table_cache *cache = &room->cache[cpu];

		while (cache->nr_tables)
			give_back(cache->tables[--cache->nr_tables]);
		while (cache->nr_roots)
			give_back(cache->roots[--cache->nr_roots]);
	}
	this_quire()->pgtable = NULL;
	free_pages((unsigned long)room, room_order());
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
	mod_node_page_state(page_to_nid(page), NR_PAGETABLE, 1);
	if (level)
		table->used = 0;
	table_mark_used(entry);
	/* Release: pairs with the loads of lock-free walks, which see the zeroes (and the lock) behind the entry. */
	set_pte_release(entry, pfn_pte_table(page_to_pfn(page), level + 1));
}

static void unlink_table(struct pgtable *pgt, pte_t *entry)
{
	mod_node_page_state(page_to_nid(pte_page(pte_read(entry))), NR_PAGETABLE, -1);
	pte_clear(entry);
	pgt->pgtables_bytes -= PAGE_SIZE;
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

/* Frees the tables below `table` that serve [addr, last] and lie in the range. pgt->lock is held. */
static void free_level(const struct free_range *range, pte_t *table, unsigned int level, vaddr_t addr, vaddr_t last)
{
	const struct table_page *page = table_of(table);
	vaddr_t base = addr & ~((pt_size(level) << PT_INDEX_BITS) - 1);
	unsigned int i = pt_index(addr, level), to = pt_index(last, level);

	for (i = table_next_used(page, i); i <= to; i = table_next_used(page, i + 1)) {
		vaddr_t first = base + i * pt_size(level), end = first + (pt_size(level) - 1);
		pte_t value = pte_read(&table[i]);

		if (!pte_is_table(value))
			continue;
		if (level > 1)
			free_level(range, pte_table(value), level - 1, max(addr, first), min(last, end));
		if (first >= range->floor && end <= range->last) {
			unlink_table(range->tlb->pgt, &table[i]);
			tlb_note_range(range->tlb, max(addr, first), min(last, end) + 1);
			tlb_remove_table(range->tlb, pte_page(value));
		}
	}
}

void pgtable_free_tables_slow(struct mmu_gather *tlb, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	struct free_range range = { .tlb = tlb, .floor = floor, .last = ceiling - 1 };
	struct pgtable *pgt = tlb->pgt;

	spin_lock(&pgt->lock);
	free_level(&range, pgt->root, PGTABLE_ROOT_LEVEL, start, end - 1);
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
			table_mark_used(target);
			set_pte(target, pte_read(source));
			pte_clear(source);
		}
	} else if (!pte_none(pte_read(source))) {
		moved = false;
	}
	spin_unlock(&pgt->lock);
	return moved;
}

static struct page *root_alloc(void)
{
	struct table_cache *cache = this_cache();
	struct page *page;

	if (should_fail_alloc(QUIRE_FAIL_PGTABLE, GFP_KERNEL))
		return NULL;
	if (likely(cache) && take_cached(cache->roots, &cache->nr_roots, &cache->guard, &page))
		return page;
	page = table_init(alloc_pages(GFP_KERNEL, 0));
	if (page)
		arch_root_init(page_address(page));
	return page;
}

int pgtable_init(struct pgtable *pgt)
{
	struct page *page = root_alloc();
	struct table_page *table = (struct table_page *)page;

	if (!page)
		return -ENOMEM;
	*pgt = (struct pgtable){ .root = page_address(page) };
	spin_lock_init(&pgt->lock, LOCK_PAGE_TABLE);
	table->pgt = pgt;
	table->level = PGTABLE_ROOT_LEVEL;
	table->used = 0;
	mod_node_page_state(page_to_nid(page), NR_PAGETABLE, 1);
	return 0;
}

void pgtable_adopt(struct pgtable *pgt, pte_t *root)
{
	*pgt = (struct pgtable){ .root = root };
	spin_lock_init(&pgt->lock, LOCK_PAGE_TABLE);
	table_of(root)->used = ~0ull;
}

void pgtable_destroy(struct pgtable *pgt)
{
	struct page *page = virt_to_page(pgt->root);
	struct table_cache *cache = this_cache();

	if (!bitmap_empty(pgt->cpus, QUIRE_MAX_CPUS))
		flush_tlb_range_flags(pgt, 0, ~0ul, TLB_FREED_TABLES);
	QUIRE_ASSERT(bitmap_empty(pgt->cpus, QUIRE_MAX_CPUS));
	QUIRE_ASSERT(!pgt->pgtables_bytes);
	QUIRE_ASSERT_MSG(is_empty(pgt->root, PTRS_PER_USER_ROOT), "a root is freed with something in it");
	mod_node_page_state(page_to_nid(page), NR_PAGETABLE, -1);
	pgt->root = NULL;
	((struct table_page *)page)->pgt = NULL;
	if (!cache || !keep_cached(cache->roots, &cache->nr_roots, CACHED_ROOTS, &cache->guard, page))
		give_back(page);
}
