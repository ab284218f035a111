/* SPDX-License-Identifier: MIT */
/*
 * boot_info.h - what the boot loader said, whichever it was.
 *
 * PVH (QEMU -kernel, Firecracker, cloud-hypervisor) and multiboot2 (GRUB) hand over the same four
 * things in different words; both are read once into this one struct.
 *
 * [I1] map[] has no empty entries; it may be unsorted and overlap, as the firmware gave it.
 * [I2] cmdline is a copy and ends in NUL; longer ones are cut off.
 * Lock: none, constant after boot_info_read(). Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_BOOT_BOOT_INFO_H
#define KERNEL_BOOT_BOOT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "quire/quire.h"

#define BOOT_MAP_MAX		128
#define BOOT_CMDLINE_MAX	2048

struct boot_info {
	const char *loader;		/* "PVH", "multiboot2" */
	struct quire_map_entry map[BOOT_MAP_MAX];
	unsigned int nr_map;
	struct phys_range initrd;	/* empty when none was loaded */
	uint64_t rsdp;			/* physical address, or 0: search for it */
	char cmdline[BOOT_CMDLINE_MAX];
};

extern struct boot_info boot_info;

/* @magic and @info: what the loader left in eax and ebx. Panics when it is neither protocol. */
void boot_info_read(uint32_t magic, uint64_t info);

/* Words of the kernel command line, as cmdline.h has them. */
bool boot_option(const char *name, char *value, size_t size);
bool boot_option_present(const char *name);
long boot_option_number(const char *name, long fallback);

/* The time stamp counter when the kernel began: what booting took is counted from here. */
extern uint64_t boot_start_tsc;

#endif
