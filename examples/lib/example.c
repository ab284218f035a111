/* SPDX-License-Identifier: MIT */
/* example.c - a PC under QEMU, as far as the examples need one. */
#include "example.h"

#include <stdarg.h>

#define DEBUG_PORT	0xe9	/* -debugcon */
#define EXIT_PORT	0xf4	/* -device isa-debug-exit: the emulator's status is 2 * value + 1 */
#define PVH_MAGIC	0x336ec578u

/* What a PVH loader leaves, as far as it is used here. */
struct hvm_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

struct hvm_memmap_entry {
	u64 addr, size;
	u32 type, reserved;
};

#define IMAGE_BASE	0xffffffff80000000ul	/* example.ld */

extern char image_start[], image_end[];

static const struct hvm_start_info *start_info;

void example_start(u64 info);

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

unsigned int example_memory_map(struct quire_map_entry *map, unsigned int max)
{
	const struct hvm_memmap_entry *entry = (const void *)start_info->memmap;
	unsigned int nr = 0;

	for (; nr < start_info->memmap_entries && nr < max; nr++) {
		map[nr].start = entry[nr].addr;
		map[nr].size = entry[nr].size;
		map[nr].type = (enum quire_range_type)entry[nr].type;
	}
	return nr;
}

struct phys_range example_image(void)
{
	return (struct phys_range){ (paddr_t)image_start - IMAGE_BASE, (paddr_t)image_end - IMAGE_BASE };
}

void example_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		outb(DEBUG_PORT, (u8)text[i]);
}

static void put_number(unsigned long value)
{
	if (value >= 10)
		put_number(value / 10);
	outb(DEBUG_PORT, (u8)('0' + value % 10));
}

static void put_string(const char *text)
{
	while (*text)
		outb(DEBUG_PORT, (u8)*text++);
}

void example_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		if (*format != '%') {
			outb(DEBUG_PORT, (u8)*format);
			continue;
		}
		format++;
		if (*format == 's') {
			put_string(va_arg(args, const char *));
		} else if (*format == 'u') {
			put_number(va_arg(args, unsigned int));
		} else {
			format++;
			put_number(va_arg(args, unsigned long));
		}
	}
	va_end(args);
	outb(DEBUG_PORT, '\n');
}

void example_end(bool well)
{
	outb(EXIT_PORT, well ? 16 : 17);
	for (;;)
		__asm__ volatile("cli; hlt");
}

u64 example_now_ns(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

void example_start(u64 info)
{
	start_info = (const struct hvm_start_info *)info;
	if (start_info->magic != PVH_MAGIC)
		example_end(false);
	example_main();
	example_end(true);
}
