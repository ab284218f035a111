/* SPDX-License-Identifier: MIT */
/*
 * pcp.h - frames that one CPU keeps at hand, so that most requests touch nothing shared.
 *
 *	base (cold)                        sp (hot)     limit
 *	   v                                  v           v
 *	 [ 41 | 7 | 300 | 12 | ...    | 8 | 9 |           |      ]    a stack of pages for each order and mobility
 *	   `-> overflow goes to the zone    `- freed last, given out first: its lines are still in the cache
 *
 * A list holds orders 0 to 3 and 9 (huge pages). It refills by `batch`, and by more while frames only leave; at `limit`, which grows with the load up to the room
 * there is and shrinks when memory is short, its colder half goes to the zone.
 *
 * The short paths of page_alloc.c reach a CPU's lists through its slot (quire/ctx.h) and put quire_slot_busy there while they
 * change one. In that, and in quire_slot_none, all lists are empty and none has room: so a handler that comes in between
 * needs no test to be sent the long way, and neither does a CPU whose short paths are turned off.
 *
 * The short way back first tries the list that the last frame went to. That it is the right one is a comparison, which the
 * processor guesses; to find it by the page is four loads, each waiting for the one before.
 *
 * [C1] Only its own CPU touches a list, and only between pcp_enter and pcp_leave or while the slot is quire_slot_busy; a
 *      handler that comes then uses the zone instead. So the hot path has no atomic operation and leaves interrupts on.
 * [C2] base <= sp <= limit <= base + capacity.
 * [C3] Frames on a list are free ([P2]) and their bits in the page block are clear.
 *
 * Other CPUs ask for a drain through the port's call_cpus, or through `attention` (noticed at the next long way).
 * Lock: none for the lists; zone->lock for refill and overflow. Sleeps: never, but for drain_all_pages.
 */
#ifndef PHYS_PCP_H
#define PHYS_PCP_H

#include "phys/zone.h"

#define PCP_MAX_SMALL_ORDER 3
#define NR_PCP_ORDERS (PCP_MAX_SMALL_ORDER + 2)
#define NR_PCP_LISTS (NR_PCP_ORDERS * NR_LIST_COLUMNS)
/* Frames that a list asks its zone for. */
#define PCP_BATCH_MAX 63
/* log2 of the batches that move at once where the load is heavy: enough that CPUs seldom take the zone's lines from each other,
 * few enough that the lock is held for some microseconds. */
#define PCP_REFILL_SHIFT 2
#define PCP_MOVE_MAX (PCP_BATCH_MAX << PCP_REFILL_SHIFT)
/* log2 of the most entries of a list, in frames of order 0. */
#define PCP_MAX_SHIFT 9

/* The same when the user asks for more (percpu_pagelist_high_fraction): the stacks are then runs of the allocator's own. */
#define PCP_MAX_RAISED_SHIFT 15

/* Huge pages that a CPU keeps of a mobility: they are few and large, and serve two or three faults in a row. */
#define PCP_MAX_HUGE 4

struct pcp_list {                  /* (C) its CPU, as [C1] says                                       */
	struct page **sp;          /* (C) to write; racy reads are hints                              */
	struct page **base;        /* (C) the stack; NULL: no such list                               */
	struct page **limit;       /* (C) a list whose sp is here overflows                           */
	u32 alloc_flags;           /* (c) flags of a page given out from here: zone, node, owner      */
	u32 free_flags;            /* (c) and of one that waits here                                  */
	long nr_free;              /* (C) entries that were freed to it; racy reads are hints         */
	u16 capacity;              /* (C) entries that there is room for                              */
	u16 high_max;              /* (a) most entries that it may grow to                            */
	u8 batch;                  /* (c) entries that a refill takes                                 */
	u8 misses;                 /* (C) refills since the last overflow, 255: or more               */
	u8 order, column;          /* (c) its place: of these runs, from blocks of this kind          */
	unsigned long nr_refilled, nr_drained; /* (C) entries that came from and went to the zone; racy reads are hints */
} __aligned(64);
static_assert(sizeof(struct pcp_list) == 64 && PCP_BATCH_MAX <= 255, "a list's own words are one cache line");

struct per_cpu_pages {
	struct pcp_list lists[NR_PCP_LISTS];
	u32 moves;                 /* (C) of stacks, twice each: odd while one is under way           */
	struct {
		u16 at, capacity;  /* (c) of each list's first stack, behind this struct              */
	} boot[NR_PCP_LISTS];
};

enum phys_attention {
	ATTENTION_DRAIN = 1 << 0, /* another CPU wants the lists emptied                     */
	ATTENTION_CHECKS = 1 << 1, /* poison or page_owner is on: no short paths             */
};

