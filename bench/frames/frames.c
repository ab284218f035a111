/* SPDX-License-Identifier: MIT */
/*
 * frames.c - what a page frame costs: against a bare LIFO array in the same run, on one CPU and on two, and how well memory
 * that was scattered can still be had as huge pages.
 *
 * Prints lines of row, figure, unit, compared with, its figure, separated by tabs. Times on one CPU are the best of several rounds:
 * what disturbs a round only ever makes it slower. Instructions are counted one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "count.h"
#include "hosted/hosted.h"
#include "quire/page.h"
#include "quire/stats.h"

#define MEMORY ((uint64_t)1 << 30)
#define CPUS 2
#define ROUNDS 101
#define BULK_ROUNDS 9
#define PAIRS 100000u
#define HUGE_ORDER 9
#define MOVABLE (GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM & ~__GFP_KSWAPD_RECLAIM)
#define QUIET (__GFP_NOWARN)

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 4;
}

static void row(const char *name, double figure, const char *unit, const char *other, double other_figure)
{
	if (other)
		printf("%s\t%.2f\t%s\t%s\t%.2f\n", name, figure, unit, other, other_figure);
	else
		printf("%s\t%.2f\t%s\n", name, figure, unit);
	fflush(stdout);
}

/* ---- the floor: an array and a count ---- */

struct lifo {
	unsigned int count;
	struct page *frame[512];
} __attribute__((aligned(64)));

static __attribute__((noinline)) struct page *lifo_alloc(struct lifo *lifo)
{
	return lifo->count ? lifo->frame[--lifo->count] : NULL;
}

static __attribute__((noinline)) void lifo_free(struct lifo *lifo, struct page *page)
{
	if (lifo->count < 512)
		lifo->frame[lifo->count++] = page;
}

/* ---- pairs ---- */

enum what { LIFO, FROZEN, COUNTED, HUGE };

struct pair_run {
	enum what what;
	double ns[CPUS][ROUNDS], floor_ns[CPUS][ROUNDS]; /* a pair, by round; of the array, in the same round */
};

static struct lifo lifos[CPUS] = {{.count = 256}, {.count = 256}};
static unsigned int next_cpu;

static void do_pairs(enum what what, struct lifo *lifo, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		switch (what) {
		case LIFO:
			lifo_free(lifo, lifo_alloc(lifo));
			break;
		case FROZEN:
			free_frozen_pages(alloc_frozen_pages(MOVABLE, 0), 0);
			break;
		case COUNTED:
			__free_pages(alloc_pages(MOVABLE, 0), 0);
			break;
		case HUGE:
			free_frozen_pages(alloc_frozen_pages(MOVABLE, HUGE_ORDER), HUGE_ORDER);
			break;
		}
	}
}

