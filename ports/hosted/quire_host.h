/* SPDX-License-Identifier: MIT */
/*
 * quire_host.h - a machine in a process: the library's hottest questions, answered from one
 * thread-local block.
 *
 * On pthreads (ports/hosted) a registered thread is a CPU; on the seeded machine (ports/sim) one thread
 * plays all CPUs and rewrites the block whenever it switches. What differs between the two is called
 * through `world`.
 *
 *      physical address p          lives at phys_base + p, in one sparse mapping
 *      struct page of frame n      lives at vmemmap_base + n * sizeof(struct page), another one
 *      kernel mappings (vmalloc)   a third range, where frames appear a second time as quire_host_kmap says
 *
 * Lock: none; the block is the thread's own, and its signal handler's. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_HOST_H
#define QUIRE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct quire;
struct quire_ctx;

struct host_world {
	void (*relax)(void);		/* a waiting loop goes round                        */
	void (*irq_deliver)(void);	/* interrupts are on again and something came       */
	void (*sched_point)(void);	/* NULL, or a place where another CPU may go on     */
};

struct host_self {
	struct quire *quire;
	struct quire_ctx *ctx;
	unsigned int cpu;
	volatile bool irq_off;		/* also changed by the signal handler              */
	volatile bool irq_pending;	/* came while irq_off                              */
	char *phys_base, *vmemmap_base;
	uint64_t phys_bytes;		/* all of [0, phys_bytes) is in the mapping        */
	uint64_t vmemmap_bytes;
	char *vmalloc_base;
	uint64_t vmalloc_bytes;
	bool pgtable_l5;		/* 64-bit: page tables have five levels            */
	const struct host_world *world;
	void *slot;			/* the library's own                               */
};

extern _Thread_local struct host_self host_self;

#define QUIRE_HOST_MARKS_RCU 1

static inline struct quire *this_quire(void)
{
	return host_self.quire;
}

static inline unsigned int this_cpu(void)
{
	return host_self.cpu;
}

static inline struct quire_ctx *this_ctx(void)
{
	return host_self.ctx;
}

/* A thread is a CPU: it never moves to another. */
static inline void cpu_pin(void)
{
}

static inline void cpu_unpin(void)
{
}

#define QUIRE_HOST_HAS_SLOT 1

static inline void *quire_host_slot(void)
{
	return host_self.slot;
}

static inline void quire_host_slot_set(void *slot)
{
	host_self.slot = slot;
}

static inline void quire_host_relax(void)
{
	host_self.world->relax();
}

static inline void quire_host_sched_point_inline(void)
{
	if (host_self.world->sched_point)
		host_self.world->sched_point();
}
#define quire_host_sched_point() quire_host_sched_point_inline()

static inline bool quire_host_irqs_enabled(void)
{
	return !host_self.irq_off;
}

static inline void quire_host_irq_off(void)
{
	host_self.irq_off = true;
	__asm__ volatile("" ::: "memory");
}

static inline void quire_host_irq_on(void)
{
	__asm__ volatile("" ::: "memory");
	host_self.irq_off = false;
	__asm__ volatile("" ::: "memory");
	if (__builtin_expect(host_self.irq_pending, 0))
		host_self.world->irq_deliver();
}

uint64_t quire_host_cycles(void);

/* The page of kernel addresses at `at` shows the frame at `phys` from now on, or nothing. */
void quire_host_kmap(void *at, uint64_t phys, bool writable);
void quire_host_kunmap(void *at);

#endif
