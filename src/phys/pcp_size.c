/* SPDX-License-Identifier: MIT */
/* pcp_size.c - how much a CPU keeps of a zone: bounds from its size and the user's wish, and the room for it. */
#include "base/math.h"
#include "base/string.h"
#include "phys/memblock.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "quire/errno.h"

/* ---- sizes ---- */

struct pcp_size pcp_size_for(unsigned long managed_pages, unsigned int nr_cpus, unsigned int fraction)
{
	struct pcp_size size = {0, 0, 0};
	unsigned long share = managed_pages / nr_cpus;

	/* All CPUs' lists together must not hide a noticeable part of a zone: 1/64 each list, or the user's fraction. */
	share = fraction ? managed_pages / fraction / nr_cpus : share / 64;
	if (share < 16)
		return size;
	share = min_t(unsigned long, share, 1ul << (fraction ? PCP_MAX_RAISED_SHIFT : PCP_MAX_SHIFT));
	size.high_max = (unsigned int)rounddown_pow_of_two(share);
	size.huge = (unsigned int)min_t(unsigned long, share >> PAGEBLOCK_ORDER, PCP_MAX_HUGE);
	size.batch = clamp_t(unsigned int, size.high_max / 4, 4, PCP_BATCH_MAX);
	return size;
}

u32 pcp_next_high(u32 high, u32 high_max, u32 misses, bool memory_low)
{
	if (memory_low)
		return max_t(u32, high / 2, 1);
	/* A list that both overflows and runs dry is too short for the swing of the load. */
	return misses ? min_t(u32, 2 * high, high_max) : high;
}

/* Entries of an order's list. */
static unsigned int list_entries(unsigned int order, const struct pcp_size *size)
{
	return order == PAGEBLOCK_ORDER ? size->huge : size->high_max >> order;
}

/* ---- boot ---- */

static void init_list(struct pcp_list *list, struct zone *zone, unsigned int order, unsigned int column,
		      unsigned int entries, struct page ***memory, unsigned int batch)
{
	u32 place = (u32)zone->id << PAGE_ZONE_SHIFT;

	list->order = (u8)order;
	list->column = (u8)column;
	list->alloc_flags = (u32)PAGE_OWNER_KERNEL << PAGE_OWNER_SHIFT | place;
	list->free_flags = (u32)PAGE_OWNER_BUDDY << PAGE_OWNER_SHIFT | place;
	if (!entries)
		return;
	list->sp = list->base = *memory;
	list->capacity = list->high_max = (u16)entries;
	list->batch = (u8)max_t(unsigned int, batch >> order, 1);
	pcp_set_high(list, order == PAGEBLOCK_ORDER ? entries : min_t(u32, entries, 2u * list->batch));
	*memory += entries;
}

/* The stacks that a list has before anybody asks for more. */
static struct page **boot_stack(const struct per_cpu_pages *pcp, unsigned int i)
{
	return (struct page **)(uintptr_t)(pcp + 1) + pcp->boot[i].at;
}

static struct per_cpu_pages *make_pageset(struct zone *zone, const struct pcp_size *size)
{
	struct per_cpu_pages *pcp;
	unsigned int entries = 0, i;
	struct page **memory;

	for (i = 0; i < NR_PCP_ORDERS; i++)
		entries += MIGRATE_PCPTYPES * list_entries(i > PCP_MAX_SMALL_ORDER ? PAGEBLOCK_ORDER : i, size);
	pcp = memblock_alloc_node(sizeof(*pcp) + entries * sizeof(*memory), CACHE_LINE_BYTES, zone_to_nid(zone));
	if (!pcp)
		return NULL;
	memory = boot_stack(pcp, 0);
	for (i = 0; i < NR_PCP_LISTS; i++) {
		unsigned int order = i / NR_LIST_COLUMNS, column = i % NR_LIST_COLUMNS;

		pcp->boot[i].at = (u16)(memory - boot_stack(pcp, 0));
		order = order > PCP_MAX_SMALL_ORDER ? PAGEBLOCK_ORDER : order;
		init_list(&pcp->lists[i], zone, order, column, column == NO_LIST_COLUMN ? 0 : list_entries(order, size), &memory,
			  size->batch);
		pcp->boot[i].capacity = pcp->lists[i].capacity;
	}
	return pcp;
}

