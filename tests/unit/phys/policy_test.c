/* SPDX-License-Identifier: MIT */
/* policy_test.c - every decision of the allocator that is a pure function, enumerated. */
#include "phys_machine.h"

static void placement(void)
{
	struct offer offer;
	struct placement place;
	unsigned int wrong = 0, f, o, order;

	for (f = 0; f < NR_FULLNESS; f++)
		for (o = 0; o < NR_ORDERS; o++)
			for (order = 0; order < NR_ORDERS; order++) {
				offer = (struct offer){{0}};
				offer.avail[f] = (u16)(1u << o);
				wrong += place_fullest(&offer, order, &place) != (o >= order);
				if (o >= order)
					wrong += place.fullness != f || place.order != o;
				wrong += place_best_fit(&offer, order, &place) != (o >= order);
			}
	tap_is(wrong, 0, "one list on offer: it is chosen exactly when it can serve");
	offer = (struct offer){{[1] = 1u << 0, [3] = 1u << 2 | 1u << 5, [7] = 1u << 9 | 1u << 10}};
	place_fullest(&offer, 0, &place);
	tap_ok(place.fullness == 1 && place.order == 0, "the fullest block first");
	place_fullest(&offer, 1, &place);
	tap_ok(place.fullness == 3 && place.order == 2, "the fullest that can, and its smallest large run");
	place_fullest(&offer, 6, &place);
	tap_ok(place.fullness == 7 && place.order == 9, "a whole block last");
	offer = (struct offer){{[0] = 1u << 4, [6] = 1u << 0}};
	place_fullest(&offer, 0, &place);
	tap_is(place.fullness, 0, "fullness before fit");
	place_best_fit(&offer, 0, &place);
	tap_is(place.fullness, 6, "unless the policy is best fit");
	tap_ok(block_fullness(1) == 0 && block_fullness(64) == 0 && block_fullness(65) == 1 && block_fullness(512) == 7, "classes");
}

static void stealing(void)
{
	unsigned int want, have, order, nr, wrong = 0;

	for (want = 0; want < MIGRATE_PCPTYPES; want++)
		for (have = 0; have < MIGRATE_TYPES; have++)
			for (order = 0; order < NR_ORDERS; order++)
				for (nr = 1; nr <= PAGEBLOCK_PAGES; nr++) {
					enum steal rule = steal_rule(order, want, have, nr);

					if (have >= MIGRATE_PCPTYPES)
						wrong += rule != STEAL_NOTHING;
					else if (nr == PAGEBLOCK_PAGES)
						wrong += rule != STEAL_BLOCK;
					else if (want == MIGRATE_MOVABLE)
						wrong += rule != STEAL_PAGES;
					else
						wrong += rule != (nr >= 256 || order >= 4 ? STEAL_BLOCK : STEAL_PAGES);
				}
	tap_is(wrong, 0, "stealing, all cases");
	for (want = 0; want < MIGRATE_PCPTYPES; want++) {
		const u8 *have_list = fallback_order(want);

		for (nr = 0; have_list[nr] != MIGRATE_TYPES; nr++)
			wrong += have_list[nr] == want || have_list[nr] >= MIGRATE_PCPTYPES;
		wrong += nr != 2;
	}
	tap_is(wrong, 0, "each type falls back to the two others");
	tap_is(fallback_order(MIGRATE_ISOLATE)[0], MIGRATE_TYPES, "what is set apart has no fallback");
	tap_ok(gfp_migratetype(GFP_KERNEL) == MIGRATE_UNMOVABLE && gfp_migratetype(GFP_HIGHUSER_MOVABLE) == MIGRATE_MOVABLE &&
		       gfp_migratetype(__GFP_RECLAIMABLE) == MIGRATE_RECLAIMABLE &&
		       gfp_migratetype(__GFP_RECLAIMABLE | __GFP_MOVABLE) == MIGRATE_UNMOVABLE,
	       "types by gfp");
}

