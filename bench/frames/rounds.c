/* SPDX-License-Identifier: MIT */
/* rounds.c - keeps the CPUs in step, and the best round of each work. */
#include "rounds.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "quire/page.h"

/* Looks at the others before the host may run somebody else: most are as far as we are. */
#define SPINS 2000

struct contest {
	struct work *works;
	double (*best)[ROUNDS_STEPS];   /* by work and step; 0: none yet */
	unsigned int nr, rounds;
	unsigned int next_cpu, arrived;
	double start[ROUNDS_CPUS], end[ROUNDS_CPUS];
	unsigned long done[ROUNDS_CPUS];
};

double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Returns when all CPUs have come here as often as this one: `met` counts. */
static void meet(struct contest *contest, unsigned int *met)
{
	unsigned int spins = 0;

	*met += ROUNDS_CPUS;
	__atomic_fetch_add(&contest->arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&contest->arrived, __ATOMIC_ACQUIRE) < *met)
		if (++spins % SPINS == 0)
			sched_yield();
}

/* One CPU's view, after all are done: the step's length for an operation of each, of which the slower counts. */
static void keep_best(const struct contest *contest, const struct work *work, double *best)
{
	double start = contest->start[0], end = contest->end[0], ns = 0;
	unsigned int i;

	for (i = 1; i < work->cpus; i++) {
		start = contest->start[i] < start ? contest->start[i] : start;
		end = contest->end[i] > end ? contest->end[i] : end;
	}
	for (i = 0; i < work->cpus; i++)
		if ((end - start) / (double)contest->done[i] > ns)
			ns = (end - start) / (double)contest->done[i];
	if (!*best || ns < *best)
		*best = ns;
}

static void run_step(struct contest *contest, unsigned int me, unsigned int which, unsigned int step, unsigned int *met)
{
	const struct work *work = &contest->works[which];

	meet(contest, met);
	if (me < work->cpus) {
		contest->start[me] = now_ns();
		contest->done[me] = work->run(me, step, work->arg);
		contest->end[me] = now_ns();
	}
	meet(contest, met);
	if (!me)
		keep_best(contest, work, &contest->best[which][step]);
}

static void run_rounds(void *arg)
{
	struct contest *contest = arg;
	unsigned int me = __atomic_fetch_add(&contest->next_cpu, 1, __ATOMIC_RELAXED), met = 0, round, i, step;

	for (round = 0; round < contest->rounds; round++)
		for (i = 0; i < contest->nr; i++)
			for (step = 0; !step || step < contest->works[i].steps; step++)
				run_step(contest, me, i, step, &met);
	/* A CPU that stops leaves nothing on its lists. */
	drain_all_pages();
}

void time_works(struct hosted_machine *machine, struct work *works, unsigned int nr, unsigned int rounds)
{
	struct contest contest = {.works = works, .nr = nr, .rounds = rounds, .best = calloc(nr, sizeof(*contest.best))};
	unsigned int i, step;

	hosted_run(machine, ROUNDS_CPUS, run_rounds, &contest);
	for (i = 0; i < nr; i++) {
		works[i].ns = 0;
		for (step = 0; !step || step < works[i].steps; step++)
			works[i].ns += contest.best[i][step] / (works[i].steps ? works[i].steps : 1);
	}
	free(contest.best);
}