static int init_zone_lists(struct zone *zone, unsigned int nr_cpus)
{
	struct phys_state *phys = this_phys();
	struct pcp_size size = pcp_size_for(zone->present_pages, nr_cpus, phys->sysctl.percpu_pagelist_high_fraction);
	unsigned int cpu;

	zone->pageset_high = size.high_max;
	zone->pageset_batch = size.batch;
	if (!size.high_max)
		return 0;
	zone->per_cpu_pageset = memblock_alloc(nr_cpus * sizeof(void *), sizeof(void *));
	if (!zone->per_cpu_pageset)
		return -ENOMEM;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		zone->per_cpu_pageset[cpu] = make_pageset(zone, &size);
		if (!zone->per_cpu_pageset[cpu])
			return -ENOMEM;
		phys->cpu[cpu]->zone_pcp[zone->id] = zone->per_cpu_pageset[cpu];
	}
	return 0;
}

static void update_list(struct pcp_list *list, const struct pcp_size *size)
{
	u32 high = list_entries(list->order, size);

	/* A list that may hold nothing still hands on what comes. */
	hint_write(list->high_max, (u16)max_t(u32, high, 1));
}

void pcp_update_high(void)
{
	unsigned int nr_cpus = this_quire()->nr_cpus, fraction = hint_read(this_phys()->sysctl.percpu_pagelist_high_fraction);
	unsigned int cpu, id, i;
	struct zone *zone;

	for_each_populated_zone(zone, id) {
		struct pcp_size size = pcp_size_for(zone->present_pages, nr_cpus, fraction);

		for (cpu = 0; zone->per_cpu_pageset && cpu < nr_cpus; cpu++)
			for (i = 0; i < NR_PCP_LISTS; i++)
				if (zone->per_cpu_pageset[cpu]->boot[i].capacity)
					update_list(&zone->per_cpu_pageset[cpu]->lists[i], &size);
		if (zone->per_cpu_pageset)
			zone->pageset_high = size.high_max;
	}
	/* A list takes its new bound when it is emptied. */
	drain_all_frames();
}

/* ---- room for more ---- */

static struct per_cpu_pages *pageset_of(struct pcp_list *list)
{
	unsigned int i = pcp_slot(list->order) * NR_LIST_COLUMNS + list->column;

	return container_of(list - i, struct per_cpu_pages, lists[0]);
}

/* Moves what is on the list to another stack. With interrupts off, so that no handler here waits for its own CPU to be done. */
static void move_stack(struct pcp_list *list, struct page **stack, u32 capacity)
{
	struct per_cpu_pages *pcp = pageset_of(list);
	u32 count = pcp_count(list), high = min_t(u32, pcp_high(list), capacity);
	unsigned long flags = irq_save();

	memcpy(stack, list->base, count * sizeof(*stack));
	hint_write(pcp->moves, pcp->moves + 1);
	/* Release, both: pairs with the acquire loads of pcp_view_of(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	hint_write(list->base, stack);
	hint_write(list->sp, stack + count);
	list->capacity = (u16)capacity;
	pcp_set_high(list, high);
	__atomic_store_n(&pcp->moves, pcp->moves + 1, __ATOMIC_RELEASE);
	irq_restore(flags);
}

static void free_stack(struct per_cpu_pages *pcp, struct page **stack, u32 capacity, unsigned int i)
{
	if (stack != boot_stack(pcp, i))
		free_frozen_pages(virt_to_page(stack), order_of(capacity * sizeof(*stack), PAGE_SHIFT));
}

static bool give_stack(struct pcp_list *list, struct page **stack, u32 capacity)
{
	struct per_cpu_pages *pcp = pageset_of(list);
	struct page **old = list->base;
	u32 old_capacity = list->capacity;

	move_stack(list, stack, capacity);
	free_stack(pcp, old, old_capacity, (unsigned int)(list - pcp->lists));
	return true;
}

bool pcp_make_room(struct pcp_list *list, u32 entries)
{
	/* This CPU is at its lists, so that the request goes past them. */
	struct page *page = alloc_frozen_pages(__GFP_NOWARN | __GFP_NOMEMALLOC, order_of(entries * sizeof(*list->base), PAGE_SHIFT));

	return page && give_stack(list, page_address(page), entries);
}

