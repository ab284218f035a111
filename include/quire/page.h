/* SPDX-License-Identifier: MIT */
/*
 * page.h - struct page, one for every frame of RAM, and the calls that hand frames out.
 *
 *	 0        4          8          12        16        20        24              32
 *	 [ flags | refcount | mapcount | index_lo | link.next | link.prev | mapping word ]   64-bit
 *	 [ flags | refcount | mapcount | index    | link.next | link.prev | mapping | private ]  32-bit
 *
 *	flags:  bits 0..20 PG_* below, 21..24 owner (enum page_owner), 25..27 zone, 28..31 node
 *	mapping word (64-bit): bits 0..47 the address_space or anon_vma pointer (canonical, so the sign
 *	extends; bit 0 set: anonymous), bits 48..63 the high 16 bits of the index. So a page's index has 48 bits.
 *
 * Links are page frame numbers (u32: 16 TiB of 4 KiB frames), not pointers: half the size and position
 * independent. Which list a page is on depends on its owner: buddy free list, per-CPU list, LRU, slab partial.
 *
 * Every owner overlays its own view on the words behind `flags` and `_refcount` and asserts that it fits.
 *
 * [P1] sizeof(struct page) is 32.
 * [P2] A free page (in its page block or on a per-CPU list) has _refcount 0 and owner PAGE_OWNER_BUDDY.
 * [P3] A page given out by alloc_pages has _refcount 1, _mapcount -1, no mapping, no PG_ flag but PG_head, PG_tail,
 *      PG_run or PG_accounted, and owner PAGE_OWNER_KERNEL.
 * [P4] order-0 pages are never compound: neither PG_head nor PG_tail.
 *
 * Locks: none for the accessors; flags are atomic bits. Sleeps: see each call.
 */
#ifndef QUIRE_PAGE_H
#define QUIRE_PAGE_H

#include <stdatomic.h>

#include "quire/config.h"
#include "quire/gfp.h"
#include "quire/types.h"

enum pageflags {
	PG_locked,      /* identity and content I/O are excluded; waiters sleep on it       */
	PG_waiters,     /* somebody sleeps on this page                                     */
	PG_referenced,
	PG_uptodate,    /* content is valid                                                 */
	PG_dirty,
	PG_writeback,   /* being written                                                    */
	PG_lru,         /* on an LRU list                                                   */
	PG_active,
	PG_workingset,  /* was active when it was evicted last                              */
	PG_unevictable,
	PG_mlocked,
	PG_swapbacked,  /* anonymous or shmem: backed by swap, not by a file                */
	PG_swapcache,
	PG_reclaim,     /* to be freed as soon as its write finishes                        */
	PG_isolated,    /* taken off its list by migration                                  */
	PG_head,
	PG_tail,
	PG_reserved,    /* never given to the allocator: firmware, kernel image, memmap     */
	PG_hwpoison,
	PG_run,         /* first of 2^order frames given out in one piece, not compound     */
	PG_accounted,   /* charged to a group, which page_group() names (quire/account.h)   */
	NR_PAGEFLAGS,
};
_Static_assert(NR_PAGEFLAGS <= 21, "page->flags keeps 21 bits for PG_*");

/* Owners from PAGE_OWNER_KERNEL on were handed out by the allocator and may be freed; the others may not (one bit tells). */
enum page_owner {
	PAGE_OWNER_NONE,     /* memmap exists, frame not (hole inside a section)            */
	PAGE_OWNER_RESERVED, /* firmware, boot allocations                                  */
	PAGE_OWNER_BUDDY,    /* free: in its page block or on a per-CPU list                */
	PAGE_OWNER_TEXT,     /* kernel image                                                */
	PAGE_OWNER_MEMMAP,   /* struct pages themselves                                     */
	PAGE_OWNER_ZERO,     /* the shared zero page                                        */
	PAGE_OWNER_OFFLINE,
	PAGE_OWNER_DEVICE,
	PAGE_OWNER_KERNEL,   /* allocated, no finer owner said                              */
	PAGE_OWNER_SLAB,
	PAGE_OWNER_PGTABLE,
	PAGE_OWNER_VMALLOC,
	PAGE_OWNER_STACK,    /* kernel stack                                                */
	PAGE_OWNER_ANON,     /* user, anonymous                                             */
	PAGE_OWNER_FILE,     /* page cache                                                  */
	PAGE_OWNER_OTHER,    /* the host's own uses                                         */
	NR_PAGE_OWNERS,
};
_Static_assert(NR_PAGE_OWNERS <= 16, "page->flags keeps 4 bits for the owner");

#define PAGE_OWNER_SHIFT 21
#define PAGE_ZONE_SHIFT 25
#define PAGE_NODE_SHIFT 28
#define PAGE_FLAGS_MASK ((1u << PAGE_OWNER_SHIFT) - 1)
#define PAGE_NO_PFN 0xffffffffu /* end of a pfn-linked list */

