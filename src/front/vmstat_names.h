/* SPDX-License-Identifier: MIT */
/*
 * vmstat_names.h - Linux's names of the counters, for /proc/vmstat, /proc/zoneinfo and the nodes' vmstat.
 *
 * A name is NULL where Linux shows no such counter. Locks: none. Sleeps: never. Allocates: never.
 */
#ifndef FRONT_VMSTAT_NAMES_H
#define FRONT_VMSTAT_NAMES_H

#include "quire/stats.h"

/* NULL: that one is not shown among the others. */
const char *node_stat_name(enum node_stat_item item);
const char *vm_event_name(enum vm_event_item item);

#endif
