/* SPDX-License-Identifier: MIT */
/* main.c - the order in which the kernel comes up. */
#include <stdint.h>

#include "arch/acpi.h"
#include "arch/clock.h"
#include "arch/cpu_setup.h"
#include "arch/fpu.h"
#include "arch/interrupt.h"
#include "arch/io.h"
#include "arch/lapic.h"
#include "arch/machine.h"
#include "arch/paging.h"
#include "arch/smp.h"
#include "boot/boot_info.h"
#include "boot/linker.h"
#include "boot/selftest.h"
#include "lib/printk.h"
#include "lib/uart.h"

void kernel_main(uint32_t magic, uint64_t info);

extern uint32_t boot_efer;

static const char *__init range_name(enum quire_range_type type)
{
	switch (type) {
	case QUIRE_RANGE_RAM:
		return "usable";
	case QUIRE_RANGE_ACPI:
		return "ACPI data";
	case QUIRE_RANGE_NVS:
		return "ACPI NVS";
	case QUIRE_RANGE_UNUSABLE:
		return "unusable";
	case QUIRE_RANGE_PMEM:
		return "persistent (type 7)";
	default:
		return "reserved";
	}
}

static void __init log_boot_info(void)
{
	unsigned int i;

	pr_notice("Quire version %s (%s) #1 SMP", "6.12.0-quire", __VERSION__);
	pr_info("Command line: %s", boot_info.cmdline);
	pr_info("BIOS-provided physical RAM map:");
	for (i = 0; i < boot_info.nr_map; i++)
		pr_info("BIOS-e820: [mem 0x%016llx-0x%016llx] %s",
			(unsigned long long)boot_info.map[i].start,
			(unsigned long long)(boot_info.map[i].start + boot_info.map[i].size - 1),
			range_name(boot_info.map[i].type));
	pr_info("NX (Execute Disable) protection: %s", boot_efer & 0x800 ? "active" : "missing in CPU!");
	if (boot_info.initrd.end)
		pr_info("RAMDISK: [mem 0x%08llx-0x%08llx]", (unsigned long long)boot_info.initrd.start,
			(unsigned long long)boot_info.initrd.end - 1);
}

/* quiet, loglevel=, debug: what reaches the console; the ring keeps everything. */
static void __init read_log_options(void)
{
	if (boot_option_present("quiet"))
		console_loglevel = 4;
	if (boot_option_present("debug"))
		console_loglevel = 10;
	console_loglevel = boot_option_number("loglevel", console_loglevel);
}

/* From the loader to a CPU with traps, a clock and a log. */
static void __init init_cpu_and_firmware(uint32_t magic, uint64_t info)
{
	idt_init();
	cpu_setup_boot();
	uart_init();
	boot_info_read(magic, info);
	read_log_options();
	smap_patch();
	paging_init();
	fpu_init();
	log_boot_info();
	acpi_init(boot_info.rsdp, cpuid(1, 0).b >> 24);
	machine_init();
	lapic_init(acpi.lapic_phys);
	lapic_init_cpu();
	clock_init();
	interrupt_init();
	smp_count_cpus();
}

void __init kernel_main(uint32_t magic, uint64_t info)
{
	init_cpu_and_firmware(magic, info);
	local_irq_enable();
	clock_refine();
	smp_boot_cpus();
	selftest_run();
	machine_power_off();
}
