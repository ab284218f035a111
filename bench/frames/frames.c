/* SPDX-License-Identifier: MIT */
/*
 * frames.c - what a page frame costs: against a bare LIFO array in the same run, on one CPU and on two, and how well memory
 * that was scattered can still be had as huge pages.
 *
 * Prints lines of row, figure, unit, compared with, its figure, separated by tabs. Times are the best of several rounds:
 * what disturbs a round only ever makes it slower.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hosted/hosted.h"
#include "quire/page.h"

#define MEMORY ((uint64_t)1 << 30)
#define CPUS 2
#define ROUNDS 7
#define PAIRS 2000000u
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
	double best[CPUS]; /* ns a pair */
};

static struct lifo lifos[CPUS];
static unsigned int next_cpu;

static double time_pairs(enum what what, struct lifo *lifo)
{
	double start = now_ns();
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
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
	return (now_ns() - start) / PAIRS;
}

static void pair_worker(void *arg)
{
	struct pair_run *run = arg;
	unsigned int me = __atomic_fetch_add(&next_cpu, 1, __ATOMIC_RELAXED) % CPUS, round;

	lifos[me].count = 256;
	run->best[me] = 1e9;
	for (round = 0; round < ROUNDS; round++) {
		double ns = time_pairs(run->what, &lifos[me]);

		if (ns < run->best[me])
			run->best[me] = ns;
	}
	drain_all_pages();
}

/* The slower of the CPUs. */
static double pairs(struct hosted_machine *machine, enum what what, unsigned int cpus)
{
	struct pair_run run = {.what = what};
	double worst = 0;
	unsigned int i;

	next_cpu = 0;
	hosted_run(machine, cpus, pair_worker, &run);
	for (i = 0; i < cpus; i++)
		worst = run.best[i] > worst ? run.best[i] : worst;
	return worst;
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

	for (round = 0; round < ROUNDS; round++) {
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
	give_all();
}

/* ---- ageing ---- */

static unsigned long share_as_huge(unsigned long nr_free)
{
	static struct page *huge[(MEMORY >> 12) / 512 + 1];
	unsigned long nr = 0;

	drain_all_pages();
	while ((huge[nr] = alloc_frozen_pages(MOVABLE | QUIET, HUGE_ORDER)))
		nr++;
	for (unsigned long i = 0; i < nr; i++)
		free_frozen_pages(huge[i], HUGE_ORDER);
	return nr * 512 * 1000 / nr_free;
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
	share = (double)share_as_huge(total - nr_held - nr_unmovable) / 10;
	give_all();
	for (i = 0; i < nr_unmovable; i++)
		if (unmovable[i])
			free_frozen_pages(unmovable[i], 0);
	free(unmovable);
	return share;
}

int main(void)
{
	struct hosted_config config = {.mem_bytes = MEMORY, .cpus = CPUS};
	struct hosted_machine *machine = hosted_create(&config);
	const struct quire_boot *boot = machine ? hosted_boot_info(machine) : NULL;
	double lifo1, lifo2, one, two;

	held = calloc(MEMORY >> 12, sizeof(*held));
	if (!machine || !held || quire_start(boot) || quire_add_memory_map() || quire_init_frames()) {
		fprintf(stderr, "frames: the machine does not start\n");
		return 1;
	}
	printf("# page frames, on this system's clock\n");
	lifo1 = pairs(machine, LIFO, 1);
	lifo2 = pairs(machine, LIFO, 2);
	row("lifo_pair_1cpu", lifo1, "ns a pair", NULL, 0);
	row("lifo_pair_2cpus", lifo2, "ns a pair", NULL, 0);
	one = pairs(machine, FROZEN, 1);
	two = pairs(machine, FROZEN, 2);
	row("order0_pair_1cpu", one, "ns a pair", "LIFO array", lifo1);
	row("order0_pair_2cpus", two, "ns a pair", "LIFO array", lifo2);
	row("order0_counted_pair_1cpu", pairs(machine, COUNTED, 1), "ns a pair", "LIFO array", lifo1);
	row("order9_pair_1cpu", pairs(machine, HUGE, 1), "ns a pair", "LIFO array", lifo1);
	row("order9_pair_2cpus", pairs(machine, HUGE, 2), "ns a pair", "LIFO array", lifo2);
	bulk();
	random_mix(machine);
	row("aged_as_huge", age(false), "% of free", "LLFree", 97);
	row("aged_mixed_as_huge", age(true), "% of free", "wanted at least", 97);
	return 0;
}
