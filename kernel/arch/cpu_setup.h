/* SPDX-License-Identifier: MIT */
/*
 * cpu_setup.h - what every CPU needs before it runs anything: its record, descriptor tables, entry points.
 *
 * Lock: none; each CPU sets itself up. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_CPU_SETUP_H
#define KERNEL_ARCH_CPU_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate;
struct percpu;

/* Memory that the record of another CPU takes: the record, its context, stacks for IST. */
size_t percpu_record_size(void);
/* Makes a record for CPU @cpu out of zeroed, page-aligned memory. */
struct percpu *percpu_record_init(void *memory, unsigned int cpu, unsigned int apic_id);

/* The number and node of the running CPU, where [vdso]'s getcpu reads them. */
void cpu_publish_place(void);
/* GDT, TSS, IDT, SYSCALL on the running CPU, whose GS base is set. */
void cpu_setup(void);
/* The boot CPU's record and context, first of all. */
void cpu_setup_boot(void);

#define GATE_INTERRUPT	0x8e00
#define GATE_USER	0x6000	/* may be raised by INT in user mode */

/* Fills the interrupt table; boot CPU, once. */
void idt_init(void);
/* The entries that the CPU's mode has of its own. Called by idt_init(). */
void idt_init_mode(void);
void idt_set_gate(unsigned int vector, const char *entry, unsigned int type);
void idt_set_raw(unsigned int vector, struct gate gate);
/* Loads it. */
void idt_load(void);

/* Which core of its package, and which package, the running CPU is. */
void cpu_topology(unsigned int *core, unsigned int *package);

/* SMAP: turns the marked NOPs into CLAC and STAC. Boot CPU, while text is still writable. */
void smap_patch(void);
bool cpu_has_smap(void);

#endif
