/* SPDX-License-Identifier: MIT */
/*
 * faultscale.c - faults of one program in VMAs of their own: how much more two CPUs get done than one, in real time.
 *
 * Each CPU faults in the pages of its own mapping and drops them again, lap after lap, all CPUs beginning at once. The mapping is
 * small enough that its pages stay in a CPU's cache: what is measured is the way through a fault, not the memory's bandwidth.
 * A round counts as long as its slowest CPU took. Rounds of one and of two CPUs take turns, and the best of each is compared: what
 * disturbs a round only ever makes it slower.
 */
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
#define LAPS 40
#define ADVICE_DONTNEED 4
/* Twice what one CPU does is the most; this much is wanted. */
#define WANTED 1.8

struct kind {
	const char *name;
	unsigned long flags;       /* of the mapping */
	unsigned int access;
	bool drop;                 /* dropping the pages counts too */
};

static const struct kind kinds[] = {
	{ "anon_write", MAP_PRIVATE | MAP_ANONYMOUS, FAULT_FLAG_WRITE, false },
	{ "anon_read", MAP_PRIVATE | MAP_ANONYMOUS, 0, false },
	{ "shared_write", MAP_SHARED | MAP_ANONYMOUS, FAULT_FLAG_WRITE, false },
	{ "anon_write_and_drop", MAP_PRIVATE | MAP_ANONYMOUS, FAULT_FLAG_WRITE, true },
};

/* One round of one kind. */
static struct {
	struct mm_struct *mm;
	const struct kind *kind;
	unsigned long area[CPUS], fence[CPUS];
	double spent[CPUS];        /* ns */
	unsigned int cpus, arrived, failed;
} run;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void wait_for_all(void)
{
	__atomic_fetch_add(&run.arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&run.arrived, __ATOMIC_SEQ_CST) < run.cpus)
		quire_host_relax();
}

static void fault_all(void *unused)
{
	unsigned int me = this_cpu(), flags = FAULT_FLAG_USER | run.kind->access, failed = 0;
	unsigned long from = run.area[me], to = from + PAGES * PAGE;
	double spent = 0;

	(void)unused;
	wait_for_all();
	for (int lap = 0; lap < LAPS; lap++) {
		double begin = now_ns(), end;

		for (unsigned long addr = from; addr < to; addr += PAGE)
			failed += (handle_user_fault(run.mm, addr, flags).what & VM_FAULT_ERROR) != 0;
		end = now_ns();
		do_madvise(run.mm, from, to - from, ADVICE_DONTNEED);
		spent += (run.kind->drop ? now_ns() : end) - begin;
	}
	run.spent[me] = spent;
	__atomic_fetch_add(&run.failed, failed, __ATOMIC_RELAXED);
}

/* Nanoseconds of a round. */
static double one_round(struct hosted_machine *machine, unsigned int cpus)
{
	double most = 0;

	run.cpus = cpus;
	run.arrived = 0;
	hosted_run(machine, cpus, fault_all, NULL);
	for (unsigned int i = 0; i < cpus; i++)
		most = run.spent[i] > most ? run.spent[i] : most;
	return most;
}

static void measure(struct hosted_machine *machine, const struct kind *kind)
{
	double best[CPUS + 1] = { 0 };

	run.kind = kind;
	for (unsigned int i = 0; i < CPUS; i++) {
		run.area[i] = do_mmap(run.mm, 0, PAGES * PAGE, PROT_READ | PROT_WRITE, kind->flags, NULL, 0);
		/* Or the two would merge. */
		run.fence[i] = do_mmap(run.mm, 0, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	}
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int cpus = 1; cpus <= CPUS; cpus++) {
			double ns = one_round(machine, cpus);

			if (!best[cpus] || ns < best[cpus])
				best[cpus] = ns;
		}
	}
	printf("%s_1cpu\t%.1f\tns/fault\n", kind->name, best[1] / (PAGES * LAPS));
	printf("%s_2cpus\t%.1f\tns/fault\n", kind->name, best[2] / (PAGES * LAPS));
	printf("%s_scale\t%.2f\ttimes\twanted\t%.2f\n", kind->name, 2 * best[1] / best[2], WANTED);
	fflush(stdout);
	for (unsigned int i = 0; i < CPUS; i++) {
		do_munmap(run.mm, run.area[i], PAGES * PAGE);
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
