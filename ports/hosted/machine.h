/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what a hosted machine consists of; for the files of ports/hosted and ports/sim.
 *
 * Lock: each CPU's `gate` guards its thread and online; mailboxes are lock-free. Allocates: never.
 */
#ifndef PORTS_HOSTED_MACHINE_H
#define PORTS_HOSTED_MACHINE_H

#include <pthread.h>
#include "base/atomic.h"
#include "hosted/hosted.h"
#include "quire/config.h"
#include "quire/ctx.h"
#include "quire_host.h"
#include "sync/quire_state.h"

/* One function to be run on another CPU; on the asker's stack until `done`. */
struct ipi_request {
	struct ipi_request *next;
	void (*fn)(void *arg);
	void *arg;
	atomic_t *left;			/* counts down when it has run */
};

/* What ends a park: an unpark, or a call for the CPU, after which it goes on parking. */
enum { HOSTED_PERMIT = 1, HOSTED_MAIL = 2 };

struct hosted_ctx {
	struct quire_ctx ctx;
	u32 permit;			/* (a) futex: PERMIT and MAIL bits */
};

struct hosted_cpu {
	struct hosted_ctx task, irq;	/* what runs, and what its handlers run as        */
	pthread_mutex_t gate;
	pthread_t thread;		/* (gate)                                         */
	bool online;			/* (gate) to write                                */
	struct ipi_request *mailbox;	/* (a) last come first                            */
	struct hosted_machine *machine;	/* (c)                                            */
} __cacheline_aligned;

struct hosted_machine {
	struct quire quire;
	struct quire_boot boot;
	struct hosted_config config;
	struct quire_map_entry map[HOSTED_MAX_MAP];
	struct quire_node_range nodes[HOSTED_MAX_NODES];
	u8 cpu_to_node[QUIRE_MAX_CPUS];
	char *phys_base, *vmemmap_base, *vmalloc_base;
	u64 phys_bytes, vmemmap_bytes, vmalloc_bytes;
	int phys_fd;			/* the file whose pages are the machine's frames */
	bool in_child;			/* of a fork: frames are a private copy          */
	unsigned int nr_cpus;		/* possible, spare ones included */
	unsigned int spares_used;	/* (a) threads started by Quire so far */
	struct hosted_cpu cpus[QUIRE_MAX_CPUS];
};

/* Points host_self at CPU `cpu`, running its task. */
void host_self_become(struct hosted_machine *machine, unsigned int cpu,
		      const struct host_world *world);
struct hosted_machine *hosted_this_machine(void);

/* Installs the interrupt signal once per process. */
void hosted_irq_setup(void);
/* Runs what is in the calling CPU's mailbox, as its interrupt handler. */
void hosted_irq_deliver(void);
/* Looks into the mailbox without waiting for the signal. */
void hosted_poll(void);
extern const struct host_world hosted_world;

/* Members of hosted_port (cpu.c). */
void hosted_call_cpus(const struct quire_cpumask *mask, void (*fn)(void *arg), void *arg);
u64 hosted_now_ns(void);
int hosted_park(u64 deadline_ns);
void hosted_unpark(struct quire_ctx *ctx);

/* Shared by both worlds' port tables. */
void host_log(int level, const char *text, size_t len);
void host_panic(const char *text) __attribute__((noreturn));
bool hosted_fatal_signal_pending(void);
bool hosted_capable(enum quire_capability capability);
unsigned long hosted_rlimit(enum quire_rlimit which);
void hosted_oom_kill(struct mm_struct *mm, const char *text);

#endif
