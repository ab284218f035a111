/* SPDX-License-Identifier: MIT */
/* vmstat.c - /proc/vmstat: every counter under its name. */
#include "base/compiler.h"
#include "front/text.h"
#include "front/vmstat_names.h"
#include "phys/dirty.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"

static const char *const state_names[] = {
	[NR_INACTIVE_ANON] = "nr_inactive_anon", [NR_ACTIVE_ANON] = "nr_active_anon",
	[NR_INACTIVE_FILE] = "nr_inactive_file", [NR_ACTIVE_FILE] = "nr_active_file",
	[NR_UNEVICTABLE] = "nr_unevictable", [NR_SLAB_RECLAIMABLE] = "nr_slab_reclaimable",
	[NR_SLAB_UNRECLAIMABLE] = "nr_slab_unreclaimable", [NR_ANON_MAPPED] = "nr_anon_pages",
	[NR_FILE_MAPPED] = "nr_mapped", [NR_FILE_PAGES] = "nr_file_pages", [NR_FILE_DIRTY] = "nr_dirty",
	[NR_WRITEBACK] = "nr_writeback", [NR_SHMEM] = "nr_shmem", [NR_KERNEL_STACK_KB] = "nr_kernel_stack",
	[NR_PAGETABLE] = "nr_page_table_pages",
};

static const char *const event_names[] = {
	[PGPGIN] = "pgpgin", [PGPGOUT] = "pgpgout", [PSWPIN] = "pswpin", [PSWPOUT] = "pswpout",
	[PGALLOC_DMA] = "pgalloc_dma", [PGALLOC_DMA32] = "pgalloc_dma32", [PGALLOC_NORMAL] = "pgalloc_normal",
	[PGALLOC_HIGH] = "pgalloc_high", [PGALLOC_MOVABLE] = "pgalloc_movable", [PGALLOC_DEVICE] = "pgalloc_device",
	[PGFREE] = "pgfree", [PGACTIVATE] = "pgactivate", [PGDEACTIVATE] = "pgdeactivate",
	[PGLAZYFREE] = "pglazyfree", [PGLAZYFREED] = "pglazyfreed", [PGFAULT] = "pgfault", [PGMAJFAULT] = "pgmajfault", [PGREUSE] = "pgreuse",
	[OOM_KILL] = "oom_kill", [UNEVICTABLE_MLOCKED] = "unevictable_pgs_mlocked",
	[UNEVICTABLE_MUNLOCKED] = "unevictable_pgs_munlocked",
	[NR_TLB_REMOTE_FLUSH] = "nr_tlb_remote_flush",
	[NR_TLB_REMOTE_FLUSH_RECEIVED] = "nr_tlb_remote_flush_received",
	[NR_TLB_LOCAL_FLUSH_ALL] = "nr_tlb_local_flush_all", [NR_TLB_LOCAL_FLUSH_ONE] = "nr_tlb_local_flush_one",
	[DIRECT_MAP_SPLIT] = "direct_map_level2_splits", [PCP_DRAIN] = "pcp_drain",
	[PAGEBLOCK_STEAL] = "pageblock_steal", [PGMIGRATE_SUCCESS] = "pgmigrate_success", [PGMIGRATE_FAIL] = "pgmigrate_fail",
	[COMPACTMIGRATE_SCANNED] = "compact_migrate_scanned", [COMPACTISOLATED] = "compact_isolated",
	[COMPACTSTALL] = "compact_stall", [COMPACTFAIL] = "compact_fail", [COMPACTSUCCESS] = "compact_success",
};

const char *node_stat_name(enum node_stat_item item)
{
	return item < ARRAY_SIZE(state_names) ? state_names[item] : NULL;
}

const char *vm_event_name(enum vm_event_item item)
{
	return item < ARRAY_SIZE(event_names) ? event_names[item] : NULL;
}

static int show_zone_counters(struct text_sink *sink)
{
	unsigned long cma = 0, highatomic = 0;
	struct zone *zone;
	unsigned int id;
	int err;

	for_each_populated_zone(zone, id) {
		cma += (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_CMA]);
		highatomic += (unsigned long)hint_read(zone->vm_stat[NR_ZONE_FREE_HIGHATOMIC]);
	}
	err = text_printf(sink, "nr_free_pages %lu\nnr_mlock %lu\n", nr_free_pages(), global_node_page_state(NR_MLOCK));
	if (!err)
		err = text_printf(sink, "nr_free_cma %lu\n", cma);
	return err ? err : text_printf(sink, "nr_free_highatomic %lu\n", highatomic);
}

static int show_numa(struct text_sink *sink)
{
	unsigned long miss = 0, foreign = 0, interleave = 0, all = 0;
	pg_data_t *pgdat;
	int nid, i;

	for_each_online_pgdat(pgdat, nid) {
		miss += hint_read(pgdat->numa_miss);
		foreign += hint_read(pgdat->numa_foreign);
		interleave += hint_read(pgdat->interleave_hit);
	}
	for (i = PGALLOC_DMA; i <= PGALLOC_DEVICE; i++)
		all += global_vm_event((enum vm_event_item)i);
	return text_printf(sink, "numa_hit %lu\nnuma_miss %lu\nnuma_foreign %lu\nnuma_interleave %lu\nnuma_local %lu\nnuma_other %lu\n",
			   all - miss, miss, foreign, interleave, all - miss, miss);
}

static int show_dirty_limits(struct text_sink *sink)
{
	unsigned long background, dirty;

	global_dirty_limits(&background, &dirty);
	return text_printf(sink, "nr_dirty_threshold %lu\nnr_dirty_background_threshold %lu\n", dirty, background);
}

int quire_show_vmstat(struct text_sink *sink)
{
	int err = show_zone_counters(sink), i;

	if (!err)
		err = show_numa(sink);
	for (i = 0; !err && i < NR_NODE_STAT_ITEMS; i++)
		if (node_stat_name((enum node_stat_item)i))
			err = text_printf(sink, "%s %lu\n", node_stat_name((enum node_stat_item)i),
					  global_node_page_state((enum node_stat_item)i));
	if (!err)
		err = show_dirty_limits(sink);
	for (i = 0; !err && i < NR_VM_EVENT_ITEMS; i++) {
		if (!vm_event_name((enum vm_event_item)i) ||
		    (i >= PGALLOC_DMA && i <= PGALLOC_DEVICE && !zone_type_is_shown((enum zone_type)(i - PGALLOC_DMA))))
			continue;
		err = text_printf(sink, "%s %lu\n", vm_event_name((enum vm_event_item)i), global_vm_event((enum vm_event_item)i));
	}
	return err;
}