static void watermarks(void)
{
	struct watermark_view view = {.free = 1000, .has_run = true};

	tap_ok(watermark_ok(&view, 0, 999, 0) && !watermark_ok(&view, 0, 1000, 0), "more than the mark");
	tap_ok(!watermark_ok(&view, 1, 999, 0) && watermark_ok(&view, 1, 998, 0), "after the request");
	view.reserve = 100;
	tap_ok(!watermark_ok(&view, 0, 900, 0) && watermark_ok(&view, 0, 899, 0), "and the reserve for lower zones' users");
	view.reserve = 0;
	tap_ok(watermark_ok(&view, 0, 1998, ALLOC_MIN_RESERVE), "urgent: half of the mark");
	tap_ok(!watermark_ok(&view, 0, 2000, ALLOC_MIN_RESERVE) && watermark_ok(&view, 0, 2600, ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK),
	       "urgent and cannot wait: three eighths");
	tap_ok(watermark_ok(&view, 0, 1998, ALLOC_OOM), "dying: half");
	view.cma = 600;
	tap_ok(!watermark_ok(&view, 0, 400, 0) && watermark_ok(&view, 0, 400, ALLOC_CMA), "CMA counts for movable requests only");
	view.cma = 0;
	view.highatomic = 600;
	tap_ok(!watermark_ok(&view, 0, 400, 0) && watermark_ok(&view, 0, 400, ALLOC_HIGHATOMIC), "HIGHATOMIC for urgent ones");
	view.highatomic = 0;
	view.isolated = 600;
	tap_ok(!watermark_ok(&view, 0, 400, ALLOC_CMA | ALLOC_HIGHATOMIC), "isolated for nobody");
	view.isolated = 0;
	view.has_run = false;
	tap_ok(watermark_ok(&view, 0, 1, 0) && !watermark_ok(&view, 3, 1, 0), "no run, no order");
	tap_ok(default_min_free_kbytes(16 << 10) == 512 && default_min_free_kbytes(1 << 20) == 4096 &&
		       default_min_free_kbytes(100) == 128 && default_min_free_kbytes(1ul << 26) == 32768,
	       "min_free_kbytes grows with the root of memory");
	tap_ok(gfp_zone(GFP_DMA) == ZONE_DMA && gfp_zone(GFP_DMA32) == ZONE_DMA32 && gfp_zone(GFP_KERNEL) == ZONE_NORMAL &&
		       gfp_zone(GFP_HIGHUSER) == ZONE_HIGHMEM && gfp_zone(GFP_HIGHUSER_MOVABLE) == ZONE_MOVABLE &&
		       gfp_zone(__GFP_MOVABLE) == ZONE_NORMAL,
	       "zones by gfp");
}

static void page_sets(void)
{
	unsigned int wrong = 0, cpus, shift;
	char text[128];

	for (cpus = 1; cpus <= 64; cpus *= 2)
		for (shift = 8; shift < 30; shift++) {
			struct pcp_size size = pcp_size_for(1ul << shift, cpus, 0);

			/* Three mobilities, all CPUs: never more than a tenth of the zone. */
			wrong += 3ul * size.high_max * cpus > (1ul << shift) / 10;
			wrong += size.high_max && (size.batch < 4 || size.batch > size.high_max || !is_power_of_2(size.high_max));
		}
	tap_is(wrong, 0, "per-CPU lists never hold a noticeable part of a zone");
	tap_is(pcp_size_for(1000, 64, 0).high_max, 0, "a zone too small for lists has none");
	tap_is(pcp_next_high(64, 512, 0, false), 64, "a list that only fills stays as it is");
	tap_is(pcp_next_high(64, 512, 3, false), 128, "one that swings grows");
	tap_is(pcp_next_high(512, 512, 3, false), 512, "up to its ring");
	tap_is(pcp_next_high(512, 512, 3, true), 256, "and shrinks when memory is short");
	tap_is_str(gfp_text(GFP_KERNEL | __GFP_ZERO, text, sizeof(text)), "GFP_KERNEL|__GFP_ZERO", "flags are spelled out");
	tap_is_str(gfp_text(GFP_HIGHUSER_MOVABLE | __GFP_COMP, text, sizeof(text)), "GFP_HIGHUSER_MOVABLE|__GFP_COMP", "the longest name first");
	tap_is_str(gfp_text(GFP_ATOMIC, text, sizeof(text)), "GFP_ATOMIC", "GFP_ATOMIC");
}

int main(void)
{
	tap_plan(0);
	placement();
	stealing();
	watermarks();
	page_sets();
	return tap_done();
}
