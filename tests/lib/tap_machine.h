/* SPDX-License-Identifier: MIT */
/*
 * tap_machine.h - a private machine for a test, on threads or on the seeded simulator: the test
 * does not care.
 *
 *	struct hosted_machine *m = tap_machine(64 << 20, 2, 1);    memory, CPUs, nodes: all of quire_init
 *	tap_run(m, 2, fn, &shared);                                fn(&shared) on CPUs 0 and 1 at once
 *	tap_machine_end(m);                                        checks that everything came back
 *
 * The same source is built for both: tests in `unit_tests` and `concurrent_tests` run on threads,
 * those in `sim_tests` on the simulator, each run of the program being one schedule, chosen by its
 * seed. Inside the booted kernel (tests/booted) the machine is the one that runs, with the memory that
 * it has: a test that wants a memory map or a command line of its own is not run there.
 */
#ifndef TESTS_LIB_TAP_MACHINE_H
#define TESTS_LIB_TAP_MACHINE_H

#include "hosted/hosted.h"

/* Only this_quire(), the port and src/sync: for tests of the low floors. */
struct hosted_machine *tap_machine_bare(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes);
void tap_machine_bare_end(struct hosted_machine *machine);

/* Up to frames, to objects, to kernel addresses (quire.h's tiers 1 to 3). */
struct hosted_machine *tap_machine_frames(const struct hosted_config *config);
void tap_machine_frames_end(struct hosted_machine *machine);
struct hosted_machine *tap_machine_objects(const struct hosted_config *config);
void tap_machine_objects_end(struct hosted_machine *machine);
struct hosted_machine *tap_machine_tables(const struct hosted_config *config);
void tap_machine_tables_end(struct hosted_machine *machine);

/* All of quire_init. */
struct hosted_machine *tap_machine(uint64_t mem_bytes, unsigned int cpus, unsigned int nodes);
struct hosted_machine *tap_machine_config(const struct hosted_config *config);
void tap_machine_end(struct hosted_machine *machine);

/* The world's own (run_hosted.c, run_sim.c). */
struct hosted_machine *tap_world_create(const struct hosted_config *config);
void tap_world_destroy(struct hosted_machine *machine);

void tap_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg);

#endif
