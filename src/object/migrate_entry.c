/* SPDX-License-Identifier: MIT */
/* migrate_entry.c - entries of migration: in place of those that map a page, and back; and who waits for them. */
#include "base/assert.h"
#include "object/lru.h"
#include "object/migrate.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/port.h"
#include "sync/wait.h"

/* One entry steps aside. What the CPU wrote into it last is in the new one: it is exchanged in one piece. */
static bool unmap_one(struct rmap_visit *visit, struct rmap_area *area, unsigned long addr, void *at, struct page *page)
{
	pte_t *pte = at, old;

	/* Pins are taken with the table locked. A fork must see them, and it does not see through an entry of migration. */
	if (PageAnon(page) && page_maybe_dma_pinned(page))
		return false;
	migration_entry_copied(page);
	do
		old = pte_read(pte);
	while (!ptep_try_change(pte, old, make_migration_pte(old)));
	flush_tlb_page(area->pgtable, addr);
	/* The entry may be forgotten before it comes back; what was written must not be. */
	if (pte_dirty(old) && !PageAnon(page))
		account_page_dirtied(page);
	page_remove_rmap(page);
	if (page_ref_dec_return(page) <= 0)
		QUIRE_ASSERT_MSG(false, "[MG1] the mover of a page has no reference on it");
	return true;
}

void try_to_migrate(struct page *page)
{
	struct rmap_visit visit = { .entry = unmap_one };

	QUIRE_ASSERT(PageLocked(page));
	if (page_mapcount(page))
		rmap_walk(page, &visit);
}

/* A present entry that says of `page` what one of migration said of the page that was. */
static pte_t present_again(const struct rmap_area *area, pte_t soft, const struct page *page)
{
	unsigned int flags = pte_soft_flags(soft);
	pte_t pte = mk_pte(page, rmap_area_prot(area));

	if (!(flags & SOFT_YOUNG))
		pte = pte_mkold(pte);
	if (flags & SOFT_DIRTY)
		pte = pte_mkdirty(pte);
	pte = flags & SOFT_WRITTEN ? pte_mksoft_dirty(pte) : pte_clear_soft_dirty(pte);
	if (flags & SOFT_UFFD_WP)
		return pte_mkuffd_wp(pte);
	return softpte_type(soft) == SOFT_MIGRATION_WRITE ? pte_mkwrite(pte) : pte;
}

static bool map_again(struct rmap_visit *visit, struct rmap_area *area, unsigned long addr, void *pte, struct page *page)
{
	pte_t soft = pte_read(pte);

	get_page(page);
	page_add_rmap(page);
	if (READ_ONCE(area->flags) & RMAP_LOCKED)
		mlock_page(page);
	/* Release: who finds the page finds what was copied into it. */
	set_pte_release(pte, present_again(area, soft, page));
	migration_entry_gone(visit->was);
	return true;
}

static unsigned int nr_migration(const struct page *page)
{
	return __atomic_load_n(&page->nr_migration, __ATOMIC_ACQUIRE);
}

void remove_migration_ptes(struct page *page, struct page *to)
{
	const struct quire_port *port = this_quire()->port;
	struct rmap_visit visit = { .entry = map_again, .was = page };

	QUIRE_ASSERT(PageLocked(page) && PageLocked(to));
	while (nr_migration(page)) {
		rmap_walk(to, &visit);
		/* One that a fork or a move carried past the walk is found by the next; one that is about to be unmapped, by its owner. */
		if (nr_migration(page) && port->cond_resched)
			port->cond_resched();
	}
}

/* Announces a sleeper, under the table's lock: while the entry is there its page is locked, and who unlocks it will see the sleeper. */
static bool moved_or_announce(pte_t *pte, pte_t entry, struct page *page)
{
	spinlock_t *ptl = pte_lockptr(pte);
	bool moved;

	spin_lock(ptl);
	moved = !pte_same(pte_read(pte), entry);
	if (!moved)
		page_set_flag(page, PG_waiters);
	spin_unlock(ptl);
	return moved;
}

void migration_entry_wait(pte_t *pte, pte_t entry)
{
	struct page *page = pfn_to_page(softpte_pfn(entry));

	wait_event_key(page, moved_or_announce(pte, entry, page));
}
