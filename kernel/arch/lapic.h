/* SPDX-License-Identifier: MIT */
/*
 * lapic.h - a CPU's own interrupt controller: identity, messages to other CPUs, timer, end of interrupt.
 *
 * Registers are reached through memory (xAPIC), or through MSRs where the firmware left x2APIC on.
 * Lock: none; a CPU uses only its own. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_LAPIC_H
#define KERNEL_ARCH_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

/* Maps the registers at @phys (0: where the CPU says); boot CPU. */
void lapic_init(uint64_t phys);
/* Switches this CPU's controller on. */
void lapic_init_cpu(void);

unsigned int lapic_id(void);
void lapic_eoi(void);

/* Sends @vector to the CPU with APIC id @id. */
void lapic_send(unsigned int id, unsigned int vector);
/* Not to be held off by the flag. */
void lapic_send_nmi(unsigned int id);
void lapic_send_init(unsigned int id);
/* Starts a CPU at physical address @page * 4096 in real mode. */
void lapic_send_startup(unsigned int id, unsigned int page);

/* The timer, in ticks of bus clock / 16; 0 stops it. */
void lapic_timer_start(uint32_t ticks);
uint32_t lapic_timer_left(void);

#endif
