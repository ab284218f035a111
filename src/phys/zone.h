/* SPDX-License-Identifier: MIT */
/*
 * zone.h - nodes and zones: which memory is near, which memory can be reached by what, and how much of it is kept back.
 *
 *	node 0   | DMA | DMA32 .............. | NORMAL .................................. |   by address
 *	node 1   |                             | NORMAL ................ | MOVABLE ....... |
 *
 *	zonelist of node 0 for NORMAL: 0.NORMAL 0.DMA32 0.DMA 1.NORMAL     near before far, then high before low
 *
 *	free pages of a zone   0 ---- min ---- low ---- high ----
 *	                       reserve    |        |        `- kswapd goes back to sleep
 *	                                  |        `- kswapd is woken
 *	                                  `- requests run the relief ladder themselves
 *
 * [Z1] nr_free is the sum of the nr_free of the zone's page blocks (so: without the per-CPU lists).
 * [Z2] start_pfn .. start_pfn + spanned covers all frames of the zone; present counts those that are RAM, managed those
 *      that were given to the allocator: spanned >= present >= managed.
 * [Z3] A page block belongs to one zone: zone borders are rounded to blocks.
 * [Z4] A block with free frames is on exactly the list that block_key() names; the offer's bits tell which lists are
 *      not empty.
 *
 * Lock: zone->lock, with IRQs off. Sleeps: never. Allocates: at boot only.
 */
#ifndef PHYS_ZONE_H
#define PHYS_ZONE_H

#include "phys/memmap.h"
#include "phys/pageblock.h"
#include "sync/spinlock.h"

enum zone_type {
	ZONE_DMA,     /* below 16 MiB: devices on the ISA bus             */
	ZONE_DMA32,   /* below 4 GiB: devices with 32 address bits        */
	ZONE_NORMAL,
	ZONE_HIGHMEM, /* 32-bit: not in the direct map                    */
	ZONE_MOVABLE, /* only pages that can be moved away                */
	ZONE_DEVICE,  /* a device's own memory, with struct pages         */
	MAX_NR_ZONES,
};

enum zone_watermarks { WMARK_MIN, WMARK_LOW, WMARK_HIGH, WMARK_PROMO, NR_WMARK };

enum zone_stat_item { /* free frames in blocks of the types from MIGRATE_PCPTYPES on */
	NR_ZONE_FREE_HIGHATOMIC,
	NR_ZONE_FREE_CMA,
	NR_ZONE_FREE_ISOLATED,
	NR_ZONE_STAT_ITEMS,
};

enum zone_flags {
	ZONE_BELOW_LOW = 1 << 0,   /* the low watermark was crossed; cleared when high is reached */
	ZONE_BOOSTED = 1 << 1,     /* a block was stolen: reclaim a little more                   */
};

#define NO_BLOCK 0xffffffffu

/* Blocks whose largest free run has this order, by mobility and fullness. Orders 9 and 10: wholly free blocks. */
struct free_area {
	u32 free_list[MIGRATE_TYPES][NR_FULLNESS];
};

struct pglist_data;
struct per_cpu_pages;

struct zone {                               /* (Z) zone->lock  (a) atomic  (c) constant after boot        */
	unsigned long _watermark[NR_WMARK]; /* (a) pages, without boost                                   */
	unsigned long watermark_boost;      /* (a) pages                                                  */
	unsigned long nr_reserved_highatomic; /* (Z) pages in HIGHATOMIC blocks                           */
	unsigned long lowmem_reserve[MAX_NR_ZONES]; /* (a) pages kept from requests that could go higher  */
	struct pglist_data *zone_pgdat;     /* (c)                                                        */
	struct per_cpu_pages **per_cpu_pageset; /* (c) by CPU, NULL: the zone is too small for them       */
	unsigned int pageset_high, pageset_batch; /* (c) pages                                            */
	pfn_t zone_start_pfn;               /* (c)                                                        */
	unsigned long spanned_pages;        /* (c)                                                        */
	unsigned long present_pages;        /* (c)                                                        */
	unsigned long managed_pages;        /* (Z) to write                                               */
	const char *name;                   /* (c)                                                        */
	u8 id;                              /* (c) node << 3 | zone type                                  */
	u8 flags;                           /* (a) ZONE_*                                                 */
	unsigned long nr_isolate_pageblock; /* (Z)                                                        */

