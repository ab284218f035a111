/* SPDX-License-Identifier: MIT */
/* memtexts.c - the texts about physical memory have Linux's shape: each line is what Linux's format makes of its figures, and
 * names stand in Linux's order. Runs on Linux as well. */
#include "common.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>

/* Names of /proc/vmstat up to the events, in the order of Linux 6.18. */
static const char *const vmstat_order[] = {
	"nr_free_pages", "nr_free_pages_blocks", "nr_zone_inactive_anon", "nr_zone_active_anon", "nr_zone_inactive_file",
	"nr_zone_active_file", "nr_zone_unevictable", "nr_zone_write_pending", "nr_mlock", "nr_bounce", "nr_zspages", "nr_free_cma",
	"nr_unaccepted", "numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local", "numa_other", "nr_inactive_anon",
	"nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable", "nr_slab_reclaimable", "nr_slab_unreclaimable",
	"nr_isolated_anon", "nr_isolated_file", "workingset_nodes", "workingset_refault_anon", "workingset_refault_file",
	"workingset_activate_anon", "workingset_activate_file", "workingset_restore_anon", "workingset_restore_file",
	"workingset_nodereclaim", "nr_anon_pages", "nr_mapped", "nr_file_pages", "nr_dirty", "nr_writeback", "nr_writeback_temp",
	"nr_shmem", "nr_shmem_hugepages", "nr_shmem_pmdmapped", "nr_file_hugepages", "nr_file_pmdmapped",
	"nr_anon_transparent_hugepages", "nr_vmscan_write", "nr_vmscan_immediate_reclaim", "nr_dirtied", "nr_written",
	"nr_throttled_written", "nr_kernel_misc_reclaimable", "nr_foll_pin_acquired", "nr_foll_pin_released", "nr_kernel_stack",
	"nr_page_table_pages", "nr_sec_page_table_pages", "nr_iommu_pages", "nr_swapcached", "nr_dirty_threshold",
	"nr_dirty_background_threshold", "nr_memmap_pages", "nr_memmap_boot_pages", "pgpgin", "pgpgout", "pswpin", "pswpout",
	"pgalloc_dma", "pgalloc_dma32", "pgalloc_normal", "pgalloc_high", "pgalloc_movable", "pgalloc_device", "allocstall_dma",
	"allocstall_dma32", "allocstall_normal", "allocstall_movable", "allocstall_device", "pgskip_dma", "pgskip_dma32",
	"pgskip_normal", "pgskip_movable", "pgskip_device", "pgfree", "pgactivate", "pgdeactivate", "pglazyfree", "pgfault",
	"pgmajfault", "pglazyfreed", "pgrefill", "pgreuse", "pgsteal_kswapd", "pgsteal_direct", "pgscan_kswapd", "pgscan_direct",
	"pgscan_anon", "pgscan_file", "pgsteal_anon", "pgsteal_file", "slabs_scanned", "pageoutrun", "pgrotated", "drop_pagecache",
	"drop_slab", "oom_kill", "numa_pte_updates", "numa_hint_faults", "numa_pages_migrated", "pgmigrate_success", "pgmigrate_fail",
	"thp_migration_success", "thp_migration_fail", "compact_migrate_scanned", "compact_free_scanned", "compact_isolated",
	"compact_stall", "compact_fail", "compact_success", "compact_daemon_wake", "unevictable_pgs_culled",
	"unevictable_pgs_scanned", "unevictable_pgs_rescued", "unevictable_pgs_mlocked", "unevictable_pgs_munlocked",
	"unevictable_pgs_cleared", "unevictable_pgs_stranded", "thp_fault_alloc", "thp_fault_fallback", "thp_collapse_alloc",
	"thp_split_page", "thp_swpout", "thp_swpout_fallback", "balloon_inflate", "balloon_deflate", "nr_tlb_remote_flush",
	"nr_tlb_remote_flush_received", "nr_tlb_local_flush_all", "nr_tlb_local_flush_one", "swap_ra", "swap_ra_hit",
	"direct_map_level2_splits", "direct_map_level3_splits",
};

