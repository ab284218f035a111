/* SPDX-License-Identifier: MIT */
/* node.c - the texts of /sys/devices/system/node/nodeN. */
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

static int line_kb(struct text_sink *sink, int nid, const char *name, unsigned long pages)
{
	return text_printf(sink, "Node %d %-15s%8lu kB\n", nid, name, pages << (PAGE_SHIFT - 10));
}

static int show_meminfo(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned long managed, free;
	int err;

	sum_zones(pgdat, &managed, &free);
	err = line_kb(sink, pgdat->node_id, "MemTotal:", managed);
	if (!err)
		err = line_kb(sink, pgdat->node_id, "MemFree:", free);
	return err ? err : line_kb(sink, pgdat->node_id, "MemUsed:", managed - free);
}

static int show_numastat(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned long given = 0, miss = hint_read(pgdat->numa_miss);
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		given += zone_nr_given(&pgdat->node_zones[i]);
	return text_printf(sink, "numa_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\ninterleave_hit %lu\nlocal_node %lu\nother_node %lu\n",
			   given - miss, miss, hint_read(pgdat->numa_foreign), hint_read(pgdat->interleave_hit), given - miss, miss);
}

static int show_vmstat(const pg_data_t *pgdat, struct text_sink *sink)
{
	unsigned long managed, free;

	sum_zones(pgdat, &managed, &free);
	return text_printf(sink, "nr_free_pages %lu\n", free);
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
		{"cpulist", show_cpulist}, {"distance", show_distance},
	};
	pg_data_t *pgdat = node_data(nid);
	unsigned int i;

	for (i = 0; pgdat && i < ARRAY_SIZE(files); i++)
		if (!strcmp(file, files[i].name))
			return files[i].show(pgdat, sink);
	return -ENOENT;
}
