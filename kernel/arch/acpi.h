/* SPDX-License-Identifier: MIT */
/*
 * acpi.h - what the firmware's static tables say about CPUs, interrupts, nodes and power.
 *
 * Read once, early, through the boot code's direct map, and kept as plain numbers. No AML is run:
 * the power-off value is searched for in the DSDT. Without ACPI the fields hold what a PC has.
 * Lock: none, constant after acpi_init(). Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_ACPI_H
#define KERNEL_ARCH_ACPI_H

#include <stdbool.h>
#include <stdint.h>
#include "quire/config.h"
#include "quire/quire.h"

#define ACPI_MAX_IOAPICS	4
#define ACPI_MAX_OVERRIDES	16
#define ACPI_MAX_NODE_RANGES	64

/* A register in the address space that the firmware chose. address 0: there is none. */
struct acpi_register {
	uint8_t space;		/* ACPI_SPACE_* */
	uint64_t address;
};

enum { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_PORT = 1 };

struct acpi_info {
	uint64_t lapic_phys;	/* 0: where the CPU says */
	unsigned int nr_cpus;	/* enabled ones; apic_ids[0] is the boot CPU's */
	unsigned int apic_ids[QUIRE_MAX_CPUS];
	uint8_t cpu_to_node[QUIRE_MAX_CPUS];

	unsigned int nr_ioapics;
	struct {
		uint64_t phys;
		unsigned int first_gsi;
	} ioapics[ACPI_MAX_IOAPICS];
	unsigned int nr_overrides;
	struct {
		uint8_t isa_irq;
		bool level, low;
		unsigned int gsi;
	} overrides[ACPI_MAX_OVERRIDES];

	unsigned int nr_nodes;	/* 0: no SRAT */
	unsigned int nr_node_ranges;
	struct quire_node_range node_ranges[ACPI_MAX_NODE_RANGES];
	bool has_distances;
	uint8_t distances[QUIRE_MAX_NODES * QUIRE_MAX_NODES];	/* nr_nodes x nr_nodes */

	uint16_t pm_timer_port;
	uint16_t pm1a_control, pm1b_control;
	uint16_t smi_command;
	uint8_t acpi_enable;
	bool has_s5;
	uint8_t s5_a, s5_b;
	struct acpi_register reset, sleep_control;
	uint8_t reset_value;
};

extern struct acpi_info acpi;

/* @rsdp: physical address, or 0 to search. @boot_apic_id: of the running CPU. */
void acpi_init(uint64_t rsdp, unsigned int boot_apic_id);

#endif
