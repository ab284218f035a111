/* SPDX-License-Identifier: MIT */
/*
 * faultscale.c - faults of one program in VMAs of their own: how much more two CPUs get done than one, in real time.
 *
 * Each CPU faults in the pages of its own mapping and drops them again, lap after lap, all CPUs beginning at once. The mapping is
 * small enough that its pages stay in a CPU's cache: what is measured is the way through a fault, not the memory's bandwidth.
 * A lap counts as long as its slowest CPU took. Rounds of one and of two CPUs take turns, each CPU on a processor of its own. What one
 * in twenty laps stays below is compared: processors of a virtual host are two cores at one time and two halves of one at another, or
 * busy with something else, and that is not to be measured; what the two CPUs of the program do to each other is in every lap.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hosted/hosted.h"
#include "quire/mm.h"
#include "quire_host.h"

#define MEMORY ((uint64_t)256 << 20)
#define CPUS 2
#define ROUNDS 100
#define PAGE 4096ul
#define PAGES 64ul
/* Large enough that the two have page tables of their own, each with its lock; the last row has both in one. */
#define AREA (PAGE * 1024)
#define LAPS 100
#define ADVICE_DONTNEED 4
/* Twice what one CPU does is the most; this much is wanted. */
#define WANTED 1.8

struct kind {
	const char *name;
	unsigned long flags;       /* of the mapping */
	unsigned int access;
	bool drop;                 /* dropping the pages counts too */
	bool one_table;            /* the two mappings share a page table */
};

static const struct kind kinds[] = {
	{ .name = "anon_write", .flags = MAP_PRIVATE | MAP_ANONYMOUS, .access = FAULT_FLAG_WRITE },
	{ .name = "anon_read", .flags = MAP_PRIVATE | MAP_ANONYMOUS },
	{ .name = "shared_write", .flags = MAP_SHARED | MAP_ANONYMOUS, .access = FAULT_FLAG_WRITE },
	{ .name = "anon_write_and_drop", .flags = MAP_PRIVATE | MAP_ANONYMOUS, .access = FAULT_FLAG_WRITE, .drop = true },
	{ .name = "anon_write_one_table", .flags = MAP_PRIVATE | MAP_ANONYMOUS, .access = FAULT_FLAG_WRITE, .one_table = true },
};

/* One round of one kind. */
static struct {
	struct mm_struct *mm;
	const struct kind *kind;
	unsigned long area[CPUS], fence[CPUS];
	double spent[CPUS][LAPS];  /* ns */
	unsigned int cpus, arrived, failed;
	bool unpinned;
} run;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* All CPUs have come here `nr` times. */
static void wait_for_all(unsigned int nr)
{
	__atomic_fetch_add(&run.arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&run.arrived, __ATOMIC_SEQ_CST) < run.cpus * nr)
		quire_host_relax();
}

/* Each CPU on a processor of its own: in a millisecond nobody else would part two that began on one. */
static void stay_on_processor(unsigned int nr)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(nr, &set);
	if (sched_setaffinity(0, sizeof(set), &set) && !run.unpinned) {
		run.unpinned = true;
		printf("# this host does not let CPU %u stay on one processor\n", nr);
	}
}

static void fault_all(void *unused)
{
	unsigned int me = this_cpu(), flags = FAULT_FLAG_USER | run.kind->access, failed = 0;
	unsigned long from = run.area[me], to = from + PAGES * PAGE;

	(void)unused;
	stay_on_processor(me);
	for (unsigned int nr = 0; nr < LAPS; nr++) {
		double begin, end;

		wait_for_all(2 * nr + 1);
		begin = now_ns();
		for (unsigned long addr = from; addr < to; addr += PAGE)
			failed += (handle_user_fault(run.mm, addr, flags).what & VM_FAULT_ERROR) != 0;
		end = now_ns();
		run.spent[me][nr] = end - begin;
		if (run.kind->drop) {
			do_madvise(run.mm, from, to - from, ADVICE_DONTNEED);
			run.spent[me][nr] = now_ns() - begin;
		}
		/* Dropping interrupts the other CPUs: where it does not count, nobody is to be in a fault meanwhile. */
		wait_for_all(2 * nr + 2);
		if (!run.kind->drop)
			do_madvise(run.mm, from, to - from, ADVICE_DONTNEED);
	}
	__atomic_fetch_add(&run.failed, failed, __ATOMIC_RELAXED);
}

/* What each lap of a round took. */
static void one_round(struct hosted_machine *machine, unsigned int cpus, double *laps)
{
	run.cpus = cpus;
	run.arrived = 0;
	hosted_run(machine, cpus, fault_all, NULL);
	for (unsigned int nr = 0; nr < LAPS; nr++) {
		laps[nr] = 0;
		for (unsigned int i = 0; i < cpus; i++)
			laps[nr] = run.spent[i][nr] > laps[nr] ? run.spent[i][nr] : laps[nr];
	}
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double undisturbed(double *laps)
{
	qsort(laps, ROUNDS * LAPS, sizeof(*laps), by_time);
	return laps[ROUNDS * LAPS / 20];
}

static void map_areas(unsigned long bytes, unsigned long flags)
{
	for (unsigned int i = 0; i < CPUS; i++) {
		run.area[i] = do_mmap(run.mm, 0, bytes, PROT_READ | PROT_WRITE, flags, NULL, 0);
		/* Or the two would merge. */
		run.fence[i] = do_mmap(run.mm, 0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	}
}

static void measure(struct hosted_machine *machine, const struct kind *kind)
{
	static double laps[CPUS][ROUNDS * LAPS];
	unsigned long bytes = kind->one_table ? PAGES * PAGE : AREA;
	double one, two;

	run.kind = kind;
	map_areas(bytes, kind->flags);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < CPUS; i++)
			one_round(machine, i + 1, laps[i] + round * LAPS);
	}
	one = undisturbed(laps[0]);
	two = undisturbed(laps[1]);
	printf("%s_1cpu\t%.1f\tns/fault\n", kind->name, one / PAGES);
	printf("%s_2cpus\t%.1f\tns/fault\n", kind->name, two / PAGES);
	printf("%s_scale\t%.2f\ttimes\twanted\t%.2f\n", kind->name, 2 * one / two, WANTED);
	fflush(stdout);
	for (unsigned int i = 0; i < CPUS; i++) {
		do_munmap(run.mm, run.area[i], bytes);
		do_munmap(run.mm, run.fence[i], PAGE);
	}
}

int main(void)
{
	struct hosted_config config = { .mem_bytes = MEMORY, .cpus = CPUS, .log = NULL };
	struct hosted_machine *machine = hosted_create(&config);

	if (!machine || hosted_boot(machine) != 0 || !(run.mm = mm_alloc()))
		return 1;
	arch_pick_mmap_layout(run.mm, 8 << 20, false);
	/* A user for each CPU, as threads have it: only then is nothing done as if alone. */
	for (unsigned int i = 0; i < CPUS; i++)
		mmget(run.mm);
	printf("# faults in separate VMAs of one program, one CPU against two\n");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		measure(machine, &kinds[i]);
	for (unsigned int i = 0; i < CPUS; i++)
		mmput(run.mm);
	mmput(run.mm);
	if (run.failed)
		fprintf(stderr, "faultscale: %u faults failed\n", run.failed);
	return run.failed != 0;
}
