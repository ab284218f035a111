/* SPDX-License-Identifier: MIT */
/* sync_state.c - makes the state of src/sync for a machine. */
#include "sync/sync_state.h"

#include "base/string.h"

size_t sync_state_bytes(unsigned int nr_cpus)
{
	return sizeof(struct sync_state) + percpu_bytes(struct rcu_cpu, nr_cpus);
}

void sync_init(void *mem, unsigned int nr_cpus)
{
	struct sync_state *sync = mem;

	QUIRE_ASSERT(IS_ALIGNED((uintptr_t)mem, CACHE_LINE_BYTES));
	memset(sync, 0, sync_state_bytes(nr_cpus));
	for (unsigned int i = 0; i < WAIT_BUCKETS; i++)
		init_waitqueue_head(&sync->buckets[i]);
	rcu_init(&sync->rcu, sync->rcu_cpus, nr_cpus);
	this_quire()->sync = sync;
	if (!QUIRE_HOST_MARKS_RCU)
		rcu_cpu_online(this_cpu());
}
