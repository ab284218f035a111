/* SPDX-License-Identifier: MIT */
/*
 * rmap.h - who maps a page: from a page back to the page-table entries that point to it.
 *
 *	page (file) -- mapping --> i_mmap ----------+
 *	                                            +--> rmap_area {page offsets -> addresses, page table} --> entry
 *	page (anon) -- anon_vma -> areas -----------+
 *
 * A struct rmap_area is this room's part of a VMA, which embeds it: a range of page offsets of an object, the page table that
 * shows it and where. It hangs in up to two interval trees at once: the file's, and once a private page exists the anonymous
 * family's.
 *
 * An anonymous family (struct anon_vma) is all that one VMA's pages may be mapped by: the VMA itself, what it was split into,
 * and the copies of both in forked children. Elsewhere each generation has a node of its own and chains to its ancestors; one
 * flat tree costs a walker some areas that cannot hold the page (bounded by live relatives), and saves fork all allocation.
 *
 * [A1] _mapcount + 1 of a page is the number of present entries that point to it.
 * [A2] An anonymous page's family outlives the page's last mapping (not the page).
 * [A3] An area's node ranges equal [pgoff, pgoff + nr) while it is in a tree; in the file's, that of a remapped one is everything.
 *
 * Locks: i_mmap_lock / anon_vma->lock to write for link and unlink, to read for walks. Sleeps: taking them.
 * Cost: O(log n) per area; a walk visits each entry once. Allocates: anon_vma_alloc only.
 */
#ifndef OBJECT_RMAP_H
#define OBJECT_RMAP_H

#include "arch/pte.h"
#include "base/interval.h"
#include "quire/mapping.h"
#include "quire/page.h"
#include "sync/rwsem.h"

struct pgtable;

struct anon_vma {
	struct rw_semaphore lock;   /* LOCK_ANON_VMA */
	struct rb_root areas;       /* (lock) rmap_area.anon_node */
	atomic_int refs;            /* (a) linked areas and walkers */
};

struct rmap_area {
	struct interval_node file_node; /* (i_mmap_lock) */
	struct interval_node anon_node; /* (anon_vma->lock) */
	struct pgtable *pgtable;        /* (c) */
	unsigned long start;            /* (both locks of the trees it is in) address of the first page */
	pgoff_t pgoff;                  /* the same: its page offset */
	unsigned long nr;               /* the same: pages */
	unsigned int flags;             /* (a) RMAP_*; the VMA's locks to write */
};

enum rmap_area_flags {
	RMAP_LOCKED = 1,     /* eviction must leave it mapped */
	RMAP_NONLINEAR = 2,  /* remapped: entries may be anywhere in the area */
	RMAP_PRIVATE = 4,    /* a private mapping of the file: may hold anonymous copies */
	RMAP_UFFD_WP = 8,    /* writes to the file's pages are watched: entries remember which */
	RMAP_RIGHTS_SHIFT = 8,  /* 3 bits: what the VMA allows, as bits 0..2 of vm_flags */
	RMAP_PKEY_SHIFT = 12,   /* 4 bits: its protection key */
};

/*
 * Bits of a present entry by the rights of its VMA (read, write, execute) and its protection key. Writable is added entry by
 * entry: by the fault that makes the page the program's own, or tells the object's owner.
 */
static inline pgprot_t rmap_prot(unsigned int rights, unsigned int pkey)
{
	return pgprot_user((rights & 5) | (rights >> 1 & 1)) | pgprot_pkey(pkey);
}

/* The same for an area as it is now. Changes follow the VMA's before its entries are changed, so that whoever has the entries'
 * table locked either sees the new rights or is corrected. */
static inline pgprot_t rmap_area_prot(const struct rmap_area *area)
{
	unsigned int flags = READ_ONCE(area->flags);

	return rmap_prot(flags >> RMAP_RIGHTS_SHIFT & 7, flags >> RMAP_PKEY_SHIFT & 15);
}

/* ---- families ---- */

/* One reference, no areas. NULL when out of memory. May sleep. */
struct anon_vma *anon_vma_alloc(void);
static inline void anon_vma_get(struct anon_vma *anon)
{
	atomic_fetch_add_explicit(&anon->refs, 1, memory_order_relaxed);
}
/* The last reference frees it. */
void anon_vma_put(struct anon_vma *anon);

/* Area into and out of the trees; each takes and drops the tree's lock. */
void rmap_link_file(struct rmap_area *area, struct address_space *mapping);
void rmap_unlink_file(struct rmap_area *area, struct address_space *mapping);
void rmap_link_anon(struct rmap_area *area, struct anon_vma *anon);
void rmap_unlink_anon(struct rmap_area *area, struct anon_vma *anon);
/* Changes the range of an area in its trees (either may be NULL), or finds its place anew after RMAP_NONLINEAR has changed. */
void rmap_set_range(struct rmap_area *area, struct address_space *mapping, struct anon_vma *anon, unsigned long start,
		    pgoff_t pgoff, unsigned long nr);

/* The family of an anonymous page that the caller has a reference on, with a reference, unless nobody maps the page. */
struct anon_vma *page_get_anon_vma(struct page *page);
/* The family of an anonymous page. */
static inline struct anon_vma *page_anon_vma(const struct page *page)
{
	return (struct anon_vma *)(page_mapping_raw(page) & ~PAGE_MAPPING_ANON);
}

/* ---- counts ---- */

/* Which counter of an mm a page that it maps adds to. */
static inline enum mm_counter mm_counter_of(const struct page *page)
{
	if (PageAnon(page))
		return MM_ANONPAGES;
	return PageSwapBacked(page) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

/* A new page, seen by nobody else, becomes anonymous of the family and mapped once. */
void page_add_new_anon_rmap(struct page *page, struct anon_vma *anon, pgoff_t index);
/* One more entry of this or another page table points to the page. */
void page_add_rmap(struct page *page);
/* One entry less. */
void page_remove_rmap(struct page *page);

/* ---- walk ---- */

/* One entry that may map the page: called with the area's leaf table locked and the entry found to point to the page.
 * Returns false to stop. */
struct rmap_visit {
	struct page *was; /* NULL: entries that map the page; else those that wait for the page `was` to have moved */
	bool (*entry)(struct rmap_visit *visit, struct rmap_area *area, unsigned long addr, void *pte, struct page *page);
	/* NULL: all areas. */
	bool (*skip)(struct rmap_visit *visit, struct rmap_area *area);
};
/* Visits every entry that maps the page. The caller has a reference, and keeps the file or one mapping of an anonymous page
 * from going meanwhile. False when a visitor stopped it. Sleeps. */
bool rmap_walk(struct page *page, struct rmap_visit *visit);

#endif
