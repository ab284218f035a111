/* SPDX-License-Identifier: MIT */
/*
 * dirty.h - how many pages may wait to be written, of the machine and of each node.
 *
 *	dirtyable: free above the reserves, and the cache of files, which can be dropped
 *	   |--------------------|--------------------|------------------------------------|
 *	   0        dirty_background_ratio       dirty_ratio                             all
 *	            writing begins               writers wait; requests with __GFP_WRITE look for another node
 *
 * A node's limit is the same share of what is dirtyable in the node. It spreads the load and refuses nothing: when all nodes are
 * over theirs, the second look at the zonelist does not ask.
 *
 * Locks: none, figures are added up while they change. Sleeps: never. Cost: O(zones + CPUs). Allocates: never.
 */
#ifndef PHYS_DIRTY_H
#define PHYS_DIRTY_H

#include "phys/zone.h"

/* Plain values, so that a test can enumerate the rule. */
struct dirty_limits {
	unsigned long ratio, background_ratio; /* per cent of what is dirtyable                    */
	unsigned long bytes, background_bytes; /* where not 0, these count, and the ratios do not  */
};
/* The thresholds for so many dirtyable pages; that of the background is always the lower one. */
void dirty_thresholds(const struct dirty_limits *limits, unsigned long dirtyable, unsigned long *background, unsigned long *dirty);
/* A node's part of it. `machine`: dirtyable pages of all nodes. */
unsigned long dirty_limit_of_node(const struct dirty_limits *limits, unsigned long dirtyable, unsigned long machine);

/* Pages that could be dirty, now. */
unsigned long node_dirtyable_memory(const pg_data_t *pgdat);
unsigned long global_dirtyable_memory(void);
/* The machine's, as /proc/vmstat shows them. */
void global_dirty_limits(unsigned long *background, unsigned long *dirty);
/* Is the node below its limit? */
bool node_dirty_ok(const pg_data_t *pgdat);

#endif
