/* SPDX-License-Identifier: MIT */
/* pcp.c - refill, overflow and drain of the per-CPU lists. */
#include "phys/pcp.h"

#include "base/string.h"
#include "phys/page_alloc.h"
#include "phys/page_debug.h"
#include "phys/phys_state.h"
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

/* Entries that an empty list asks for: a batch, and twice as many each time while frames only leave. */
static unsigned int refill_size(const struct pcp_list *list, const struct zone *zone)
{
	unsigned int shift = hint_read(zone->flags) & ZONE_BELOW_LOW ? 0 : min_t(unsigned int, list->misses, PCP_REFILL_SHIFT);

	return min_t(unsigned int, (unsigned int)list->batch << shift, pcp_high(list));
}

/* Moves them from the zone to the list, so that the lowest frame is given out first. */
static void refill(struct phys_cpu *cpu, struct pcp_list *list, enum migratetype type, unsigned int alloc_flags)
{
	struct zone *zone = zone_by_id(pcp_zone_id(list));
	unsigned int nr = refill_size(list, zone), order = list->order;
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
		unsigned int batch = min_t(unsigned int, nr - done, ARRAY_SIZE(cpu->scratch)), i;

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
	if (high > pcp_high(list) && (high <= list->capacity || pcp_make_room(list, high))) {
		pcp_set_high(list, high);
		return;
	}
	high = min_t(u32, clamp_t(u32, high, list->batch, list->capacity), high_max);
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
		list->misses = 0;
		pcp_forget_room(list);
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
			const struct per_cpu_pages *pcp = zone->per_cpu_pageset[cpu];

			frames += (unsigned long)pcp_view_of(pcp, i).count << pcp->lists[i].order;
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
				if (pcp_view_of(phys->cpu[cpu]->zone_pcp[id], i).count)
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