	spinlock_t lock __cacheline_aligned; /* LOCK_ZONE                                                 */
	unsigned long nr_free;              /* (Z) to write; racy reads are hints                         */
	long vm_stat[NR_ZONE_STAT_ITEMS];   /* (Z)                                                        */
	struct offer offer[MIGRATE_TYPES];  /* (Z)                                                        */
	struct free_area free_area[NR_ORDERS]; /* (Z)                                                     */
	unsigned long nr_alloc_direct, nr_free_direct; /* (Z) frames that went past the per-CPU lists     */
	unsigned long nr_steals;            /* (Z) blocks that changed their type for an allocation       */
};

struct zoneref {
	struct zone *zone;
	u8 zone_idx;
};

enum { ZONELIST_FALLBACK, ZONELIST_NOFALLBACK, MAX_ZONELISTS };

typedef struct pglist_data {
	struct zone node_zones[MAX_NR_ZONES];
	struct zoneref *node_zonelists[MAX_ZONELISTS]; /* (c) zones to try in order, ended by zone NULL */
	int node_id;                        /* (c) */
	pfn_t node_start_pfn;               /* (c) */
	unsigned long node_present_pages, node_spanned_pages; /* (c) */
	unsigned long totalreserve_pages;   /* (a) its part of phys_state's */
	unsigned long numa_miss, numa_foreign, interleave_hit; /* (a) frames that were wanted elsewhere; the rest are hits */
	void *lruvec;                       /* the object floor's LRU lists */
} pg_data_t;

static inline enum zone_type zone_idx(const struct zone *zone)
{
	return (enum zone_type)(zone->id & 7);
}

static inline int zone_to_nid(const struct zone *zone)
{
	return zone->id >> 3;
}

static inline bool populated_zone(const struct zone *zone)
{
	return zone->present_pages != 0;
}

static inline bool managed_zone(const struct zone *zone)
{
	return hint_read(zone->managed_pages) != 0;
}

static inline pfn_t zone_end_pfn(const struct zone *zone)
{
	return zone->zone_start_pfn + zone->spanned_pages;
}

static inline unsigned long wmark_pages(const struct zone *zone, enum zone_watermarks which)
{
	return hint_read(zone->_watermark[which]) + hint_read(zone->watermark_boost);
}

/* Machines of this kind can have such a zone: no high memory where all is in the direct map, no DMA32 where that ends below. */
static inline bool zone_type_is_shown(enum zone_type type)
{
	if (type == ZONE_DMA32)
		return ARCH_ZONE_DMA32_END > ARCH_ZONE_DMA_END;
	return type != ZONE_HIGHMEM || ARCH_HAS_HIGHMEM;
}

/* The highest zone that a request may use. Nonsense combinations get the lowest zone named. */
static inline enum zone_type gfp_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return zone_type_is_shown(ZONE_DMA32) ? ZONE_DMA32 : ZONE_NORMAL;
	if ((gfp & (__GFP_HIGHMEM | __GFP_MOVABLE)) == (__GFP_HIGHMEM | __GFP_MOVABLE))
		return ZONE_MOVABLE;
	return gfp & __GFP_HIGHMEM ? ZONE_HIGHMEM : ZONE_NORMAL;
}

pg_data_t *node_data(int nid);
struct zone *zone_by_id(unsigned int id);
const char *zone_type_name(enum zone_type type);
/* The node that has all memory; NUMA_NO_NODE: there are several. */
int only_node(void);

#define for_each_online_pgdat(pgdat, nid) \
	for ((nid) = 0; (nid) < QUIRE_MAX_NODES; (nid)++) \
		if (((pgdat) = node_data(nid)) != NULL)

/* All zones with memory, by node. `id` runs over node << 3 | zone. */
#define for_each_populated_zone(zone, id) \
	for ((id) = 0; (id) < QUIRE_MAX_NODES * 8; (id)++) \
		if (((zone) = zone_by_id(id)) != NULL && populated_zone(zone))

/* ---- boot (zone_init.c) ---- */

/* Makes nodes and zones from memblock. 0 or -ENOMEM. */
int free_area_init(void);
/* Orders every node's zonelists by distance. 0 or -ENOMEM. */
int build_all_zonelists(void);
int node_distance(int from, int to);

/* ---- watermarks (watermark.c) ---- */

