/* SPDX-License-Identifier: MIT */
/* node.c - the texts of /sys/devices/system/node: which nodes there are, and what is in each. */
#include "base/string.h"
#include "front/text.h"
#include "front/vmstat_names.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/errno.h"

static void sum_zones(const pg_data_t *pgdat, unsigned long *managed, unsigned long *free)
{
	int i;

	*managed = *free = 0;
	for (i = 0; i < MAX_NR_ZONES; i++) {
		if (!populated_zone(&pgdat->node_zones[i]))
			continue;
		*managed += hint_read(pgdat->node_zones[i].managed_pages);
		*free += zone_nr_free_pages(&pgdat->node_zones[i]);
	}
}

struct node_row {
	const char *name;
	unsigned long kb;
};

static int show_rows(struct text_sink *sink, int nid, const struct node_row *rows, unsigned int nr)
{
	int err = 0;

	for (unsigned int i = 0; i < nr && !err; i++)
		err = text_printf(sink, "Node %d %-16s%8lu kB\n", nid, rows[i].name, rows[i].kb);
	return err;
}

static unsigned long kb(unsigned long pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static int show_meminfo(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned long state[NR_NODE_STAT_ITEMS], managed, free;

	for (int i = 0; i < NR_NODE_STAT_ITEMS; i++)
		state[i] = node_page_state(pgdat->node_id, (enum node_stat_item)i);
	sum_zones(pgdat, &managed, &free);
	const struct node_row rows[] = {
		{"MemTotal:", kb(managed)},
		{"MemFree:", kb(free)},
		{"MemUsed:", kb(managed - free)},
		{"Active:", kb(state[NR_ACTIVE_ANON] + state[NR_ACTIVE_FILE])},
		{"Inactive:", kb(state[NR_INACTIVE_ANON] + state[NR_INACTIVE_FILE])},
		{"Active(anon):", kb(state[NR_ACTIVE_ANON])},
		{"Inactive(anon):", kb(state[NR_INACTIVE_ANON])},
		{"Active(file):", kb(state[NR_ACTIVE_FILE])},
		{"Inactive(file):", kb(state[NR_INACTIVE_FILE])},
		{"Unevictable:", kb(state[NR_UNEVICTABLE])},
		{"Mlocked:", kb(state[NR_MLOCK])},
		{"Dirty:", kb(state[NR_FILE_DIRTY])},
		{"Writeback:", kb(state[NR_WRITEBACK])},
		{"FilePages:", kb(state[NR_FILE_PAGES])},
		{"Mapped:", kb(state[NR_FILE_MAPPED])},
		{"AnonPages:", kb(state[NR_ANON_MAPPED])},
		{"Shmem:", kb(state[NR_SHMEM])},
		{"KernelStack:", state[NR_KERNEL_STACK_KB]},
		{"PageTables:", kb(state[NR_PAGETABLE])},
		{"KReclaimable:", kb(state[NR_SLAB_RECLAIMABLE])},
		{"Slab:", kb(state[NR_SLAB_RECLAIMABLE] + state[NR_SLAB_UNRECLAIMABLE])},
		{"SReclaimable:", kb(state[NR_SLAB_RECLAIMABLE])},
		{"SUnreclaim:", kb(state[NR_SLAB_UNRECLAIMABLE])},
	};
	return show_rows(sink, pgdat->node_id, rows, ARRAY_SIZE(rows));
}

/* Frames given out of the node's zones. */
static unsigned long node_nr_given(const pg_data_t *pgdat)
{
	unsigned long given = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		given += zone_nr_given(&pgdat->node_zones[i]);
	return given;
}

static int show_numastat(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned long given = node_nr_given(pgdat), miss = hint_read(pgdat->numa_miss);

	return text_printf(sink, "numa_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\ninterleave_hit %lu\nlocal_node %lu\nother_node %lu\n",
			   given - miss, miss, hint_read(pgdat->numa_foreign), hint_read(pgdat->interleave_hit), given - miss, miss);
}

static int show_vmstat(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned long managed, free, cma = 0, given = node_nr_given(pgdat), miss = hint_read(pgdat->numa_miss);
	int err, i;

	sum_zones(pgdat, &managed, &free);
	for (i = 0; i < MAX_NR_ZONES; i++)
		cma += (unsigned long)hint_read(pgdat->node_zones[i].vm_stat[NR_ZONE_FREE_CMA]);
	err = text_printf(sink, "nr_free_pages %lu\nnr_mlock %lu\nnr_free_cma %lu\n", free, node_page_state(pgdat->node_id, NR_MLOCK), cma);
	if (!err)
		err = text_printf(sink,
				  "numa_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\nnuma_interleave %lu\nnuma_local %lu\nnuma_other %lu\n",
				  given - miss, miss, hint_read(pgdat->numa_foreign), hint_read(pgdat->interleave_hit), given - miss, miss);
	for (i = 0; !err && i < NR_NODE_STAT_ITEMS; i++)
		if (node_stat_name((enum node_stat_item)i))
			err = text_printf(sink, "%s %lu\n", node_stat_name((enum node_stat_item)i),
					  node_page_state(pgdat->node_id, (enum node_stat_item)i));
	return err;
}

/* "0-3,7": the CPUs whose memory is near. */
static int show_cpulist(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned int cpu = 0, nr_cpus = this_quire()->nr_cpus, first;
	const char *comma = "";
	int err = 0;

	while (!err && cpu < nr_cpus) {
		if (this_phys()->cpu[cpu]->nid != pgdat->node_id) {
			cpu++;
			continue;
		}
		for (first = cpu; cpu < nr_cpus && this_phys()->cpu[cpu]->nid == pgdat->node_id; )
			cpu++;
		err = first + 1 == cpu ? text_printf(sink, "%s%u", comma, first)
				       : text_printf(sink, "%s%u-%u", comma, first, cpu - 1);
		comma = ",";
	}
	return err ? err : text_puts(sink, "\n");
}

/* "3", "ff,ffffffff": the same as bits, those above the last possible CPU left out. */
static int show_cpumap(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned int nr_cpus = this_quire()->nr_cpus, word = (nr_cpus - 1) / 32, digits = ((nr_cpus - 1) % 32) / 4 + 1;
	int err;

	do {
		u32 bits = 0;

		for (unsigned int cpu = word * 32; cpu < nr_cpus && cpu < (word + 1) * 32; cpu++)
			bits |= (u32)(this_phys()->cpu[cpu]->nid == pgdat->node_id) << cpu % 32;
		err = text_printf(sink, "%0*x%s", (int)digits, bits, word ? "," : "\n");
		digits = 8;
	} while (!err && word--);
	return err;
}

static int show_distance(const pg_data_t *pgdat, struct text_sink *sink)
{
	const char *space = "";
	pg_data_t *other;
	int nid, err = 0;

	for_each_online_pgdat(other, nid) {
		if (!err)
			err = text_printf(sink, "%s%d", space, node_distance(pgdat->node_id, nid));
		space = " ";
	}
	return err ? err : text_puts(sink, "\n");
}

int quire_show_node(int nid, const char *file, struct text_sink *sink)
{
	static const struct {
		const char *name;
		int (*show)(const pg_data_t *pgdat, struct text_sink *sink);
	} files[] = {
		{"meminfo", show_meminfo}, {"numastat", show_numastat}, {"vmstat", show_vmstat},
		{"cpulist", show_cpulist}, {"cpumap", show_cpumap}, {"distance", show_distance},
	};
	pg_data_t *pgdat = node_data(nid);
	unsigned int i;

	for (i = 0; pgdat && i < ARRAY_SIZE(files); i++)
		if (!strcmp(file, files[i].name))
			return files[i].show(pgdat, sink);
	return -ENOENT;
}

/* ---- which nodes there are ---- */

static bool has_memory(const pg_data_t *pgdat)
{
	return pgdat->node_present_pages != 0;
}

static bool has_normal_memory(const pg_data_t *pgdat)
{
	for (int i = 0; i <= ZONE_NORMAL; i++)
		if (populated_zone(&pgdat->node_zones[i]))
			return true;
	return false;
}

static bool has_cpu(const pg_data_t *pgdat)
{
	for (unsigned int cpu = 0; cpu < this_quire()->nr_cpus; cpu++)
		if (this_phys()->cpu[cpu]->nid == pgdat->node_id)
			return true;
	return false;
}

static int show_nodes_that(bool (*holds)(const pg_data_t *pgdat), struct text_sink *sink)
{
	const char *comma = "";
	int nid, first, err = 0;

	for (nid = 0; nid < QUIRE_MAX_NODES && !err; nid++) {
		if (!node_data(nid) || !holds(node_data(nid)))
			continue;
		for (first = nid; nid + 1 < QUIRE_MAX_NODES && node_data(nid + 1) && holds(node_data(nid + 1)); )
			nid++;
		err = first == nid ? text_printf(sink, "%s%d", comma, first) : text_printf(sink, "%s%d-%d", comma, first, nid);
		comma = ",";
	}
	return err ? err : text_puts(sink, "\n");
}

int quire_show_nodes(const char *file, struct text_sink *sink)
{
	/* Nodes come up at boot, those with memory, and stay. */
	static const struct {
		const char *name;
		bool (*holds)(const pg_data_t *pgdat);
	} files[] = {
		{"online", has_memory}, {"possible", has_memory}, {"has_memory", has_memory},
		{"has_normal_memory", has_normal_memory}, {"has_cpu", has_cpu},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(file, files[i].name))
			return show_nodes_that(files[i].holds, sink);
	return -ENOENT;
}
