/* SPDX-License-Identifier: MIT */
/*
 * frames.c - what a page frame costs: against a bare LIFO array in the same run, on one CPU and on two, and how well memory
 * that was scattered can still be had as huge pages.
 *
 * Prints lines of row, figure, unit, compared with, its figure, separated by tabs. Times are the best of many short rounds, in which
 * what is compared takes turns (rounds.h). Instructions are counted one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "count.h"
#include "hosted/hosted.h"
#include "quire/page.h"
#include "quire/stats.h"
#include "rounds.h"

#define MEMORY ((uint64_t)1 << 30)
#define CPUS 2
#define PAIR_ROUNDS 1000
#define RANDOM_ROUNDS 240
#define RANDOM_STEPS 16
#define BULK_ROUNDS 20
#define BULK_STEPS 16
#define PAIRS 20000u
#define HUGE_ORDER 9
#define MOVABLE (GFP_HIGHUSER_MOVABLE & ~__GFP_DIRECT_RECLAIM & ~__GFP_KSWAPD_RECLAIM)
#define QUIET (__GFP_NOWARN)

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

static struct lifo lifos[CPUS] = {{.count = 256}, {.count = 256}};
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

/* Steps of a small generator of numbers: instructions, and no memory. */
static unsigned long host_round(unsigned int me, unsigned int step, void *arg)
{
	volatile uint32_t result;
	uint32_t seed[4] = {1, 2, 3, 4};
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		next_random(&seed[0]);
		next_random(&seed[1]);
		next_random(&seed[2]);
		next_random(&seed[3]);
	}
	result = seed[0] ^ seed[1] ^ seed[2] ^ seed[3];
	(void)result;
	return PAIRS;
}

/* What the host makes of a second thread, with nothing of ours in it. Two CPUs that are threads of one core halve each other, and
 * then nothing that keeps a core busy can be as fast on two as on one. */
static void host(struct hosted_machine *machine)
{
	struct work works[] = {{.cpus = 1, .run = host_round}, {.cpus = 2, .run = host_round}};

	time_works(machine, works, 2, PAIR_ROUNDS);
	row("host_2cpus", works[1].ns, "ns a step", "one CPU", works[0].ns);
}

static unsigned long pair_round(unsigned int me, unsigned int step, void *arg)
{
	do_pairs(*(enum what *)arg, &lifos[me], PAIRS);
	return PAIRS;
}

