/* SPDX-License-Identifier: MIT */
/*
 * diff_test.c - seeds, and the comparison.
 *
 * usage: diff_test [CALLS]              so many calls from random seeds, after the kept ones
 *        diff_test 300 SEED [SCOPE]     one sequence, its operations printed
 */
#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* Calls of the run in CI; each sequence has OPS of them. */
#define DEFAULT_CALLS 100000ul
#define OPS 300u

/* Seeds that once found something. */
static const struct {
	enum diff_scope scope;
	uint64_t seed;
} kept[] = {
	{ SCOPE_NARROW, 1 }, { SCOPE_NARROW, 2 }, { SCOPE_NARROW, 3 }, { SCOPE_NARROW, 100 }, { SCOPE_NARROW, 102 },
	{ SCOPE_NARROW, 123 }, { SCOPE_NARROW, 177 }, { SCOPE_NARROW, 232 }, { SCOPE_NARROW, 1008 }, { SCOPE_NARROW, 1014 },
	{ SCOPE_NARROW, 1094 }, { SCOPE_WIDE, 1004 }, { SCOPE_WIDE, 1005 }, { SCOPE_WIDE, 1007 }, { SCOPE_WIDE, 2021 },
	{ SCOPE_WIDE, 2035 }, { SCOPE_WIDE, 2041 }, { SCOPE_WIDE, 2150 },
};

static struct op ops[MAX_OPS];
static struct result *on_quire, *on_linux;

static void tell(unsigned int i)
{
	char text[400];

	tap_diag("operation %u: %s", i, op_text(&ops[i], text, sizeof(text)));
	tap_diag("Linux: %ld  Quire: %ld", on_linux[i].ret, on_quire[i].ret);
	for (unsigned int page = 0; page < ALL_PAGES; page++)
		if (on_linux[i].resident[page] != on_quire[i].resident[page])
			tap_diag("page %u resident: Linux %d, Quire %d", page, on_linux[i].resident[page],
				 on_quire[i].resident[page]);
	if (strcmp(on_linux[i].maps, on_quire[i].maps))
		printf("# --- Linux\n%s# --- Quire\n%s", on_linux[i].maps, on_quire[i].maps);
	if (i)
		printf("# --- before (%s)\n%s", op_text(&ops[i - 1], text, sizeof(text)), on_quire[i - 1].maps);
}

/* True when both sides agree on the whole sequence. */
static bool compare(uint64_t seed, enum diff_scope scope, bool print)
{
	unsigned int nr = diff_generate(seed, scope, OPS, ops);
	char text[400];

	memset(on_quire, 0, sizeof(*on_quire) * MAX_OPS);
	memset(on_linux, 0, sizeof(*on_linux) * MAX_OPS);
	diff_on_quire(ops, nr, on_quire);
	if (!diff_on_linux(ops, nr, scope, on_linux))
		tap_skip_all("this system does not let a child have the arena");
	for (unsigned int i = 0; i < nr; i++) {
		if (print)
			printf("%u %s = %ld\n", i, op_text(&ops[i], text, sizeof(text)),
			       on_linux[i].ret);
		if (!result_same(&ops[i], &on_linux[i], &on_quire[i])) {
			tell(i);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 0) : DEFAULT_CALLS, differ = 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : tap_seed();

	tap_plan(0);
	diff_quire_begin();
	on_quire = malloc(sizeof(*on_quire) * MAX_OPS);
	on_linux = diff_shared(sizeof(*on_linux) * MAX_OPS);
	if (argc > 2) {
		enum diff_scope scope = argc > 3 ? diff_scope_named(argv[3]) : SCOPE_NARROW;

		tap_ok(scope < SCOPE_KERNEL && compare(seed, scope, true), "seed %llu", (unsigned long long)seed);
	} else {
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			tap_ok(compare(kept[i].seed, kept[i].scope, false), "kept seed %llu %s",
			       (unsigned long long)kept[i].seed, diff_scope_name(kept[i].scope));
		for (unsigned long done = 0; done < calls && differ < 3; done += OPS, seed++)
			if (!compare(seed, SCOPE_WIDE, false)) {
				tap_diag("again: %s %u %llu wide", argv[0], OPS, (unsigned long long)seed);
				differ++;
			}
		tap_is(differ, 0, "%lu calls: Quire and Linux agree", calls);
	}
	diff_quire_end();
	return tap_done();
}
