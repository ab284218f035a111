/* SPDX-License-Identifier: MIT */
/*
 * smp.h - the other CPUs: bringing them up, calling them, stopping them.
 *
 * [M1] CPU numbers are dense, 0 is the boot CPU, and an online CPU stays online.
 * [M2] A handler of a call runs with interrupts off and makes no call itself.
 * Lock: none. Sleeps: never (the callers wait with interrupts on, and serve calls meanwhile).
 */
#ifndef KERNEL_ARCH_SMP_H
#define KERNEL_ARCH_SMP_H

#include <stdbool.h>
#include <stdint.h>
#include "quire/port.h"

extern unsigned int nr_cpu_ids;		/* possible CPUs; constant after boot_topology */
extern unsigned int nr_online_cpus;
extern struct quire_cpumask cpu_online_mask;

static inline bool cpumask_test(const struct quire_cpumask *mask, unsigned int cpu)
{
	return mask->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline void cpumask_set(struct quire_cpumask *mask, unsigned int cpu)
{
	mask->bits[cpu / 64] |= 1ULL << (cpu % 64);
}

static inline bool cpu_online(unsigned int cpu)
{
	return cpumask_test(&cpu_online_mask, cpu);
}

/*
 * Runs fn(arg) on the online CPUs of @mask, the caller's included when it is in it, and returns
 * when all have finished. Context: interrupts on, no spinning lock of rank 70 or higher.
 */
void smp_call_function_many(const struct quire_cpumask *mask, void (*fn)(void *arg), void *arg);
void smp_call_function_single(unsigned int cpu, void (*fn)(void *arg), void *arg);

/* Interrupts @cpu so that it looks at its thread flags (or leaves its idle HLT). Any context. */
void smp_send_reschedule(unsigned int cpu);
/* Stops all other CPUs for good: panic, power-off. */
void smp_send_stop(void);

/* Starts the other CPUs, which call smp_cpu_started() and then the scheduler's idle loop. */
void smp_boot_cpus(void);
/* Provided by the scheduler: makes the idle task of @cpu (its stack_top and ctx are used). NULL: no memory. */
struct task *sched_new_idle(unsigned int cpu);
/* Provided by the scheduler: the idle loop of a CPU that is up. */
void __attribute__((noreturn)) sched_start_idle(void);

#endif
