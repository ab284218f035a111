/* SPDX-License-Identifier: MIT */
/* bootmap_test.c - firmware maps as bad as they come, against a model of one type a unit. */
#include <stdlib.h>
#include <string.h>

#include "phys_machine.h"

#define MODEL_UNITS 64

static unsigned int severity(int type)
{
	static const unsigned int rank[] = {[QUIRE_RANGE_RAM] = 1, [QUIRE_RANGE_RESERVED] = 3, [QUIRE_RANGE_ACPI] = 4,
					    [QUIRE_RANGE_NVS] = 5, [QUIRE_RANGE_UNUSABLE] = 6, [QUIRE_RANGE_PMEM] = 2};

	return type ? rank[type] : 0;
}

static bool well_formed(const struct bootmap *map)
{
	for (unsigned int i = 0; i < map->nr; i++) {
		const struct quire_map_entry *e = &map->entry[i];

		if (!e->size)
			return false;
		if (!i)
			continue;
		if (e[-1].start + e[-1].size > e->start ||
		    (e[-1].start + e[-1].size == e->start && e[-1].type == e->type))
			return false;
	}
	return true;
}

static int type_at(const struct bootmap *map, paddr_t addr)
{
	for (unsigned int i = 0; i < map->nr; i++)
		if (addr >= map->entry[i].start && addr - map->entry[i].start < map->entry[i].size)
			return (int)map->entry[i].type;
	return 0;
}

static void random_maps(void)
{
	static const enum quire_range_type types[] = {QUIRE_RANGE_RAM, QUIRE_RANGE_RAM, QUIRE_RANGE_RESERVED, QUIRE_RANGE_ACPI,
						      QUIRE_RANGE_NVS, QUIRE_RANGE_UNUSABLE, QUIRE_RANGE_PMEM};
	unsigned int wrong = 0, malformed = 0, seed = 11;

	for (unsigned int round = 0; round < 3000; round++) {
		struct bootmap map = {0};
		int model[MODEL_UNITS] = {0};

		for (unsigned int i = 0; i < 12; i++) {
			unsigned int start, size, type;

			seed = seed * 1103515245u + 12345u;
			start = (seed >> 8) % MODEL_UNITS;
			size = 1 + (seed >> 16) % (MODEL_UNITS - start);
			type = types[(seed >> 24) % 7];
			if (i % 4 == 3)
				bootmap_force(&map, start, size, (enum quire_range_type)type);
			else
				bootmap_overlay(&map, start, size, (enum quire_range_type)type);
			for (unsigned int u = start; u < start + size; u++)
				if (i % 4 == 3 || severity((int)type) > severity(model[u]))
					model[u] = (int)type;
			malformed += !well_formed(&map);
		}
		for (unsigned int u = 0; u < MODEL_UNITS; u++)
			wrong += type_at(&map, u) != model[u];
	}
	tap_is(wrong, 0, "3000 random maps: every unit has the type that promises least, or the user's");
	tap_is(malformed, 0, "and the map is sorted, without overlaps, without equal neighbours");
}

