/* SPDX-License-Identifier: MIT */
/* bootmap.c - sanitises the firmware's memory map and hands its RAM to memblock. */
#include "phys/bootmap.h"

#include "arch/page.h"
#include "base/compiler.h"
#include "base/math.h"
#include "base/string.h"
#include "phys/memblock.h"
#include "quire/config.h"
#include "quire/errno.h"
#include "sync/ctx.h"
#include "sync/report.h"

struct early {
	struct memblock memblock;
	struct bootmap map;
};
static_assert(sizeof(struct early) <= sizeof(((struct quire *)0)->early), "QUIRE_EARLY_WORDS is too small");

struct bootmap *boot_map(void)
{
	return &((struct early *)this_quire()->early)->map;
}

/* How little a type promises: the greater number wins an overlap. */
static unsigned int severity(enum quire_range_type type)
{
	switch (type) {
	case QUIRE_RANGE_RAM: return 0;
	case QUIRE_RANGE_PMEM: return 1;
	case QUIRE_RANGE_ACPI: return 3;
	case QUIRE_RANGE_NVS: return 4;
	case QUIRE_RANGE_UNUSABLE: return 5;
	default: return 2; /* reserved, and whatever a newer firmware calls it */
	}
}

const char *bootmap_type_name(enum quire_range_type type)
{
	switch (type) {
	case QUIRE_RANGE_RAM: return "usable";
	case QUIRE_RANGE_ACPI: return "ACPI data";
	case QUIRE_RANGE_NVS: return "ACPI NVS";
	case QUIRE_RANGE_UNUSABLE: return "unusable";
	case QUIRE_RANGE_PMEM: return "persistent (type 7)";
	case QUIRE_RANGE_RESERVED: return "reserved";
	}
	return "reserved";
}

/* ---- the map as a sorted array ---- */

static void remove_entry(struct bootmap *map, unsigned int at)
{
	map->nr--;
	memmove(&map->entry[at], &map->entry[at + 1], (map->nr - at) * sizeof(map->entry[0]));
}

/* Puts an entry that overlaps nothing at its place, joined with equal neighbours. */
static int insert_entry(struct bootmap *map, paddr_t start, paddr_t end, enum quire_range_type type)
{
	unsigned int at = 0;

	if (start >= end)
		return 0;
	while (at < map->nr && map->entry[at].start < start)
		at++;
	if (at && map->entry[at - 1].type == type && map->entry[at - 1].start + map->entry[at - 1].size == start) {
		map->entry[--at].size += end - start;
	} else {
		if (map->nr == BOOTMAP_MAX)
			return -ENOSPC;
		memmove(&map->entry[at + 1], &map->entry[at], (map->nr - at) * sizeof(map->entry[0]));
		map->entry[at] = (struct quire_map_entry){start, end - start, type};
		map->nr++;
	}
	if (at + 1 < map->nr && map->entry[at + 1].type == type && map->entry[at + 1].start == end) {
		map->entry[at].size += map->entry[at + 1].size;
		remove_entry(map, at + 1);
	}
	return 0;
}

/* Cuts [start, end) out of every entry whose type `loses`; needs one free slot when it cuts a middle out. */
static int carve(struct bootmap *map, paddr_t start, paddr_t end, unsigned int below_severity)
{
	unsigned int i = 0;

	while (i < map->nr) {
		struct quire_map_entry e = map->entry[i];
		paddr_t e_end = e.start + e.size;
		int err;

		if (e_end <= start || e.start >= end || severity(e.type) >= below_severity) {
			i++;
			continue;
		}
		if (e.start < start && e_end > end && map->nr == BOOTMAP_MAX)
			return -ENOSPC;
		remove_entry(map, i);
		err = insert_entry(map, e.start, min_t(paddr_t, start, e_end), e.type);
		if (!err)
			err = insert_entry(map, max_t(paddr_t, end, e.start), e_end, e.type);
		if (err)
			return err;
		i += e.start < start;
	}
	return 0;
}

static paddr_t end_of(paddr_t start, paddr_t size)
{
	return size > ~(paddr_t)0 - start ? ~(paddr_t)0 : start + size;
}

int bootmap_overlay(struct bootmap *map, paddr_t start, paddr_t size, enum quire_range_type type)
{
	paddr_t end = end_of(start, size);
	int err = carve(map, start, end, severity(type));
	unsigned int i = 0;

	/* What is left in [start, end) wins over us: fill the gaps between. */
	while (!err && start < end) {
		paddr_t stop = end, next = end;

		while (i < map->nr && map->entry[i].start + map->entry[i].size <= start)
			i++;
		if (i < map->nr && map->entry[i].start < end) {
			stop = max_t(paddr_t, start, map->entry[i].start);
			next = map->entry[i].start + map->entry[i].size;
		}
		err = insert_entry(map, start, stop, type);
		start = next;
		i = 0;
	}
	return err;
}