void pcp_forget_room(struct pcp_list *list)
{
	struct per_cpu_pages *pcp = pageset_of(list);
	unsigned int i = (unsigned int)(list - pcp->lists);

	if (list->capacity > pcp->boot[i].capacity && hint_read(list->high_max) <= pcp->boot[i].capacity)
		give_stack(list, boot_stack(pcp, i), pcp->boot[i].capacity);
}

struct pcp_view pcp_view_of(const struct per_cpu_pages *pcp, unsigned int i)
{
	struct pcp_view view;
	u32 before;

	do {
		/* Acquire: pairs with the release of move_stack(). */
		before = __atomic_load_n(&pcp->moves, __ATOMIC_ACQUIRE);
		view.count = pcp_count(&pcp->lists[i]);
		view.high = pcp_high(&pcp->lists[i]);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (before & 1 || before != hint_read(pcp->moves));
	return view;
}

unsigned long pcp_nr_alloc(const struct per_cpu_pages *pcp, unsigned int i)
{
	const struct pcp_list *list = &pcp->lists[i];

	return hint_read(list->nr_refilled) + (unsigned long)hint_read(list->nr_free) - hint_read(list->nr_drained) -
	       pcp_view_of(pcp, i).count;
}

/* ---- every CPU ---- */

/* Combinations that mean nothing go the long way, which says so. */
static bool gfp_is_nonsense(gfp_t gfp)
{
	return request_nonsense(gfp, 0) != NULL;
}

/* The list that serves requests of order 0 with these low gfp bits at once: of the first zone that they may use. */
static struct pcp_list *list_for_gfp(struct phys_cpu *cpu, gfp_t gfp)
{
	struct zoneref *ref = node_data(cpu->nid)->node_zonelists[ZONELIST_FALLBACK];
	enum zone_type highest = gfp_zone(gfp);

	while (ref->zone && ref->zone_idx > highest)
		ref++;
	/* The cold end is for the long way, and a machine may have no such zone. */
	if (!ref->zone || gfp & __GFP_COLD || gfp_is_nonsense(gfp))
		return quire_slot_none.by_gfp[0];
	return &cpu->zone_pcp[ref->zone->id]->lists[gfp_migratetype(gfp)];
}

int pcp_init(void)
{
	struct phys_state *phys = this_phys();
	unsigned int nr_cpus = this_quire()->nr_cpus, cpu, id;
	struct zone *zone;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		phys->cpu[cpu]->last = quire_slot_none.last;
		phys->cpu[cpu]->columns = phys->columns;
		for (id = 0; id < ARRAY_SIZE(phys->cpu[cpu]->zone_pcp); id++)
			phys->cpu[cpu]->zone_pcp[id] = quire_slot_none.zone_pcp[0];
	}
	for_each_populated_zone(zone, id)
		if (init_zone_lists(zone, nr_cpus))
			return -ENOMEM;
	for (cpu = 0; cpu < nr_cpus; cpu++)
		for (gfp_t gfp = 0; gfp <= GFP_LIST_MASK; gfp++)
			phys->cpu[cpu]->by_gfp[gfp] = list_for_gfp(phys->cpu[cpu], gfp);
	return 0;
}