static const char *const meminfo_order[] = {
	"MemTotal", "MemFree", "MemUsed", "SwapCached", "Active", "Inactive", "Active(anon)", "Inactive(anon)", "Active(file)",
	"Inactive(file)", "Unevictable", "Mlocked", "HighTotal", "HighFree", "LowTotal", "LowFree", "Dirty", "Writeback", "FilePages",
	"Mapped", "AnonPages", "Shmem", "KernelStack", "ShadowCallStack", "PageTables", "SecPageTables", "NFS_Unstable", "Bounce",
	"WritebackTmp", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "AnonHugePages", "ShmemHugePages", "ShmemPmdMapped",
	"FileHugePages", "FilePmdMapped", "Unaccepted", "HugePages_Total", "HugePages_Free", "HugePages_Surp",
};

/* What any kernel that has the file has in it. */
static const char *const vmstat_needed[] = {
	"nr_free_pages", "nr_mlock", "numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local", "numa_other",
	"nr_inactive_anon", "nr_active_anon", "nr_inactive_file", "nr_active_file", "nr_unevictable", "nr_slab_reclaimable",
	"nr_slab_unreclaimable", "nr_anon_pages", "nr_mapped", "nr_file_pages", "nr_dirty", "nr_writeback", "nr_shmem",
	"nr_kernel_stack", "nr_page_table_pages", "nr_dirty_threshold", "nr_dirty_background_threshold", "pgpgin", "pgalloc_dma",
	"pgalloc_dma32", "pgalloc_normal", "pgalloc_movable", "pgfree", "pgfault", "pgmajfault", "oom_kill",
};
static const char *const node_vmstat_needed[] = {
	"nr_free_pages", "nr_mlock", "numa_hit", "numa_other", "nr_inactive_anon", "nr_unevictable", "nr_anon_pages", "nr_file_pages",
	"nr_dirty", "nr_writeback", "nr_kernel_stack", "nr_page_table_pages",
};
static const char *const meminfo_needed[] = {
	"MemTotal", "MemFree", "MemUsed", "Active", "Inactive", "Active(anon)", "Inactive(file)", "Unevictable", "Mlocked", "Dirty",
	"Writeback", "FilePages", "Mapped", "AnonPages", "Shmem", "KernelStack", "PageTables", "KReclaimable", "Slab",
	"SReclaimable", "SUnreclaim",
};

#define NODE_DIR "/sys/devices/system/node/"

static char text[65536], *lines[2000];
static unsigned int nr_lines, nr_bad;
static const char *file;

/* Reads a file into lines. */
static bool load(const char *path)
{
	ssize_t got;
	size_t len = 0;
	int fd = open(path, O_RDONLY);

	file = path;
	nr_lines = nr_bad = 0;
	while (fd >= 0 && (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	tap_ok(len && text[len - 1] == '\n', "%s can be read, and ends with a line", path);
	for (char *line = text, *end; (end = strchr(line, '\n')) && nr_lines < ARRAY_SIZE(lines); line = end + 1) {
		*end = '\0';
		lines[nr_lines++] = line;
	}
	return nr_lines;
}

/* The line must be exactly what this format makes. */
__attribute__((format(printf, 2, 3))) static void same(const char *line, const char *fmt, ...)
{
	char wanted[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(wanted, sizeof(wanted), fmt, args);
	va_end(args);
	if (strcmp(line, wanted) && !nr_bad++)
		tap_diag("%s has \"%s\", not \"%s\"", file, line, wanted);
}

static void shape_is_right(void)
{
	tap_is(nr_bad, 0, "%s: every line has Linux's shape", file);
}

/* "a b c " with a field of `width` for each of `nr` figures. */
static void figures(char *out, size_t size, const char *from, unsigned int nr, int width)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < nr; i++) {
		char *end;
		unsigned long value = strtoul(from, &end, 10);

		if (end == from)
			return;
		len += (size_t)snprintf(out + len, size - len, "%*lu ", width, value);
		from = end;
	}
}

static int place(const char *const *order, unsigned int nr, const char *name)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(order[i], name))
			return (int)i;
	return -1;
}

/* Names of a file so far. */
static struct {
	char name[400][40];
	unsigned int nr;
} seen;

static void see(const char *name)
{
	if (seen.nr < ARRAY_SIZE(seen.name))
		snprintf(seen.name[seen.nr++], sizeof(seen.name[0]), "%s", name);
}

