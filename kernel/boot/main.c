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
#include "arch/pte.h"
#include "arch/smp.h"
#include "base/compiler.h"
#include "boot/boot_info.h"
#include "boot/linker.h"
#include "boot/port.h"
#include "boot/selftest.h"
#include "fs/vfs.h"
#include "ipc/shm.h"
#include "lib/printk.h"
#include "lib/uart.h"
#include "proc/cred.h"
#include "proc/fork.h"
#include "proc/init.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "quire/quire.h"
#include "quire/stats.h"
#include "quire/vmalloc.h"
#include "quire/stats.h"
#include "sched/sched.h"
#include "sync/quire_state.h"
#include "vdso/vdso.h"

/* One machine's memory; the library reaches it by this_quire(). */
struct quire quire_machine;

void kernel_main(uint32_t magic, uint64_t info);

extern uint32_t boot_efer;

static void __init log_boot_info(void)
{
	pr_notice("Quire version %s (%s) #1 SMP", "6.12.0-quire", __VERSION__);
	pr_info("Command line: %s", boot_info.cmdline);
	pr_info("NX (Execute Disable) protection: %s", boot_efer & 0x800 ? "active" : "missing in CPU!");
	if (boot_info.initrd.end)
		pr_info("RAMDISK: [mem 0x%08llx-0x%08llx]", (unsigned long long)boot_info.initrd.start,
			(unsigned long long)boot_info.initrd.end - 1);
}

/* quiet, loglevel=, debug: what reaches the console; the ring keeps everything. panic= */
static void __init read_log_options(void)
{
	if (boot_option_present("quiet"))
		console_loglevel = 4;
	if (boot_option_present("debug"))
		console_loglevel = 10;
	console_loglevel = boot_option_number("loglevel", console_loglevel);
	panic_timeout = boot_option_number("panic", 0);
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
	cpu_publish_place();	/* the boot CPU's node is known only now */
	machine_init();
	lapic_init(acpi.lapic_phys);
	lapic_init_cpu();
	clock_init();
	interrupt_init();
	smp_count_cpus();
}

static struct phys_range __init image_range(const char *start, const char *end)
{
	return (struct phys_range){ __pa_symbol(start), __pa_symbol(end) };
}

static const struct phys_range reserved_ranges[] = {
	{ 0, PAGE_SIZE },	/* the firmware's data area, and the frame that looks like NULL */
	{ SMP_TRAMPOLINE_PHYS, SMP_TRAMPOLINE_PHYS + PAGE_SIZE },
};

/* Hands the machine's memory to the library. */
static void __init init_memory(void)
{
	static struct quire_boot boot;

	early_bring_low(&boot_info.initrd.start, &boot_info.initrd.end);
	boot = (struct quire_boot){
		.port = &kernel_port,
		.cmdline = boot_info.cmdline,
		.map = boot_info.map,
		.nr_map = boot_info.nr_map,
		.nodes = acpi.nr_node_ranges ? acpi.node_ranges : NULL,
		.nr_nodes = acpi.nr_node_ranges,
		.distances = acpi.has_distances ? acpi.distances : NULL,
		.nr_distances = acpi.has_distances ? acpi.nr_nodes : 0,
		.nr_cpus = nr_cpu_ids,
		.cpu_to_node = acpi.cpu_to_node,
		.image = image_range(__image_start, __image_end),
		.text = image_range(__text_start, __text_end),
		.rodata = image_range(__rodata_start, __rodata_end),
		.data = image_range(__data_start, __data_end),
		.init = image_range(__init_begin, __init_end),
		.bss = image_range(__bss_start, __bss_end),
		.initrd = boot_info.initrd,
		.reserved = reserved_ranges,
		.nr_reserved = ARRAY_SIZE(reserved_ranges),
	};
	if (quire_init(&boot))
		panic("memory management does not start");
	pr_info("Page tables: %u levels%s", (unsigned int)PGTABLE_LEVELS,
		boot_option_present("no5lvl") ? " (no5lvl)" : "");
	paging_memory_ready();
}

/* KiB that the first programs need beside their files, and tables for all of it. */
#define FIRST_PROGRAMS_KIB	512

/* The archive stays until its files are made, so that both must fit; a gzip one needs more still. */
static void __init check_room_for_files(const struct phys_range *initrd)
{
	unsigned long need = ((initrd->end - initrd->start) >> 10) + FIRST_PROGRAMS_KIB;
	struct quire_sysinfo info;
	unsigned long free;

	quire_sysinfo(&info);
	free = info.freeram * (PAGE_SIZE >> 10);
	if (free < need)
		panic("Not enough memory: %luK are free, and the files of the initramfs need %luK; "
		      "the machine needs %luK more", free, need, need - free);
}

#define KPF_NOPAGE (1ull << 20)

/* The loader put the archive where mem= ends memory: it is read through a mapping of its own. */
static void __init load_initrd_beyond(const struct phys_range *initrd)
{
	void *at = ioremap_cache(initrd->start, initrd->end - initrd->start);

	if (!at)
		panic("the initramfs lies across the end of memory: choose another mem=");
	populate_rootfs(at, initrd->end - initrd->start);
	iounmap(at);
}

/* The loader's archive becomes the first files, and its frames become free. */
static void __init load_initrd(void)
{
	const struct phys_range *initrd = &boot_info.initrd;

	if (initrd->start >= initrd->end)
		panic("no initramfs: the boot loader gave no initrd");
	check_room_for_files(initrd);
	if (quire_kpageflags((initrd->end - 1) >> PAGE_SHIFT) & KPF_NOPAGE) {
		load_initrd_beyond(initrd);
		return;
	}
	populate_rootfs(phys_to_virt(initrd->start), initrd->end - initrd->start);
	quire_free_range("initrd", initrd->start, initrd->end);
}

/* The part of the image that only booting needed. Nothing after this may be __init. */
static void free_init_memory(void)
{
	paging_free_init();
	quire_free_range("unused kernel image (initmem)", __pa_symbol(__init_begin),
			 __pa_symbol(__init_end));
}

/* The first kernel thread: what may sleep, and then the first program. */
static void kernel_init(void *unused)
{
	sched_start_threads();
	smp_boot_cpus();
	vfs_init();
	shm_proc_init();
	load_initrd();
	free_init_memory();
	selftest_run();
	run_init();
}

uint64_t boot_start_tsc;

void __init kernel_main(uint32_t magic, uint64_t info)
{
	boot_start_tsc = rdtsc();
	init_cpu_and_firmware(magic, info);
	sched_init();
	init_memory();
	clock_refine();
	cred_init();
	pid_init();
	fork_init();
	signal_init();
	vdso_init();
	if (!kthread_run(kernel_init, NULL, "init"))
		panic("no memory for the first thread");
	sched_start_idle();
}
