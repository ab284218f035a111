/* SPDX-License-Identifier: MIT */
/* page_alloc_test.c - requests of every order and flag, exhaustion, wrong use. */
#include <string.h>

#include "phys_machine.h"
#include "quire/errno.h"

static void basics(void)
{
	struct page *page = alloc_page(GFP_KERNEL), *frozen, *zeroed;
	unsigned long before;

	tap_ok(page && page_count(page) == 1 && page_mapcount(page) == 0 && page_owner(page) == PAGE_OWNER_KERNEL,
	       "a page comes with one reference, unmapped, owned by the kernel");
	get_page(page);
	tap_is(page_count(page), 2, "a second reference");
	put_page(page);
	memset(page_address(page), 0x5a, PAGE_SIZE);
	put_page(page);
	tap_ok(PageBuddy(page) && page_count(page) == 0, "the last reference frees it");
	zeroed = alloc_page(GFP_KERNEL | __GFP_ZERO);
	tap_ok(zeroed == page && !memcmp(page_address(zeroed), (char[4096]){0}, 4096), "the hot page comes first, zeroed");
	__free_page(zeroed);
	frozen = alloc_frozen_pages(GFP_KERNEL, 0);
	tap_ok(frozen && page_count(frozen) == 0 && !get_page_unless_zero(frozen), "nobody can take a reference to a frozen page");
	free_frozen_pages(frozen, 0);
	before = nr_free_pages();
	for (unsigned int order = 0; order <= MAX_ORDER; order++) {
		struct page *run = alloc_pages(GFP_KERNEL, order);
		struct page *compound = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_ZERO, order);

		tap_ok(run && compound && !(page_to_pfn(run) & ((1ul << order) - 1)), "order %u: given and aligned", order);
		tap_is(nr_free_pages(), before - (2ul << order), "order %u: counted", order);
		if (order)
			tap_ok(compound_order(compound) == order && compound_head(compound + (1 << order) - 1) == compound,
			       "order %u: tails know their head", order);
		__free_pages(run, order);
		put_page(order ? compound + 1 : compound);
		tap_is(nr_free_pages(), before, "order %u: back", order);
	}
	tap_ok(!alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER + 1), "an order above the maximum is refused");
	tap_is(phys_check(), 0, "every invariant holds");
}

static void exact_and_bulk(void)
{
	unsigned long before = nr_free_pages();
	struct page *pages[100] = {NULL};
	void *exact = alloc_pages_exact(5 * PAGE_SIZE - 1, GFP_KERNEL);

	tap_ok(exact && nr_free_pages() == before - 5, "alloc_pages_exact takes five pages for five, not eight");
	free_pages_exact(exact, 5 * PAGE_SIZE - 1);
	tap_is(alloc_pages_bulk(GFP_KERNEL, 100, pages), 100, "a hundred pages at once");
	tap_is(nr_free_pages(), before - 100, "are counted");
	free_pages_bulk(pages, 100);
	tap_is(nr_free_pages(), before, "and come back");
	free_pages(get_zeroed_page(GFP_KERNEL), 0);
	free_pages(__get_free_pages(GFP_KERNEL, 2), 2);
	tap_is(nr_free_pages(), before, "by address too");
}

/* Takes everything with requests of `order`, then gives it back; how many there were. */
static unsigned long take_all(gfp_t gfp, unsigned int order)
{
	u32 first = PAGE_NO_PFN;
	unsigned long nr = 0;
	struct page *page;

	while ((page = alloc_pages(gfp, order))) {
		page->lru.next = first;
		first = (u32)page_to_pfn(page);
		nr++;
	}
	while (first != PAGE_NO_PFN) {
		page = pfn_to_page(first);
		first = page->lru.next;
		__free_pages(page, order);
	}
	return nr;
}

