/* SPDX-License-Identifier: MIT */
/*
 * vmstat.h - counters of the machine: events, and page states by node, one set per CPU, added up when somebody asks.
 *
 * [V1] A CPU changes only its own set, by one instruction that an interrupt cannot split; a reader adds all sets.
 * [V2] A state's sum is the true figure whenever nothing changes; while something does it is off by what is in flight.
 *
 * Events of the page allocator itself are not counted here a second time: they are sums over its lists and zones.
 * Locks: none. Sleeps: never. Cost: one add. Allocates: at boot only.
 */
#ifndef PHYS_VMSTAT_H
#define PHYS_VMSTAT_H

#include "base/compiler.h"
#include "quire/config.h"
#include "quire/stats.h"

struct stat_cpu {
	long event[NR_VM_EVENT_ITEMS];
	long state[QUIRE_MAX_NODES][NR_NODE_STAT_ITEMS];
} __cacheline_aligned;

/* 0 or -ENOMEM. */
int vmstat_init(void);

/* Free frames of the machine: in page blocks and on per-CPU lists. */
unsigned long nr_free_pages(void);
struct zone;
unsigned long zone_nr_free_pages(const struct zone *zone);
/* Frames ever given out of a zone. */
unsigned long zone_nr_given(const struct zone *zone);

#endif
