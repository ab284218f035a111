/* SPDX-License-Identifier: MIT */
/*
 * booted.c - the comparison with a machine between: Linux writes down what it answered, the booted kernel reads it and must
 * answer the same.
 *
 * usage: diff record FILE CALLS SEED [SCOPE] on Linux: the kept seeds, then so many calls from SEED on (kernel and limits)
 *        diff check FILE                 in the booted kernel; alone: what lies beside the program
 *        diff show SEED [SCOPE [FEATURES]] one sequence with everything it leaves, on whatever this runs on
 *        diff features                   what this system has of what not every Linux has: a number
 */
#define _GNU_SOURCE
#include "diff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tap.h"

#define OPS 300u
#define TRACE_MAGIC 0x32666669642e7571ull
/* Sequences between two lines of output, so that a slow machine is not taken for a dead one. */
#define SEQUENCES_A_LINE 20

struct trace_head {
	uint64_t magic, nr_sequences;
	char release[60];          /* of the Linux that answered */
	uint32_t features;         /* what it has: enum diff_feature */
};

struct trace_sequence {
	uint64_t seed;
	uint32_t scope;            /* enum diff_scope */
	uint16_t nr, cut;          /* steps that follow; 1: the last is compared without cuts */
};

struct trace_step {
	int64_t ret;
	uint64_t state;            /* hash of what the operation left behind */
};

/* Seeds that once found something in the booted kernel. */
static const struct {
	enum diff_scope scope;
	uint64_t seed;
} kept[] = {
	{ SCOPE_NARROW, 1 }, { SCOPE_WIDE, 2035 }, { SCOPE_WIDE, 2150 }, { SCOPE_KERNEL, 78 }, { SCOPE_KERNEL, 79 },
	{ SCOPE_KERNEL, 80 }, { SCOPE_KERNEL, 91 }, { SCOPE_KERNEL, 101 }, { SCOPE_KERNEL, 108 }, { SCOPE_KERNEL, 5139 }, { SCOPE_LIMITS, 1000 },
	{ SCOPE_LIMITS, 1002 }, { SCOPE_LIMITS, 1004 }, { SCOPE_LIMITS, 1006 }, { SCOPE_LIMITS, 2002 }, { SCOPE_LIMITS, 2096 },
	{ SCOPE_LIMITS, 5124 }, { SCOPE_LIMITS, 5268 }, { SCOPE_LIMITS, 7771644 }, { SCOPE_LIMITS, 7772090 }, { SCOPE_LIMITS, 7771682 },
	{ SCOPE_LIMITS, 7771517 },
	{ SCOPE_WATCHED, 101 }, { SCOPE_WATCHED, 104 }, { SCOPE_WATCHED, 107 }, { SCOPE_WATCHED, 113 }, { SCOPE_WATCHED, 116 },
	{ SCOPE_WATCHED, 119 }, { SCOPE_WATCHED, 122 }, { SCOPE_WATCHED, 125 },
	{ SCOPE_WATCHED, 110 }, { SCOPE_WATCHED, 1004 }, { SCOPE_WATCHED, 1005 }, { SCOPE_WATCHED, 42025 }, { SCOPE_WATCHED, 42054 },
	{ SCOPE_WATCHED, 42060 },
};
#define NR_KEPT (sizeof(kept) / sizeof(kept[0]))

static struct op ops[MAX_OPS];
static struct trace_step steps[MAX_OPS];
static struct result *results;

static uint64_t state_of(const struct op *op, const struct result *result)
{
	uint64_t hash = diff_hash(DIFF_HASH_BEGIN, result->maps, strlen(result->maps));

	hash = diff_hash(hash, result->resident, sizeof(result->resident));
	return op->kind == OP_MINCORE ? diff_hash(hash, result->mincore, sizeof(result->mincore)) : hash;
}