static void command_lines(void)
{
	struct bootmap map = {0};
	const char *end;

	tap_is(memparse("64M,", &end), 64 << 20, "64M");
	tap_is(*end, ',', "and what follows");
	tap_is(memparse("0x10k", NULL), 16 << 10, "hexadecimal with a suffix");
	tap_is(memparse("nonsense", &end), 0, "no number");
	bootmap_overlay(&map, 0, 1ull << 30, QUIRE_RANGE_RAM);
	tap_ok(!bootmap_parse_cmdline(&map, "quiet nomem=1M memory=2M console=ttyS0"), "names that merely look alike change nothing");
	tap_ok(bootmap_parse_cmdline(&map, "quiet mem=512M"), "mem= changes the map");
	tap_ok(type_at(&map, (512ull << 20) - 1) == QUIRE_RANGE_RAM && type_at(&map, 512ull << 20) == 0, "no RAM at or above it");
	bootmap_parse_cmdline(&map, "memmap=16M$64M,1M#128M memmap=4M!256M memmap=64M@1G");
	tap_is(type_at(&map, 70ull << 20), QUIRE_RANGE_RESERVED, "$ reserves");
	tap_is(type_at(&map, 128ull << 20), QUIRE_RANGE_ACPI, "# is for ACPI tables");
	tap_is(type_at(&map, 256ull << 20), QUIRE_RANGE_PMEM, "! is persistent");
	tap_is(type_at(&map, 1ull << 30), QUIRE_RANGE_RAM, "@ adds RAM");
	bootmap_parse_cmdline(&map, "memmap=256M%0-1+2");
	tap_ok(type_at(&map, 1ull << 20) == QUIRE_RANGE_RESERVED && type_at(&map, 128ull << 20) == QUIRE_RANGE_ACPI &&
		       type_at(&map, 300ull << 20) == QUIRE_RANGE_RAM,
	       "%%-old+new: the old type's parts of the range, and no more");
	bootmap_parse_cmdline(&map, "memmap=16M%0-2 memmap=4M%0+1");
	tap_ok(type_at(&map, 1ull << 20) == QUIRE_RANGE_RAM && type_at(&map, 8ull << 20) == 0, "without new it is forgotten, without old it is added");
	bootmap_parse_cmdline(&map, "memmap=64M%0");
	tap_is(type_at(&map, 32ull << 20), 0, "with neither all of the range is forgotten");
	tap_ok(well_formed(&map), "and the map stays a good one");
	bootmap_parse_cmdline(&map, "memmap=exactmap memmap=640K@0,31M@1M");
	tap_ok(map.nr == 2 && type_at(&map, 32ull << 20) == 0, "exactmap forgets the rest");
	bootmap_parse_cmdline(&map, "memmap= memmap=@ memmap=5 memmap=,, mem= mem=x");
	tap_ok(well_formed(&map), "nonsense leaves a good map");
}

static void too_many(void)
{
	struct bootmap map = {0};
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 3 * BOOTMAP_MAX; i++)
		refused += bootmap_overlay(&map, i * 0x10000, 0x8000, QUIRE_RANGE_RAM) != 0;
	tap_ok(map.nr == BOOTMAP_MAX && refused == 2 * BOOTMAP_MAX && well_formed(&map), "entries too many are refused");
	tap_ok(bootmap_overlay(&map, 0x1000, 0x1000, QUIRE_RANGE_RESERVED) != 0 && well_formed(&map) && map.nr <= BOOTMAP_MAX,
	       "also where one would have to be split");
}

static void firmware(void)
{
	static const struct quire_map_entry e820[] = {
		{0x100000, 0x3ee0000, QUIRE_RANGE_RAM}, {0, 0xa0000, QUIRE_RANGE_RAM}, {0x9fc00, 0x60400, QUIRE_RANGE_RESERVED},
		{0x3fe0000, 0x20000, QUIRE_RANGE_ACPI}, {0x3f00000, 0x100000, QUIRE_RANGE_RAM}, {0, 0, 0},
	};
	struct hosted_machine *machine =
		tap_machine_frames(&(struct hosted_config){.map = e820, .nr_map = 6, .cpus = 1, .log = stdout});

	tap_is(boot_map()->nr, 5, "unsorted, overlapping, ended by zeros: five good entries");
	tap_is(memblock_phys_mem_size(), 0x9e000 + 0x3ee0000, "whole frames of RAM are memory");
	tap_ok(!pfn_valid(0x9f000 >> 12) || page_owner(pfn_to_page(0x9f)) == PAGE_OWNER_NONE, "a frame that is half reserved is not");
	tap_machine_frames_end(machine);
}

int main(void)
{
	tap_plan(0);
	random_maps();
	command_lines();
	too_many();
	firmware();
	return tap_done();
}
