/* SPDX-License-Identifier: MIT */
/* sysfs.c - /sys: processors, memory nodes, the console; only what is true of this machine. */
#include "arch/smp.h"
#include "base/format.h"
#include "fs/proc.h"
#include "quire/errno.h"
#include "quire/stats.h"

static struct pseudo_entry *sys_root;
static struct super_block *sys_sb;

static struct super_block *sysfs_mount(struct file_system_type *type, const char *source, const char *options)
{
	if (!sys_sb)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&sys_sb->s_count);
	return sys_sb;
}

static struct file_system_type sysfs_type = { .name = "sysfs", .mount = sysfs_mount };

/* ---- processors ---- */

static int show_range(struct text_sink *sink, unsigned int nr)
{
	return nr > 1 ? sink_printf(sink, "0-%u\n", nr - 1) : sink_puts(sink, "0\n");
}

static int show_online(struct text_sink *sink, void *arg)
{
	return show_range(sink, nr_online_cpus);
}

static int show_possible(struct text_sink *sink, void *arg)
{
	return show_range(sink, nr_cpu_ids);
}

static int show_offline(struct text_sink *sink, void *arg)
{
	if (nr_online_cpus == nr_cpu_ids)
		return sink_puts(sink, "\n");
	return sink_printf(sink, nr_online_cpus + 1 == nr_cpu_ids ? "%u\n" : "%u-%u\n", nr_online_cpus, nr_cpu_ids - 1);
}

static int show_one(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%d\n", cpu_online((unsigned int)(uintptr_t)arg));
}

static int show_kernel_max(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%d\n", QUIRE_MAX_CPUS - 1);
}

static void add_cpus(struct pseudo_entry *system)
{
	struct pseudo_entry *dir = pseudo_dir(system, "cpu");
	char name[16];

	pseudo_text(dir, "online", 0444, show_online, NULL);
	pseudo_text(dir, "possible", 0444, show_possible, NULL);
	pseudo_text(dir, "present", 0444, show_possible, NULL);
	pseudo_text(dir, "offline", 0444, show_offline, NULL);
	pseudo_text(dir, "kernel_max", 0444, show_kernel_max, NULL);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct pseudo_entry *one;

		quire_snprintf(name, sizeof(name), "cpu%u", cpu);
		one = pseudo_dir(dir, name);
		pseudo_text(one, "online", 0444, show_one, (void *)(uintptr_t)cpu);
	}
}

/* ---- nodes ---- */

static const char *const nodes_files[] = { "online", "possible", "has_memory", "has_normal_memory", "has_cpu" };
static const char *const node_files[] = { "meminfo", "numastat", "vmstat", "cpulist", "cpumap", "distance" };
#define NODE_FILE_BITS 3

static int show_node_file(struct text_sink *sink, void *arg)
{
	uintptr_t which = (uintptr_t)arg;

	return quire_show_node((int)(which >> NODE_FILE_BITS), node_files[which & ((1u << NODE_FILE_BITS) - 1)], sink);
}

static int discard(struct text_sink *sink, const char *text, size_t len)
{
	return 0;
}

static bool node_exists(int nid)
{
	struct text_sink nowhere = { .write = discard };

	return quire_show_node(nid, "cpulist", &nowhere) == 0;
}

static int show_nodes(struct text_sink *sink, void *arg)
{
	return quire_show_nodes(arg, sink);
}

static void add_nodes(struct pseudo_entry *system)
{
	struct pseudo_entry *dir = pseudo_dir(system, "node");
	char name[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(nodes_files); i++)
		pseudo_text(dir, nodes_files[i], 0444, show_nodes, (void *)nodes_files[i]);
	for (int nid = 0; nid < QUIRE_MAX_NODES; nid++) {
		struct pseudo_entry *one;

		if (!node_exists(nid))
			continue;
		quire_snprintf(name, sizeof(name), "node%d", nid);
		one = pseudo_dir(dir, name);
		for (uintptr_t i = 0; i < ARRAY_SIZE(node_files); i++)
			pseudo_text(one, node_files[i], 0444, show_node_file, (void *)((uintptr_t)nid << NODE_FILE_BITS | i));
	}
}

/* ---- the rest ---- */

static int show_console(struct text_sink *sink, void *arg)
{
	return sink_puts(sink, "ttyS0\n");
}

void sysfs_init(void)
{
	struct pseudo_entry *system, *class_tty;

	register_filesystem(&sysfs_type);
	sys_root = pseudo_add(NULL, "/", S_IFDIR | 0555);
	if (!sys_root)
		return;
	system = pseudo_dir(pseudo_dir(sys_root, "devices"), "system");
	add_cpus(system);
	add_nodes(system);
	class_tty = pseudo_dir(pseudo_dir(sys_root, "class"), "tty");
	pseudo_text(pseudo_dir(class_tty, "console"), "active", 0444, show_console, NULL);
	pseudo_dir(pseudo_dir(sys_root, "kernel"), "debug");
	sys_sb = pseudo_super(&sysfs_type, sys_root, SYSFS_MAGIC);
}