static void in_order(const char *const *order, unsigned int nr, const char *const *needed, unsigned int nr_needed)
{
	unsigned int wrong = 0, missing = 0;
	int last = -1;

	for (unsigned int i = 0; i < seen.nr; i++) {
		int at = place(order, nr, seen.name[i]);

		if (at >= 0 && at <= last && !wrong++)
			tap_diag("%s: %s stands too late", file, seen.name[i]);
		last = at >= 0 ? at : last;
	}
	for (unsigned int i = 0; i < nr_needed; i++) {
		unsigned int k = 0;

		while (k < seen.nr && strcmp(seen.name[k], needed[i]))
			k++;
		if (k == seen.nr && !missing++)
			tap_diag("%s: %s is missing", file, needed[i]);
	}
	tap_is(wrong, 0, "%s: names in Linux's order", file);
	tap_is(missing, 0, "%s: none is missing", file);
	seen.nr = 0;
}

static void buddyinfo(void)
{
	char zone[32], runs[256];
	int node, at;

	if (!load("/proc/buddyinfo"))
		return;
	for (unsigned int i = 0; i < nr_lines; i++) {
		at = 0;
		sscanf(lines[i], "Node %d, zone %31s %n", &node, zone, &at);
		figures(runs, sizeof(runs), lines[i] + at, 11, 6);
		same(lines[i], "Node %d, zone %8s %s", node, zone, runs);
	}
	shape_is_right();
}

static void pagetypeinfo(void)
{
	static const char *const types[] = { "Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate" };
	char zone[32], type[32], runs[256], heads[256] = "";
	unsigned int nr_types = 0, i, bad_type = 0, blocks = 0;
	int node, at;

	if (!load("/proc/pagetypeinfo"))
		return;
	same(lines[0], "Page block order: 9");
	same(lines[1], "Pages per block:  512");
	same(lines[2], "%s", "");
	same(lines[3], "%-43s      0      1      2      3      4      5      6      7      8      9     10 ",
	     "Free pages count per migrate type at order");
	for (i = 4; i < nr_lines && *lines[i]; i++) {
		at = 0;
		if (sscanf(lines[i], "Node %d, zone %31[^,], type %31s %n", &node, zone, type, &at) != 3)
			nr_bad++;
		bad_type += place(types, ARRAY_SIZE(types), type) < 0;
		figures(runs, sizeof(runs), lines[i] + at, 11, 6);
		same(lines[i], "Node %4d, zone %8s, type %12s %s", node, zone + strspn(zone, " "), type, runs);
	}
	for (i++; i < nr_lines; i++) {
		if (!strncmp(lines[i], "Number of blocks", 16)) {
			for (unsigned int k = 0; k < ARRAY_SIZE(types); k++) {
				char head[32];

				snprintf(head, sizeof(head), "%12s ", types[k]);
				if (strstr(lines[i], head)) {
					strcat(heads, head);
					nr_types++;
				}
			}
			same(lines[i], "%-23s%s", "Number of blocks type ", heads);
			continue;
		}
		blocks++;
		at = 0;
		sscanf(lines[i], "Node %d, zone %31s %n", &node, zone, &at);
		figures(runs, sizeof(runs), lines[i] + at, nr_types, 12);
		same(lines[i], "Node %d, zone %8s %s", node, zone, runs);
	}
	tap_ok(nr_types >= 5 && blocks && !bad_type, "pagetypeinfo: %u types, those of Linux, and blocks of %u zones", nr_types, blocks);
	shape_is_right();
}

/* Lines of zoneinfo between the head of a zone and the per-CPU sets, with Linux's formats. */
static bool zone_line(const char *line, unsigned long value, const char *word)
{
	static const char *const sizes[] = { "boost", "min", "low", "high", "promo", "spanned", "present", "managed", "cma" };
	static const char *const sets[] = { "count:", "high:", "batch:", "high_min:", "high_max:" };

	if (!strncmp(line, "  pages free", 12))
		same(line, "  pages free     %lu", value);
	else if (!strcmp(word, "cpu:"))
		same(line, "    cpu: %lu", value);
	else if (!strcmp(word, "node_unreclaimable:") || !strcmp(word, "start_pfn:"))
		same(line, !strcmp(word, "start_pfn:") ? "  start_pfn:           %lu" : "  node_unreclaimable:  %lu", value);
	else if (place(sizes, ARRAY_SIZE(sizes), word) >= 0 && line[8] != ' ')
		same(line, "        %-8s %lu", word, value);
	else if (place(sets, ARRAY_SIZE(sets), word) >= 0)
		same(line, "              %-9s %lu", word, value);
	else
		return false;
	return true;
}