/* So many of a sequence's operations, at most. How many there are. */
static unsigned int run_here(uint64_t seed, enum diff_scope scope, unsigned int most)
{
	unsigned int nr = diff_generate(seed, scope, OPS, ops);

	nr = nr < most ? nr : most;
	memset(results, 0, sizeof(*results) * MAX_OPS);
	if (!diff_on_linux(ops, nr, scope, results)) {
		fprintf(stderr, "diff: seed %llu %s cannot be run here\n", (unsigned long long)seed, diff_scope_name(scope));
		exit(1);
	}
	return nr;
}

static void print_left(unsigned int i)
{
	char text[400];

	printf("# %u %s = %ld\n", i, op_text(&ops[i], text, sizeof(text)), results[i].ret);
	for (const char *line = results[i].maps; *line; line = strchr(line, '\n') + 1)
		printf("#   %.*s\n", (int)(strchr(line, '\n') - line), line);
	printf("#   resident ");
	for (unsigned int page = 0; page < ALL_PAGES; page++)
		putchar(results[i].resident[page] == 2 ? '.' : '0' + results[i].resident[page]);
	putchar('\n');
}

/* What this process had before the operation: its own last step, not that of a child which has ended since. */
static const struct result *before(unsigned int i)
{
	int depth = 0;

	while (i--) {
		depth += ops[i].kind == OP_EXIT ? 1 : ops[i].kind == OP_FORK && depth ? -1 : 0;
		if (!depth)
			return &results[i];
	}
	return NULL;
}

/* A call that is refused for a limit or a seal, on Linux after it has cut mappings, and here before. */
static bool cuts_and_fails(unsigned int i)
{
	static char maps[2][MAPS_TEXT];
	const struct result *last = before(i);
	bool refused = ops[i].kind == OP_BRK ? (unsigned long)results[i].ret != ops[i].addr : results[i].ret < 0;

	/* A segment that reaches out of the arena has been cut where nobody looks, but its count of mappings tells. */
	if (ops[i].kind == OP_SHMAT && refused && ops[i].addr < ARENA_END && ops[i].addr >= ARENA_END - MOST_SEGMENT_PAGES * 4096ul)
		return true;
	if (ops[i].kind == OP_MMAP && results[i].ret == -ENOMEM && ops[i].addr < ARENA_END && ops[i].addr + ops[i].len >= ARENA_END)
		return true;
	if (ops[i].kind == OP_EXIT || !refused || !last || !strcmp(last->maps, results[i].maps))
		return false;
	/* Both clear a move's destination before its source is cut. */
	if (ops[i].kind == OP_MREMAP && ops[i].flags & MREMAP_FIXED)
		return true;
	strcpy(maps[0], last->maps);
	strcpy(maps[1], results[i].maps);
	maps_without_cuts(maps[0]);
	maps_without_cuts(maps[1]);
	return !strcmp(maps[0], maps[1]);
}

/* Linux moves no page that a fork has shared, even when nobody shares it any more; here it goes. */
static bool moves_once_shared(unsigned int i)
{
	return ops[i].kind == OP_WATCH_MOVE && (results[i].ret - 500000) / 1000003 == -EBUSY;
}

/* Sequences end where Linux leaves cuts behind: later calls depend on these. That step's own state is compared without them. */
static unsigned int record_one(FILE *file, uint64_t seed, enum diff_scope scope)
{
	struct trace_sequence head = { .seed = seed, .scope = scope, .nr = run_here(seed, scope, MAX_OPS) };

	for (unsigned int i = 0; i < head.nr && scope >= SCOPE_LIMITS; i++)
		if (moves_once_shared(i)) {
			head.nr = i;
		} else if (cuts_and_fails(i)) {
			maps_without_cuts(results[i].maps);
			head.nr = i + 1;
			head.cut = 1;
		}
	for (unsigned int i = 0; i < head.nr; i++)
		steps[i] = (struct trace_step){ .ret = results[i].ret, .state = state_of(&ops[i], &results[i]) };
	fwrite(&head, sizeof(head), 1, file);
	fwrite(steps, sizeof(steps[0]), head.nr, file);
	return head.nr;
}

