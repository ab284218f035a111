/* SPDX-License-Identifier: MIT */
/* pcp_test.c - which orders a CPU keeps, how much of them, who can empty its lists, and room made for longer ones. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "phys_machine.h"

#define MANY 6000u

static struct zone *zone;
static struct page *pages[MANY];

static struct pcp_list *list_for(unsigned int order)
{
	return pcp_list_of(this_phys_cpu()->zone_pcp[zone->id], order, MIGRATE_UNMOVABLE);
}

/* Orders 0 to 3 and 9 come back from the CPU's own list, hot end first; others pass it by. */
static void orders(void)
{
	for (unsigned int order = 0; order <= MAX_ORDER; order++) {
		bool kept = order <= 3 || order == 9;
		struct page *run = alloc_frozen_pages(GFP_KERNEL, order), *again;
		unsigned long before, direct;

		drain_all_frames();
		before = zone_pcp_pages(zone);
		free_frozen_pages(run, order);
		tap_is(zone_pcp_pages(zone) - before, kept ? 1ul << order : 0, "order %u: %s", order, kept ? "is kept at hand" : "goes to the zone");
		direct = zone->nr_alloc_direct;
		again = alloc_frozen_pages(GFP_KERNEL, order);
		tap_is(zone->nr_alloc_direct - direct, kept ? 0 : 1ul << order, "and %s", kept ? "comes from there" : "from the zone");
		tap_ok(!kept || again == run, "the one freed last");
		free_frozen_pages(again, order);
	}
}

/* A frame that a device filled waits at the cold end. */
static void cold_end(void)
{
	struct page *hot = alloc_page(GFP_KERNEL), *cold = alloc_page(GFP_KERNEL);

	__free_page(hot);
	free_cold_page(cold);
	tap_ok(list_for(0)->base[0] == cold && list_for(0)->sp[-1] == hot, "free_cold_page puts at the cold end, __free_page at the hot one");
	tap_is(alloc_page(GFP_KERNEL | __GFP_COLD) == cold, 1, "__GFP_COLD takes from there");
	__free_page(cold);
}

static unsigned int take_many(void)
{
	unsigned int nr = 0;

	while (nr < MANY && (pages[nr] = alloc_page(GFP_KERNEL)))
		nr++;
	return nr;
}

static void give_many(unsigned int nr)
{
	while (nr)
		__free_page(pages[--nr]);
}

/* Memory that goes up and down makes a list grow to its bound. */
static void swing(void)
{
	for (int round = 0; round < 20; round++)
		give_many(take_many());
}

/* Its coldest half goes when it overflows. */
static bool keeps_up_to(u32 most)
{
	u32 count = pcp_count(list_for(0));

	tap_diag("%u frames, bound %u", count, pcp_high(list_for(0)));
	return pcp_high(list_for(0)) == most && count > most / 2 && count <= most;
}

static void set_fraction(unsigned int fraction)
{
	this_phys()->sysctl.percpu_pagelist_high_fraction = fraction;
	pcp_update_high();
}

static void bounds(void)
{
	unsigned long free = nr_free_pages(), given = zone_nr_given(zone);
	struct page **first = list_for(0)->base;
	u32 most;

	swing();
	tap_ok(keeps_up_to(1u << PCP_MAX_SHIFT), "a list that swings grows to %u frames, and holds most of them", 1u << PCP_MAX_SHIFT);
	set_fraction(8);
	most = list_for(0)->high_max;
	tap_ok(most > 1u << PCP_MAX_SHIFT && most <= zone->present_pages / 8, "percpu_pagelist_high_fraction=8: up to %u", most);
	swing();
	tap_ok(keeps_up_to(most), "so many it then keeps");
	tap_ok(list_for(0)->base != first, "in room of its own");
	tap_is(phys_check(), 0, "every invariant holds");
	tap_is(zone_nr_given(zone) - given >= 40ul * MANY, 1, "the counters went on");
	tap_ok(free - nr_free_pages() <= 64, "the room is all that it takes: %lu pages", free - nr_free_pages());
	set_fraction(0);
	tap_ok(list_for(0)->base == first && zone_pcp_pages(zone) == 0, "0: the first stack again");
	tap_is(nr_free_pages(), free, "and the room is given back");
	/* So small that a batch does not fit. */
	set_fraction((unsigned int)zone->present_pages / 4);
	swing();
	tap_ok(pcp_count(list_for(0)) <= 1, "a bound of one holds: %u", pcp_count(list_for(0)));
	tap_is(phys_check(), 0, "every invariant holds");
	set_fraction(0);
	swing();
	tap_ok(keeps_up_to(1u << PCP_MAX_SHIFT), "and is forgotten again");
}

