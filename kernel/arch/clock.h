/* SPDX-License-Identifier: MIT */
/*
 * clock.h - what time it is, and one alarm per CPU.
 *
 * Time comes from the TSC, the alarm from the local APIC timer in one-shot mode: an idle CPU that
 * has set no alarm is not interrupted. The scheduler builds its tick and all timers on the alarm.
 *
 * [T1] ktime_get_ns() counts from the start of the kernel and never goes back on one CPU.
 * [T2] At most one alarm per CPU; setting it again moves it; it fires once, at or after its time.
 * Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_CLOCK_H
#define KERNEL_ARCH_CLOCK_H

#include <stdint.h>

#define NSEC_PER_SEC	1000000000ULL
#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_USEC	1000ULL
#define CLOCK_NEVER	UINT64_MAX

/* Nanoseconds since boot (CLOCK_MONOTONIC and CLOCK_BOOTTIME). */
uint64_t ktime_get_ns(void);
/* Nanoseconds since 1970 (CLOCK_REALTIME). */
uint64_t ktime_get_real_ns(void);
/* settimeofday: from now on the wall clock reads @ns. */
void ktime_set_real_ns(uint64_t ns);

struct vdso_data;
/* From now on @page, which programs read, follows the clock. Once, when its memory is there. */
void clock_publish_to(struct vdso_data *page);

/* The alarm of this CPU: at @expires (ktime_get_ns), or CLOCK_NEVER for none. Interrupts off. */
void clock_set_next_event(uint64_t expires);
/* What the alarm calls, in interrupt context, on the CPU whose it is; percpu.irq_regs tells whom it interrupted. */
void clock_set_handler(void (*handler)(void));

/* Busy-waits. */
void udelay(unsigned long usec);

/* Kilohertz of the TSC and of the APIC timer, for /proc/cpuinfo. */
unsigned long clock_tsc_khz(void);

void clock_init(void);		/* boot CPU, after lapic_init_cpu() */
void clock_init_cpu(void);	/* every other CPU */
/* Measures again over all the time since clock_init(); boot CPU, before its first alarm and before other CPUs. */
void clock_refine(void);
void clock_interrupt(void);	/* VECTOR_TIMER */

#endif