int bootmap_force(struct bootmap *map, paddr_t start, paddr_t size, enum quire_range_type type)
{
	paddr_t end = end_of(start, size);
	int err = carve(map, start, end, ~0u);

	return err ? err : insert_entry(map, start, end, type);
}

int bootmap_erase(struct bootmap *map, paddr_t start, paddr_t end, enum quire_range_type type)
{
	unsigned int i = 0;

	while (i < map->nr) {
		struct quire_map_entry e = map->entry[i];
		paddr_t e_end = e.start + e.size;

		if (e.type != type || e_end <= start || e.start >= end) {
			i++;
			continue;
		}
		remove_entry(map, i);
		if (insert_entry(map, e.start, min_t(paddr_t, start, e_end), type) ||
		    insert_entry(map, max_t(paddr_t, end, e.start), e_end, type))
			return -ENOSPC;
		i += e.start < start;
	}
	return 0;
}

/* ---- the command line ---- */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

u64 memparse(const char *text, const char **end)
{
	static const char suffix[] = "kmgtpe";
	int base = 10;
	const char *s;
	u64 value = 0;

	if (text[0] == '0' && (text[1] | 0x20) == 'x' && digit_of(text[2]) < 16) {
		base = 16;
		text += 2;
	}
	for (; digit_of(*text) < base; text++)
		value = value * (u64)base + (u64)digit_of(*text);
	s = *text ? strchr(suffix, *text | 0x20) : NULL;
	if (s && *s) {
		value <<= 10 * (s - suffix + 1);
		text++;
	}
	if (end)
		*end = text;
	return value;
}

const char *cmdline_find(const char *from, const char *name)
{
	size_t len = strlen(name);

	while (from && *from) {
		while (*from == ' ')
			from++;
		if (!strncmp(from, name, len))
			return from + len;
		while (*from && *from != ' ')
			from++;
	}
	return NULL;
}

int bootmap_retype(struct bootmap *map, paddr_t start, paddr_t size, enum quire_range_type from, enum quire_range_type to)
{
	paddr_t end = end_of(start, size);
	unsigned int i;

	for (i = 0; i < map->nr; i++) {
		paddr_t part = max_t(paddr_t, start, map->entry[i].start);
		paddr_t stop = min_t(paddr_t, end, map->entry[i].start + map->entry[i].size);
		int err;

		if (map->entry[i].type != from || part >= stop || from == to)
			continue;
		err = bootmap_force(map, part, stop - part, to);
		if (err)
			return err;
		i = ~0u; /* the entries have moved: look again from the first */
	}
	return 0;
}

/* SIZE%START-OLD+NEW: OLD's parts of the range become NEW; without OLD the range is NEW where that promises less, without NEW
 * the parts are forgotten. */
static const char *parse_retype(struct bootmap *map, paddr_t size, const char *value)
{
	unsigned int from = 0, to = 0;
	paddr_t start = memparse(value, &value);
	int err;

	if (*value == '-')
		from = (unsigned int)memparse(value + 1, &value);
	if (*value == '+')
		to = (unsigned int)memparse(value + 1, &value);
	if (from && to)
		err = bootmap_retype(map, start, size, (enum quire_range_type)from, (enum quire_range_type)to);
	else if (to)
		err = bootmap_overlay(map, start, size, (enum quire_range_type)to);
	else if (from)
		err = bootmap_erase(map, start, end_of(start, size), (enum quire_range_type)from);
	else
		err = carve(map, start, end_of(start, size), ~0u);
	if (err)
		quire_log(QUIRE_LOG_WARNING, "memmap=: no room for one more range");
	return value;
}

/* One of memmap='s comma-separated values; gives what follows it. */
static const char *parse_memmap(struct bootmap *map, const char *value)
{
	paddr_t size, start;
	char kind;

	if (!strncmp(value, "exactmap", 8)) {
		map->nr = 0;
		return value + 8;
	}
	size = memparse(value, &value);
	kind = *value;
	if (kind == '%')
		return size ? parse_retype(map, size, value + 1) : value;
	if (kind != '@' && kind != '#' && kind != '$' && kind != '!') {
		/* A size alone means what mem= means. */
		if (size)
			bootmap_erase(map, size, ~(paddr_t)0, QUIRE_RANGE_RAM);
		return value;
	}
	start = memparse(value + 1, &value);
	if (size && bootmap_force(map, start, size,
				  kind == '@' ? QUIRE_RANGE_RAM :
				  kind == '#' ? QUIRE_RANGE_ACPI :
				  kind == '$' ? QUIRE_RANGE_RESERVED : QUIRE_RANGE_PMEM))
		quire_log(QUIRE_LOG_WARNING, "memmap=: no room for one more range");
	return value;
}

