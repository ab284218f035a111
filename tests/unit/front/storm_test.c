/* SPDX-License-Identifier: MIT */
/*
 * storm_test.c - while CPUs allocate and free at random, one reads all texts; when they are through, all figures add up again.
 */
#include "phys/frames.h"
#include "phys/phys_state.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"
#include "tap_machine.h"
#include "texts.h"

#define CPUS 3
#define STEPS 400
#define HELD 32

struct held {
	enum { NOTHING, PAGES, OBJECT, AREA } what;
	unsigned int order;
	void *at;
};

static void take(struct held *h, struct tap_random *random)
{
	h->order = (unsigned int)tap_random_below(random, 5);
	switch (tap_random_below(random, 8)) {
	case 0:
		h->what = AREA;
		h->at = vmalloc(4096ul << h->order);
		break;
	case 1:
	case 2:
	case 3:
		h->what = OBJECT;
		h->at = kmalloc(8ul << tap_random_below(random, 10), GFP_KERNEL);
		break;
	default:
		h->what = PAGES;
		h->at = alloc_pages(GFP_KERNEL, h->order);
	}
	if (!h->at)
		h->what = NOTHING;
}

static void give(struct held *h)
{
	if (h->what == PAGES)
		__free_pages(h->at, h->order);
	else if (h->what == OBJECT)
		kfree(h->at);
	else if (h->what == AREA)
		vfree(h->at);
	h->what = NOTHING;
}

static void read_all(void)
{
	static int (*const shows[])(struct text_sink *) = { quire_show_meminfo, quire_show_zoneinfo, quire_show_buddyinfo,
		quire_show_pagetypeinfo, quire_show_vmstat, quire_show_slabinfo, quire_show_vmallocinfo, quire_show_iomem };

	/* A machine without kernel areas has nothing to say of them. */
	for (unsigned int i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (!*text_of(shows[i]) && shows[i] != quire_show_vmallocinfo)
			tap_ok(false, "text %u is empty", i);
}

static void storm(void *unused)
{
	struct tap_random random = tap_random_stream(this_cpu());
	struct held held[HELD] = { 0 };

	if (this_cpu() == 0) {
		for (int i = 0; i < 10; i++)
			read_all();
		return;
	}
	for (int step = 0; step < STEPS; step++) {
		struct held *h = &held[tap_random_below(&random, HELD)];

		if (h->what)
			give(h);
		else
			take(h, &random);
	}
	for (unsigned int i = 0; i < HELD; i++)
		give(&held[i]);
}

static void adds_up(const char *when)
{
	unsigned long owned[NR_PAGE_OWNERS] = { 0 }, managed = text_zoneinfo_sum("\n        managed  "), used = 0;
	unsigned long nr_free = text_value(text_of(quire_show_vmstat), "nr_free_pages");

	for (pfn_t pfn = 0; pfn < this_phys()->max_pfn; pfn++)
		owned[frame_owner(pfn)]++;
	for (unsigned int owner = PAGE_OWNER_KERNEL; owner < NR_PAGE_OWNERS; owner++)
		used += owned[owner];
	tap_is(nr_free, text_buddy_pages() + text_zoneinfo_sum("\n              count: "), "%s: buddyinfo and per-CPU lists are nr_free_pages",
	       when);
	tap_is(nr_free, owned[PAGE_OWNER_BUDDY], "%s: and so are the frames that nobody has", when);
	tap_is(managed - nr_free, used + owned[PAGE_OWNER_ZERO], "%s: all others have an owner", when);
	tap_is(text_value(text_of(quire_show_vmstat), "nr_slab_unreclaimable") + text_value(text_of(quire_show_vmstat), "nr_slab_reclaimable"),
	       owned[PAGE_OWNER_SLAB], "%s: slab pages are the frames of slabs", when);
}

int main(void)
{
	struct hosted_machine *machine;
	struct hosted_config config = { .mem_bytes = 64 << 20, .cpus = CPUS, .nodes = 2 };

	tap_plan(0);
	machine = tap_machine_config(&config);
	adds_up("before");
	tap_run(machine, CPUS, storm, NULL);
	adds_up("after");
	tap_machine_end(machine);
	return tap_done();
}