enum alloc_flags {
	ALLOC_WMARK_MIN = WMARK_MIN,
	ALLOC_WMARK_LOW = WMARK_LOW,
	ALLOC_WMARK_HIGH = WMARK_HIGH,
	ALLOC_WMARK_MASK = 3,
	ALLOC_NO_WATERMARKS = 1 << 2, /* everything there is                                   */
	ALLOC_OOM = 1 << 3,           /* is being killed: half of the reserve                  */
	ALLOC_NON_BLOCK = 1 << 4,     /* cannot wait: a quarter of the reserve                 */
	ALLOC_MIN_RESERVE = 1 << 5,   /* __GFP_HIGH: half of the reserve                       */
	ALLOC_HIGHATOMIC = 1 << 6,    /* may use the HIGHATOMIC blocks                         */
	ALLOC_CMA = 1 << 7,           /* may use the CMA blocks                                */
	ALLOC_KSWAPD = 1 << 8,        /* wake kswapd                                           */
	ALLOC_COLD = 1 << 9,          /* take the cold end                                     */
};
/* Any of them opens the HIGHATOMIC blocks, the first at once, the others when there is nothing else. */
#define ALLOC_HIGHATOMIC_BLOCKS (ALLOC_HIGHATOMIC | ALLOC_OOM | ALLOC_NON_BLOCK | ALLOC_NO_WATERMARKS)

/* Plain values of a zone, so that a test can enumerate the rule. */
struct watermark_view {
	unsigned long free, reserve, highatomic, cma, isolated; /* pages; free includes the last three */
	bool has_run;                                 /* a large enough run is there */
};
/* May a request of `order` take from a zone with these values and watermark `mark`? */
bool watermark_ok(const struct watermark_view *view, unsigned int order, unsigned long mark, unsigned int alloc_flags);

bool zone_watermark_ok(struct zone *zone, unsigned int order, unsigned long mark, enum zone_type highest,
		       unsigned int alloc_flags);
/* Sets min, low, high and the reserves of all zones from the sysctls. */
void setup_per_zone_wmarks(void);
void setup_per_zone_lowmem_reserve(void);
/* The default of min_free_kbytes for this much low memory. */
unsigned long default_min_free_kbytes(unsigned long lowmem_kbytes);
/* Pages of zones up to NORMAL above their high watermark. */
unsigned long nr_free_buffer_pages(void);
void boost_watermark(struct zone *zone);

/* ---- blocks of a zone (zone_blocks.c); all under zone->lock ---- */

struct pageblock *pfn_to_block(pfn_t pfn);
struct pageblock *block_at(u32 number);
u32 block_number(const struct pageblock *block);

static inline pfn_t block_start_pfn(const struct pageblock *block)
{
	return (pfn_t)block_number(block) << PAGEBLOCK_ORDER;
}

/* Changes what a block is for, and where its frames wait; for a block that is on no list. */
void block_set_type(struct pageblock *block, enum migratetype type);
void zone_init_lists(struct zone *zone);
/* Puts a block where its free frames say; call it after each change of them. */
void zone_file_block(struct zone *zone, struct pageblock *block);
void zone_set_block_type(struct zone *zone, struct pageblock *block, enum migratetype type);
/* Frees a run of any order up to MAX_ORDER. */
void zone_free_run(struct zone *zone, pfn_t pfn, unsigned int order);
/* Frees `nr` frames; fewer lock operations and counter updates than one by one. Takes the lock itself. */
void zone_free_frames(struct zone *zone, const u32 *pfns, unsigned int nr);
/* Takes a run of exactly `order`, from type `type`, or another by the fallback rules. PAGE_NO_PFN: none. */
u32 zone_take_run(struct zone *zone, unsigned int order, enum migratetype type, unsigned int alloc_flags);
/* Takes up to `nr` frames of type `type` into pfns[]; how many. */
unsigned int zone_take_frames(struct zone *zone, enum migratetype type, unsigned int alloc_flags, u32 *pfns,
			      unsigned int nr);
/* Takes the frames [start, end), which are all free and in the zone. */
void zone_take_range(struct zone *zone, pfn_t start, pfn_t end);
/* Is there a run of `order` that a request with these flags may take? */
bool zone_has_run(const struct zone *zone, unsigned int order, unsigned int alloc_flags);
/* Free runs of each order in blocks of a type (MIGRATE_TYPES: of all). Takes the lock, in pieces. */
void zone_count_runs(struct zone *zone, enum migratetype type, unsigned long runs[NR_ORDERS]);
/* Writes the struct pages of a block that nobody has used yet. */
void block_unraw(struct zone *zone, struct pageblock *block);

#endif