static void exhaustion(void)
{
	unsigned long before = nr_free_pages(), high, runs[NR_ORDERS], again[NR_ORDERS], most, least;
	struct zone *zone = node_data(0)->node_zonelists[0]->zone;

	drain_all_frames();
	zone_count_runs(zone, MIGRATE_TYPES, runs);
	most = take_all(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN, 0);
	tap_is(most, before, "the reserves too can be taken to the last frame");
	least = take_all(GFP_NOWAIT, 0);
	high = take_all(GFP_ATOMIC | __GFP_NOWARN, 0);
	tap_ok(least < high && high < most, "urgent requests reach deeper than ordinary ones: %lu < %lu < %lu", least, high, most);
	for (unsigned int order = 1; order <= MAX_ORDER; order++)
		tap_ok(take_all(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN, order) > 0, "order %u until nothing is left", order);
	tap_is(nr_free_pages(), before, "everything came back");
	drain_all_frames();
	zone_count_runs(zone, MIGRATE_TYPES, again);
	tap_is(memcmp(runs, again, sizeof(runs)), 0, "and merged to its first state");
	tap_is(phys_check(), 0, "every invariant holds");
}

static void contiguous(void)
{
	unsigned long before = nr_free_pages();
	struct page *held = alloc_page(GFP_KERNEL);
	pfn_t start = 0x1234, end = 0x1234 + 1500, inside = page_to_pfn(held);

	tap_is(alloc_contig_range(start, end, GFP_KERNEL), 0, "1500 named frames");
	tap_ok(nr_free_pages() == before - 1501 && page_count(pfn_to_page(start + 777)) == 1 &&
		       page_owner(pfn_to_page(end - 1)) == PAGE_OWNER_KERNEL,
	       "are counted, and each is a page of its own");
	tap_is(alloc_contig_range(start + 100, start + 200, GFP_KERNEL), -EBUSY, "frames in use are not to be had");
	free_contig_range(start, end - start);
	tap_is(alloc_contig_range(inside & ~511ul, (inside & ~511ul) + 512, GFP_KERNEL), -EBUSY, "one frame in use is enough");
	tap_is(alloc_contig_range(0, 10, GFP_KERNEL), -EBUSY, "the firmware's frame is not ours");
	tap_is(alloc_contig_range(1ul << 30, (1ul << 30) + 10, GFP_KERNEL), -EINVAL, "no such frames");
	__free_page(held);
	tap_is(nr_free_pages(), before, "all back");
	tap_is(phys_check(), 0, "every invariant holds");
}

static void wrong_use(void)
{
	struct page *page = alloc_page(GFP_KERNEL), *run = alloc_pages(GFP_KERNEL, 3), *neighbour = alloc_page(GFP_KERNEL);
	unsigned long bad = this_phys()->bad_pages, before;

	__free_page(page);
	before = nr_free_pages();
	__free_page(page);
	tap_is(this_phys()->bad_pages, bad + 1, "a double free is reported");
	atomic_store(&page->_refcount, 0);
	__free_pages(run, 2);
	tap_is(this_phys()->bad_pages, bad + 2, "a wrong order is reported");
	atomic_store(&run->_refcount, 1);
	free_frozen_pages(pfn_to_page(0), 0);
	tap_is(this_phys()->bad_pages, bad + 3, "freeing a reserved frame is reported");
	SetPageLocked(neighbour);
	atomic_store(&neighbour->_refcount, 0);
	free_frozen_pages(neighbour, 0);
	tap_is(this_phys()->bad_pages, bad + 4, "freeing a locked page is reported");
	ClearPageLocked(neighbour);
	tap_is(nr_free_pages(), before, "nothing of it was put into circulation");
	free_frozen_pages(neighbour, 0);
	__free_pages(run, 3);
}

