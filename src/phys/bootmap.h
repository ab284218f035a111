/* SPDX-License-Identifier: MIT */
/*
 * bootmap.h - the firmware's memory map, made trustworthy: sorted, without overlaps, corrected by the command line.
 *
 *	firmware   [ RAM 0 .......... 640K ][ RAM 1M ..............][0 0 0]
 *	                           [ reserved 639K .. 1M ]
 *	sanitised  [ RAM ... 639K ][ reserved .. 1M ][ RAM .........]
 *
 * Where ranges of two types overlap, the type that promises less wins: unusable, then ACPI storage, ACPI tables,
 * reserved, persistent memory, RAM. Command line: mem=SIZE (no RAM at or above that address), memmap=SIZE@START (RAM),
 * SIZE#START (ACPI tables), SIZE$START (reserved), SIZE!START (persistent), SIZE%START-OLD+NEW (e820 type numbers: OLD becomes
 * NEW), memmap=exactmap (forget the firmware's).
 *
 * [M1] Entries are sorted, do not overlap, have a size, and neighbours that touch differ in type.
 *
 * Locks: none; written at boot only. Sleeps: never. Cost: O(entries). Fails: an entry too many is dropped, with a word.
 */
#ifndef PHYS_BOOTMAP_H
#define PHYS_BOOTMAP_H

#include "quire/quire.h"

/* Firmware maps have 5 to 30 entries, and each memmap= adds up to two. */
#define BOOTMAP_MAX 64

struct bootmap {
	unsigned int nr;
	bool user_defined; /* the command line changed it */
	struct quire_map_entry entry[BOOTMAP_MAX];
};

/* ---- pure parts, for whoever has a map ---- */

/* Lays [start, start + size) of `type` over the map: it wins where it promises less than what is there. -ENOSPC: full. */
int bootmap_overlay(struct bootmap *map, paddr_t start, paddr_t size, enum quire_range_type type);
/* The same, but it wins everywhere (a user's word). */
int bootmap_force(struct bootmap *map, paddr_t start, paddr_t size, enum quire_range_type type);
/* Takes everything of `type` in [start, end) away. */
int bootmap_erase(struct bootmap *map, paddr_t start, paddr_t end, enum quire_range_type type);
/* Everything of type `from` there becomes `to`. -ENOSPC: full. */
int bootmap_retype(struct bootmap *map, paddr_t start, paddr_t size, enum quire_range_type from, enum quire_range_type to);
/* Applies the mem= and memmap= options of a command line. True when it changed something. */
bool bootmap_parse_cmdline(struct bootmap *map, const char *cmdline);
/* Number with suffix K, M, G, T, P; *end gets what follows. */
u64 memparse(const char *text, const char **end);
/* The value of `name` ("mem=") at or after `from` in a command line, or NULL; ends at a space. */
const char *cmdline_find(const char *from, const char *name);
const char *bootmap_type_name(enum quire_range_type type);

/* ---- the machine's ---- */

struct bootmap *boot_map(void);
/* Reads boot->map and the command line, logs both, fills memblock. 0, or -EINVAL when there is no RAM. */
int bootmap_init(const struct quire_boot *boot);

#endif
