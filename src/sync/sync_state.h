/* SPDX-License-Identifier: MIT */
/*
 * sync_state.h - what this room keeps for a machine: RCU, page-wait buckets, warnings already
 * given.
 *
 * The memory comes from the caller of sync_init (front, from memblock): sync_state_bytes(nr_cpus).
 * Before sync_init spinlocks work; waiting, RCU and the once-marks do not.
 *
 * Lock: each part's own. Sleeps: never. Allocates: never.
 */
#ifndef SYNC_SYNC_STATE_H
#define SYNC_SYNC_STATE_H

#include "base/bitmap.h"
#include "sync/rcu.h"
#include "sync/wait.h"

/* log2 of the once-marks: a few hundred places in the source use them. */
#define WARNED_BITS 10

struct sync_state {
	DECLARE_BITMAP(warned, 1 << WARNED_BITS);	/* (a) */
	struct wait_queue_head buckets[WAIT_BUCKETS];
	struct rcu_state rcu;
	struct rcu_cpu rcu_cpus[];			/* (c) nr_cpus of them */
};

size_t sync_state_bytes(unsigned int nr_cpus);
/* Makes this_quire()->sync in `mem`, cache-line aligned. One CPU, before anything waits. */
void sync_init(void *mem, unsigned int nr_cpus);

#endif
