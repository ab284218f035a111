/* SPDX-License-Identifier: MIT */
/*
 * slab_free.c - freeing: to this CPU's magazine, half of a full one to its slabs, empty slabs to the buddy.
 */
#include "kmem/slab_int.h"

#include "base/assert.h"
#include "base/string.h"
#include "phys/memmap.h"
#include "quire/port.h"
#include "sync/ctx.h"

/* Puts one object back under its node's lock. Returns the slab when it should go back to the buddy. */
static struct slab *node_put_locked(struct kmem_cache *cache, struct kmem_cache_node *node, struct slab *slab,
				    void *object)
{
	bool was_full = slab->inuse == slab->objects;

	slab_put(cache, slab, object);
	node->nr_free++;
	if (was_full)
		node_add_partial(node, slab);
	if (slab->inuse)
		return NULL;
	if (node->nr_empty < SLAB_KEEP_EMPTY) {
		node->nr_empty++;
		return NULL;
	}
	node->nr_empty++;
	node_remove_empty(node, slab);
	return slab;
}

static void slab_discard_rcu(struct rcu_head *head)
{
	struct slab *slab = container_of(head, struct slab, rcu);

	slab_discard(slab->cache, slab);
}

/* A type-safe cache's slab may still be read: it goes back after a grace period. */
void slab_release(struct kmem_cache *cache, struct slab *slab)
{
	QUIRE_ASSERT(slab->inuse == 0);
	if (cache->flags & SLAB_TYPESAFE_BY_RCU)
		call_rcu(&slab->rcu, slab_discard_rcu);
	else
		slab_discard(cache, slab);
}

/* Objects of one CPU often come from few slabs; the lock is kept while the node stays the same. */
static void nodes_put(struct kmem_cache *cache, unsigned int nr, void **objects)
{
	struct kmem_cache_node *locked = NULL;
	unsigned long flags = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct slab *slab = slab_of(objects[i]), *empty;
		struct kmem_cache_node *node = kmem_node_of(cache, slab);

		if (node != locked) {
			if (locked)
				spin_unlock_irqrestore(&locked->lock, flags);
			spin_lock_irqsave(&node->lock, flags);
			locked = node;
		}
		empty = node_put_locked(cache, node, slab, objects[i]);
		if (empty) {
			spin_unlock_irqrestore(&locked->lock, flags);
			locked = NULL;
			slab_release(cache, empty);
		}
	}
	if (locked)
		spin_unlock_irqrestore(&locked->lock, flags);
}

static __noinline void kmem_cache_free_slow(struct kmem_cache *cache, void *object)
{
	struct kmem_magazine *mag;
	unsigned int half;

	cpu_pin();
	mag = cache->magazine[this_cpu()];
	if (mag->busy) {
		nodes_put(cache, 1, &object);
		cpu_unpin();
		return;
	}
	WRITE_ONCE(mag->busy, 1);
	barrier();
	/* The oldest half goes: what was freed last is warm and is given out next. */
	half = (mag->capacity + 1u) / 2;
	nodes_put(cache, half, mag->objects);
	mag->avail = (u16)(mag->avail - half);
	memmove(mag->objects, mag->objects + half, mag->avail * sizeof(void *));
	mag->objects[mag->avail++] = object;
	barrier();
	WRITE_ONCE(mag->busy, 0);
	cpu_unpin();
}

static __always_inline void free_object(struct kmem_cache *cache, void *object)
{
	struct kmem_magazine *mag;

	cpu_pin();
	mag = cache->magazine[this_cpu()];
	if (likely(!mag->busy && mag->avail < mag->capacity)) {
		WRITE_ONCE(mag->busy, 1);
		barrier();
		mag->objects[mag->avail++] = object;
		barrier();
		WRITE_ONCE(mag->busy, 0);
		cpu_unpin();
		return;
	}
	cpu_unpin();
	kmem_cache_free_slow(cache, object);
}

void kmem_cache_free_from(struct kmem_cache *cache, void *object, unsigned long ip)
{
	if (unlikely(cache->flags & SLAB_DEBUG_FLAGS) && !slab_debug_free(cache, object, ip))
		return;
	free_object(cache, object);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	if (likely(object))
		kmem_cache_free_from(cache, object, (unsigned long)__builtin_return_address(0));
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **objects)
{
	size_t i;

	for (i = 0; i < nr; i++)
		kmem_cache_free(cache, objects[i]);
}

/* ---- emptying magazines ---- */

struct flush {
	struct kmem_cache *cache;
	_Atomic u8 seen[QUIRE_MAX_CPUS];
};

static void magazine_flush(struct kmem_cache *cache, struct kmem_magazine *mag)
{
	/* Busy: an interrupted allocation on this CPU; what it holds stays. */
	if (mag->busy)
		return;
	WRITE_ONCE(mag->busy, 1);
	barrier();
	nodes_put(cache, mag->avail, mag->objects);
	mag->avail = 0;
	barrier();
	WRITE_ONCE(mag->busy, 0);
}

static void flush_own(void *arg)
{
	struct flush *flush = arg;

	magazine_flush(flush->cache, flush->cache->magazine[this_cpu()]);
	/* Relaxed: call_cpus orders it before its return. */
	atomic_store_explicit(&flush->seen[this_cpu()], 1, memory_order_relaxed);
}

/* A CPU that does not answer is offline and stays so while this runs: its magazine is nobody's. */
void kmem_cache_flush(struct kmem_cache *cache)
{
	const struct quire_port *port = this_quire()->port;
	struct quire_cpumask all = { { 0 } };
	struct flush flush = { .cache = cache };
	unsigned int cpu, nr = this_quire()->nr_cpus;

	for (cpu = 0; cpu < nr; cpu++)
		if (READ_ONCE(cache->magazine[cpu]->avail))
			all.bits[cpu / 64] |= 1ull << (cpu % 64);
	if (port->call_cpus) {
		port->call_cpus(&all, flush_own, &flush);
	} else {
		cpu_pin();
		flush_own(&flush);
		cpu_unpin();
	}
	for (cpu = 0; cpu < nr; cpu++)
		if (all.bits[cpu / 64] >> (cpu % 64) & 1 &&
		    !atomic_load_explicit(&flush.seen[cpu], memory_order_relaxed))
			magazine_flush(cache, cache->magazine[cpu]);
}