bool bootmap_parse_cmdline(struct bootmap *map, const char *cmdline)
{
	const char *at;
	bool changed = false;

	for (at = cmdline; (at = cmdline_find(at, "memmap=")); changed = true)
		while (*at && *at != ' ') {
			at = parse_memmap(map, at);
			while (*at && *at != ' ' && *at != ',')
				at++; /* what we do not understand */
			at += *at == ',';
		}
	for (at = cmdline; (at = cmdline_find(at, "mem=")); ) {
		paddr_t limit = memparse(at, &at);

		if (!limit)
			continue;
		bootmap_erase(map, limit, ~(paddr_t)0, QUIRE_RANGE_RAM);
		changed = true;
	}
	return changed;
}

/* ---- the machine's ---- */

static void print_map(const struct bootmap *map, const char *who)
{
	unsigned int i;

	for (i = 0; i < map->nr; i++)
		quire_log(QUIRE_LOG_INFO, "%s: [mem 0x%016llx-0x%016llx] %s", who, (unsigned long long)map->entry[i].start,
			  (unsigned long long)(map->entry[i].start + map->entry[i].size - 1),
			  bootmap_type_name(map->entry[i].type));
}

static void read_firmware_map(struct bootmap *map, const struct quire_boot *boot)
{
	unsigned int i;

	map->nr = 0;
	map->user_defined = false;
	for (i = 0; i < boot->nr_map; i++) {
		const struct quire_map_entry *e = &boot->map[i];

		if (!e->size || e->type == 0)
			continue; /* some firmwares end the map with zeros */
		if (bootmap_overlay(map, e->start, e->size, e->type))
			quire_log(QUIRE_LOG_WARNING, "memory map: entry %u of %u dropped, no room", i, boot->nr_map);
	}
}

/* Whole frames of RAM become memory. */
static void fill_memblock(const struct bootmap *map, const struct quire_boot *boot)
{
	unsigned int i;

	for (i = 0; i < map->nr; i++) {
		paddr_t start = ALIGN(map->entry[i].start, (paddr_t)PAGE_SIZE);
		paddr_t end = ALIGN_DOWN(map->entry[i].start + map->entry[i].size, (paddr_t)PAGE_SIZE);

		if (map->entry[i].type == QUIRE_RANGE_RAM && start < end)
			memblock_add(start, end - start);
	}
	if (boot->image.end > boot->image.start)
		memblock_reserve(boot->image.start, boot->image.end - boot->image.start);
	if (boot->initrd.end > boot->initrd.start)
		memblock_reserve(boot->initrd.start, boot->initrd.end - boot->initrd.start);
	for (i = 0; i < boot->nr_reserved; i++)
		memblock_reserve(boot->reserved[i].start, boot->reserved[i].end - boot->reserved[i].start);
}

/* SRAT's word on who has which memory; RAM that it forgets stays with node 0. */
static void assign_nodes(const struct quire_boot *boot)
{
	unsigned int i;

	for (i = 0; i < boot->nr_nodes; i++) {
		const struct quire_node_range *n = &boot->nodes[i];

		if (n->nid < 0 || n->nid >= QUIRE_MAX_NODES || n->start >= n->end) {
			quire_log(QUIRE_LOG_WARNING, "SRAT: node %d [mem 0x%016llx-0x%016llx] ignored", n->nid,
				  (unsigned long long)n->start, (unsigned long long)n->end);
			continue;
		}
		quire_log(QUIRE_LOG_INFO, "NUMA: node %d [mem 0x%016llx-0x%016llx]%s", n->nid, (unsigned long long)n->start,
			  (unsigned long long)(n->end - 1), n->hotplug ? " hotplug" : "");
		memblock_set_node(n->start, n->end - n->start, n->nid);
		if (n->hotplug)
			memblock_mark(n->start, n->end - n->start, MEMBLOCK_HOTPLUG);
	}
}

int bootmap_init(const struct quire_boot *boot)
{
	struct early *early = (struct early *)this_quire()->early;
	const char *cmdline = boot->cmdline ? boot->cmdline : "";
	const char *debug = cmdline_find(cmdline, "memblock=");

	memblock_init(&early->memblock);
	early->memblock.debug = debug && !strncmp(debug, "debug", 5);
	read_firmware_map(&early->map, boot);
	quire_log(QUIRE_LOG_INFO, "BIOS-provided physical RAM map:");
	print_map(&early->map, "BIOS-e820");
	early->map.user_defined = bootmap_parse_cmdline(&early->map, cmdline);
	/* The first frame is the firmware's, whoever says what, and no allocation has the address 0. */
	bootmap_force(&early->map, 0, PAGE_SIZE, QUIRE_RANGE_RESERVED);
	if (early->map.user_defined) {
		quire_log(QUIRE_LOG_INFO, "user-defined physical RAM map:");
		print_map(&early->map, "user");
	}
	fill_memblock(&early->map, boot);
	assign_nodes(boot);
	if (!memblock_phys_mem_size()) {
		quire_log(QUIRE_LOG_CRIT, "The memory map has no usable RAM");
		return -EINVAL;
	}
	return 0;
}
