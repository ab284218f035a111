/* SPDX-License-Identifier: MIT */
/*
 * pcp.h - frames that one CPU keeps at hand, so that most requests touch nothing shared.
 *
 *	bottom (cold)                          top (hot)
 *	   v                                      v
 *	 [ 41 | 7 | 300 | 12 | ...        | 8 | 9 ]       a ring of frame numbers for each order and mobility
 *	   `-> overflow goes to the zone          `-> freed last, given out first: its lines are still in the cache
 *
 * A list holds orders 0 to 3 and 9 (huge pages). It refills by `batch` and overflows at `high`, which grows with the load
 * up to the ring's size and shrinks when memory is short.
 *
 * [C1] Only its own CPU touches a list, and only while `busy` is set; a handler that finds it set uses the zone instead.
 *      So the hot path has no atomic operation and leaves interrupts on.
 * [C2] 0 <= top - bottom <= limit - bottom <= mask + 1 (unsigned arithmetic).
 * [C3] Frames on a list are free ([P2]) and their bits in the page block are clear.
 *
 * Other CPUs ask for a drain through `attention` (noticed at the next request) or the port's call_cpus.
 * Lock: none for the lists; zone->lock for refill and overflow. Sleeps: never, but for drain_all_pages.
 */
#ifndef PHYS_PCP_H
#define PHYS_PCP_H

#include "phys/zone.h"

#define PCP_MAX_SMALL_ORDER 3
#define NR_PCP_ORDERS (PCP_MAX_SMALL_ORDER + 2)
#define NR_PCP_LISTS (NR_PCP_ORDERS * NR_LIST_COLUMNS)
/* Frames moved between a list and its zone at once: enough to make the lock cheap, few enough not to hold it long. */
#define PCP_BATCH_MAX 63
/* log2 of the largest ring, in frames of order 0. */
#define PCP_RING_MAX_SHIFT 9

struct pcp_list {                  /* (C) its CPU, while busy                                         */
	u32 top, bottom;           /* (C) to write; racy reads are hints                              */
	u32 limit;                 /* (C) bottom + high: a list whose top is here overflows           */
	u32 mask;                  /* (c) ring entries less one                                       */
	u32 *ring;                 /* (c) NULL: no such list                                          */
	unsigned long nr_free;     /* (C) entries that were freed to it; racy reads are hints         */
	u32 page_flags;            /* (c) flags of a page given out from here: zone, node, owner      */
	u32 misses;                /* (C) refills since the last overflow                             */
	struct zone *zone;         /* (c)                                                             */
	u16 batch, order;          /* (c) entries moved at once                                       */
	unsigned long nr_refilled, nr_drained; /* (C) entries that came from and went to the zone      */
} __aligned(64);

struct per_cpu_pages {
	struct pcp_list lists[NR_PCP_LISTS];
};

enum phys_attention {
	ATTENTION_DRAIN = 1 << 0, /* another CPU wants the lists emptied                     */
	ATTENTION_CHECKS = 1 << 1, /* poison or page_owner is on: no short cuts              */
};

struct phys_cpu {
	union {
		struct {
			u8 busy;       /* (C) the lists are being changed                         */
			u8 attention;  /* (a) enum phys_attention                                 */
		};
		u16 blocked;           /* not zero: no fast path                                  */
	};
	u8 nid;                        /* (c) nearest node                                        */
	struct pcp_list *by_gfp[32];   /* (c) order-0 list for the low five bits of a gfp         */
	struct per_cpu_pages *zone_pcp[QUIRE_MAX_NODES * 8]; /* (c) by node << 3 | zone; some are empty for ever */
	u32 scratch[PCP_BATCH_MAX + 1]; /* (C) frames on their way                                */
};

static inline u32 pcp_count(const struct pcp_list *list)
{
	return __atomic_load_n(&list->top, __ATOMIC_RELAXED) - __atomic_load_n(&list->bottom, __ATOMIC_RELAXED);
}

/* Entries ever given out: what came in and is no longer there. So the hot path counts nothing for it. */
static inline unsigned long pcp_nr_alloc(const struct pcp_list *list)
{
	return list->nr_refilled + list->nr_free - list->nr_drained - pcp_count(list);
}