/* Every row on so many CPUs, against the array on as many. */
static void pairs(struct hosted_machine *machine, unsigned int cpus)
{
	static enum what whats[] = {LIFO, FROZEN, COUNTED, HUGE};
	static const char *names[][CPUS] = {{"lifo_pair_1cpu", "lifo_pair_2cpus"},
					    {"order0_pair_1cpu", "order0_pair_2cpus"},
					    {"order0_counted_pair_1cpu", "order0_counted_pair_2cpus"},
					    {"order9_pair_1cpu", "order9_pair_2cpus"}};
	struct work works[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		works[i] = (struct work){.cpus = cpus, .run = pair_round, .arg = &whats[i]};
	time_works(machine, works, 4, PAIR_ROUNDS);
	for (i = 0; i < 4; i++)
		row(names[i][cpus - 1], works[i].ns, "ns a pair", i ? "LIFO array" : NULL, works[0].ns);
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

static unsigned long nr_all; /* frames that can be had */

/* A step's part of all of memory. */
static unsigned long bulk_take(unsigned int me, unsigned int step, void *arg)
{
	unsigned long before = nr_held;

	return take_until(nr_all * (step + 1) / BULK_STEPS, MOVABLE) - before;
}

static unsigned long bulk_give(unsigned int me, unsigned int step, void *arg)
{
	unsigned long left = nr_all - nr_all * (step + 1) / BULK_STEPS, before = nr_held;

	while (nr_held > left)
		free_frozen_pages(held[--nr_held], 0);
	return before - left;
}

static void bulk(struct hosted_machine *machine)
{
	struct work works[] = {{.cpus = 1, .steps = BULK_STEPS, .run = bulk_take}, {.cpus = 1, .steps = BULK_STEPS, .run = bulk_give}};

	/* Not to the last frame: each step finds its part. */
	nr_all = take_until(~0ul, MOVABLE) / 1000 * 999;
	give_all();
	time_works(machine, works, 2, BULK_ROUNDS);
	row("bulk_alloc_all", works[0].ns, "ns a frame", "wanted at most", 20);
	row("bulk_free_all", works[1].ns, "ns a frame", "wanted at most", 20);
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

/* Each CPU's own numbers, on a line of their own: what CPUs share here is the allocator. */
static struct {
	uint32_t seed;
} __attribute__((aligned(128))) dice[CPUS] = {{17}, {18}};
static struct page *lowest; /* of what is held */

/* Each CPU works on its own part of what is held, in RANDOM_STEPS: frees a quarter of it at random ... */
static unsigned long random_free(unsigned int me, unsigned int step, void *arg)
{
	unsigned long part = nr_held / CPUS, i = part * step / RANDOM_STEPS, end = part * (step + 1) / RANDOM_STEPS, done = 0;
	struct page **mine = held + me * part;

	for (; i < end; i++)
		if (next_random(&dice[me].seed) % 4 == 0) {
			free_frozen_pages(mine[i], 0);
			mine[i] = NULL;
			done++;
		}
	return done;
}

/* ... and takes as many again. */
static unsigned long random_alloc(unsigned int me, unsigned int step, void *arg)
{
	unsigned long part = nr_held / CPUS, i = part * step / RANDOM_STEPS, end = part * (step + 1) / RANDOM_STEPS, done = 0;
	struct page **mine = held + me * part;

	for (; i < end; i++)
		if (!mine[i]) {
			mine[i] = alloc_frozen_pages(MOVABLE | QUIET, 0);
			done++;
		}
	return done;
}

/* The same with nothing to decide and nothing shared: a record of the frame's is written, in memory of this CPU's own, and a bare
 * stack keeps the frame. What this loses on two CPUs is the host's, whose caches and cores they share. */
static struct floor {
	uint32_t (*record)[sizeof(struct page) / sizeof(uint32_t)];
	struct page **stack;
	unsigned long count;
} __attribute__((aligned(128))) floors[CPUS];

static unsigned long floor_free(unsigned int me, unsigned int step, void *arg)
{
	unsigned long part = nr_held / CPUS, i = part * step / RANDOM_STEPS, end = part * (step + 1) / RANDOM_STEPS, done = 0;
	struct page **mine = held + me * part;
	struct floor *floor = &floors[me];

	if (!step)
		floor->count = 0;
	for (; i < end; i++)
		if (next_random(&dice[me].seed) % 4 == 0) {
			floor->record[mine[i] - lowest][0]++;
			floor->stack[floor->count++] = mine[i];
			done++;
		}
	return done;
}

static unsigned long floor_alloc(unsigned int me, unsigned int step, void *arg)
{
	unsigned long left = floors[me].count / (RANDOM_STEPS - step), done;
	struct floor *floor = &floors[me];

	for (done = 0; done < left; done++)
		floor->record[floor->stack[--floor->count] - lowest][0]--;
	return done;
}

static void random_mix(struct hosted_machine *machine)
{
	struct work works[] = {
		{.cpus = 1, .steps = RANDOM_STEPS, .run = floor_free}, {.cpus = 1, .steps = RANDOM_STEPS, .run = floor_alloc},
		{.cpus = 2, .steps = RANDOM_STEPS, .run = floor_free}, {.cpus = 2, .steps = RANDOM_STEPS, .run = floor_alloc},
		{.cpus = 1, .steps = RANDOM_STEPS, .run = random_free}, {.cpus = 1, .steps = RANDOM_STEPS, .run = random_alloc},
		{.cpus = 2, .steps = RANDOM_STEPS, .run = random_free}, {.cpus = 2, .steps = RANDOM_STEPS, .run = random_alloc},
	};
	static const char *const names[][3] = {
		{"random_bare_1cpu", "random_free_alloc_1cpu", "random_beside_bare_1cpu"},
		{"random_bare_2cpus", "random_free_alloc_2cpus", "random_beside_bare_2cpus"},
	};
	double one = 0, one_floor = 0;
	uint32_t seed = 1;
	unsigned long i;

	take_until(~0ul, MOVABLE);
	shuffle(held, nr_held, &seed);
	for (unsigned long keep = nr_held / 10 * 9; nr_held > keep; )
		free_frozen_pages(held[--nr_held], 0);
	for (i = 0, lowest = held[0]; i < nr_held; i++)
		lowest = held[i] < lowest ? held[i] : lowest;
	for (i = 0; i < CPUS; i++) {
		floors[i].record = calloc(MEMORY >> 12, sizeof(*floors[i].record));
		floors[i].stack = calloc(nr_held, sizeof(*floors[i].stack));
	}
	time_works(machine, works, 8, RANDOM_ROUNDS);
	for (i = 0; i < CPUS; i++) {
		free(floors[i].record);
		free(floors[i].stack);
	}
	for (i = 0; i < 2; i++) {
		const double floor = works[2 * i].ns + works[2 * i + 1].ns, ours = works[2 * i + 4].ns + works[2 * i + 5].ns;

		row(names[i][0], floor, "ns a pair", i ? "one CPU" : NULL, one_floor);
		row(names[i][1], ours, "ns a pair", i ? "one CPU" : NULL, one);
		row(names[i][2], ours, "ns a pair", "bare stack", floor);
		one_floor = floor;
		one = ours;
	}
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

/* All parts, or the one that the command line names. */
static bool wants(char **argv, const char *part)
{
	return !argv[1] || !strcmp(argv[1], part);
}

int main(int argc, char **argv)
{
	struct hosted_config config = {.mem_bytes = MEMORY, .cpus = CPUS};
	struct hosted_machine *machine = hosted_create(&config);
	const struct quire_boot *boot = machine ? hosted_boot_info(machine) : NULL;
	unsigned int cpus;

	held = calloc(MEMORY >> 12, sizeof(*held));
	if (!machine || !held || quire_start(boot) || quire_add_memory_map() || quire_init_frames()) {
		fprintf(stderr, "frames: the machine does not start\n");
		return 1;
	}
	printf("# page frames, on this system's clock\n");
	if (wants(argv, "metadata"))
		metadata();
	if (wants(argv, "host"))
		host(machine);
	for (cpus = 1; wants(argv, "pairs") && cpus <= CPUS; cpus++)
		pairs(machine, cpus);
	if (wants(argv, "bulk"))
		bulk(machine);
	if (wants(argv, "instructions"))
		count_all();
	if (wants(argv, "random"))
		random_mix(machine);
	if (wants(argv, "aged")) {
		row("aged_as_huge", age(false), "% of free", "LLFree", 97);
		row("aged_mixed_as_huge", age(true), "% of free", "wanted at least", 97);
	}
	hosted_destroy(machine);
	if (wants(argv, "boot"))
		boot_large();
	return 0;
}
