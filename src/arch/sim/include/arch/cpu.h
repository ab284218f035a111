/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - what a waiting loop and a bulk operation ask of a simulated CPU.
 *
 * Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "base/string.h"
#include "quire_host.h"

static inline void cpu_relax(void)
{
	quire_host_relax();
}

/* A simulated CPU that idles lets the others run. */
static inline void cpu_idle_wait(void)
{
	quire_host_irq_on();
	quire_host_relax();
}

static inline uint64_t cpu_cycles(void)
{
	return quire_host_cycles();
}

static inline void cpu_prefetch(const void *p)
{
	__builtin_prefetch(p);
}

/* For a line that is written next, so that no other CPU keeps it. */
static inline void cpu_prefetchw(const void *p)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/* Adds to a word that only this CPU changes; a handler on it may change it too. */
static inline void cpu_local_add(long *word, long delta)
{
	(void)__atomic_fetch_add(word, delta, __ATOMIC_RELAXED);
}

static inline void cpu_clear_words(void *dst, size_t nr_words)
{
	memset(dst, 0, nr_words * sizeof(long));
}

static inline void cpu_copy_words(void *dst, const void *src, size_t nr_words)
{
	memcpy(dst, src, nr_words * sizeof(long));
}

#endif
