/* SPDX-License-Identifier: MIT */
/*
 * phys_state.h - what this room keeps for a machine, in one struct that memblock allocates.
 *
 * Lock: each part's own, named at its field. Sleeps: never. Allocates: never.
 */
#ifndef PHYS_PHYS_STATE_H
#define PHYS_PHYS_STATE_H

#include "phys/pcp.h"
#include "phys/relief.h"
#include "phys/zone.h"
#include "sync/percpu.h"

enum poison {
	POISON_NEVER,
	POISON_SMALL,  /* of large runs a part only */
	POISON_ALWAYS,
};

struct phys_sysctl {                    /* (a) each a value of /proc/sys/vm                           */
	unsigned long min_free_kbytes;
	unsigned int watermark_scale_factor; /* in 1/10000 of a zone                                   */
	unsigned int watermark_boost_factor; /* in 1/10000 of the high watermark                       */
	unsigned int lowmem_reserve_ratio[MAX_NR_ZONES];
	unsigned int percpu_pagelist_high_fraction;
	unsigned int compact_memory;    /* 1: memory was compacted by hand                             */
	unsigned int dirty_ratio, dirty_background_ratio; /* per cent of what is dirtyable; 0: see bytes */
	unsigned long dirty_bytes, dirty_background_bytes; /* 0: see ratio                              */
	bool min_free_set;              /* a user chose min_free_kbytes                                */
};

struct phys_state {                     /* (c) constant after boot, but for what says otherwise       */
	struct pageblock *blocks;       /* by pfn >> PAGEBLOCK_ORDER                                   */
	u8 *columns;                    /* (a) by block: where its frames wait among the per-CPU lists */
	u32 nr_blocks;
	pfn_t max_pfn;                  /* one more than the last frame of RAM                         */
	placement_policy placement;     /* (a)                                                         */
	struct phys_cpu *cpu[QUIRE_MAX_CPUS];
	pg_data_t *nodes[QUIRE_MAX_NODES];
	u8 distance[QUIRE_MAX_NODES][QUIRE_MAX_NODES];
	pfn_t movable_start[QUIRE_MAX_NODES]; /* from here on a node's memory is ZONE_MOVABLE          */
	int only_node;                  /* NUMA_NO_NODE: there are several                            */
	bool movable_node;              /* so is all that can be taken out at run time                 */
	struct phys_sysctl sysctl;
	struct relief_ladder relief;
	void (*lru_release)(struct page **pages, unsigned long nr); /* takes pages off their LRU lists */
	compound_page_dtor *compound_dtor[NR_COMPOUND_DTORS]; /* (a) */
	int (*migrate)(pfn_t start, pfn_t end); /* moves movable pages out of a range                  */
	unsigned long totalram_pages;   /* (a) managed by all zones                                    */
	unsigned long totalreserve_pages; /* (a) kept back by reserves and high watermarks             */
	unsigned long bad_requests;     /* (a) requests that made no sense                             */
	unsigned long bad_lists;        /* (Z) of any zone: broken lists found, and made anew from the blocks */
	unsigned long bad_pages;        /* (a) frames quarantined after a broken check                 */
	u64 last_report_ns __aligned(8); /* (a) when a failed allocation was last reported              */
	enum poison poison;             /* (c) a freed frame is filled with a pattern, and checked when it is given */
	unsigned long fail_nth;         /* (a) so many requests until one fails on purpose; 0: none      */
	struct dev_pagemap *devices;    /* (a) memory of devices (device.c)                            */
	struct page_owner_state *owner; /* (c) page_owner=on                                           */
	struct account_section **accounts; /* (a) by pfn >> PFN_SECTION_SHIFT; NULL: there are no groups (account.h) */
};

/* Watermarks and reserves from the sysctls (and min_free_kbytes from the size of memory, unless a user chose it). */
void setup_min_free_kbytes(void);

static __always_inline struct phys_state *this_phys(void)
{
	return this_quire()->phys;
}

static __always_inline struct phys_cpu *this_phys_cpu(void)
{
	return this_quire()->phys->cpu[this_cpu()];
}

/* page_to_pfn(page) >> PAGEBLOCK_ORDER, by one shift. */
static __always_inline unsigned long page_block_number(const struct page *page)
{
	return ((uintptr_t)page - (uintptr_t)memmap_base()) / (sizeof(struct page) << PAGEBLOCK_ORDER);
}

/* Where a page's frame waits among the per-CPU lists. */
static __always_inline u8 page_column(const struct page *page)
{
	return hint_read(this_phys()->columns[page_block_number(page)]);
}

#endif
