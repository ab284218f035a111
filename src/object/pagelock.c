/* SPDX-License-Identifier: MIT */
/* pagelock.c - lock one page, wait for it, and let it go. */
#include "quire/mapping.h"
#include "sync/wait.h"

bool trylock_page(struct page *page)
{
	/* Acquire: pairs with the release in unlock_page. */
	u32 old = atomic_fetch_or_explicit(&page->flags, 1u << PG_locked, memory_order_acquire);

	return !(old >> PG_locked & 1);
}

/* Announces a sleeper before it looks, so that the holder knows to wake it. */
static bool lock_or_announce(struct page *page)
{
	page_set_flag(page, PG_waiters);
	return trylock_page(page);
}

static bool unlocked_or_announce(struct page *page)
{
	page_set_flag(page, PG_waiters);
	return !PageLocked(page);
}

void lock_page(struct page *page)
{
	might_sleep();
	if (!trylock_page(page))
		wait_event_key(page, lock_or_announce(page));
}

void unlock_page(struct page *page)
{
	u32 old = atomic_fetch_and_explicit(&page->flags, ~(1u << PG_locked), memory_order_acq_rel);

	QUIRE_ASSERT(old >> PG_locked & 1);
	if (unlikely(old >> PG_waiters & 1)) {
		page_clear_flag(page, PG_waiters);
		wake_key(page);
	}
}

void wait_on_page_locked(struct page *page)
{
	if (PageLocked(page))
		wait_event_key(page, unlocked_or_announce(page));
}
