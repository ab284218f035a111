/* SPDX-License-Identifier: MIT */
/*
 * pgtable.h - struct pgtable: one tree of page tables, who uses it, and what it maps.
 *
 *	root (level 3 or 4) --> ... --> table (1) --> leaf table (0) --> pages
 *	       |                                           |
 *	   pgt->lock guards links of all upper tables      its own lock, in the struct page of its frame
 *
 * [PG1] A table page has owner PAGE_OWNER_PGTABLE and one reference, held by the entry that leads to it.
 * [PG2] pgtables_bytes is PAGE_SIZE times the tables that the tree's own user part consists of, without the root.
 * [PG3] A table is freed after the flush that follows its unlinking has returned on every CPU in `cpus`.
 * [PG4] Descent needs no lock: entries of upper tables go from none to a complete table, and away again only while no VMA
 *       (and so no fault and no reverse walk) covers any address below them.
 * [PG5] An entry of an upper table (of pgtable_init) that is not none has its group's bit in `used`: whoever looks for
 *       entries looks at the groups that have one, not at all places.
 *
 * Locks: (P) pgt->lock, LOCK_PAGE_TABLE; (T) the leaf table's lock, LOCK_PTE. Sleeps: never, but the purse (table.h).
 * Cost: a walk is six instructions a level. Allocates: root and purse only.
 */
#ifndef PGTABLE_PGTABLE_H
#define PGTABLE_PGTABLE_H

#include "arch/pte.h"
#include "arch/tlb.h"
#include "base/atomic.h"
#include "base/bitmap.h"
#include "phys/memmap.h"
#include "quire/config.h"
#include "sync/spinlock.h"

/* Counters of mapped pages that live here because whoever holds a page-table lock keeps them: enum mm_counter. */
#define PGTABLE_NR_RSS 4

/* What every fault reads comes first, what shootdowns write last: in a program's mm_struct they are different cache lines. */
struct pgtable {
	pte_t *root;                           /* (c) in the direct map                               */
	struct pgtable_rss *rss;               /* (c) nr_rss counters, or NULL: a tree that counts nothing */
	unsigned int nr_rss;                   /* (c) a power of two                                  */
	spinlock_t lock;                       /* LOCK_PAGE_TABLE                                     */
	unsigned long pgtables_bytes;          /* (P) to write [PG2]                                  */
	DECLARE_BITMAP(cpus, QUIRE_MAX_CPUS);  /* (a) CPUs that may hold translations of it           */
	u64 tlb_gen __aligned(8);               /* (a) shootdowns so far                               */
};

/* Pages by kind, counted by the CPUs whose number ends alike: the count is the sum, a part may be negative. A line for each,
 * because every fault counts. */
struct pgtable_rss {
	atomic_long_t pages[PGTABLE_NR_RSS];   /* (a)                                                 */
	char fill[CACHE_LINE_BYTES - PGTABLE_NR_RSS * sizeof(atomic_long_t)];
};

/* More CPUs share. */
#define PGTABLE_MAX_RSS 16

/* The view of struct page of a table's frame. */
struct table_page {
	_Atomic u32 flags;
	atomic_int ref;
	spinlock_t ptl;                        /* leaf tables: LOCK_PTE                               */
	u32 level;                             /* (c) while linked                                    */
	union {
		struct page_link link;         /* in a gather                                         */
		u64 used __aligned(8);         /* (P) upper tables: groups of entries ever filled [PG5] */
	};
	struct pgtable *pgt;                   /* (c) while linked: whose                             */
};
static_assert(sizeof(struct table_page) <= sizeof(struct page), "a table's view fits a page descriptor");
static_assert(offsetof(struct table_page, used) == offsetof(struct page, lru), "nothing is padded");
static_assert(offsetof(struct table_page, link) == offsetof(struct page, lru), "links lie where lists look");