/* The short way back tries the list of the last frame first; kinds and zones that take turns must not mix there. */
static void lists_by_kind(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_KERNEL | __GFP_RECLAIMABLE, GFP_KERNEL | __GFP_DMA};
	struct page *page[ARRAY_SIZE(kinds)];
	unsigned int round, i, wrong = 0;

	for (round = 0; round < 4; round++) {
		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			page[i] = alloc_page(kinds[i]);
		for (i = 0; i < ARRAY_SIZE(kinds); i++) {
			unsigned int k = (i * (round | 1)) % ARRAY_SIZE(kinds);
			struct per_cpu_pages *pcp = this_phys_cpu()->zone_pcp[page_zone(page[k])->id];
			struct pcp_list *list = pcp_list_of(pcp, 0, page_column(page[k]));
			u32 before = pcp_count(list);

			__free_page(page[k]);
			wrong += pcp_count(list) != before + 1 || list->sp[-1] != page[k];
		}
	}
	tap_is(wrong, 0, "frames of all kinds in turn: each waits on the list of its zone and block");
	tap_is(phys_check(), 0, "every invariant holds");
}

static struct page *last_put;
static unsigned int nr_last_put;

static void keep_page(struct page *page)
{
	last_put = page;
	nr_last_put++;
}

static void give_page(struct page *page)
{
	nr_last_put++;
	free_frozen_pages(page, compound_order(page));
}

/* A compound page whose owner is told when nobody has it any more. */
static void destructors(void)
{
	struct page *huge = alloc_pages(GFP_KERNEL | __GFP_COMP, 4), *plain = alloc_pages(GFP_KERNEL | __GFP_COMP, 4), *pair[2];
	unsigned long before = nr_free_pages(), bad = this_phys()->bad_pages;

	phys_set_compound_dtor(HUGETLB_PAGE_DTOR, keep_page);
	phys_set_compound_dtor(TRANSHUGE_PAGE_DTOR, give_page);
	set_compound_page_dtor(huge, HUGETLB_PAGE_DTOR);
	tap_is(compound_order(huge), 4, "a compound page with a destructor is as large as before");
	get_page(huge);
	put_page(huge + 9);
	tap_is(nr_last_put, 0, "while there is a reference nothing happens");
	put_page(huge + 15);
	tap_ok(nr_last_put == 1 && last_put == huge && nr_free_pages() == before && page_count(huge) == 0,
	       "the last put, by a tail, tells the owner, who keeps the page");
	get_page(huge);
	set_compound_page_dtor(huge, TRANSHUGE_PAGE_DTOR);
	pair[0] = huge;
	pair[1] = plain;
	put_pages(pair, 2);
	tap_ok(nr_last_put == 2 && nr_free_pages() == before + 32, "one that is put among others is told, too, and its owner may free it");
	huge = alloc_pages(GFP_KERNEL | __GFP_COMP, 4);
	put_page(huge);
	tap_is(nr_last_put, 2, "the next owner's page has none");
	tap_is(this_phys()->bad_pages, bad, "and nothing was reported");
}

static void private_word(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	tap_is(page_private(page), 0, "a page comes with nothing of its last owner's in page_private");
	set_page_private(page, ~0ul - 5);
	tap_ok(page_private(page) == ~0ul - 5 && page_count(page) == 1 && page_mapcount(page) == 0, "a whole word is kept there");
	__free_page(page);
}

static unsigned int emptiest_asked;

/* A host's own policy: the emptiest block. */
static bool place_emptiest(const struct offer *offer, unsigned int order, struct placement *place)
{
	emptiest_asked++;
	for (unsigned int f = NR_FULLNESS; f-- > 0; )
		for (unsigned int o = MAX_ORDER + 1; o-- > order; )
			if (offer->avail[f] >> o & 1) {
				*place = (struct placement){f, o};
				return true;
			}
	return false;
}

/* A run of order 4 passes the lists by, so that each is placed by the policy. */
static unsigned int fullness_of_next(void)
{
	struct page *run = alloc_pages(GFP_KERNEL, 4);
	unsigned int fullness = block_fullness(pfn_to_block(page_to_pfn(run))->nr_free + 16u);

	__free_pages(run, 4);
	return fullness;
}

