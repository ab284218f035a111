/* SPDX-License-Identifier: MIT */
/* page_counter.c - pages counted in a tree of counters, each of which has a limit. */
#include "base/assert.h"
#include "phys/memmap.h"
#include "quire/account.h"
#include "quire/errno.h"

void page_counter_init(struct page_counter *counter, struct page_counter *parent)
{
	*counter = (struct page_counter){.max = PAGE_COUNTER_MAX, .parent = parent};
}

static void raise_watermark(struct page_counter *counter, unsigned long usage)
{
	unsigned long seen = hint_read(counter->watermark);

	while (seen < usage && !__atomic_compare_exchange_n(&counter->watermark, &seen, usage, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* One counter alone. Never above its max, not even for a moment: others who ask meanwhile are not refused for one who fails. */
static bool charge_one(struct page_counter *counter, unsigned long nr_pages)
{
	unsigned long usage = page_counter_read(counter), max;

	do {
		max = hint_read(counter->max);
		if (usage > max || nr_pages > max - usage)
			return false;
		/* Sequentially consistent: pairs with page_counter_set_max, which stores the limit and then looks at usage. */
	} while (!__atomic_compare_exchange_n(&counter->usage, &usage, usage + nr_pages, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	raise_watermark(counter, usage + nr_pages);
	return true;
}

static void uncharge_below(struct page_counter *counter, const struct page_counter *end, unsigned long nr_pages)
{
	for (; counter != end; counter = counter->parent) {
		unsigned long before = __atomic_fetch_sub(&counter->usage, nr_pages, __ATOMIC_RELAXED);

		QUIRE_ASSERT_MSG(before >= nr_pages, "[G1] more is given back than was charged");
		(void)before;
	}
}

bool page_counter_try_charge(struct page_counter *counter, unsigned long nr_pages, struct page_counter **fail)
{
	struct page_counter *at;

	for (at = counter; at; at = at->parent) {
		if (charge_one(at, nr_pages))
			continue;
		__atomic_fetch_add(&at->failcnt, 1, __ATOMIC_RELAXED);
		uncharge_below(counter, at, nr_pages);
		*fail = at;
		return false;
	}
	return true;
}

void page_counter_charge(struct page_counter *counter, unsigned long nr_pages)
{
	for (; counter; counter = counter->parent)
		raise_watermark(counter, __atomic_add_fetch(&counter->usage, nr_pages, __ATOMIC_RELAXED));
}

void page_counter_uncharge(struct page_counter *counter, unsigned long nr_pages)
{
	uncharge_below(counter, NULL, nr_pages);
}

int page_counter_set_max(struct page_counter *counter, unsigned long nr_pages)
{
	unsigned long old = __atomic_exchange_n(&counter->max, nr_pages, __ATOMIC_SEQ_CST);

	/* Who charged before it saw the new limit is seen here, or sees it: pairs with the exchange in charge_one. */
	if (__atomic_load_n(&counter->usage, __ATOMIC_SEQ_CST) <= nr_pages)
		return 0;
	__atomic_store_n(&counter->max, old, __ATOMIC_SEQ_CST);
	return -EBUSY;
}
