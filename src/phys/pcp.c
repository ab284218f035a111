/* SPDX-License-Identifier: MIT */
/* pcp.c - refill, overflow, drain and sizes of the per-CPU lists. */
#include "phys/pcp.h"

#include "base/string.h"
#include "phys/memblock.h"
#include "phys/page_alloc.h"
#include "phys/page_debug.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "quire/stats.h"

/* No page that is freed has all flags. */
static const struct per_cpu_pages no_lists = {.lists = {{.alloc_flags = ~0u}}};

/* Two CPUs without lists; all that tells them apart is why. */
const struct phys_cpu quire_slot_none = {
	.last = (struct pcp_list *)(uintptr_t)&no_lists.lists[0],
	.by_gfp = {[0 ... GFP_LIST_MASK] = (struct pcp_list *)(uintptr_t)&no_lists.lists[0]},
	.zone_pcp = {[0 ... QUIRE_MAX_NODES * 8 - 1] = (struct per_cpu_pages *)(uintptr_t)&no_lists},
};

const struct phys_cpu quire_slot_busy = {
	.last = (struct pcp_list *)(uintptr_t)&no_lists.lists[0],
	.by_gfp = {[0 ... GFP_LIST_MASK] = (struct pcp_list *)(uintptr_t)&no_lists.lists[0]},
	.zone_pcp = {[0 ... QUIRE_MAX_NODES * 8 - 1] = (struct per_cpu_pages *)(uintptr_t)&no_lists},
};

/* ---- sizes ---- */

struct pcp_size pcp_size_for(unsigned long managed_pages, unsigned int nr_cpus, unsigned int fraction)
{
	struct pcp_size size = {0, 0, 0};
	unsigned long share = managed_pages / nr_cpus;

	/* All CPUs' lists together must not hide a noticeable part of a zone: 1/64 each list, or the user's fraction. */
	share = fraction ? managed_pages / fraction / nr_cpus : share / 64;
	if (share < 16)
		return size;
	size.high_max = (unsigned int)rounddown_pow_of_two(min_t(unsigned long, share, 1ul << PCP_MAX_SHIFT));
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
	memory = (struct page **)(pcp + 1);
	for (i = 0; i < NR_PCP_LISTS; i++) {
		unsigned int order = i / NR_LIST_COLUMNS, column = i % NR_LIST_COLUMNS;

		order = order > PCP_MAX_SMALL_ORDER ? PAGEBLOCK_ORDER : order;
		init_list(&pcp->lists[i], zone, order, column, column == NO_LIST_COLUMN ? 0 : list_entries(order, size), &memory,
			  size->batch);
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
	u32 high = list->base ? list_entries(list->order, size) : 0;

	/* A list that may hold nothing still hands a batch on. */
	if (list->base)
		hint_write(list->high_max, (u16)clamp_t(u32, high, 1, list->capacity));
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
				update_list(&zone->per_cpu_pageset[cpu]->lists[i], &size);
		if (zone->per_cpu_pageset)
			zone->pageset_high = min(size.high_max, 1u << PCP_MAX_SHIFT);
	}
	/* A list takes its new bound when it is emptied. */
	drain_all_frames();
}

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

/* ---- refill ---- */

static unsigned int take_runs(struct zone *zone, unsigned int order, enum migratetype type, unsigned int alloc_flags,
			      u32 *pfns, unsigned int nr)
{
	unsigned int done = 0;

	while (done < nr) {
		u32 pfn = zone_take_run(zone, order, type, alloc_flags);

		if (pfn == PAGE_NO_PFN)
			break;
		pfns[done++] = pfn;
	}
	return done;
}

/* Moves a batch from the zone to an empty list, so that the lowest frame is given out first. */
static void refill(struct phys_cpu *cpu, struct pcp_list *list, enum migratetype type, unsigned int alloc_flags)
{
	struct zone *zone = zone_by_id(pcp_zone_id(list));
	unsigned int nr = min_t(u32, list->batch, pcp_high(list)), order = list->order;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	if (order)
		nr = take_runs(zone, order, type, alloc_flags, cpu->scratch, nr);
	else
		nr = zone_take_frames(zone, type, alloc_flags, cpu->scratch, nr);
	spin_unlock_irqrestore(&zone->lock, flags);
	hint_write(list->nr_refilled, list->nr_refilled + nr);
	while (nr) {
		struct page *page = pfn_to_page(cpu->scratch[--nr]);

		/* Whoever gets the page writes its struct page at once. */
		cpu_prefetchw(page);
		pcp_push(list, page);
	}
	list->misses += list->misses < 255;
}