/* The table that an entry of an upper level leads to. */
static __always_inline pte_t *pte_table(pte_t entry)
{
	return phys_to_virt(PFN_PHYS(pte_table_pfn(entry)));
}

static __always_inline struct page *pte_page(pte_t pte)
{
	return pfn_to_page(pte_pfn(pte));
}

static __always_inline pte_t mk_pte(const struct page *page, pgprot_t prot)
{
	return pfn_pte(page_to_pfn(page), prot);
}

static __always_inline struct table_page *table_of(const pte_t *pte)
{
	return (struct table_page *)virt_to_page(pte);
}

/* Entries that share a bit of `used`. */
#define TABLE_GROUP (PTRS_PER_TABLE / 64)
static_assert(PTRS_PER_TABLE % 64 == 0, "one word has a bit for each group");

/*
 * The first index from `from` on whose group has been used, below PTRS_PER_TABLE, or PTRS_PER_TABLE: none. Racy reads miss
 * only entries that are being made.
 */
static __always_inline unsigned int table_next_used(const struct table_page *table, unsigned int from)
{
	u64 groups;
	unsigned int skip;

	if (from >= PTRS_PER_TABLE)
		return PTRS_PER_TABLE;
	groups = READ_ONCE(table->used) >> (from / TABLE_GROUP);
	if (groups & 1)
		return from;
	if (!groups)
		return PTRS_PER_TABLE;
	skip = (unsigned int)__builtin_ctzll(groups);
	return (from / TABLE_GROUP + skip) * TABLE_GROUP;
}

/* [PG5] Before *entry of an upper table is filled. pgt->lock is held. */
static __always_inline void table_mark_used(const pte_t *entry)
{
	table_of(entry)->used |= 1ull << ((vaddr_t)entry / sizeof(pte_t) % PTRS_PER_TABLE / TABLE_GROUP);
}

/* The lock of the leaf table that holds *pte. */
static __always_inline spinlock_t *pte_lockptr(const pte_t *pte)
{
	return &table_of(pte)->ptl;
}

/* End of the part of [addr, end) that one entry at `level` covers; never 0. */
static __always_inline vaddr_t pt_addr_end(vaddr_t addr, vaddr_t end, unsigned int level)
{
	vaddr_t boundary = (addr + pt_size(level)) & ~(pt_size(level) - 1);

	return boundary - 1 < end - 1 ? boundary : end;
}

/* ---- life ---- */

/* Tables kept ready by each CPU: makes the room's state. 0 or -ENOMEM. Context: boot, after kmem_init(). */
int pgtable_room_init(void);
/* Gives them back. The CPUs are idle. */
void pgtable_room_exit(void);
/* The kernel's own tree around a root that was made at boot. */
void pgtable_adopt(struct pgtable *pgt, pte_t *root);

/* An empty tree with the kernel's mappings. 0 or -ENOMEM. May sleep. */
int pgtable_init(struct pgtable *pgt);
/* Frees the root; every table below is gone already. No CPU may have it loaded (lazily loaded ones are sent away). */
void pgtable_destroy(struct pgtable *pgt);

/* delta more pages of a kind. */
static __always_inline void pgtable_add_rss(struct pgtable *pgt, unsigned int which, long delta)
{
	atomic_long_add(delta, &pgt->rss[this_cpu() & (pgt->nr_rss - 1)].pages[which]);
}

/* Never negative. */
static inline unsigned long pgtable_rss(const struct pgtable *pgt, unsigned int which)
{
	long sum = 0;

	for (unsigned int i = 0; i < pgt->nr_rss; i++)
		sum += atomic_long_read(&pgt->rss[i].pages[which]);
	return sum > 0 ? (unsigned long)sum : 0;
}

/* Walks the whole tree and checks [PG1], [PG2], page owners and counters. Broken invariants, each logged. The caller excludes
 * changes. present[3], if not NULL, gets the present leaf entries, those that are special, and the soft entries. */
unsigned int pgtable_check(struct pgtable *pgt, unsigned long present[3]);

#endif
