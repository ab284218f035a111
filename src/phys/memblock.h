/* SPDX-License-Identifier: MIT */
/*
 * memblock.h - the allocator of boot: which physical memory there is, and which of it is taken.
 *
 *	memory    [##########]          [##########################]     what the firmware's map gave
 *	reserved  [##]   [#]            [###]              [###]         image, initrd, boot allocations
 *	free         [###] [#]               [#############]   [###]     the difference, handed to the buddy at last
 *
 * Both sets are arrays of regions. Small ones live in the struct; a full one doubles into memory that it allocates
 * from itself.
 *
 * [E1] Regions of a set are sorted by base and do not overlap.
 * [E2] Neighbours that touch and agree in node and flags are one region.
 * [E3] total_size is the sum of the regions' sizes.
 *
 * Locks: none; boot runs on one CPU. Sleeps: never. Cost: O(regions). Fails: -ENOMEM when an array cannot grow, 0 as
 * the address of a failed allocation (frame 0 is never given out).
 */
#ifndef PHYS_MEMBLOCK_H
#define PHYS_MEMBLOCK_H

#include "quire/types.h"

enum memblock_flags {
	MEMBLOCK_NONE = 0,
	MEMBLOCK_HOTPLUG = 1, /* may be taken away at run time: a home for movable pages only */
	MEMBLOCK_MIRROR = 2,
	MEMBLOCK_NOMAP = 4,   /* not in the direct map, never handed to the buddy            */
};

struct memblock_region {
	paddr_t base, size;   /* bytes */
	u32 flags;
	int nid;
};

struct memblock_type {
	struct memblock_region *regions;
	unsigned int cnt, max;
	paddr_t total_size;
	const char *name;
};

/* Regions before an array must grow: firmware maps have a dozen, boot reserves as many. */
#define INIT_MEMBLOCK_REGIONS 32

struct memblock {
	bool bottom_up;        /* direction of searches                            */
	bool debug;            /* memblock=debug: log every change                 */
	bool can_resize;       /* the direct map reaches what an array would need  */
	paddr_t current_limit; /* allocations end at or below it                   */
	struct memblock_type memory, reserved;
	struct memblock_region memory_init[INIT_MEMBLOCK_REGIONS];
	struct memblock_region reserved_init[INIT_MEMBLOCK_REGIONS];
};

#define MEMBLOCK_ALLOC_ANYWHERE (~(paddr_t)0)

/* Makes `mb` this machine's memblock, empty. */
void memblock_init(struct memblock *mb);

int memblock_add(paddr_t base, paddr_t size);
int memblock_add_node(paddr_t base, paddr_t size, int nid, u32 flags);
int memblock_remove(paddr_t base, paddr_t size);
int memblock_reserve(paddr_t base, paddr_t size);
/* Takes a reservation back. */
int memblock_phys_free(paddr_t base, paddr_t size);
int memblock_set_node(paddr_t base, paddr_t size, int nid);
int memblock_mark(paddr_t base, paddr_t size, u32 flag);
/* Removes memory at and above `limit` (the meaning that mem= has). */
void memblock_cap(paddr_t limit);

/* `size` bytes aligned to `align` within [start, end) on `nid` (NUMA_NO_NODE: any), reserved. 0: none. */
paddr_t memblock_phys_alloc_range(paddr_t size, paddr_t align, paddr_t start, paddr_t end, int nid);
paddr_t memblock_phys_alloc(paddr_t size, paddr_t align);
/* Prefers `nid`, takes any node when it has none. */
paddr_t memblock_phys_alloc_try_nid(paddr_t size, paddr_t align, int nid);
/* As above, zeroed, by its address in the direct map. NULL: none. */
void *memblock_alloc(size_t size, size_t align);
void *memblock_alloc_node(size_t size, size_t align, int nid);

paddr_t memblock_phys_mem_size(void);
paddr_t memblock_reserved_size(void);
paddr_t memblock_start_of_DRAM(void);
paddr_t memblock_end_of_DRAM(void);
bool memblock_is_memory(paddr_t addr);
bool memblock_is_reserved(paddr_t addr);
void memblock_dump_all(void);

/* The lowest free range that starts or goes on at or above *pos; advances *pos to its end. False: no more. */
bool memblock_next_free(paddr_t *pos, paddr_t *start, paddr_t *end, int *nid);

#define for_each_free_mem_range(pos, start, end, nid) \
	for ((pos) = 0; memblock_next_free(&(pos), start, end, nid); )

#define for_each_mem_region(region) \
	for ((region) = this_quire()->memblock->memory.regions; \
	     (region) < this_quire()->memblock->memory.regions + this_quire()->memblock->memory.cnt; (region)++)

#define for_each_reserved_region(region) \
	for ((region) = this_quire()->memblock->reserved.regions; \
	     (region) < this_quire()->memblock->reserved.regions + this_quire()->memblock->reserved.cnt; (region)++)

#endif