/* Removes the `nr` entries that waited longest. */
static void drop_cold(struct pcp_list *list, unsigned int nr)
{
	memmove(list->base, list->base + nr, (pcp_count(list) - nr) * sizeof(*list->base));
	hint_write(list->sp, list->sp - nr);
}

struct page *pcp_alloc(struct zone *zone, unsigned int order, enum migratetype type, unsigned int alloc_flags)
{
	struct phys_cpu *cpu = this_phys_cpu();
	struct pcp_list *list = pcp_list_of(cpu->zone_pcp[zone->id], order, type);
	struct page *page = NULL;

	if (!list || !list->base || !pcp_enter(cpu))
		return NULL;
	if (!pcp_count(list))
		refill(cpu, list, type, alloc_flags);
	if (pcp_count(list) && alloc_flags & ALLOC_COLD) {
		page = list->base[0];
		drop_cold(list, 1);
	} else if (pcp_count(list)) {
		page = pcp_pop(list);
	}
	pcp_leave(cpu);
	return QUIRE_DEBUG && page && !page_debug_listed(page) ? NULL : page;
}

/* ---- overflow and drain ---- */

static void give_to_zone(struct zone *zone, const u32 *pfns, unsigned int nr, unsigned int order)
{
	unsigned long flags;

	if (!order) {
		zone_free_frames(zone, pfns, nr);
		return;
	}
	spin_lock_irqsave(&zone->lock, flags);
	while (nr)
		zone_free_run(zone, pfns[--nr], order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* Gives the `nr` coldest entries to the zone. */
static void drain_list(struct phys_cpu *cpu, struct pcp_list *list, unsigned int nr)
{
	unsigned int done = 0;

	while (done < nr) {
		unsigned int batch = min_t(unsigned int, nr - done, PCP_BATCH_MAX), i;

		for (i = 0; i < batch; i++)
			cpu->scratch[i] = (u32)page_to_pfn(list->base[done + i]);
		give_to_zone(zone_by_id(pcp_zone_id(list)), cpu->scratch, batch, list->order);
		done += batch;
	}
	drop_cold(list, nr);
	hint_write(list->nr_drained, list->nr_drained + nr);
}

static void overflow(struct phys_cpu *cpu, struct pcp_list *list)
{
	bool low = hint_read(zone_by_id(pcp_zone_id(list))->flags) & ZONE_BELOW_LOW;
	u32 high_max = hint_read(list->high_max), count = pcp_count(list), nr;
	u32 high = pcp_next_high(pcp_high(list), high_max, list->misses, low);

	list->misses = 0;
	if (high > pcp_high(list)) {
		pcp_set_high(list, high);
		return;
	}
	high = min_t(u32, max_t(u32, high, list->batch), high_max);
	/* Half of it, so that moving the rest down costs less than one entry for each that goes; more where the bound came down. */
	nr = max_t(u32, max_t(u32, list->batch, count / 2), count > high ? count - high / 2 : 0);
	drain_list(cpu, list, low ? count : min_t(u32, nr, count));
	pcp_set_high(list, high);
}

/* The list to put a run on, entered and with room; NULL: none. */
static struct pcp_list *enter_for_free(struct phys_cpu *cpu, struct zone *zone, unsigned int order, unsigned int column)
{
	struct pcp_list *list = pcp_list_of(cpu->zone_pcp[zone->id], order, column);

	if (!list || !list->base || !pcp_enter(cpu))
		return NULL;
	if (list->sp == list->limit)
		overflow(cpu, list);
	hint_write(list->nr_free, list->nr_free + 1);
	return list;
}

bool pcp_free(struct zone *zone, struct page *page, unsigned int order, unsigned int column)
{
	struct phys_cpu *cpu = this_phys_cpu();
	struct pcp_list *list = enter_for_free(cpu, zone, order, column);

	if (!list)
		return false;
	pcp_push(list, page);
	pcp_leave(cpu);
	return true;
}

bool pcp_free_cold(struct zone *zone, struct page *page, unsigned int order, unsigned int column)
{
	struct phys_cpu *cpu = this_phys_cpu();
	struct pcp_list *list = enter_for_free(cpu, zone, order, column);

	if (!list)
		return false;
	memmove(list->base + 1, list->base, pcp_count(list) * sizeof(*list->base));
	list->base[0] = page;
	hint_write(list->sp, list->sp + 1);
	pcp_leave(cpu);
	return true;
}

static unsigned long drain_pageset(struct phys_cpu *cpu, struct per_cpu_pages *pcp)
{
	unsigned long frames = 0;
	unsigned int i;

	for (i = 0; i < NR_PCP_LISTS; i++) {
		struct pcp_list *list = &pcp->lists[i];
		u32 nr = pcp_count(list);

		if (!list->base)
			continue;
		drain_list(cpu, list, nr);
		pcp_set_high(list, min_t(u32, clamp_t(u32, pcp_high(list), list->batch, 2u * list->batch), hint_read(list->high_max)));
		frames += (unsigned long)nr << list->order;
	}
	return frames;
}

unsigned long drain_local_pages(struct zone *zone)
{
	struct phys_cpu *cpu = this_phys_cpu();
	unsigned long frames = 0;
	unsigned int id;

	if (!pcp_enter(cpu)) {
		__atomic_fetch_or(&cpu->attention, ATTENTION_DRAIN, __ATOMIC_RELAXED);
		return 0;
	}
	__atomic_fetch_and(&cpu->attention, (u8)~ATTENTION_DRAIN, __ATOMIC_RELAXED);
	for (id = 0; id < ARRAY_SIZE(cpu->zone_pcp); id++)
		if (!zone || zone->id == id)
			frames += drain_pageset(cpu, cpu->zone_pcp[id]);
	pcp_leave(cpu);
	if (frames)
		count_vm_event(PCP_DRAIN);
	return frames;
}

static void drain_here(void *frames)
{
	__atomic_fetch_add((unsigned long *)frames, drain_local_pages(NULL), __ATOMIC_RELAXED);
}

unsigned long zone_pcp_pages(const struct zone *zone)
{
	unsigned long frames = 0;
	unsigned int cpu, i;

	if (!zone->per_cpu_pageset)
		return 0;
	for_each_possible_cpu(cpu)
		for (i = 0; i < NR_PCP_LISTS; i++) {
			const struct pcp_list *list = &zone->per_cpu_pageset[cpu]->lists[i];

			frames += (unsigned long)pcp_count(list) << list->order;
		}
	return frames;
}

/* CPUs whose lists are not empty. */
static struct quire_cpumask cpus_with_pages(void)
{
	struct quire_cpumask mask = {{0}};
	struct phys_state *phys = this_phys();
	unsigned int cpu, id, i;

	for_each_possible_cpu(cpu)
		for (id = 0; id < ARRAY_SIZE(phys->cpu[cpu]->zone_pcp); id++)
			for (i = 0; i < NR_PCP_LISTS; i++)
				if (pcp_count(&phys->cpu[cpu]->zone_pcp[id]->lists[i]))
					mask.bits[cpu / 64] |= 1ull << cpu % 64;
	return mask;
}

unsigned long drain_all_frames(void)
{
	const struct quire_port *port = this_quire()->port;
	struct quire_cpumask mask = cpus_with_pages();
	unsigned long frames = 0;
	unsigned int cpu;

	if (port->call_cpus && irqs_enabled()) {
		port->call_cpus(&mask, drain_here, &frames);
		return frames;
	}
	/* Without a way to call: ourselves now, the others at their next request. */
	for_each_possible_cpu(cpu)
		if (cpu != this_cpu() && mask.bits[cpu / 64] >> cpu % 64 & 1)
			__atomic_fetch_or(&this_phys()->cpu[cpu]->attention, ATTENTION_DRAIN, __ATOMIC_RELAXED);
	return drain_local_pages(NULL);
}

void drain_all_pages(void)
{
	might_sleep();
	drain_all_frames();
}