/* Entries at which a list overflows. */
static inline u32 pcp_high(const struct pcp_list *list)
{
	return list->limit - list->bottom;
}

static inline void pcp_set_high(struct pcp_list *list, u32 high)
{
	list->limit = list->bottom + high;
}

/* Place of an order among the lists; NR_PCP_ORDERS: none. */
static inline unsigned int pcp_slot(unsigned int order)
{
	if (order <= PCP_MAX_SMALL_ORDER)
		return order;
	return order == PAGEBLOCK_ORDER ? PCP_MAX_SMALL_ORDER + 1 : NR_PCP_ORDERS;
}

/* The list for `order` and a block's column, or NULL: that order has none. */
static inline struct pcp_list *pcp_list_of(struct per_cpu_pages *pcp, unsigned int order, unsigned int column)
{
	unsigned int slot = pcp_slot(order);

	return slot < NR_PCP_ORDERS ? &pcp->lists[slot * NR_LIST_COLUMNS + column] : NULL;
}

static __always_inline bool pcp_enter(struct phys_cpu *cpu)
{
	if (unlikely(__atomic_load_n(&cpu->busy, __ATOMIC_RELAXED)))
		return false;
	__atomic_store_n(&cpu->busy, 1, __ATOMIC_RELAXED);
	barrier();
	return true;
}

static __always_inline void pcp_leave(struct phys_cpu *cpu)
{
	barrier();
	__atomic_store_n(&cpu->busy, 0, __ATOMIC_RELAXED);
}

static __always_inline void pcp_push(struct pcp_list *list, u32 pfn)
{
	u32 top = list->top;

	list->ring[top & list->mask] = pfn;
	__atomic_store_n(&list->top, top + 1, __ATOMIC_RELAXED);
}

static __always_inline u32 pcp_pop(struct pcp_list *list)
{
	u32 top = list->top - 1;

	__atomic_store_n(&list->top, top, __ATOMIC_RELAXED);
	return list->ring[top & list->mask];
}

/* Takes the cold end. */
static inline u32 pcp_pop_cold(struct pcp_list *list)
{
	u32 bottom = list->bottom;

	__atomic_store_n(&list->bottom, bottom + 1, __ATOMIC_RELAXED);
	list->limit++;
	return list->ring[bottom & list->mask];
}

static inline void pcp_push_cold(struct pcp_list *list, u32 pfn)
{
	u32 bottom = list->bottom - 1;

	list->ring[bottom & list->mask] = pfn;
	__atomic_store_n(&list->bottom, bottom, __ATOMIC_RELAXED);
	list->limit--;
}

/* ---- sizes, pure ---- */

struct pcp_size {
	unsigned int batch, high_max; /* frames */
};
/* For a zone of that many managed frames on a machine of that many CPUs; high_max 0: too small for lists. */
struct pcp_size pcp_size_for(unsigned long managed_pages, unsigned int nr_cpus, unsigned int fraction);
/* The next `high` of a list that overflows at `high` after `misses` refills. */
u32 pcp_next_high(u32 high, u32 high_max, u32 misses, bool memory_low);

/* ---- lists of this CPU ---- */

/* Makes the lists of all possible CPUs. 0 or -ENOMEM. Context: boot. */
int pcp_init(void);
/* A frame run from this CPU's list of `zone`, refilled if needed. PAGE_NO_PFN: the zone has none, or the CPU is busy. */
u32 pcp_alloc(struct zone *zone, unsigned int order, enum migratetype type, unsigned int alloc_flags);
/* Puts a run on this CPU's list for the block's column; false: it has none, or is busy. */
bool pcp_free(struct zone *zone, u32 pfn, unsigned int order, unsigned int column);
/* The same at the cold end: a device or a long scan used the frame last. */
bool pcp_free_cold(struct zone *zone, u32 pfn, unsigned int order, unsigned int column);
/* Empties this CPU's lists into their zones (of one zone, or NULL: all); frames. */
unsigned long drain_local_pages(struct zone *zone);
/* Frames on all CPUs' lists of a zone; a racy sum. */
unsigned long zone_pcp_pages(const struct zone *zone);

#endif
