/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - device interrupts: from a line or a message to a handler.
 *
 * (arch/irq.h of the library is only the interrupt flag.)
 *
 * Handlers run with interrupts off on the interrupted task's kernel stack, with this_ctx() the
 * CPU's own context; they may wake tasks and allocate with GFP_ATOMIC.
 *
 * Lock: request_* take the table's own lock. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_INTERRUPT_H
#define KERNEL_ARCH_INTERRUPT_H

#include <stdint.h>
#include "arch/ptregs.h"

/* Vectors: 32.. devices, then the fixed ones. */
#define VECTOR_FIRST	0x30
#define VECTOR_LAST	0xdf
#define VECTOR_CALL	0xf0	/* smp_call_function_many */
#define VECTOR_RESCHED	0xf1
#define VECTOR_TIMER	0xf3
#define VECTOR_SPURIOUS	0xff

typedef void (*irq_handler_t)(void *data);

/*
 * Routes global system interrupt @gsi (for 0..15: the ISA line, after the firmware's overrides)
 * to the boot CPU and calls handler(data) for it. 0, -ENOSPC, -EINVAL, or -EBUSY.
 */
int request_irq(unsigned int gsi, irq_handler_t handler, void *data, const char *name);
/* Allocates a vector for a message-signalled interrupt: what to write where. 0 or -ENOSPC. */
int request_msi(irq_handler_t handler, void *data, const char *name, uint64_t *address,
		uint32_t *message);

/* For /proc/interrupts: line @i (0 ..) of the table; NULL name past the end. */
struct irq_info {
	const char *name;
	unsigned int gsi;	/* or ~0u for a message */
	uint64_t count;
};
struct irq_info irq_describe(unsigned int i);

/* Device lines start masked; boot CPU, after acpi_init(). */
void interrupt_init(void);

static inline void local_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void local_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

#endif
