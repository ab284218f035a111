/* SPDX-License-Identifier: MIT */
/*
 * irq.h - maskable interrupts of this CPU: off, on, and back to what they were.
 *
 *      unsigned long flags = irq_save();  ...  irq_restore(flags);      pairs nest
 *
 * [I1] irq_restore(f) leaves interrupts as they were at the irq_save() that gave f.
 * Each is also a compiler barrier: no access moves out of the section.
 * Lock: none. Sleeps: never. Cost: two to four instructions. Allocates: never.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <stdbool.h>

#define X86_FLAGS_IF	(1UL << 9)

static inline unsigned long irq_flags(void)
{
	unsigned long flags;

	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline unsigned long irq_save(void)
{
	unsigned long flags = irq_flags();

	irq_disable();
	return flags;
}

/* Only the interrupt flag is brought back: POPF costs more, and nothing else was changed. */
static inline void irq_restore(unsigned long flags)
{
	if (flags & X86_FLAGS_IF)
		irq_enable();
}

static inline bool irqs_enabled(void)
{
	return irq_flags() & X86_FLAGS_IF;
}

#endif
