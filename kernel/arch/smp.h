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

struct thread_struct;

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
/* Stops all other CPUs for good: panic, power-off. Their NMI handlers look at smp_stopping. */
extern bool smp_stopping;
void smp_send_stop(void);

/* Physical page that other CPUs start in, in real mode; not for the allocator until they are up. */
#define SMP_TRAMPOLINE_PHYS	0x8000

/* Counts the CPUs that ACPI and maxcpus= allow into nr_cpu_ids; before memory is set up. */
void smp_count_cpus(void);
/* Starts the other CPUs, each with the idle task that sched_new_idle() makes for it. */
void smp_boot_cpus(void);
/* VECTOR_CALL. */
void smp_call_interrupt(void);

/* Provided by the scheduler: an idle task for @cpu, of which stack_top and ctx are used. NULL: no memory. */
struct thread_struct *sched_new_idle(unsigned int cpu);
/* Provided by the scheduler: the idle loop of a CPU that has just come up, on its idle task. */
void __attribute__((noreturn)) sched_start_idle(void);

#endif
