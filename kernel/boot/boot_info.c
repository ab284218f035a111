/* SPDX-License-Identifier: MIT */
/* boot_info.c - reads PVH's and multiboot2's words into one struct. */
#include "boot/boot_info.h"

#include "arch/paging.h"
#include "base/string.h"
#include "boot/cmdline.h"
#include "boot/linker.h"
#include "lib/printk.h"

#define PVH_MAGIC		0x336ec578u
#define MULTIBOOT2_MAGIC	0x36d76289u

struct boot_info boot_info;

/* PVH: struct hvm_start_info and what it points to. */
struct pvh_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp;
	uint64_t map;			/* from version 1 on */
	uint32_t nr_map, reserved;
};

struct pvh_module {
	uint64_t start, size, cmdline, reserved;
};

struct pvh_map_entry {
	uint64_t start, size;
	uint32_t type, reserved;
};

/* Multiboot2: a list of tags, each at a multiple of 8. */
struct mb2_tag {
	uint32_t type, size;
};

enum { MB2_END = 0, MB2_CMDLINE = 1, MB2_MODULE = 3, MB2_MAP = 6, MB2_RSDP_OLD = 14, MB2_RSDP = 15 };

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
};

struct mb2_map {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
};

struct mb2_map_entry {
	uint64_t start, size;
	uint32_t type, reserved;
};

/* microvm's map ends in an entry of zeroes, and others may hold empty ones. */
static void __init add_range(uint64_t start, uint64_t size, uint32_t type)
{
	struct quire_map_entry *entry = &boot_info.map[boot_info.nr_map];

	if (!size || boot_info.nr_map == BOOT_MAP_MAX)
		return;
	entry->start = start;
	entry->size = size;
	entry->type = type >= QUIRE_RANGE_RAM && type <= QUIRE_RANGE_PMEM ? type : QUIRE_RANGE_RESERVED;
	boot_info.nr_map++;
}

static void __init set_cmdline(const char *text)
{
	strscpy(boot_info.cmdline, text, sizeof(boot_info.cmdline));
}

/* GRUB puts a backslash before quotes and backslashes. */
static void __init unescape_cmdline(void)
{
	char *from = boot_info.cmdline, *to = from;

	while (*from) {
		if (from[0] == '\\' && (from[1] == '"' || from[1] == '\'' || from[1] == '\\'))
			from++;
		*to++ = *from++;
	}
	*to = '\0';
}

static void __init set_initrd(uint64_t start, uint64_t end)
{
	if (boot_info.initrd.end)
		return;
	boot_info.initrd.start = start;
	boot_info.initrd.end = end;
}

static void __init read_pvh(const struct pvh_start_info *info)
{
	const struct pvh_map_entry *map;
	const struct pvh_module *module;
	uint32_t i;

	boot_info.loader = "PVH";
	boot_info.rsdp = info->rsdp;
	if (info->cmdline)
		set_cmdline(early_phys(info->cmdline));
	if (info->nr_modules) {
		module = early_phys(info->modules);
		set_initrd(module->start, module->start + module->size);
	}
	if (info->version < 1)
		return;
	map = early_phys(info->map);
	for (i = 0; i < info->nr_map; i++)
		add_range(map[i].start, map[i].size, map[i].type);
}

static void __init read_mb2_map(const struct mb2_map *map)
{
	const char *end = (const char *)map + map->tag.size;
	const char *at = (const char *)(map + 1);

	for (; at + sizeof(struct mb2_map_entry) <= end; at += map->entry_size) {
		const struct mb2_map_entry *entry = (const void *)at;

		add_range(entry->start, entry->size, entry->type);
	}
}

static void __init read_mb2(uint64_t info)
{
	const char *at = early_phys(info + 8);
	const struct mb2_module *module;
	const struct mb2_tag *tag;

	boot_info.loader = "multiboot2";
	for (;; at += (tag->size + 7) & ~7u) {
		tag = (const void *)at;
		switch (tag->type) {
		case MB2_END:
			return;
		case MB2_CMDLINE:
			set_cmdline(at + sizeof(*tag));
			unescape_cmdline();
			break;
		case MB2_MODULE:
			module = (const void *)at;
			set_initrd(module->start, module->end);
			break;
		case MB2_MAP:
			read_mb2_map((const void *)at);
			break;
		case MB2_RSDP_OLD:
		case MB2_RSDP:
			boot_info.rsdp = info + 8 + sizeof(*tag) + (at - (const char *)early_phys(info + 8));
			break;
		}
	}
}

void __init boot_info_read(uint32_t magic, uint64_t info)
{
	const struct pvh_start_info *pvh = early_phys(info);

	if (magic == MULTIBOOT2_MAGIC)
		read_mb2(info);
	else if (pvh->magic == PVH_MAGIC)
		read_pvh(pvh);
	else
		panic("started by neither PVH nor multiboot2 (eax %x)", magic);
}

bool boot_option(const char *name, char *value, size_t size)
{
	return cmdline_option(boot_info.cmdline, name, value, size);
}

bool boot_option_present(const char *name)
{
	char value[2];

	return boot_option(name, value, sizeof(value));
}

long boot_option_number(const char *name, long fallback)
{
	return cmdline_number(boot_info.cmdline, name, fallback);
}