static void pair_worker(void *arg)
{
	struct pair_run *run = arg;
	unsigned int me = __atomic_fetch_add(&next_cpu, 1, __ATOMIC_RELAXED) % CPUS, round;

	for (round = 0; round < ROUNDS; round++) {
		double start = now_ns(), middle;

		do_pairs(LIFO, &lifos[me], PAIRS);
		middle = now_ns();
		do_pairs(run->what, &lifos[me], PAIRS);
		run->floor_ns[me][round] = (middle - start) / PAIRS;
		run->ns[me][round] = (now_ns() - middle) / PAIRS;
	}
	drain_all_pages();
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The slower CPU's figure. One CPU: the best round. Two: the middle one, since in the best the other may not have run. */
static double figure_of(double ns[CPUS][ROUNDS], unsigned int cpus)
{
	double worst = 0;
	unsigned int i;

	for (i = 0; i < cpus; i++) {
		double figure;

		qsort(ns[i], ROUNDS, sizeof(double), by_size);
		figure = ns[i][cpus == 1 ? 0 : ROUNDS / 2];
		worst = figure > worst ? figure : worst;
	}
	return worst;
}

static void pairs(struct hosted_machine *machine, const char *name, enum what what, unsigned int cpus)
{
	static struct pair_run run;

	run.what = what;
	next_cpu = 0;
	hosted_run(machine, cpus, pair_worker, &run);
	row(name, figure_of(run.ns, cpus), "ns a pair", what == LIFO ? NULL : "LIFO array", figure_of(run.floor_ns, cpus));
}

/* ---- all of memory ---- */

static struct page **held;
static unsigned long nr_held;

static unsigned long take_until(unsigned long most, gfp_t gfp)
{
	struct page *page;

	while (nr_held < most && (page = alloc_frozen_pages(gfp | QUIET, 0)))
		held[nr_held++] = page;
	return nr_held;
}

static void give_all(void)
{
	while (nr_held)
		free_frozen_pages(held[--nr_held], 0);
}

static void bulk(void)
{
	double best_take = 1e9, best_give = 1e9, start;
	unsigned long nr = 0;
	int round;

	for (round = 0; round < BULK_ROUNDS; round++) {
		start = now_ns();
		nr = take_until(~0ul, MOVABLE);
		if ((now_ns() - start) / (double)nr < best_take)
			best_take = (now_ns() - start) / (double)nr;
		start = now_ns();
		give_all();
		if ((now_ns() - start) / (double)nr < best_give)
			best_give = (now_ns() - start) / (double)nr;
	}
	row("bulk_alloc_all", best_take, "ns a frame", "wanted at most", 20);
	row("bulk_free_all", best_give, "ns a frame", "wanted at most", 20);
}

static void shuffle(struct page **pages, unsigned long nr, uint32_t *seed)
{
	for (unsigned long i = nr; i > 1; i--) {
		unsigned long k = next_random(seed) % i;
		struct page *page = pages[i - 1];

		pages[i - 1] = pages[k];
		pages[k] = page;
	}
}

/* ---- instructions ---- */

#define COUNTED_PAIRS 64u
#define COUNTED_FRAMES 1024u

static void count_pairs(void *arg)
{
	do_pairs(*(enum what *)arg, &lifos[0], COUNTED_PAIRS);
}

static void count_take(void *arg)
{
	take_until(COUNTED_FRAMES, MOVABLE);
}

static void count_give(void *arg)
{
	give_all();
}

/* Figures that no load of the host disturbs; `before` is run first, uncounted. */
static void count_row(const char *name, void (*before)(void *arg), void (*fn)(void *arg), enum what what, double nr)
{
	double count = (double)count_instructions(before, fn, &what);

	if (count > 0)
		row(name, count / nr, "instructions", NULL, 0);
}

static void count_all(void)
{
	count_row("lifo_pair_instructions", count_pairs, count_pairs, LIFO, COUNTED_PAIRS);
	count_row("order0_pair_instructions", count_pairs, count_pairs, FROZEN, COUNTED_PAIRS);
	count_row("order9_pair_instructions", count_pairs, count_pairs, HUGE, COUNTED_PAIRS);
	count_row("bulk_alloc_instructions", NULL, count_take, LIFO, COUNTED_FRAMES);
	count_row("bulk_free_instructions", count_take, count_give, LIFO, COUNTED_FRAMES);
}

/* ---- random frees and re-allocations ---- */

static double random_ns[CPUS];

/* Each CPU works on its own part of what is held: frees a batch at random, takes as many again. */
static void random_worker(void *arg)
{
	unsigned int cpus = *(unsigned int *)arg, me = __atomic_fetch_add(&next_cpu, 1, __ATOMIC_RELAXED) % cpus;
	unsigned long part = nr_held / CPUS, i, done = 0;
	struct page **mine = held + me * part;
	uint32_t seed = 17 + me;
	double start = now_ns();
	int round;

	for (round = 0; round < 10; round++) {
		for (i = 0; i < part; i++)
			if (next_random(&seed) % 4 == 0) {
				free_frozen_pages(mine[i], 0);
				mine[i] = NULL;
				done++;
			}
		for (i = 0; i < part; i++)
			while (!mine[i])
				mine[i] = alloc_frozen_pages(MOVABLE | QUIET, 0);
		shuffle(mine, 0, &seed);
	}
	random_ns[me] = (now_ns() - start) / (double)done;
	/* A CPU that stops leaves nothing on its lists. */
	drain_all_pages();
}

static double random_pairs(struct hosted_machine *machine, unsigned int cpus)
{
	double best = 1e9;
	int round;

	for (round = 0; round < 5; round++) {
		double worst = 0;
		unsigned int i;

		next_cpu = 0;
		hosted_run(machine, cpus, random_worker, &cpus);
		for (i = 0; i < cpus; i++)
			worst = random_ns[i] > worst ? random_ns[i] : worst;
		best = worst < best ? worst : best;
	}
	return best;
}

static void random_mix(struct hosted_machine *machine)
{
	double one, two;
	uint32_t seed = 1;

	take_until(~0ul, MOVABLE);
	shuffle(held, nr_held, &seed);
	for (unsigned long keep = nr_held / 10 * 9; nr_held > keep; )
		free_frozen_pages(held[--nr_held], 0);
	one = random_pairs(machine, 1);
	two = random_pairs(machine, 2);
	row("random_free_alloc_1cpu", one, "ns a pair", NULL, 0);
	row("random_free_alloc_2cpus", two, "ns a pair", "one CPU", one);
	row("random_free_alloc_both", two / 2, "ns a pair", "one CPU", one);
	give_all();
}

/* ---- ageing ---- */

/* Per mille of what is free that comes as huge pages; the reserve below the marks counts as free, and is not given. */
static unsigned long share_as_huge(void)
{
	struct quire_sysinfo info;
	static struct page *huge[(MEMORY >> 12) / 512 + 1];
	unsigned long nr = 0;

	drain_all_pages();
	quire_sysinfo(&info);
	while ((huge[nr] = alloc_frozen_pages(MOVABLE | QUIET, HUGE_ORDER)))
		nr++;
	for (unsigned long i = 0; i < nr; i++)
		free_frozen_pages(huge[i], HUGE_ORDER);
	return nr * 512 * 1000 / info.freeram;
}

/* Frees and re-allocates a random tenth of what is held. */
static void churn(uint32_t *seed, gfp_t gfp)
{
	unsigned long tenth = nr_held / 10, i;

	for (i = 0; i < tenth; i++) {
		unsigned long k = i + next_random(seed) % (nr_held - i);
		struct page *page = held[i];

		held[i] = held[k];
		held[k] = page;
	}
	for (i = 0; i < tenth; i++)
		free_frozen_pages(held[i], 0);
	for (i = 0; i < tenth; i++)
		held[i] = alloc_frozen_pages(gfp | QUIET, 0);
}

/* Takes and gives a burst of unmovable frames, and a few huge pages, as a busy machine does. */
static void burst(uint32_t *seed, struct page **unmovable, unsigned long nr)
{
	struct page *huge[4];
	unsigned long i;

	for (i = 0; i < 4; i++)
		huge[i] = alloc_frozen_pages(MOVABLE | QUIET, HUGE_ORDER);
	for (i = 0; i < nr / 5; i++) {
		unsigned long k = next_random(seed) % nr;

		if (unmovable[k])
			free_frozen_pages(unmovable[k], 0);
		unmovable[k] = NULL;
	}
	for (i = 0; i < nr; i++)
		if (!unmovable[i])
			unmovable[i] = alloc_frozen_pages(GFP_NOWAIT | QUIET, 0);
	for (i = 0; i < 4; i++)
		if (huge[i])
			free_frozen_pages(huge[i], HUGE_ORDER);
}

static double age(bool mixed)
{
	unsigned long total, nr_unmovable = 0, i;
	struct page **unmovable = NULL;
	uint32_t seed = 99;
	double share;

	total = take_until(~0ul, MOVABLE);
	give_all();
	if (mixed) {
		nr_unmovable = total / 20;
		unmovable = calloc(nr_unmovable, sizeof(*unmovable));
	}
	take_until(total / 10 * 9 - nr_unmovable, MOVABLE);
	if (mixed)
		burst(&seed, unmovable, nr_unmovable);
	shuffle(held, nr_held, &seed);
	for (i = nr_held / 2; nr_held > i; )
		free_frozen_pages(held[--nr_held], 0);
	for (i = 0; i < 100; i++) {
		churn(&seed, MOVABLE);
		if (mixed)
			burst(&seed, unmovable, nr_unmovable);
	}
	share = (double)share_as_huge() / 10;
	give_all();
	for (i = 0; i < nr_unmovable; i++)
		if (unmovable[i])
			free_frozen_pages(unmovable[i], 0);
	free(unmovable);
	return share;
}

/* ---- what it takes ---- */

/* What the allocator keeps of memory for itself. */
static void metadata(void)
{
	struct quire_sysinfo info;
	double frames = (double)(MEMORY >> 12), gone;

	quire_sysinfo(&info);
	gone = (frames - (double)info.totalram) * 4096;
	row("metadata_struct_page", (double)sizeof(struct page), "bytes a frame", "wanted at most", 32);
	/* A hosted machine's struct pages lie outside its memory. */
	row("metadata_beside", gone / (double)MEMORY * 100, "% of memory", "wanted less than", 0.1);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Until a machine of 1 TiB can give frames out. Struct pages are written block by block when they are first given. */
static void boot_large(void)
{
	struct hosted_config config = {.mem_bytes = (uint64_t)1 << 40, .nodes = 4, .cpus = 4};
	struct hosted_machine *machine = hosted_create(&config);
	const struct quire_boot *boot = machine ? hosted_boot_info(machine) : NULL;
	double start = cpu_ms(), boot_ms;
	struct page *page;

	if (!machine || quire_start(boot) || quire_add_memory_map() || quire_init_frames())
		return;
	boot_ms = cpu_ms() - start;
	page = alloc_pages(MOVABLE, HUGE_ORDER);
	if (page)
		row("boot_1TiB_for_each_64GiB", boot_ms / 16, "ms of work", "wanted less than", 1000);
	hosted_destroy(machine);
}

int main(void)
{
	struct hosted_config config = {.mem_bytes = MEMORY, .cpus = CPUS};
	struct hosted_machine *machine = hosted_create(&config);
	const struct quire_boot *boot = machine ? hosted_boot_info(machine) : NULL;

	held = calloc(MEMORY >> 12, sizeof(*held));
	if (!machine || !held || quire_start(boot) || quire_add_memory_map() || quire_init_frames()) {
		fprintf(stderr, "frames: the machine does not start\n");
		return 1;
	}
	printf("# page frames, on this system's clock\n");
	metadata();
	pairs(machine, "lifo_pair_1cpu", LIFO, 1);
	pairs(machine, "lifo_pair_2cpus", LIFO, 2);
	pairs(machine, "order0_pair_1cpu", FROZEN, 1);
	pairs(machine, "order0_pair_2cpus", FROZEN, 2);
	pairs(machine, "order0_counted_pair_1cpu", COUNTED, 1);
	pairs(machine, "order9_pair_1cpu", HUGE, 1);
	pairs(machine, "order9_pair_2cpus", HUGE, 2);
	bulk();
	count_all();
	random_mix(machine);
	row("aged_as_huge", age(false), "% of free", "LLFree", 97);
	row("aged_mixed_as_huge", age(true), "% of free", "wanted at least", 97);
	hosted_destroy(machine);
	boot_large();
	return 0;
}