static void zoneinfo(void)
{
	static const char *const order[] = { "free", "boost", "min", "low", "high", "promo", "spanned", "present", "managed", "cma" };
	unsigned int nr_zones = 0, protections = 0, nr_stats = 0;
	char word[64], zone[32];
	unsigned long value;
	int node;

	if (!load("/proc/zoneinfo"))
		return;
	for (unsigned int i = 0; i < nr_lines; i++) {
		const char *line = lines[i];

		word[0] = '\0';
		value = 0;
		if (sscanf(line, "Node %d, zone %31s", &node, zone) == 2) {
			same(line, "Node %d, zone %8s", node, zone);
			nr_zones++;
			continue;
		}
		if (!strcmp(line, "  per-node stats") || !strcmp(line, "  pagesets") || strstr(line, "vm stats threshold:"))
			continue;
		if (strstr(line, "protection: (")) {
			protections = 1;
			for (const char *comma = line; (comma = strstr(comma, ", ")); comma++)
				protections++;
			continue;
		}
		sscanf(line, " %63s %lu", word, &value);
		if (!strcmp(word, "pages"))
			sscanf(line, " pages free %lu", &value);
		if (place(order, ARRAY_SIZE(order), !strcmp(word, "pages") ? "free" : word) >= 0 && nr_zones == 1)
			see(!strcmp(word, "pages") ? "free" : word);
		if (zone_line(line, value, word))
			continue;
		same(line, "      %-12s %lu", word, value);
		nr_stats++;
	}
	tap_ok(nr_zones >= 4 && nr_stats >= 15, "zoneinfo: %u zones, %u statistics", nr_zones, nr_stats);
	tap_is(protections, sizeof(long) == 8 ? 5 : 4, "zoneinfo: a reserve against each zone that this machine can have");
	shape_is_right();
	in_order(order, ARRAY_SIZE(order), order, ARRAY_SIZE(order));
}

/* Lines lie in each other as their addresses do, and in order. */
static void iomem(void)
{
	unsigned long long start, end, outer[16][2] = { { 0, ~0ull } }, last_end = 0;
	unsigned int bad = 0, ram = 0, code = 0;
	char name[128];

	if (!load("/proc/iomem"))
		return;
	for (unsigned int i = 0; i < nr_lines; i++) {
		unsigned int depth = (unsigned int)strspn(lines[i], " ") / 2;

		if (sscanf(lines[i], " %llx-%llx : %127[^\n]", &start, &end, name) != 3 || depth > 14) {
			nr_bad++;
			continue;
		}
		same(lines[i], "%*s%08llx-%08llx : %s", (int)depth * 2, "", start, end, name);
		/* Linux hides the addresses from those who may not know them. */
		if (end)
			bad += end < start || start < outer[depth][0] || end > outer[depth][1] || (!depth && last_end && start <= last_end);
		if (!depth)
			last_end = end;
		outer[depth + 1][0] = start;
		outer[depth + 1][1] = end;
		ram += !strcmp(name, "System RAM");
		code += depth == 1 && !strcmp(name, "Kernel code");
	}
	shape_is_right();
	tap_is(bad, 0, "iomem: ranges in order, each within the one that it is indented under");
	tap_ok(ram >= 2 && code == 1, "iomem: RAM, and the kernel in it");
}

static void names_and_figures(const char *path, const char *const *order, unsigned int nr, const char *const *needed,
			      unsigned int nr_needed)
{
	unsigned long value;
	char name[64];

	if (!load(path))
		return;
	for (unsigned int i = 0; i < nr_lines; i++) {
		if (sscanf(lines[i], "%63s %lu", name, &value) != 2)
			nr_bad++;
		same(lines[i], "%s %lu", name, value);
		see(name);
	}
	shape_is_right();
	in_order(order, nr, needed, nr_needed);
}

