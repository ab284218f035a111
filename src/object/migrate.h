/* SPDX-License-Identifier: MIT */
/*
 * migrate.h - moves what a page holds to another frame, under the programs that use it.
 *
 *	isolate_lru_page        off its list, one reference more
 *	lock the page
 *	try_to_migrate          every entry becomes one of migration; no CPU translates by the old one any more
 *	references as counted?  contents, flags and the place in the cache go to the other frame
 *	remove_migration_ptes   every entry of migration maps the other frame, or, when it failed, the page again
 *	unlock the page         whoever touched it meanwhile goes on
 *
 * fork copies entries of migration, munmap forgets them, mremap takes them along, all while the page is moved: the page counts
 * them (nr_migration), and its mover walks until there are none.
 *
 * [MG1] nr_migration of a page is the number of its entries of migration. Only a locked page that its mover has a reference on has
 *       any.
 * [MG2] The contents are copied when nobody can write to them: no entry, and no reference but those that were counted.
 * [MG3] After a failure the page is as it was, entries included.
 *
 * Locks: the page's; then as rmap_walk, and pages_lock. Sleeps: yes; MIGRATE_ASYNC never for another page's lock. Allocates: never,
 * but through migrate_target.
 */
#ifndef OBJECT_MIGRATE_H
#define OBJECT_MIGRATE_H

#include "arch/pte.h"
#include "quire/mapping.h"
#include "quire/page.h"

enum migrate_mode {
	MIGRATE_ASYNC, /* gives a page up that is locked: the caller may hold page locks itself */
	MIGRATE_SYNC,  /* waits for it */
};

/* Where pages go. */
struct migrate_target {
	/* A frame for the contents of `page`: a reference, nobody else's; NULL: none is to be had. */
	struct page *(*get)(struct migrate_target *target, struct page *page);
	/* One that was not used. NULL: put_page. */
	void (*put)(struct migrate_target *target, struct page *page);
	gfp_t gfp;   /* for migrate_get_page */
	int nid;     /* the same; NUMA_NO_NODE: that of the page */
};
/* From the allocator. */
struct page *migrate_get_page(struct migrate_target *target, struct page *page);

/*
 * Moves one isolated page. 0: done, or nobody used it any more; the isolation is over. -EAGAIN: somebody has the page locked or
 * refers to it; -ENOMEM: no frame; -EBUSY: it is being written. Then it is still isolated.
 */
int migrate_page(struct page *page, struct migrate_target *target, enum migrate_mode mode);
/*
 * Moves isolated pages, trying those again that somebody refers to. Result: how many stayed. errors[i], unless errors is NULL: 0 or
 * why pages[i] stayed; such pages are back on their lists, with no isolation and no reference.
 */
unsigned long migrate_pages(struct page **pages, unsigned long nr, struct migrate_target *target, enum migrate_mode mode,
			    int *errors);

/* ---- entries (migrate_entry.c) ---- */

/* Every entry that maps the locked page becomes one of migration. Some may stay when they are made meanwhile: page_mapcount. */
void try_to_migrate(struct page *page);
/* Every entry that waits for `page` maps `to`, which has the page's place: the page itself or another locked one. */
void remove_migration_ptes(struct page *page, struct page *to);

/* An entry of migration more (a copy, with the original's table locked) or less (the table locked). */
static inline void migration_entry_copied(struct page *page)
{
	__atomic_fetch_add(&page->nr_migration, 1, __ATOMIC_RELAXED);
}

static inline void migration_entry_gone(struct page *page)
{
	/* Release: whoever sees none left sees what was done with them. */
	__atomic_fetch_sub(&page->nr_migration, 1, __ATOMIC_RELEASE);
}

/* Sleeps until *pte is not `entry`, one of migration, any more. The table stays: the caller keeps its VMA from changing. */
void migration_entry_wait(pte_t *pte, pte_t entry);

#endif
