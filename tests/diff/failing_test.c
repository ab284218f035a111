/* SPDX-License-Identifier: MIT */
/*
 * failing_test.c - the random sequences again with allocations that fail, one after the other.
 *
 * A call that is out of memory must say so and leave things as they were, or do a part that doing it again completes: so the
 * same call, made again until it comes through, must end where it ends when nothing fails. Then everything must come back.
 *
 * usage: failing_test [CALLS [SEED]]
 */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quire/ctx.h"
#include "tap.h"

#define DEFAULT_CALLS 6000ul
/* Where the test is run under many schedules, each makes a part of the calls. */
#define CALLS_OF_A_SCHEDULE 1200ul
#define OPS 120u

static const struct {
	unsigned int kinds;
	const char *name;
} passes[] = {
	{ QUIRE_FAIL_SLAB, "failslab" },
	{ QUIRE_FAIL_PAGE_ALLOC, "fail_page_alloc" },
	{ QUIRE_FAIL_PGTABLE, "page tables" },
	{ QUIRE_FAIL_ALL, "all" },
};

static struct op ops[MAX_OPS];
static struct result *clean, *failed;

static bool compare(uint64_t seed, unsigned int kinds, struct diff_failing *sum)
{
	unsigned int nr = diff_generate(seed, SCOPE_WIDE, OPS, ops);
	struct diff_failing how = { .kinds = kinds, .comparable = nr };
	char text[400];

	memset(clean, 0, sizeof(*clean) * MAX_OPS);
	memset(failed, 0, sizeof(*failed) * MAX_OPS);
	diff_on_quire(ops, nr, clean);
	diff_on_quire_failing(ops, nr, failed, &how);
	sum->hits += how.hits;
	sum->absorbed += how.absorbed;
	sum->wrong += how.wrong;
	for (unsigned int i = 0; i < nr; i++)
		if (clean[i].ret == -99999 || failed[i].ret == -99999) {
			tap_diag("invariants are broken after operation %u: %s", i, op_text(&ops[i], text, sizeof(text)));
			return false;
		}
	for (unsigned int i = 0; i < how.comparable; i++) {
		if (result_same(&ops[i], &clean[i], &failed[i]))
			continue;
		tap_diag("operation %u ends elsewhere: %s", i, op_text(&ops[i], text, sizeof(text)));
		tap_diag("%ld without failures, %ld with", clean[i].ret, failed[i].ret);
		printf("# --- without\n%s# --- with\n%s", clean[i].maps, failed[i].maps);
		return false;
	}
	return !how.wrong;
}

int main(int argc, char **argv)
{
	unsigned long wanted = tap_schedules > 1 ? CALLS_OF_A_SCHEDULE : DEFAULT_CALLS;
	unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 0) : wanted;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : tap_seed();

	tap_plan(0);
	if (!QUIRE_DEBUG)
		tap_skip_all("allocations fail on purpose in debug builds only");
	diff_quire_begin();
	clean = calloc(MAX_OPS, sizeof(*clean));
	failed = calloc(MAX_OPS, sizeof(*failed));
	for (size_t pass = 0; pass < sizeof(passes) / sizeof(passes[0]); pass++) {
		struct diff_failing sum = { 0 };
		unsigned int differ = 0;
		uint64_t seed = first;

		for (unsigned long done = 0; done < calls && differ < 3; done += OPS, seed++)
			if (!compare(seed, passes[pass].kinds, &sum)) {
				tap_diag("again: %s %u %llu", argv[0], OPS, (unsigned long long)seed);
				differ++;
			}
		tap_is(differ, 0, "%s: calls that fail leave everything in order", passes[pass].name);
		tap_ok(sum.hits > 0, "%s: %lu allocations failed, of %lu nobody noticed", passes[pass].name, sum.hits,
		       sum.absorbed);
	}
	free(clean);
	free(failed);
	diff_quire_end();
	return tap_done();
}