/* A list at its bound is not lengthened where no memory for it is left. */
static void no_room(void)
{
	unsigned int nr;

	set_fraction(8);
	this_ctx()->fail_kinds = QUIRE_FAIL_PAGE_ALLOC;
	for (int round = 0; round < 8; round++) {
		nr = take_many();
		for (unsigned int i = 0; i < nr; i++) {
			/* Only growth asks for frames here. */
			this_ctx()->fail_nth = 1;
			__free_page(pages[i]);
		}
		this_ctx()->fail_nth = 0;
	}
	this_ctx()->fail_kinds = 0;
	tap_ok(pcp_count(list_for(0)) <= 1u << PCP_MAX_SHIFT, "without memory for a longer stack the list stays as it is");
	tap_is(phys_check(), 0, "every invariant holds");
	set_fraction(0);
}

/* ---- CPU 1 works while CPU 0 asks and changes ---- */

static atomic_uint filled, stop;

static void keeper(void)
{
	__free_page(alloc_page(GFP_KERNEL));
	free_frozen_pages(alloc_frozen_pages(GFP_KERNEL, 9), 9);
	atomic_store(&filled, 1);
	while (!atomic_load(&stop))
		quire_host_relax();
}

static void remote_drain(void *arg)
{
	if (this_cpu() == 1) {
		keeper();
		return;
	}
	while (!atomic_load(&filled))
		quire_host_relax();
	drain_local_pages(NULL);
	tap_ok(zone_pcp_pages(zone) > 512, "another CPU keeps frames");
	drain_all_pages();
	tap_is(zone_pcp_pages(zone), 0, "and gives them back when it is asked");
	atomic_store(&stop, 1);
}

static void churner(void)
{
	struct page *mine[2000];

	while (!atomic_load(&stop)) {
		unsigned long nr = alloc_pages_bulk(GFP_KERNEL, 2000, memset(mine, 0, sizeof(mine)));

		while (nr)
			__free_page(mine[--nr]);
	}
	drain_local_pages(NULL);
}

static void change_under_load(void *arg)
{
	unsigned long wrong = 0, managed = zone->managed_pages;

	if (this_cpu() == 1) {
		churner();
		return;
	}
	for (unsigned int round = 0; round < 60; round++) {
		set_fraction(round % 3 ? round % 3 * 8 : 0);
		for (int i = 0; i < 200; i++)
			wrong += zone_pcp_pages(zone) > managed || zone_nr_given(zone) > ~0ul / 2;
	}
	set_fraction(0);
	atomic_store(&stop, 1);
	tap_is(wrong, 0, "figures of lists whose room is being changed are never nonsense");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = phys_machine(512 << 20, 2, 1);
	zone = node_data(0)->node_zonelists[0]->zone;
	if (tap_pace == 1) { /* the lists of a machine that runs are not ours */
		orders();
		cold_end();
		bounds();
		if (QUIRE_DEBUG)
			no_room();
	}
	atomic_store(&stop, 0);
	tap_run(machine, 2, remote_drain, NULL);
	atomic_store(&stop, 0);
	tap_run(machine, 2, change_under_load, NULL);
	tap_is(phys_check(), 0, "every invariant holds");
	tap_machine_frames_end(machine);
	return tap_done();
}
