/* SPDX-License-Identifier: MIT */
/*
 * pagecache.h - the parts of the page cache that rooms above use besides include/quire/mapping.h.
 *
 * How a fault maps a cached page without the page's lock:
 *
 *	fault                                    truncate (page locked)
 *	  reference from an RCU look-up            unmap by reverse map
 *	  entry set, mapcount raised               out of the tree, mapping = NULL
 *	  full fence                               full fence
 *	  mapping still the same? else undo        still mapped? unmap again
 *
 * One of the two always sees the other, so a removed page never stays mapped ([M3]).
 *
 * Locks: as mapping.h. Sleeps: as said.
 */
#ifndef OBJECT_PAGECACHE_H
#define OBJECT_PAGECACHE_H

#include "arch/page.h"
#include "quire/mapping.h"

/* Pages that hold `bytes`. */
static inline pgoff_t bytes_to_pages(u64 bytes)
{
	return (pgoff_t)((bytes + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

static inline bool mapping_is_ram(const struct address_space *mapping)
{
	return !mapping->ops->read_page;
}

/* Room in the object's own limits for nr pages more: 0 or -errno. */
static inline int mapping_charge(struct address_space *mapping, long nr)
{
	return mapping->ops->account_pages ? mapping->ops->account_pages(mapping, nr) : 0;
}

static inline void mapping_uncharge(struct address_space *mapping, long nr)
{
	if (mapping->ops->account_pages)
		mapping->ops->account_pages(mapping, -nr);
}

/*
 * Cached pages of [index, index + nr) with references, pages[i] that of index + i, NULL where there is none: as many of the
 * `nr` as one look into the tree gives. How many entries were filled.
 */
unsigned int find_get_run(struct address_space *mapping, pgoff_t index, unsigned int nr, struct page **pages);
/* The same up to the first that is not there: how many, each with a reference; 0 when that of index itself is missing. */
unsigned int find_get_row(struct address_space *mapping, pgoff_t index, unsigned int nr, struct page **pages);
/* Takes pages, those of index, index + 1 ... as find_get_row gives them, out of the cache and drops the cache's references. They
 * are locked, and the caller has references of its own. */
void remove_row_from_page_cache(struct address_space *mapping, pgoff_t index, struct page **pages, unsigned int nr);
/* `to` has taken the place of `from` in the cache: what nodes are counted for goes along. */
void recount_moved(const struct address_space *mapping, const struct page *from, const struct page *to);
/* The page of a RAM object for a fault or a write, created if it is a hole, unless the object ends before it. Referenced, up to
 * date, with *err 0. NULL with *err: -EFBIG beyond the end (check_size only), -ENOMEM, -ENOSPC. Sleeps. */
struct page *ram_page_get(struct address_space *mapping, pgoff_t index, bool check_size, int *err);
/* A page that nobody else knows, with its contents, becomes one of a RAM object. 0, -EFBIG beyond the end, -EEXIST, -ENOMEM,
 * -ENOSPC. Sleeps. */
int ram_page_add(struct address_space *mapping, pgoff_t index, struct page *page);
/* Takes a clean page that only its object, page tables and the caller refer to out of them all: true. False: it is dirty, busy, or
 * has no copy elsewhere. The caller has a reference, which it keeps. Sleeps. */
bool evict_clean_page(struct page *page);
/* The page, locked and mapped nowhere, leaves the cache if nobody but the cache and the caller refers to it; no look-up finds it
 * half-way. The cache's reference is dropped. */
bool remove_unused_page(struct address_space *mapping, struct page *page);
/* Frees what the cache of a mapping used for its tree nodes etc.: see object_init. */
void object_free_xa_node(struct xa_node *node);

/* Dirty for the mapping's owner: RAM objects need nothing but the flag. */
static inline void account_page_dirtied(struct page *page)
{
	if (!PageDirty(page))
		set_page_dirty(page);
}

#endif
