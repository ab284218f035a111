/* SPDX-License-Identifier: MIT */
/*
 * cpu.h - what a waiting loop and a bulk operation ask of the CPU.
 *
 * Lock: none. Sleeps: cpu_idle_wait until an interrupt, the others never. Allocates: never.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "arch/word.h"

/* Tells the pipeline and a hypervisor that this is a waiting loop. */
static inline void cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Turns interrupts on and halts until one has been served, with no window between the two. */
static inline void cpu_idle_wait(void)
{
	__asm__ volatile("sti\n\thlt" : : : "memory");
}

static inline uint64_t cpu_cycles(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void cpu_prefetch(const void *p)
{
	__builtin_prefetch(p);
}

/* For a line that is written next, so that no other CPU keeps it. */
static inline void cpu_prefetchw(const void *p)
{
	__asm__ volatile(X86_PREFETCHW : : "m"(*(const char *)p));
}

/* Adds to a word that only this CPU changes: one instruction, so that an interrupt cannot split it, and no bus lock. */
static inline void cpu_local_add(long *word, long delta)
{
	__asm__ volatile("add" X86_W " %1, %0" : "+m"(*word) : "er"(delta));
}

/*
 * Bulk words: one string instruction, which the CPU runs a cache line at a time. The direction flag is
 * clear everywhere in the kernel, as the ABI wants it.
 */
static inline void cpu_clear_words(void *dst, size_t nr_words)
{
	__asm__ volatile("rep stos" X86_W : "+D"(dst), "+c"(nr_words) : "a"(0UL) : "memory");
}

static inline void cpu_copy_words(void *dst, const void *src, size_t nr_words)
{
	__asm__ volatile("rep movs" X86_W : "+D"(dst), "+S"(src), "+c"(nr_words) : : "memory");
}

#endif
