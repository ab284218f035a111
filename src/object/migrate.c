/* SPDX-License-Identifier: MIT */
/* migrate.c - one page to another frame, with everything that is known of it; and many. */
#include "object/migrate.h"

#include "arch/page.h"
#include "base/assert.h"
#include "object/lru.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "phys/account.h"
#include "phys/memmap.h"
#include "quire/errno.h"
#include "quire/stats.h"

/* Rounds over pages that somebody refers to: most references are short. */
#define MIGRATE_ROUNDS 10

struct page *migrate_get_page(struct migrate_target *target, struct page *page)
{
	int nid = target->nid == NUMA_NO_NODE ? (int)page_to_nid(page) : target->nid;

	return alloc_pages_node(nid, target->gfp, 0);
}

static void put_target(struct migrate_target *target, struct page *page)
{
	if (target->put)
		target->put(target, page);
	else
		put_page(page);
}

/* What moves along; the rest is of the frame, of its list, or counted (mlocked: by the areas that map it). */
static void copy_flags(struct page *to, struct page *page)
{
	static const u8 moving[] = { PG_referenced, PG_uptodate, PG_active, PG_workingset, PG_swapbacked };

	for (unsigned int i = 0; i < sizeof(moving); i++)
		if (page_test_flag(page, moving[i]))
			page_set_flag(to, moving[i]);
	if (PageUnevictable(page) && !PageMlocked(page))
		SetPageUnevictable(to);
	/* Whoever counts dirty pages goes on counting one. */
	if (page_test_and_clear_flag(page, PG_dirty))
		SetPageDirty(to);
}

/* Nobody maps the page, and nobody but the caller refers to it: it goes. */
static int move_anon(struct page *page, struct page *to)
{
	if (page_count_acquire(page) != 1)
		return -EAGAIN;
	copy_page(page_address(to), page_address(page));
	copy_flags(to, page);
	page_set_owner(to, PAGE_OWNER_ANON);
	SetPageLocked(to);
	page_set_mapping(to, page_mapping_raw(page), page_index(page));
	return 0;
}

/*
 * The same for a page of an object, whose place in the tree others look up at any time: with no reference to be had, the contents
 * are copied and the place changes hands; a look-up meanwhile looks again.
 */
static int move_cached(struct address_space *mapping, struct page *page, struct page *to)
{
	pgoff_t index = page_index(page);
	int counted = 2, err = -EAGAIN; /* the caller's and the tree's */
	unsigned long irq;

	spin_lock_irqsave(&mapping->pages_lock, irq);
	if (atomic_compare_exchange_strong_explicit(&page->_refcount, &counted, 0, memory_order_acq_rel, memory_order_relaxed)) {
		copy_page(page_address(to), page_address(page));
		copy_flags(to, page);
		page_set_owner(to, PAGE_OWNER_FILE);
		SetPageLocked(to);
		page_set_mapping(to, (unsigned long)mapping, index);
		get_page(to);
		if (xa_replace(&mapping->i_pages, index, to) != page)
			QUIRE_ASSERT_MSG(false, "[M1] a page of an object is not where it says");
		/* Before references are to be had again: who still finds the page sees that it is not of the object any more. */
		page_set_mapping(page, 0, index);
		recount_moved(mapping, page, to);
		atomic_store_explicit(&page->_refcount, 1, memory_order_release);
		err = 0;
	}
	spin_unlock_irqrestore(&mapping->pages_lock, irq);
	return err;
}

/* Between the entries' going and coming back. 0 or -EAGAIN. */
static int move_contents(struct page *page, struct page *to)
{
	struct address_space *mapping = page_mapping(page);

	int err;

	if (page_mapcount(page))
		return -EAGAIN;
	err = account_move(page, to);
	if (err)
		return err;
	err = mapping ? move_cached(mapping, page, to) : move_anon(page, to);
	/* Back where it was noted before: that cannot fail. */
	if (err)
		(void)account_move(to, page);
	return err;
}

/* The locked page; *gone: nobody uses it any more. */
static int move_locked(struct page *page, struct page *to, bool *gone)
{
	struct anon_vma *family = NULL;
	int err;

	if (PageWriteback(page))
		return -EBUSY;
	if (PageAnon(page)) {
		family = page_get_anon_vma(page);
		*gone = !family && page_count(page) == 1;
		if (!family)
			return *gone ? 0 : -EAGAIN;
	} else if (!page_mapping(page)) {
		*gone = page_count(page) == 1;
		return *gone ? 0 : -EAGAIN;
	}
	page->nr_migration = 0;
	try_to_migrate(page);
	err = move_contents(page, to);
	remove_migration_ptes(page, err ? page : to);
	if (family)
		anon_vma_put(family);
	return err;
}

static int migrate_to(struct page *page, struct page *to, enum migrate_mode mode, bool *gone)
{
	int err;

	if (!trylock_page(page)) {
		if (mode == MIGRATE_ASYNC)
			return -EAGAIN;
		lock_page(page);
	}
	err = move_locked(page, to, gone);
	if (!err && !*gone) {
		/* The page's own mark of being locked in memory goes when it does, with its count: see lru_release_pages. */
		unlock_page(to);
		putback_lru_page(to);
	}
	unlock_page(page);
	return err;
}

int migrate_page(struct page *page, struct migrate_target *target, enum migrate_mode mode)
{
	struct page *to = target->get(target, page);
	bool gone = false;
	int err;

	if (!to)
		return -ENOMEM;
	err = migrate_to(page, to, mode, &gone);
	if (err || gone)
		put_target(target, to);
	if (!err)
		putback_lru_page(page); /* the last reference, with what its list must be told */
	return err;
}

unsigned long migrate_pages(struct page **pages, unsigned long nr, struct migrate_target *target, enum migrate_mode mode,
			    int *errors)
{
	unsigned long left = nr, moved = 0;

	for (unsigned int round = 0; round < MIGRATE_ROUNDS && left; round++) {
		left = 0;
		for (unsigned long i = 0; i < nr; i++) {
			int err;

			if (!pages[i])
				continue;
			/* A page's lock is worth waiting for when it was not had for some rounds. */
			err = migrate_page(pages[i], target, round < 3 ? MIGRATE_ASYNC : mode);
			if (errors)
				errors[i] = err;
			if (!err) {
				pages[i] = NULL;
				moved++;
			}
			left += err == -EAGAIN;
		}
	}
	for (unsigned long i = 0; i < nr; i++)
		if (pages[i])
			putback_lru_page(pages[i]);
	count_vm_events(PGMIGRATE_SUCCESS, (long)moved);
	count_vm_events(PGMIGRATE_FAIL, (long)(nr - moved));
	return nr - moved;
}
