/* SPDX-License-Identifier: MIT */
/* iomem.c - /proc/iomem: who uses which physical addresses, the kernel's parts inside their RAM. */
#include "front/text.h"
#include "phys/bootmap.h"
#include "quire/stats.h"
#include "sync/ctx.h"

static const char *range_name(enum quire_range_type type)
{
	switch (type) {
	case QUIRE_RANGE_RAM: return "System RAM";
	case QUIRE_RANGE_ACPI: return "ACPI Tables";
	case QUIRE_RANGE_NVS: return "ACPI Non-volatile Storage";
	case QUIRE_RANGE_UNUSABLE: return "Unusable memory";
	case QUIRE_RANGE_PMEM: return "Persistent Memory";
	case QUIRE_RANGE_RESERVED: break;
	}
	return "Reserved";
}

static int show_range(struct text_sink *sink, int depth, paddr_t start, paddr_t end, const char *name)
{
	return text_printf(sink, "%*s%08llx-%08llx : %s\n", 2 * depth, "", (unsigned long long)start,
			   (unsigned long long)end - 1, name);
}

int quire_show_iomem(struct text_sink *sink)
{
	const struct quire_boot *boot = this_quire()->boot;
	const struct { const struct phys_range *range; const char *name; } parts[] = {
		{&boot->text, "Kernel code"}, {&boot->rodata, "Kernel rodata"}, {&boot->data, "Kernel data"},
		{&boot->bss, "Kernel bss"},
	};
	const struct bootmap *map = boot_map();
	unsigned int i, k;
	int err = 0;

	for (i = 0; !err && i < map->nr; i++) {
		const struct quire_map_entry *e = &map->entry[i];

		err = show_range(sink, 0, e->start, e->start + e->size, range_name(e->type));
		for (k = 0; !err && k < sizeof(parts) / sizeof(parts[0]); k++)
			if (parts[k].range->start < parts[k].range->end && parts[k].range->start >= e->start &&
			    parts[k].range->start < e->start + e->size)
				err = show_range(sink, 1, parts[k].range->start, parts[k].range->end, parts[k].name);
	}
	return err;
}
