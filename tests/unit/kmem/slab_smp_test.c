/* SPDX-License-Identifier: MIT */
/* slab_smp_test.c - one cache used by four CPUs that free each other's objects: on threads, under TSan, on the simulator. */
#include <stdlib.h>

#include "kmem/slab_int.h"
#include "sync/ctx.h"
#include "tap.h"
#include "tap_machine.h"

#define CPUS 4
#define SLOTS 64

struct churn {
	struct kmem_cache *cache;
	_Atomic(void *) exchange[SLOTS];
	unsigned int rounds;
	_Atomic unsigned long wrong;
};

/* Every CPU allocates, marks, swaps with what another left, checks and frees it: most frees are remote. */
static void churn(void *arg)
{
	struct churn *c = arg;
	unsigned int seed = this_cpu() + 1, i;

	for (i = 0; i < c->rounds; i++) {
		unsigned long *mine = kmem_cache_alloc(c->cache, GFP_KERNEL), *other;

		if (!mine)
			continue;
		mine[0] = (unsigned long)mine;
		mine[3] = ~(unsigned long)mine;
		other = atomic_exchange(&c->exchange[rand_r(&seed) % SLOTS], mine);
		if (!other)
			continue;
		if (other[0] != (unsigned long)other || other[3] != ~(unsigned long)other)
			atomic_fetch_add(&c->wrong, 1);
		kmem_cache_free(c->cache, other);
	}
}

static unsigned long cache_live(struct kmem_cache *cache)
{
	unsigned long live = cache->node[0].nr_objects - cache->node[0].nr_free;
	unsigned int i;

	for (i = 0; i < this_quire()->nr_cpus; i++)
		live -= cache->magazine[i]->avail;
	return live;
}

int main(void)
{
	const char *rounds = getenv("QUIRE_ROUNDS");
	struct hosted_machine *machine;
	struct churn c = { .rounds = rounds ? (unsigned int)atoi(rounds) : 4000 };
	unsigned int i;

	tap_plan(0);
	machine = tap_machine_config(&(struct hosted_config){ .mem_bytes = 64 << 20, .cpus = CPUS, .cmdline = "slab_debug=-" });
	c.cache = kmem_cache_create("churn", 4 * sizeof(long), 0, 0, NULL);
	tap_run(machine, CPUS, churn, &c);
	tap_is(atomic_load(&c.wrong), 0, "no object is given to two CPUs");
	for (i = 0; i < SLOTS; i++)
		kmem_cache_free(c.cache, atomic_load(&c.exchange[i]));
	tap_is(cache_live(c.cache), 0, "nothing is lost between four CPUs");
	tap_is(kmem_check(), 0, "and the invariants hold");
	kmem_cache_destroy(c.cache);
	tap_machine_end(machine);
	return tap_done();
}