struct page_link {
	u32 next, prev; /* pfns */
};

struct page {
	_Atomic u32 flags;     /* (a) */
	atomic_int _refcount;  /* (a) */
	union {
		atomic_int _mapcount; /* (a) user, file: mappings less one, so that -1 is "none" */
		u32 owner_word;       /* others: their own                                       */
	};
	union {
		u32 index_lo;         /* (PG_locked) low bits of the index in the mapping        */
		u32 order;            /* kernel pages: the owner's                               */
		u32 owner_index;
	};
	union {
		struct page_link lru; /* (guard of the list)                                     */
		struct {
			u32 compound_head; /* tail: pfn of the head                              */
			u32 compound_info; /* first tail, also of a PG_run: order | destructor << 8 */
		};
		struct {
			u32 isolated_word;  /* off its list: whoever isolated it                 */
			u32 nr_migration;   /* (a) entries that wait for it to have moved        */
		};
	};
	union {
		u64 mapping_word;
		void *owner_ptr;
		struct {
			u32 mapping32;
			u32 private32;
		};
	};
};
_Static_assert(sizeof(struct page) == QUIRE_STRUCT_PAGE_BYTES, "[P1]");

/* ---- flags ---- */

static inline bool page_test_flag(const struct page *page, enum pageflags bit)
{
	return atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed) >> bit & 1;
}

static inline void page_set_flag(struct page *page, enum pageflags bit)
{
	atomic_fetch_or_explicit(&page->flags, 1u << bit, memory_order_relaxed);
}

static inline void page_clear_flag(struct page *page, enum pageflags bit)
{
	atomic_fetch_and_explicit(&page->flags, ~(1u << bit), memory_order_relaxed);
}

static inline bool page_test_and_set_flag(struct page *page, enum pageflags bit)
{
	return atomic_fetch_or_explicit(&page->flags, 1u << bit, memory_order_acq_rel) >> bit & 1;
}

static inline bool page_test_and_clear_flag(struct page *page, enum pageflags bit)
{
	return atomic_fetch_and_explicit(&page->flags, ~(1u << bit), memory_order_acq_rel) >> bit & 1;
}

#define QUIRE_PAGEFLAG(Name, bit)                                                                          \
	static inline bool Page##Name(const struct page *page) { return page_test_flag(page, bit); }       \
	static inline void SetPage##Name(struct page *page) { page_set_flag(page, bit); }                  \
	static inline void ClearPage##Name(struct page *page) { page_clear_flag(page, bit); }

QUIRE_PAGEFLAG(Locked, PG_locked)
QUIRE_PAGEFLAG(Referenced, PG_referenced)
QUIRE_PAGEFLAG(Uptodate, PG_uptodate)
QUIRE_PAGEFLAG(Dirty, PG_dirty)
QUIRE_PAGEFLAG(Writeback, PG_writeback)
QUIRE_PAGEFLAG(LRU, PG_lru)
QUIRE_PAGEFLAG(Active, PG_active)
QUIRE_PAGEFLAG(Workingset, PG_workingset)
QUIRE_PAGEFLAG(Unevictable, PG_unevictable)
QUIRE_PAGEFLAG(Mlocked, PG_mlocked)
QUIRE_PAGEFLAG(SwapBacked, PG_swapbacked)
QUIRE_PAGEFLAG(SwapCache, PG_swapcache)
QUIRE_PAGEFLAG(Reclaim, PG_reclaim)
QUIRE_PAGEFLAG(Head, PG_head)
QUIRE_PAGEFLAG(Tail, PG_tail)
QUIRE_PAGEFLAG(Reserved, PG_reserved)
QUIRE_PAGEFLAG(HWPoison, PG_hwpoison)

static inline bool PageCompound(const struct page *page)
{
	return (atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed) &
		(1u << PG_head | 1u << PG_tail)) != 0;
}

static inline enum page_owner page_owner(const struct page *page)
{
	return atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed) >> PAGE_OWNER_SHIFT & 15;
}

/* Context: the caller owns the page alone (nobody else changes its flags now). */
static inline void page_set_owner(struct page *page, enum page_owner owner)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed);

	flags = (flags & ~(15u << PAGE_OWNER_SHIFT)) | (u32)owner << PAGE_OWNER_SHIFT;
	atomic_store_explicit(&page->flags, flags, memory_order_relaxed);
}

static inline bool PageBuddy(const struct page *page) { return page_owner(page) == PAGE_OWNER_BUDDY; }
static inline bool PageSlab(const struct page *page) { return page_owner(page) == PAGE_OWNER_SLAB; }
static inline bool PageTable(const struct page *page) { return page_owner(page) == PAGE_OWNER_PGTABLE; }

