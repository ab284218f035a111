/* SPDX-License-Identifier: MIT */
/* frames_script_test.c - random scripts on the frame allocator beside the model of tests/fuzz. */
#include "../../fuzz/frames_script.h"
#include "phys/page_debug.h"
#include "phys_machine.h"

/* One script again and again, its 1st, 2nd, 3rd ... request failing, until none is left to fail. */
static void each_failing(struct script *script, const uint8_t *data, size_t size)
{
	struct zone *zone = &node_data(0)->node_zones[ZONE_DMA32];
	unsigned long first[NR_ORDERS], again[NR_ORDERS], nth = 0;
	unsigned int broken = 0, unmerged = 0;

	drain_all_frames();
	zone_count_runs(zone, MIGRATE_TYPES, first);
	do {
		const char *wrong;

		page_alloc_fail_nth(++nth);
		wrong = script_play(script, data, size);
		if (wrong) {
			tap_diag("request %lu failing: %s", nth, wrong);
			broken++;
		}
		zone_count_runs(zone, MIGRATE_TYPES, again);
		unmerged += memcmp(first, again, sizeof(first)) != 0;
	} while (!this_phys()->fail_nth && !broken);
	tap_is(broken, 0, "%lu requests, each failing once: the model agrees", nth - 1);
	tap_ok(nth > 50, "and they were many");
	tap_is(unmerged, 0, "every time all merged to its first state");
	page_alloc_fail_nth(0);
}

int main(void)
{
	static struct script script;
	struct hosted_machine *machine;
	struct tap_random random;
	uint8_t data[2000];
	unsigned int broken = 0, nr = 200 / (unsigned int)tap_pace;

	tap_plan(0);
	machine = phys_machine(32 << 20, 1, 1);
	random = tap_random_stream(1);
	for (unsigned int i = 0; i < nr; i++) {
		const char *wrong;

		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)(tap_random_next(&random) >> 11);
		wrong = script_play(&script, data, i * sizeof(data) / nr & ~1ul);
		if (wrong) {
			tap_diag("script %u: %s", i, wrong);
			broken++;
		}
	}
	tap_is(broken, 0, "%u random scripts agree with the model", nr);
	/* Where others allocate too, they must not fail. */
	for (unsigned int i = 0; i < 3 && tap_pace == 1; i++) {
		for (size_t k = 0; k < 400; k++)
			data[k] = (uint8_t)(tap_random_next(&random) >> 11);
		each_failing(&script, data, 400);
	}
	tap_machine_frames_end(machine);
	return tap_done();
}