static void own_policy(void)
{
	/* Half a block: there is one that is neither full nor empty. */
	struct page *half = alloc_pages(GFP_KERNEL, 8);
	unsigned int by_default = fullness_of_next();

	phys_set_placement(place_emptiest);
	tap_ok(fullness_of_next() == NR_FULLNESS - 1 && emptiest_asked > 0 && by_default < NR_FULLNESS - 1,
	       "a host's policy is asked: from the emptiest block instead of fullness %u", by_default);
	phys_set_placement(NULL);
	tap_is(fullness_of_next(), by_default, "NULL is the default again");
	__free_pages(half, 8);
	tap_is(phys_check(), 0, "every invariant holds");
}

/* What a bound on the lists changes: how much one CPU keeps. */
static void list_bounds(void)
{
	struct zone *zone = node_data(0)->node_zonelists[0]->zone;
	struct pcp_list *list = pcp_list_of(this_phys_cpu()->zone_pcp[zone->id], 0, MIGRATE_UNMOVABLE);
	struct page *pages[600];
	unsigned long most, least;

	tap_is(alloc_pages_bulk(GFP_KERNEL, 600, memset(pages, 0, sizeof(pages))), 600, "600 pages");
	for (int round = 0; round < 20; round++) {
		free_pages_bulk(pages, 600);
		alloc_pages_bulk(GFP_KERNEL, 600, memset(pages, 0, sizeof(pages)));
	}
	free_pages_bulk(pages, 600);
	most = pcp_count(list);
	this_phys()->sysctl.percpu_pagelist_high_fraction = (unsigned int)(zone->present_pages / 64);
	pcp_update_high();
	tap_is(zone_pcp_pages(zone), 0, "a new bound empties the lists");
	alloc_pages_bulk(GFP_KERNEL, 600, memset(pages, 0, sizeof(pages)));
	free_pages_bulk(pages, 600);
	least = pcp_count(list);
	tap_ok(least <= 32 && least < most, "a fraction of the zone bounds what a CPU keeps: %lu, not %lu", least, most);
	this_phys()->sysctl.percpu_pagelist_high_fraction = 0;
	pcp_update_high();
	tap_is(list->high_max, list->capacity, "0 is the default again");
	tap_is(phys_check(), 0, "every invariant holds");
}

static void script_with_failures(void)
{
	unsigned long before = nr_free_pages();
	struct { struct page *page; unsigned int order; } held[300];
	unsigned int nr = 0, seed = 7;

	for (unsigned int i = 0; i < 100000; i++) {
		unsigned int order;

		seed = seed * 1103515245u + 12345u;
		order = (seed >> 16) % 8 ? (seed >> 20) % 5 : (seed >> 20) % (MAX_ORDER + 1);
		if ((seed >> 9) % 2 && nr < 300) {
			gfp_t type = (seed >> 12) % 3 == 0 ? __GFP_MOVABLE : (seed >> 12) % 3 == 1 ? __GFP_RECLAIMABLE : 0;
			struct page *page = alloc_pages(GFP_NOWAIT | type, order);

			if (page) {
				held[nr].page = page;
				held[nr++].order = order;
			}
		} else if (nr) {
			unsigned int k = (seed >> 11) % nr;

			__free_pages(held[k].page, held[k].order);
			held[k] = held[--nr];
		}
		if (i % 10000 == 0 && phys_check())
			tap_ok(0, "an invariant broke at step %u", i);
	}
	while (nr) {
		nr--;
		__free_pages(held[nr].page, held[nr].order);
	}
	tap_is(nr_free_pages(), before, "after a random script with failing requests everything is back");
	drain_all_frames();
	tap_is(phys_check(), 0, "every invariant holds");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = phys_machine(64 << 20, 2, 1);
	tap_is(phys_check(), 0, "every invariant holds after boot");
	basics();
	exact_and_bulk();
	exhaustion();
	contiguous();
	wrong_use();
	destructors();
	private_word();
	if (tap_pace == 1) { /* the lists of a machine that runs are filled again at once */
		list_bounds();
		lists_by_kind();
		own_policy();
	}
	script_with_failures();
	tap_machine_frames_end(machine);
	return tap_done();
}