/* scope NR_SCOPES: kernel and limits by turns. */
static int record(const char *path, unsigned long calls, uint64_t seed, enum diff_scope scope)
{
	struct trace_head head = { .magic = TRACE_MAGIC };
	unsigned long done = 0;
	FILE *file = fopen(path, "w");
	struct utsname name;

	if (!file)
		return 1;
	uname(&name);
	snprintf(head.release, sizeof(head.release), "%.59s", name.release);
	head.features = diff_features = diff_features_here();
	fwrite(&head, sizeof(head), 1, file);
	for (; head.nr_sequences < NR_KEPT; head.nr_sequences++)
		record_one(file, kept[head.nr_sequences].seed, kept[head.nr_sequences].scope);
	for (; done < calls; head.nr_sequences++, seed++)
		done += record_one(file, seed, scope < NR_SCOPES ? scope : head.nr_sequences % 2 ? SCOPE_LIMITS : SCOPE_KERNEL);
	rewind(file);
	fwrite(&head, sizeof(head), 1, file);
	return fclose(file) != 0;
}

/* False at the first difference. */
static bool check_one(FILE *file, unsigned long *calls)
{
	struct trace_sequence head;

	if (fread(&head, sizeof(head), 1, file) != 1 || head.nr > MAX_OPS || head.scope >= NR_SCOPES ||
	    fread(steps, sizeof(steps[0]), head.nr, file) != head.nr) {
		tap_diag("the trace ends in the middle");
		return false;
	}
	if (run_here(head.seed, (enum diff_scope)head.scope, head.nr) != head.nr) {
		tap_diag("the trace is another program's");
		return false;
	}
	if (head.cut)
		maps_without_cuts(results[head.nr - 1].maps);
	for (unsigned int i = 0; i < head.nr; i++) {
		if (results[i].ret == steps[i].ret && state_of(&ops[i], &results[i]) == steps[i].state)
			continue;
		tap_diag("Linux answered %lld%s; here, and before:", (long long)steps[i].ret,
			 results[i].ret == steps[i].ret ? " and left something else" : "");
		print_left(i);
		if (i)
			print_left(i - 1);
		tap_diag("again: tests/diff/again %llu %s", (unsigned long long)head.seed,
			 diff_scope_name((enum diff_scope)head.scope));
		return false;
	}
	*calls += head.nr;
	return true;
}

/* ---- without memory ---- */

#define FAILING_SEQUENCES 6u
#define FAILING_OPS 120u

/* The figure behind a name in one of /proc's texts; -1: it is not there. */
static long long figure_of(const char *path, const char *name)
{
	char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	const char *at;

	close(fd);
	text[len > 0 ? len : 0] = 0;
	at = strstr(text, name);
	return at ? atoll(at + strlen(name) + 1) : -1;
}

/* Figures of /proc/meminfo that programs' memory is in. This program's own tables may come and go. */
static bool read_figures(long long figures[6])
{
	static const char *const names[6] = { "AnonPages", "Mapped", "Shmem", "PageTables", "Mlocked", "Committed_AS" };
	bool all = true;

	for (int i = 0; i < 6; i++) {
		figures[i] = figure_of("/proc/meminfo", names[i]);
		all = all && figures[i] >= 0;
	}
	figures[3] -= figure_of("/proc/self/status", "VmPTE");
	return all;
}

/* An idle CPU keeps the root of the program that it ran last, be it gone or not. */
static bool as_before(const long long before[6], const long long now[6])
{
	long long tables = now[3] - before[3], roots = 4 * sysconf(_SC_NPROCESSORS_ONLN);

	return !memcmp(before, now, 3 * sizeof(*now)) && !memcmp(before + 4, now + 4, 2 * sizeof(*now)) && tables <= roots &&
	       -tables <= roots;
}

static bool come_back(const long long before[6])
{
	long long now[6];

	for (int tries = 0; tries < 80; tries++) {
		if (read_figures(now) && as_before(before, now))
			return true;
		usleep(25000);
	}
	for (int i = 0; i < 6; i++)
		tap_diag("figure %d was %lld and is %lld", i, before[i], now[i]);
	return false;
}

