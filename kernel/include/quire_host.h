/* SPDX-License-Identifier: MIT */
/*
 * quire_host.h - the kernel's answers to the library's hottest questions, as inline functions.
 *
 * Kernel mode is never preempted, so pinning to a CPU costs nothing: a context moves only when it
 * sleeps.
 *
 * Lock: none. Sleeps: never. Allocates: never. Cost: one instruction each.
 */
#ifndef QUIRE_HOST_H
#define QUIRE_HOST_H

#include "arch/percpu.h"

struct quire;
struct quire_ctx;

extern struct quire quire_machine;

static inline struct quire *this_quire(void)
{
	return &quire_machine;
}

static inline unsigned int this_cpu(void)
{
	return this_percpu.cpu;
}

static inline struct quire_ctx *this_ctx(void)
{
	return this_percpu.ctx;
}

static inline void cpu_pin(void)
{
}

static inline void cpu_unpin(void)
{
}

#define QUIRE_HOST_HAS_SLOT 1

static inline void *quire_host_slot(void)
{
	return this_percpu.quire_slot;
}

static inline void quire_host_slot_set(void *slot)
{
	this_percpu.quire_slot = slot;
}

static inline void quire_host_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#endif