static void counters(const char *path, const char *const *needed, unsigned int nr_needed)
{
	names_and_figures(path, vmstat_order, ARRAY_SIZE(vmstat_order), needed, nr_needed);
}

static void node_meminfo(const char *path, int nid)
{
	unsigned long value;
	char name[64];
	int node;

	if (!load(path))
		return;
	for (unsigned int i = 0; i < nr_lines; i++) {
		if (sscanf(lines[i], "Node %d %63[^:]: %lu", &node, name, &value) != 3 || node != nid)
			nr_bad++;
		see(name);
		strcat(name, ":");
		if (strncmp(name, "HugePages_", 10))
			same(lines[i], "Node %d %-16s%8lu kB", node, name, value);
	}
	shape_is_right();
	in_order(meminfo_order, ARRAY_SIZE(meminfo_order), meminfo_needed, ARRAY_SIZE(meminfo_needed));
}

static void numastat(const char *path)
{
	static const char *const names[] = { "numa_hit", "numa_miss", "numa_foreign", "interleave_hit", "local_node", "other_node" };

	names_and_figures(path, names, ARRAY_SIZE(names), names, ARRAY_SIZE(names));
}

/* "0", "0-3", "0-1,3"; true where it may be nothing, too. */
static bool is_list(const char *line, bool may_be_empty)
{
	if (!*line)
		return may_be_empty;
	for (; *line; line++)
		if (!isdigit(*line) && (*line != '-' && *line != ','))
			return false;
	return isdigit(line[-1]);
}

static void one_line_files(void)
{
	static const char *const lists[] = { "possible", "online", "has_memory", "has_normal_memory", "has_cpu" };
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	char path[128], online[64] = "";

	for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++) {
		snprintf(path, sizeof(path), NODE_DIR "%s", lists[i]);
		if (!load(path))
			continue;
		tap_ok(nr_lines == 1 && is_list(lines[0], false), "%s: a list of nodes: %s", path, lines[0]);
		if (!strcmp(lists[i], "online"))
			snprintf(online, sizeof(online), "%s", lines[0]);
		if (!strcmp(lists[i], "has_memory"))
			tap_is_str(lines[0], online, "the nodes with memory are those online");
	}
	if (load(NODE_DIR "node0/distance"))
		tap_ok(!strncmp(lines[0], "10", 2) && strspn(lines[0], "0123456789 ") == strlen(lines[0]), "distance: figures, to itself 10");
	if (load(NODE_DIR "node0/cpulist"))
		tap_ok(is_list(lines[0], true), "cpulist: a list of CPUs: %s", lines[0]);
	if (load(NODE_DIR "node0/cpumap")) {
		size_t digits = ((size_t)nr_cpus + 3) / 4;

		tap_ok(strspn(lines[0], "0123456789abcdef,") == strlen(lines[0]) && strlen(lines[0]) >= digits, "cpumap: hex digits: %s", lines[0]);
		if (!strcmp(online, "0") && nr_cpus < 32)
			tap_is(strtoul(lines[0], NULL, 16), (1ul << nr_cpus) - 1, "all of them on the only node");
	}
}

/* The parts are those of the whole, as far as a running machine stands still. */
static void parts(void)
{
	long long whole = figure("/proc/vmstat", "nr_page_table_pages"), part = figure(NODE_DIR "node0/vmstat", "nr_page_table_pages");

	tap_ok(part > 0 && part <= whole + 16, "a node's page tables are among the machine's: %lld of %lld", part, whole);
	tap_ok(figure("/proc/vmstat", "nr_dirty_background_threshold") < figure("/proc/vmstat", "nr_dirty_threshold"), "writing begins before writers wait");
}

int main(void)
{
	buddyinfo();
	pagetypeinfo();
	zoneinfo();
	iomem();
	counters("/proc/vmstat", vmstat_needed, ARRAY_SIZE(vmstat_needed));
	counters(NODE_DIR "node0/vmstat", node_vmstat_needed, ARRAY_SIZE(node_vmstat_needed));
	node_meminfo(NODE_DIR "node0/meminfo", 0);
	numastat(NODE_DIR "node0/numastat");
	one_line_files();
	parts();
	return tap_done();
}