/* One sequence with and without failures: the same, up to where an allocation's failure was passed over in silence. */
static bool fail_one(uint64_t seed, enum diff_scope scope, struct diff_failing *how, struct result *clean)
{
	unsigned int nr = diff_generate(seed, scope, FAILING_OPS, ops);
	unsigned long wrong = how->wrong;

	how->comparable = nr;
	if (!diff_on_linux(ops, nr, scope, clean) || !diff_on_linux_failing(ops, nr, scope, results, how)) {
		tap_diag("seed %llu %s cannot be run here", (unsigned long long)seed, diff_scope_name(scope));
		return false;
	}
	for (unsigned int i = 0; i < how->comparable; i++) {
		if (result_same(&ops[i], &clean[i], &results[i]))
			continue;
		tap_diag("seed %llu %s ends elsewhere without memory:", (unsigned long long)seed, diff_scope_name(scope));
		print_left(i);
		return false;
	}
	return how->wrong == wrong;
}

static void check_failing(void)
{
	struct result *clean = diff_shared(sizeof(*clean) * MAX_OPS);
	struct diff_failing *how = diff_shared(sizeof(*how));
	unsigned int differ = 0;
	long long before[6];

	/* Once for what is made at the first use and kept. */
	for (unsigned int i = 0; i < 2 * FAILING_SEQUENCES; i++) {
		unsigned int k = i % FAILING_SEQUENCES;

		if (i == FAILING_SEQUENCES && !(read_figures(before) && read_figures(before)))
			tap_diag("no figures");
		differ += !fail_one(1 + k, (enum diff_scope)(SCOPE_KERNEL + k % (NR_SCOPES - SCOPE_KERNEL)), how, clean);
	}
	tap_is(differ, 0, "calls without memory say so and leave everything in order");
	tap_ok(how->hits > 0, "%lu allocations failed, of %lu nobody noticed", how->hits, how->absorbed);
	tap_ok(come_back(before), "everything comes back");
}

static int check(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned long calls = 0, differ = 0;
	struct trace_head head;

	tap_plan(0);
	if (!file || fread(&head, sizeof(head), 1, file) != 1 || head.magic != TRACE_MAGIC)
		tap_skip_all("there is no trace of what Linux answered");
	diff_features = head.features;
	tap_diag("%llu sequences that Linux %s has run", (unsigned long long)head.nr_sequences, head.release);
	for (uint64_t i = 0; i < head.nr_sequences && differ < 3; i++) {
		differ += !check_one(file, &calls);
		if (i % SEQUENCES_A_LINE == SEQUENCES_A_LINE - 1)
			tap_is(differ, 0, "%lu calls so far", calls);
	}
	tap_is(differ, 0, "%lu calls: Quire answers as Linux %s", calls, head.release);
	fclose(file);
	if (diff_can_fail())
		check_failing();
	return tap_done();
}

static int show(uint64_t seed, enum diff_scope scope)
{
	unsigned int nr = run_here(seed, scope, MAX_OPS);

	for (unsigned int i = 0; i < nr; i++)
		print_left(i);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "check";

	results = diff_shared(sizeof(*results) * MAX_OPS);
	if (!strcmp(verb, "record") && argc >= 5)
		return record(argv[2], strtoul(argv[3], NULL, 0), strtoull(argv[4], NULL, 0),
			      argc > 5 ? diff_scope_named(argv[5]) : NR_SCOPES);
	if (!strcmp(verb, "show") && argc >= 3) {
		enum diff_scope scope = argc > 3 ? diff_scope_named(argv[3]) : SCOPE_KERNEL;

		diff_features = argc > 4 ? (unsigned int)atoi(argv[4]) : diff_features_here();
		return scope < NR_SCOPES ? show(strtoull(argv[2], NULL, 0), scope) : 2;
	}
	if (!strcmp(verb, "features"))
		return printf("%u\n", diff_features_here()) < 0;
	if (strcmp(verb, "check") != 0)
		return 2;
	return check(argc > 2 ? argv[2] : "/tests/diff.trace");
}
