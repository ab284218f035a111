/* SPDX-License-Identifier: MIT */
/*
 * rounds.h - times works against each other, on one CPU and on several, on a host that has other things to do.
 *
 *	CPU 0   | work A | work B     | work A | work B     | ...      a work on one CPU: the other waits for the next
 *	CPU 1   | work A | (waits)    | work A | (waits)    |
 *
 * The works take turns, so that what slows the host slows them alike; and a work's figure is its best round's, because what
 * disturbs a round only ever makes it slower. A round lasts from the moment in which the first CPU begins until the last is
 * done: one in which the CPUs did not run at the same time is long, and is never the best. What takes longer than a busy host
 * leaves a program alone is done in steps, each timed for itself.
 */
#ifndef BENCH_FRAMES_ROUNDS_H
#define BENCH_FRAMES_ROUNDS_H

#include "hosted/hosted.h"

#define ROUNDS_CPUS 2
#define ROUNDS_STEPS 32

struct work {
	unsigned int cpus;                 /* CPUs that do it at once                              */
	unsigned int steps;                /* of a round, at most ROUNDS_STEPS; 0: one             */
	unsigned long (*run)(unsigned int me, unsigned int step, void *arg); /* the step's part of CPU `me`; operations */
	void *arg;
	double ns;                         /* result: nanoseconds of an operation, on the slower CPU */
};

/* Nanoseconds that always go on. */
double now_ns(void);
/* Runs so many rounds of all works, and tells each one's best. */
void time_works(struct hosted_machine *machine, struct work *works, unsigned int nr, unsigned int rounds);

#endif
