/* SPDX-License-Identifier: MIT */
/*
 * irq.h - interrupts of a simulated CPU: a flag that the host looks at before it delivers one.
 *
 * The flag and its meaning belong to the host (quire_host.h): on pthreads an interrupt is a signal to
 * the thread, on the seeded machine it is delivered at a scheduling point. Turning the flag on delivers
 * what has come meanwhile.
 *
 * [I1] irq_restore(f) leaves interrupts as they were at the irq_save() that gave f.
 * Lock: none. Sleeps: never. Cost: a thread-local access. Allocates: never.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "quire_host.h"

static inline void irq_disable(void)
{
	quire_host_irq_off();
}

static inline void irq_enable(void)
{
	quire_host_irq_on();
}

static inline bool irqs_enabled(void)
{
	return quire_host_irqs_enabled();
}

/* 1 when interrupts were on. */
static inline unsigned long irq_save(void)
{
	unsigned long was_on = quire_host_irqs_enabled();

	quire_host_irq_off();
	return was_on;
}

static inline void irq_restore(unsigned long flags)
{
	if (flags)
		quire_host_irq_on();
}

#endif
