/* SPDX-License-Identifier: MIT */
/* vmstat.c - counts, and adds up. */
#include "phys/vmstat.h"

#include "arch/cpu.h"
#include "phys/memblock.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "sync/percpu.h"

#define __no_sanitize_thread __attribute__((no_sanitize("thread")))

int vmstat_init(void)
{
	this_quire()->stat_cpu = memblock_alloc(percpu_bytes(struct stat_cpu, this_quire()->nr_cpus), CACHE_LINE_BYTES);
	return this_quire()->stat_cpu ? 0 : -ENOMEM;
}

void count_vm_event(enum vm_event_item item)
{
	cpu_local_add(&this_cpu_ptr(this_quire()->stat_cpu)->event[item], 1);
}

void count_vm_events(enum vm_event_item item, long delta)
{
	cpu_local_add(&this_cpu_ptr(this_quire()->stat_cpu)->event[item], delta);
}

void mod_node_page_state(unsigned int nid, enum node_stat_item item, long delta)
{
	cpu_local_add(&this_cpu_ptr(this_quire()->stat_cpu)->state[nid][item], delta);
}

static long state_sum(unsigned int nid, enum node_stat_item item)
{
	unsigned int cpu;
	long sum = 0;

	for_each_possible_cpu(cpu)
		sum += __atomic_load_n(&percpu_ptr(this_quire()->stat_cpu, cpu)->state[nid][item], __ATOMIC_RELAXED);
	return sum;
}

unsigned long node_page_state(int nid, enum node_stat_item item)
{
	long sum = state_sum((unsigned int)nid, item);

	return sum < 0 ? 0 : (unsigned long)sum;
}

unsigned long global_node_page_state(enum node_stat_item item)
{
	long sum = 0;
	int nid;

	for (nid = 0; nid < QUIRE_MAX_NODES; nid++)
		if (node_data(nid))
			sum += state_sum((unsigned int)nid, item);
	return sum < 0 ? 0 : (unsigned long)sum;
}

/* Frames given out of, or taken back into, a zone. The lists' counters are read while their CPUs change them with plain
 * adds: a sum that is a little old, which is all that a statistic of a running machine can be. */
__no_sanitize_thread static unsigned long zone_events(const struct zone *zone, bool freed)
{
	unsigned long sum = __atomic_load_n(freed ? &zone->nr_free_direct : &zone->nr_alloc_direct, __ATOMIC_RELAXED);
	unsigned int cpu, i;

	for (cpu = 0; zone->per_cpu_pageset && cpu < this_quire()->nr_cpus; cpu++)
		for (i = 0; i < NR_PCP_LISTS; i++) {
			const struct per_cpu_pages *pcp = zone->per_cpu_pageset[cpu];

			sum += (freed ? (unsigned long)hint_read(pcp->lists[i].nr_free) : pcp_nr_alloc(pcp, i)) << pcp->lists[i].order;
		}
	return sum;
}

unsigned long zone_nr_given(const struct zone *zone)
{
	return zone_events(zone, false);
}

/* The same for all zones of `type` (any: MAX_NR_ZONES). */
static unsigned long allocator_events(enum zone_type type, bool freed)
{
	unsigned long sum = 0;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id)
		if (type == MAX_NR_ZONES || zone_idx(zone) == type)
			sum += zone_events(zone, freed);
	return sum;
}

static unsigned long steals(void)
{
	unsigned long sum = 0;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id)
		sum += __atomic_load_n(&zone->nr_steals, __ATOMIC_RELAXED);
	return sum;
}

unsigned long global_vm_event(enum vm_event_item item)
{
	unsigned int cpu;
	long sum = 0;

	if (item >= PGALLOC_DMA && item <= PGALLOC_DEVICE)
		return allocator_events((enum zone_type)(item - PGALLOC_DMA), false);
	if (item == PGFREE)
		return allocator_events(MAX_NR_ZONES, true);
	if (item == PAGEBLOCK_STEAL)
		return steals();
	for_each_possible_cpu(cpu)
		sum += __atomic_load_n(&percpu_ptr(this_quire()->stat_cpu, cpu)->event[item], __ATOMIC_RELAXED);
	return (unsigned long)sum;
}

unsigned long zone_nr_free_pages(const struct zone *zone)
{
	return __atomic_load_n(&zone->nr_free, __ATOMIC_RELAXED) + zone_pcp_pages(zone);
}

unsigned long nr_free_pages(void)
{
	unsigned long sum = 0;
	struct zone *zone;
	unsigned int id;

	for_each_populated_zone(zone, id)
		sum += zone_nr_free_pages(zone);
	return sum;
}
