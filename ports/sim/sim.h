/* SPDX-License-Identifier: MIT */
/*
 * sim.h - the seeded machine: one thread plays all CPUs, and a seed decides who goes on at each
 * point.
 *
 *      struct hosted_machine *m = sim_create(&config, seed);
 *      hosted_boot(m);
 *      sim_run(m, 3, fn, arg);         fn(arg) on CPUs 0 .. 2, interleaved as the seed says
 *      sim_destroy(m);
 *
 * A CPU is a coroutine. It can be left at every lock operation, waiting loop, park, and return of
 * interrupts; everywhere else it runs undisturbed. Time is a counter: it moves a little at each
 * such point, and jumps to the next deadline when every CPU is parked.
 *
 * [G1] The same seed and the same program give the same run, to the last switch.
 * [G2] An interrupt reaches a CPU when it goes on with interrupts on, or when they come on.
 * [G3] When all CPUs are parked with no deadline, the run ends in a panic that says who waits: a
 *      deadlock or a lost wake-up.
 * [G4] A run without progress (only waiting loops, SIM_MAX_IDLE_STEPS long) ends in a panic, too.
 *
 * Lock: none needed. Sleeps: park leaves the CPU. Allocates: stacks, from the host.
 */
#ifndef PORTS_SIM_SIM_H
#define PORTS_SIM_SIM_H

#include "hosted/hosted.h"

/* Waiting-loop rounds in a row after which a run is given up: far more than any fair wait takes. */
#define SIM_MAX_IDLE_STEPS	(1U << 22)

struct hosted_machine *sim_create(const struct hosted_config *config, uint64_t seed);
void sim_destroy(struct hosted_machine *machine);
/* fn(arg) on CPUs 0 .. cpus - 1, the caller being CPU 0; returns when all have finished. */
void sim_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg);
extern const struct quire_port sim_port;
/* Switches made so far: two runs of one seed agree on it. */
uint64_t sim_switches(const struct hosted_machine *machine);

#endif