struct phys_cpu {
	struct pcp_list *by_gfp[GFP_LIST_MASK + 1]; /* (c) order-0 list for the low bits of a gfp         */
	struct pcp_list *last;         /* (C) order-0 list that the last frame was freed to               */
	const u8 *columns;             /* (c) phys_state's                                                */
	struct per_cpu_pages *zone_pcp[QUIRE_MAX_NODES * 8]; /* (c) by node << 3 | zone; some are empty for ever */
	u8 busy;                       /* (C) the long way is changing the lists                      */
	u8 attention;                  /* (a) enum phys_attention                                     */
	u8 nid;                        /* (c) nearest node                                            */
	u32 scratch[PCP_MOVE_MAX]; /* (C) frames on their way                                    */
};

/* In a CPU's slot while a short path changes one of its lists. */
extern const struct phys_cpu quire_slot_busy;

/* The frames' zone: node << 3 | zone. */
static inline unsigned int pcp_zone_id(const struct pcp_list *list)
{
	return list->alloc_flags >> PAGE_ZONE_SHIFT;
}

/* Of a list of this CPU's; for others', pcp_view_of. */
static inline u32 pcp_count(const struct pcp_list *list)
{
	return (u32)(hint_read(list->sp) - hint_read(list->base));
}

/* Entries at which a list overflows. */
static inline u32 pcp_high(const struct pcp_list *list)
{
	return (u32)(hint_read(list->limit) - hint_read(list->base));
}

static inline void pcp_set_high(struct pcp_list *list, u32 high)
{
	hint_write(list->limit, list->base + high);
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

/* True: the caller has this CPU's lists until pcp_leave. False: what it interrupted has them. */
static inline bool pcp_enter(struct phys_cpu *cpu)
{
	if (cpu->busy || quire_host_slot() == &quire_slot_busy)
		return false;
	cpu->busy = 1;
	quire_host_slot_set((void *)(uintptr_t)&quire_slot_busy);
	barrier();
	return true;
}

static inline void pcp_leave(struct phys_cpu *cpu)
{
	barrier();
	quire_host_slot_set(hint_read(cpu->attention) & ATTENTION_CHECKS ? (void *)(uintptr_t)&quire_slot_none : cpu);
	cpu->busy = 0;
}

static inline void pcp_push(struct pcp_list *list, struct page *page)
{
	*list->sp = page;
	hint_write(list->sp, list->sp + 1);
}

static inline struct page *pcp_pop(struct pcp_list *list)
{
	hint_write(list->sp, list->sp - 1);
	return *list->sp;
}

/* ---- sizes, pure ---- */

struct pcp_size {
	unsigned int batch, high_max; /* frames of order 0              */
	unsigned int huge;            /* runs of order 9 that a list holds */
};
/* For a zone of that many managed frames on a machine of that many CPUs; high_max 0: too small for lists. */
struct pcp_size pcp_size_for(unsigned long managed_pages, unsigned int nr_cpus, unsigned int fraction);
/* The next `high` of a list that overflows at `high` after `misses` refills. */
u32 pcp_next_high(u32 high, u32 high_max, u32 misses, bool memory_low);

/* ---- room (pcp_size.c) ---- */

/* A larger stack for a list that this CPU has entered; false: there is no memory for it. */
bool pcp_make_room(struct pcp_list *list, u32 entries);
/* Back to the first stack, where the list's bound allows it. The list is entered, and empty. */
void pcp_forget_room(struct pcp_list *list);
/* A list of any CPU, while that one goes on. */
struct pcp_view {
	u32 count, high;
};
struct pcp_view pcp_view_of(const struct per_cpu_pages *pcp, unsigned int i);
/* Entries ever given out from it: what came in and is no longer there. So the hot path counts nothing for it. */
unsigned long pcp_nr_alloc(const struct per_cpu_pages *pcp, unsigned int i);

/* ---- lists of this CPU ---- */

/* Makes the lists of all possible CPUs. 0 or -ENOMEM. Context: boot. */
int pcp_init(void);
/* Gives all lists the bounds that the sysctl percpu_pagelist_high_fraction says (0: the default), and empties
 * them. May sleep. */
void pcp_update_high(void);
/* A run from this CPU's list of `zone`, refilled if needed. NULL: the zone has none, or the CPU is busy. */
struct page *pcp_alloc(struct zone *zone, unsigned int order, enum migratetype type, unsigned int alloc_flags);
/* Puts a run on this CPU's list for the block's column; false: it has none, or is busy. */
bool pcp_free(struct zone *zone, struct page *page, unsigned int order, unsigned int column);
/* The same at the cold end: a device or a long scan used the frame last. */
bool pcp_free_cold(struct zone *zone, struct page *page, unsigned int order, unsigned int column);
/* Empties this CPU's lists into their zones (of one zone, or NULL: all); frames. */
unsigned long drain_local_pages(struct zone *zone);
/* Frames on all CPUs' lists of a zone; a racy sum. */
unsigned long zone_pcp_pages(const struct zone *zone);

#endif