static inline unsigned int page_zonenum(const struct page *page)
{
	return atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed) >> PAGE_ZONE_SHIFT & 7;
}

static inline unsigned int page_to_nid(const struct page *page)
{
	return atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed) >> PAGE_NODE_SHIFT;
}

struct zone *page_zone(const struct page *page);

/* ---- references ---- */

static inline int page_count(const struct page *page)
{
	return atomic_load_explicit(&((struct page *)page)->_refcount, memory_order_relaxed);
}

/* Who sees the last other reference gone sees all that its owner did with the page; pairs with the release of put_page(). */
static inline int page_count_acquire(const struct page *page)
{
	return atomic_load_explicit(&((struct page *)page)->_refcount, memory_order_acquire);
}

static inline int page_mapcount(const struct page *page)
{
	return atomic_load_explicit(&((struct page *)page)->_mapcount, memory_order_relaxed) + 1;
}

/* Takes one more reference. The caller has one already. */
static inline void get_page(struct page *page)
{
	atomic_fetch_add_explicit(&page->_refcount, 1, memory_order_relaxed);
}

/* Takes a reference unless the page is free (speculative look-ups under RCU). */
static inline bool get_page_unless_zero(struct page *page)
{
	int count = atomic_load_explicit(&page->_refcount, memory_order_relaxed);

	while (count != 0)
		if (atomic_compare_exchange_weak_explicit(&page->_refcount, &count, count + 1, memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

/* Drops a reference; what is left. The last owner sees all that the others wrote. Spelled so that a comparison of the result
 * with zero needs no second instruction. */
static inline int page_ref_dec_return(struct page *page)
{
	return __atomic_sub_fetch((int *)&page->_refcount, 1, __ATOMIC_ACQ_REL);
}

/* True when that was the last reference: the caller must free the page. */
static inline bool put_page_testzero(struct page *page)
{
	return page_ref_dec_return(page) == 0;
}

/* Drops a reference; the last one frees the (compound) page: off the LRU, to the allocator. */
void put_page(struct page *page);
/* The same for each of nr pages, with fewer lock operations; overwrites pages[]. */
void put_pages(struct page **pages, unsigned long nr);

/*
 * A pin, for who uses the contents of a program's page while the program runs (pin_user_pages), counts as so many references:
 * a page with as many is taken for pinned, and more than that many others are not to be expected.
 */
#define PAGE_PIN_BIAS 1024

static inline bool page_maybe_dma_pinned(const struct page *page)
{
	return page_count_acquire(page) >= PAGE_PIN_BIAS;
}

/* Where the kernel sees the page's contents, for hosts that got it from pin_user_pages and the like. Never sleeps. */
void *page_to_virt(const struct page *page);

/* ---- mapping and index (user and page cache pages) ---- */

#define PAGE_MAPPING_ANON 1ul

/*
 * Whoever has a reference but not the page's lock reads these while the page is taken out of its object, and a look-up reads
 * those of a frame that has just become something else: each is loaded and stored in one piece, in no order.
 */
static inline u64 page_load_mapping(const struct page *page)
{
	return sizeof(long) == 4 ? __atomic_load_n(&page->mapping32, __ATOMIC_RELAXED)
				 : __atomic_load_n(&page->mapping_word, __ATOMIC_RELAXED);
}

static inline u32 page_load_index(const struct page *page)
{
	return __atomic_load_n(&page->index_lo, __ATOMIC_RELAXED);
}

static inline unsigned long page_mapping_raw(const struct page *page)
{
	u64 word = page_load_mapping(page);

	return sizeof(long) == 4 ? (unsigned long)word : (unsigned long)((s64)(word << 16) >> 16);
}

static inline bool PageAnon(const struct page *page)
{
	return (page_load_mapping(page) & PAGE_MAPPING_ANON) != 0;
}

/* The file's address_space, or NULL for an anonymous page. */
static inline struct address_space *page_mapping(const struct page *page)
{
	unsigned long raw = page_mapping_raw(page);

	return raw & PAGE_MAPPING_ANON ? NULL : (struct address_space *)raw;
}

static inline pgoff_t page_index(const struct page *page)
{
	if (sizeof(long) == 4)
		return page_load_index(page);
	return (pgoff_t)(page_load_mapping(page) >> 48 << 16 << 16 | page_load_index(page));
}

/* What the mapping word holds for a page of `raw` at `index`. */
static inline u64 page_mapping_word(unsigned long raw, pgoff_t index)
{
	return ((u64)raw & 0xffffffffffffull) | (u64)index >> 32 << 48;
}

/* Is this the page at `index` of what `word` was made from, with that index or one of the same upper 32 bits? */
static inline bool page_is_at(const struct page *page, u64 word, pgoff_t index)
{
	u64 now = sizeof(long) == 4 ? __atomic_load_n(&page->mapping32, __ATOMIC_ACQUIRE)
				    : __atomic_load_n(&page->mapping_word, __ATOMIC_ACQUIRE);

	/* The index after the mapping, as page_set_mapping() writes them the other way round: both of one place. */
	return now == (sizeof(long) == 4 ? (u32)word : word) && page_load_index(page) == (u32)index;
}

/* `raw`: an address_space pointer, or an anon_vma pointer | PAGE_MAPPING_ANON. */
static inline void page_set_mapping(struct page *page, unsigned long raw, pgoff_t index)
{
	__atomic_store_n(&page->index_lo, (u32)index, __ATOMIC_RELAXED);
	if (sizeof(long) == 4)
		__atomic_store_n(&page->mapping32, (u32)raw, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&page->mapping_word, page_mapping_word(raw, index), __ATOMIC_RELEASE);
}

/* ---- compound pages ---- */

static inline unsigned int compound_order(struct page *page)
{
	return PageHead(page) ? (page[1].compound_info & 0xff) : 0;
}

/* Who is told when the last reference to a compound page is put, instead of the allocator. */
enum compound_dtor_id {
	COMPOUND_PAGE_DTOR, /* nobody: its frames are free                */
	HUGETLB_PAGE_DTOR,
	TRANSHUGE_PAGE_DTOR,
	NR_COMPOUND_DTORS,
};
/* Gets the head with page_count 0: keeps the page, or ends with free_frozen_pages(page, compound_order(page)). Context: put_page()'s. */
typedef void compound_page_dtor(struct page *page);
/* What these pages' owner does from now on. Context: any; before the first such page. */
void phys_set_compound_dtor(enum compound_dtor_id id, compound_page_dtor *dtor);
/* Says which kind a compound page is. Context: the caller has a reference. */
void set_compound_page_dtor(struct page *page, enum compound_dtor_id id);

/* ---- a word of the owner's ---- */

/* For pages that are in no object and mapped nowhere; it lies where the others keep their mapping. 0 when the page is given. */
static inline unsigned long page_private(const struct page *page)
{
	return sizeof(long) == 4 ? page->private32 : (unsigned long)page->mapping_word;
}

static inline void set_page_private(struct page *page, unsigned long private)
{
	if (sizeof(long) == 4)
		page->private32 = (u32)private;
	else
		page->mapping_word = private;
}

/* ---- allocation (phys/page_alloc.c) ----
 *
 * Result: the first of 2^order pages with page_count 1, or NULL when there is no memory (never for __GFP_NOFAIL).
 * Context: may sleep and take any lock of rank 36 and up when gfp has __GFP_DIRECT_RECLAIM; otherwise never sleeps
 * and may be called from interrupts.
 */
#define NUMA_NO_NODE (-1)

struct page *alloc_pages(gfp_t gfp, unsigned int order);
/* The same without a reference: page_count stays 0, so that no speculative look-up can take one, and the owner alone
 * frees. For pages that are never shared: slabs, page tables, stacks. No atomic operation on the fast paths. */
struct page *alloc_frozen_pages(gfp_t gfp, unsigned int order);
void free_frozen_pages(struct page *page, unsigned int order);
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
struct page *__alloc_pages_nodemask(gfp_t gfp, unsigned int order, int nid, const unsigned long *nodemask);
/* Fills pages[0..nr) where NULL; returns how many entries are filled. Order 0. */
unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr, struct page **pages);
void __free_pages(struct page *page, unsigned int order);
/* The same for a page that a device or a long scan used last: it waits at the cold end. */
void free_cold_page(struct page *page);
/* Frees `nr` order-0 pages whose reference the caller held alone (page_count 1 each). */
void free_pages_bulk(struct page **pages, unsigned long nr);
unsigned long __get_free_pages(gfp_t gfp, unsigned int order); /* direct-map address, 0 when none */
unsigned long get_zeroed_page(gfp_t gfp);
void free_pages(unsigned long addr, unsigned int order);
void *alloc_pages_exact(size_t bytes, gfp_t gfp);
void free_pages_exact(void *virt, size_t bytes);
void split_page(struct page *page, unsigned int order);
int alloc_contig_range(pfn_t start, pfn_t end, gfp_t gfp);
void free_contig_range(pfn_t start, unsigned long nr_pages);
/* Per-CPU lists back to the buddy, of all CPUs. May sleep. */
void drain_all_pages(void);

#define alloc_page(gfp) alloc_pages(gfp, 0)
#define __free_page(page) __free_pages(page, 0)
#define free_page(addr) free_pages(addr, 0)

#endif
