/* SPDX-License-Identifier: MIT */
/* machine.c - ways to end. */
#include "arch/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/acpi.h"
#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/paging.h"
#include "arch/smp.h"
#include "base/format.h"
#include "boot/linker.h"

#define DEBUG_PORT	0xe9
#define PM1_SLP_EN	(1u << 13)
#define PM1_SLP_TYP	10		/* shift */
#define PM1_SCI_EN	1u
#define SLEEP_EN	(1u << 5)	/* of the reduced hardware's control register */
#define SLEEP_TYP	2		/* shift */

static int exit_status = -1;
/* Windows on registers that lie in memory, mapped while that still can fail. */
static volatile uint8_t *reset_window, *sleep_window;

static volatile uint8_t *__init window(const struct acpi_register *r)
{
	if (!r->address || r->space != ACPI_SPACE_MEMORY)
		return NULL;
	return mmio_map(r->address);
}

void __init machine_init(void)
{
	reset_window = window(&acpi.reset);
	sleep_window = window(&acpi.sleep_control);
}

void machine_debug_line(const char *text)
{
	for (; *text; text++)
		outb(DEBUG_PORT, *text);
	outb(DEBUG_PORT, '\n');
}

void machine_set_exit_status(int status)
{
	exit_status = status;
}

static void write_register(const struct acpi_register *r, volatile uint8_t *mapped, uint8_t value)
{
	if (mapped)
		*mapped = value;
	else if (r->address && r->space == ACPI_SPACE_PORT)
		outb(r->address, value);
}

void machine_halt(void)
{
	local_irq_disable();
	smp_send_stop();
	for (;;)
		__asm__ volatile("hlt");
}

/* The firmware may still own the power registers: asks for them. */
static void enable_acpi(void)
{
	unsigned int patience = 1000000;

	if (!acpi.smi_command || !acpi.acpi_enable || inw(acpi.pm1a_control) & PM1_SCI_EN)
		return;
	outb(acpi.smi_command, acpi.acpi_enable);
	while (!(inw(acpi.pm1a_control) & PM1_SCI_EN) && --patience)
		;
}

static void acpi_power_off(void)
{
	write_register(&acpi.sleep_control, sleep_window, acpi.s5_a << SLEEP_TYP | SLEEP_EN);
	if (!acpi.pm1a_control)
		return;
	enable_acpi();
	outw(acpi.pm1a_control, acpi.s5_a << PM1_SLP_TYP | PM1_SLP_EN);
	if (acpi.pm1b_control)
		outw(acpi.pm1b_control, acpi.s5_b << PM1_SLP_TYP | PM1_SLP_EN);
}

/* An empty interrupt table turns the first exception into a shutdown cycle, which resets. */
static void __attribute__((noreturn)) triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0\n\tint3" :: "m"(none));
	for (;;)
		__asm__ volatile("hlt");
}

void machine_restart(void)
{
	unsigned int i;

	local_irq_disable();
	smp_send_stop();
	write_register(&acpi.reset, reset_window, acpi.reset_value);
	for (i = 0; i < 10 && !(inb(0x64) & 2); i++)
		outb(0x64, 0xfe);	/* the keyboard controller pulls the reset line */
	triple_fault();
}

/* Where nothing can cut the power, a reset ends a virtual machine that was told not to reboot. */
void machine_power_off(void)
{
	char line[32];

	local_irq_disable();
	smp_send_stop();
	quire_snprintf(line, sizeof(line), exit_status < 0 ? "quire: poweroff" : "quire: exit %d", exit_status);
	machine_debug_line(line);
	if (acpi.has_s5)
		acpi_power_off();
	machine_restart();
}
