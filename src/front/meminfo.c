/* SPDX-License-Identifier: MIT */
/* meminfo.c - /proc/meminfo and the figures of sysinfo(2). */
#include "arch/mmu.h"
#include "arch/pte.h"
#include "base/format.h"
#include "base/math.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/stats.h"
#include "vm/vm.h"

/* The name column of every line. */
#define MEMINFO_NAME_WIDTH 16

static unsigned long pages(enum node_stat_item item)
{
	return global_node_page_state(item);
}

/*
 * What a program could get without the machine starting to swap: free memory above the reserves, and half of the file cache
 * and of the reclaimable slabs, or all but a low watermark of each where that is more (Linux's estimate).
 */
static unsigned long available_pages(unsigned long free)
{
	unsigned long reserve = this_phys()->totalreserve_pages, low = 0, sum, part;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id)
		low += wmark_pages(zone, WMARK_LOW);
	sum = free > reserve ? free - reserve : 0;
	part = pages(NR_ACTIVE_FILE) + pages(NR_INACTIVE_FILE);
	sum += part - min(part / 2, low);
	part = pages(NR_SLAB_RECLAIMABLE);
	sum += part - min(part / 2, low);
	return sum;
}

static void highmem_totals(struct quire_sysinfo *info)
{
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id) {
		if (zone_idx(zone) != ZONE_HIGHMEM)
			continue;
		info->totalhigh += zone->managed_pages;
		info->freehigh += zone_nr_free_pages(zone);
	}
}

void quire_sysinfo(struct quire_sysinfo *info)
{
	*info = (struct quire_sysinfo){ 0 };
	info->totalram = READ_ONCE(this_phys()->totalram_pages);
	info->freeram = nr_free_pages();
	info->sharedram = pages(NR_SHMEM);
	info->cached = pages(NR_FILE_PAGES);
	info->available = available_pages(info->freeram);
	highmem_totals(info);
}

static int line_kb(struct text_sink *sink, const char *name, unsigned long kb)
{
	char text[64];
	int len = quire_scnprintf(text, sizeof(text), "%-*s%8lu kB\n", MEMINFO_NAME_WIDTH, name, kb);

	return sink->write(sink, text, (size_t)len);
}

static int line(struct text_sink *sink, const char *name, unsigned long nr_pages)
{
	return line_kb(sink, name, nr_pages << (PAGE_SHIFT - 10));
}

struct meminfo_row {
	const char *name;
	unsigned long pages;
};

static int lines(struct text_sink *sink, const struct meminfo_row *rows, unsigned int nr)
{
	int err = 0;

	for (unsigned int i = 0; i < nr && !err; i++)
		err = line(sink, rows[i].name, rows[i].pages);
	return err;
}

/* MemTotal to Mlocked. */
static int show_memory(struct text_sink *sink, const struct quire_sysinfo *info)
{
	const struct meminfo_row rows[] = {
		{ "MemTotal:", info->totalram },
		{ "MemFree:", info->freeram },
		{ "MemAvailable:", info->available },
		{ "Buffers:", info->bufferram },
		{ "Cached:", info->cached - info->bufferram },
		{ "SwapCached:", 0 },
		{ "Active:", pages(NR_ACTIVE_ANON) + pages(NR_ACTIVE_FILE) },
		{ "Inactive:", pages(NR_INACTIVE_ANON) + pages(NR_INACTIVE_FILE) },
		{ "Active(anon):", pages(NR_ACTIVE_ANON) },
		{ "Inactive(anon):", pages(NR_INACTIVE_ANON) },
		{ "Active(file):", pages(NR_ACTIVE_FILE) },
		{ "Inactive(file):", pages(NR_INACTIVE_FILE) },
		{ "Unevictable:", pages(NR_UNEVICTABLE) },
		{ "Mlocked:", pages(NR_MLOCK) },
	};

	return lines(sink, rows, sizeof(rows) / sizeof(rows[0]));
}

static int show_high(struct text_sink *sink, const struct quire_sysinfo *info)
{
	const struct meminfo_row rows[] = {
		{ "HighTotal:", info->totalhigh },
		{ "HighFree:", info->freehigh },
		{ "LowTotal:", info->totalram - info->totalhigh },
		{ "LowFree:", info->freeram - info->freehigh },
	};

	/* Where all memory is in the direct map, the lines do not exist. */
	return ARCH_HAS_HIGHMEM ? lines(sink, rows, sizeof(rows) / sizeof(rows[0])) : 0;
}

/* SwapTotal to SUnreclaim. */
static int show_use(struct text_sink *sink, const struct quire_sysinfo *info)
{
	unsigned long reclaimable = pages(NR_SLAB_RECLAIMABLE), unreclaimable = pages(NR_SLAB_UNRECLAIMABLE);
	const struct meminfo_row rows[] = {
		{ "SwapTotal:", info->totalswap },
		{ "SwapFree:", info->freeswap },
		{ "Dirty:", pages(NR_FILE_DIRTY) },
		{ "Writeback:", pages(NR_WRITEBACK) },
		{ "AnonPages:", pages(NR_ANON_MAPPED) },
		{ "Mapped:", pages(NR_FILE_MAPPED) },
		{ "Shmem:", info->sharedram },
		{ "KReclaimable:", reclaimable },
		{ "Slab:", reclaimable + unreclaimable },
		{ "SReclaimable:", reclaimable },
		{ "SUnreclaim:", unreclaimable },
	};

	return lines(sink, rows, sizeof(rows) / sizeof(rows[0]));
}

/* KernelStack to DirectMap1G. */
static int show_kernel(struct text_sink *sink)
{
	const char *const direct_map[] = {
		"DirectMap4k:", PMD_SIZE == 2ul << 20 ? "DirectMap2M:" : "DirectMap4M:", "DirectMap1G:",
	};
	int err = line_kb(sink, "KernelStack:", pages(NR_KERNEL_STACK_KB));

	err = err ? err : line(sink, "PageTables:", pages(NR_PAGETABLE));
	err = err ? err : line(sink, "CommitLimit:", vm_commit_limit());
	err = err ? err : line(sink, "Committed_AS:", vm_committed_pages());
	err = err ? err : line_kb(sink, "VmallocTotal:", (VMALLOC_END - VMALLOC_START) >> 10);
	err = err ? err : line(sink, "VmallocUsed:", pages(NR_VMALLOC_PAGES));
	for (unsigned int level = 0; level < 3 && !err; level++) {
		unsigned long bytes = arch_direct_map_bytes(level);

		/* A size of page that the CPU does not have stays away, as on Linux. */
		if (bytes || level < 2)
			err = line_kb(sink, direct_map[level], bytes >> 10);
	}
	return err;
}

int quire_show_meminfo(struct text_sink *sink)
{
	struct quire_sysinfo info;
	int err;

	quire_sysinfo(&info);
	err = show_memory(sink, &info);
	err = err ? err : show_high(sink, &info);
	err = err ? err : show_use(sink, &info);
	return err ? err : show_kernel(sink);
}
