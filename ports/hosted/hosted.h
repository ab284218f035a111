/* SPDX-License-Identifier: MIT */
/*
 * hosted.h - machines made of pthreads and one sparse mapping: real concurrency, under sanitizers.
 *
 *      struct hosted_machine *m = hosted_create(&(struct hosted_config){ .mem_bytes = 64 << 20, .cpus = 2 });
 *      hosted_boot(m);                        all of quire_init on CPU 0, which is the calling thread
 *      hosted_run(m, 2, fn, arg);             fn(arg) on CPUs 0 and 1 at once, CPU 0 being the caller
 *      hosted_destroy(m);
 *
 * [O1] A thread is at most one CPU of one machine; CPU 0 is the thread that made the machine.
 * [O2] An interrupt is a signal to the CPU's thread. It runs fn between two instructions unless the
 *      CPU has interrupts off; then it runs when they come on again.
 * [O3] Untouched physical memory costs nothing: machines of terabytes are fine on 64-bit hosts.
 * [O4] Broken invariants end the process by abort(), after one line on stderr.
 *
 * Lock: inside. Sleeps: park blocks the thread. Allocates: from the C library, never from Quire.
 */
#ifndef PORTS_HOSTED_HOSTED_H
#define PORTS_HOSTED_HOSTED_H

#include <stdio.h>
#include "quire/port.h"
#include "quire/quire.h"

#define HOSTED_MAX_NODES	16
#define HOSTED_MAX_MAP		64

struct hosted_config {
	uint64_t mem_bytes;		/* RAM in all, spread evenly over the nodes           */
	uint64_t phys_start;		/* where it begins; 0                                 */
	unsigned int cpus;		/* 0: one                                             */
	unsigned int spare_cpus;	/* more possible CPUs, for threads that Quire starts  */
	unsigned int nodes;		/* 0: one                                             */
	uint64_t node_gap_bytes;	/* hole in physical memory between two nodes          */
	const struct quire_map_entry *map;	/* instead of mem_bytes: a firmware's map     */
	unsigned int nr_map;
	bool pgtable_l5;		/* five levels of page tables; 64-bit hosts          */
	const char *cmdline;
	FILE *log;			/* where the machine's log goes; NULL: nowhere        */
	int log_level;			/* most talkative level printed; 0: all              */
};

struct hosted_machine;

/* The machine, with the calling thread as its CPU 0; NULL when the host has no room for it. */
struct hosted_machine *hosted_create(const struct hosted_config *config);
/* quire_init with the machine's map. 0 or -errno. */
int hosted_boot(struct hosted_machine *machine);
/* quire_shutdown; pages that were not given back. For machines that were booted. */
unsigned long hosted_shutdown(struct hosted_machine *machine);
/* Frees what hosted_create made. The calling thread is CPU 0. */
void hosted_destroy(struct hosted_machine *machine);

struct quire *hosted_quire(struct hosted_machine *machine);
const struct quire_boot *hosted_boot_info(struct hosted_machine *machine);
unsigned int hosted_nr_cpus(struct hosted_machine *machine);
/* The port table of every hosted machine, to be copied and changed by a test that wants to. */
extern const struct quire_port hosted_port;
/* Uses `port` (which must outlive the machine) instead of hosted_port; before hosted_boot. */
void hosted_set_port(struct hosted_machine *machine, const struct quire_port *port);

/* The calling thread becomes, or stops being, CPU `cpu`. Enter fails with -EBUSY when it is taken. */
int hosted_cpu_enter(struct hosted_machine *machine, unsigned int cpu);
void hosted_cpu_leave(void);

/* fn(arg) on CPUs 0 .. cpus - 1 at once, the caller being CPU 0; returns when all have. */
void hosted_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg);

#endif
