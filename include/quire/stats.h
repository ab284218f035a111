/* SPDX-License-Identifier: MIT */
/*
 * stats.h - figures of the whole machine, and the /proc texts made of them. Every figure is counted, none is guessed.
 *
 * Context: the renderers may sleep in the sink only; they hold no lock while they write.
 */
#ifndef QUIRE_STATS_H
#define QUIRE_STATS_H

#include "quire/types.h"

/* Events, shown in /proc/vmstat under Linux's names and in its order. Add here and to the name table of src/front/vmstat.c. */
enum vm_event_item {
	PGPGIN, PGPGOUT, PSWPIN, PSWPOUT,
	PGALLOC_DMA, PGALLOC_DMA32, PGALLOC_NORMAL, PGALLOC_HIGH, PGALLOC_MOVABLE, PGALLOC_DEVICE,
	PGFREE, PGACTIVATE, PGDEACTIVATE, PGLAZYFREE, PGFAULT, PGMAJFAULT, PGLAZYFREED, PGREUSE, OOM_KILL,
	PGMIGRATE_SUCCESS, PGMIGRATE_FAIL, COMPACTMIGRATE_SCANNED, COMPACTISOLATED,
	COMPACTSTALL, COMPACTFAIL, COMPACTSUCCESS, UNEVICTABLE_MLOCKED, UNEVICTABLE_MUNLOCKED,
	NR_TLB_REMOTE_FLUSH, NR_TLB_REMOTE_FLUSH_RECEIVED, NR_TLB_LOCAL_FLUSH_ALL, NR_TLB_LOCAL_FLUSH_ONE,
	DIRECT_MAP_SPLIT, PCP_DRAIN, PAGEBLOCK_STEAL,
	NR_VM_EVENT_ITEMS,
};

/* Page states: counted where the state changes, for the node that the page is of. Zone-wise ones are in struct zone. */
enum node_stat_item {
	NR_INACTIVE_ANON, NR_ACTIVE_ANON, NR_INACTIVE_FILE, NR_ACTIVE_FILE, NR_UNEVICTABLE,
	NR_SLAB_RECLAIMABLE, NR_SLAB_UNRECLAIMABLE, NR_ANON_MAPPED, NR_FILE_MAPPED, NR_FILE_PAGES, NR_FILE_DIRTY, NR_WRITEBACK,
	NR_SHMEM, NR_KERNEL_STACK_KB, NR_PAGETABLE, NR_VMALLOC_PAGES, NR_MLOCK,
	NR_NODE_STAT_ITEMS,
};

void count_vm_event(enum vm_event_item item);
void count_vm_events(enum vm_event_item item, long delta);
void mod_node_page_state(unsigned int nid, enum node_stat_item item, long delta);
unsigned long node_page_state(int nid, enum node_stat_item item);  /* added up, never negative */
unsigned long global_node_page_state(enum node_stat_item item); /* of all nodes */
unsigned long global_vm_event(enum vm_event_item item);

struct quire_sysinfo { /* pages */
	unsigned long totalram, freeram, sharedram, bufferram, cached, available, totalswap, freeswap, totalhigh, freehigh;
};
void quire_sysinfo(struct quire_sysinfo *info);

int quire_show_meminfo(struct text_sink *sink);
int quire_show_zoneinfo(struct text_sink *sink);
int quire_show_buddyinfo(struct text_sink *sink);
int quire_show_pagetypeinfo(struct text_sink *sink);
int quire_show_vmstat(struct text_sink *sink);
int quire_show_iomem(struct text_sink *sink);
int quire_show_slabinfo(struct text_sink *sink);
int quire_show_vmallocinfo(struct text_sink *sink);
/* Nodes by name of /sys/devices/system/node/{online,possible,has_memory,has_normal_memory,has_cpu}: "0-2". -ENOENT: no such file. */
int quire_show_nodes(const char *file, struct text_sink *sink);
/* nid's text of /sys/devices/system/node/nodeN/{meminfo,numastat,vmstat,cpulist,cpumap,distance}. -ENOENT: no such node or file. */
int quire_show_node(int nid, const char *file, struct text_sink *sink);
/* /proc/kpageflags, /proc/kpagecount: one u64 a frame in Linux's layout. */
u64 quire_kpageflags(pfn_t pfn);
u64 quire_kpagecount(pfn_t pfn);

/* debugfs' page_owner, one allocation a call: the first at frame *pos or above is written to buf (not zero-ended) and *pos set past
 * its first frame. Result: bytes; 0: there is none; -ENOMEM: `size` bytes are too few; -EINVAL: page_owner=on was not given. */
bool quire_page_owner_on(void);
long quire_page_owner_read(u64 *pos, char *buf, size_t size);

/* /proc/sys/vm/NAME: reads as text; writes parse and check. -ENOENT, -EINVAL, -ERANGE... Names: quire_sysctl_name(i), NULL at the end. */
const char *quire_sysctl_name(unsigned int i);
int quire_sysctl_read(const char *name, struct text_sink *sink);
int quire_sysctl_write(const char *name, const char *text, size_t len);

#endif
