/* SPDX-License-Identifier: MIT */
/*
 * slab_int.h - the inside of a cache: per-CPU magazines in front of slabs of pages.
 *
 *      kmem_cache_alloc                      kmem_cache_free
 *            |   magazine of this CPU:  [ o o o o . . . . ]   |      no lock, no atomic
 *            |        ^ refill half          | flush half     |
 *            v        |                      v                v
 *         node: partial slabs  [ o . o . ]<->[ . . o o ]             node->lock
 *                     ^  new slab            | empty slab
 *                     +------ the buddy -----+
 *
 *      a slab of 2^order pages:   | left | object | meta || left | object | meta || ...
 *
 * A magazine is an array of pointers to free objects, so the fast path reads no object. A slab hands out its objects
 * in order at first (`fresh` counts them) and keeps those that came back on a list of 16-bit links, each the distance
 * of a free object from the slab's start in units of 8 bytes, mixed with a secret of the cache. A new slab therefore
 * costs the same whether it holds 4 objects or 512.
 *
 * [S1] 0 <= inuse <= fresh <= objects of the slab; fresh - inuse objects are on its free list.
 * [S2] A slab is on its node's partial list exactly when inuse < objects.
 * [S3] node->nr_objects and node->nr_free are the sums over the node's slabs.
 * [S4] 0 <= magazine->avail <= magazine->capacity; an object in a magazine counts as in use by its slab.
 *
 * Interrupts: a magazine in use is marked busy by plain stores; an interrupt of the same CPU that finds it busy goes to
 * the node. Kernel mode is not preempted between cpu_pin() and cpu_unpin().
 *
 * Locks: node->lock (LOCK_SLAB_NODE, IRQs off), dropped before the buddy is called. state->lock (LOCK_SLAB_CACHES) guards the list
 * of caches. Sleeps: as the gfp says. Cost: O(1); a refill or a flush touches half a magazine.
 *
 * Source: magazines after Bonwick and Adams, "Magazines and Vmem" (USENIX 2001).
 */
#ifndef KMEM_SLAB_INT_H
#define KMEM_SLAB_INT_H

#include "base/list.h"
#include "quire/page.h"
#include "quire/slab.h"
#include "sync/rcu.h"
#include "sync/spinlock.h"

#define SLAB_NO_LINK 0xffffu  /* end of a slab's free list                                         */
#define SLAB_LINK_SHIFT 3     /* links count 8 bytes: the smallest object and the smallest step    */
#define SLAB_MAX_ORDER 3      /* log2 pages: 32 KiB, so that a link fits 16 bits                   */
#define SLAB_NAME_BYTES 32
#define KMALLOC_CLASSES 13

/* Empty slabs that a node keeps, so that a cache that breathes does not go to the buddy with each breath. */
#define SLAB_KEEP_EMPTY 2

/* The view of struct page of a slab's first page. */
struct slab {
	_Atomic u32 flags;
	atomic_int ref;
	union {
		struct {
			u16 inuse;     /* (N) node->lock: objects not on this slab's free list  */
			u16 fresh;     /* (N) objects handed out at least once                  */
			u16 free_head; /* (N) first link, SLAB_NO_LINK when empty               */
			u16 objects;   /* (c) capacity                                          */
			struct page_link link; /* (N) partial list                              */
		};
		struct rcu_head rcu;   /* empty and on its way out, type-safe caches only       */
	};
	struct kmem_cache *cache __attribute__((aligned(8))); /* (c)                            */
};
_Static_assert(sizeof(struct slab) <= sizeof(struct page), "a slab's view fits a page descriptor");
_Static_assert(offsetof(struct slab, link) == offsetof(struct page, lru), "links lie where lists look");
_Static_assert(offsetof(struct slab, cache) == offsetof(struct page, owner_ptr), "the cache is the owner");

struct kmem_magazine {
	u16 busy;                 /* (own CPU) being changed, or not usable at all              */
	u16 avail;                /* (own CPU) objects[0..avail)                                */
	u16 capacity;             /* (c)                                                        */
	void *objects[];
};

struct kmem_cache_node {
	spinlock_t lock;          /* LOCK_SLAB_NODE                                             */
	u32 partial_first, partial_last; /* (N) pfns                                            */
	unsigned long nr_partial; /* (N)                                                        */
	unsigned long nr_empty;   /* (N) of the partial ones, those with no object in use       */
	unsigned long nr_slabs;   /* (N)                                                        */
	unsigned long nr_objects; /* (N) capacity of all slabs                                  */
	unsigned long nr_free;    /* (N) of these, not in use                                   */
};

struct kmem_cache {
	/* The fast path's line. */
	unsigned int object_size; /* (c) bytes that the user asked for                          */
	slab_flags_t flags;       /* (c)                                                        */
	struct kmem_magazine **magazine; /* (c) by CPU                                          */
	/* Slow path. */
	unsigned int size;        /* (c) bytes from object to object                            */
	unsigned int align;       /* (c)                                                        */
	unsigned int left;        /* (c) bytes before the object in its place                   */
	unsigned int link_offset; /* (c) bytes from the object to its link when it is free      */
	unsigned int meta_offset; /* (c) bytes from the object to struct slab_meta, debug only  */
	unsigned int order;       /* (c) log2 pages of a slab                                   */
	unsigned int min_order;   /* (c) the same when memory is short                          */
	u16 secret;               /* (c) mixed into links                                       */
	gfp_t gfp;                /* (c) added to every slab's allocation                       */
	void (*ctor)(void *object); /* (c) */
	struct list_head list;    /* (state->lock)                                              */
	char name[SLAB_NAME_BYTES]; /* (c) */
	struct kmem_cache_node *node; /* (c) by node                                            */
};

struct kmem_state {
	spinlock_t lock;                /* LOCK_SLAB_CACHES                                     */
	struct list_head caches;        /* (lock)                                               */
	unsigned int nr_nodes;          /* (c)                                                  */
	struct kmem_cache *kmalloc[KMALLOC_CLASSES]; /* (c) by size class, kmalloc.c            */
	struct kmem_cache *dma[KMALLOC_CLASSES]; /* (lock) made when first used                 */
	struct kmem_cache *reclaimable[KMALLOC_CLASSES]; /* (lock) likewise                     */
	struct kmem_cache boot_cache;   /* the cache of caches                                  */
	struct kmem_cache_node *class_node[KMALLOC_CLASSES]; /* (c) of the kmalloc caches       */
	struct { u16 busy, avail, capacity; } no_magazine; /* busy for ever: to the slow path   */
	struct kmem_magazine *no_magazines[QUIRE_MAX_CPUS];
	struct kmem_cache_node nodes[]; /* of the boot cache, then of each kmalloc class        */
};

static inline struct slab *page_slab(struct page *page)
{
	return (struct slab *)page;
}

static inline struct page *slab_page(struct slab *slab)
{
	return (struct page *)slab;
}

/* slab.c: pages and the objects in them. Context: any that `gfp` allows; no lock held. */
struct slab *slab_new(struct kmem_cache *cache, gfp_t gfp, int nid);
void slab_discard(struct kmem_cache *cache, struct slab *slab);
struct slab *slab_of(const void *object);

/* Under node->lock. slab_take: an object of a slab with room. slab_put: gives one back. */
void *slab_take(struct kmem_cache *cache, struct slab *slab);
void slab_put(struct kmem_cache *cache, struct slab *slab, void *object);
void node_add_partial(struct kmem_cache_node *node, struct slab *slab);
void node_del_partial(struct kmem_cache_node *node, struct slab *slab);
/* An empty slab leaves the node's list and its sums. */
void node_remove_empty(struct kmem_cache_node *node, struct slab *slab);
void node_init(struct kmem_cache_node *node);

/* slab_cache.c */
int kmem_cache_setup(struct kmem_cache *cache, const char *name, unsigned int size, unsigned int align,
		     slab_flags_t flags, void (*ctor)(void *object));
struct kmem_cache_node *kmem_node_of(struct kmem_cache *cache, const struct slab *slab);
int kmem_cache_give_magazines(struct kmem_cache *cache);

/* slab_alloc.c, slab_free.c: as kmem_cache_alloc and kmem_cache_free on behalf of the caller at `ip`. */
void *kmem_cache_alloc_from(struct kmem_cache *cache, gfp_t gfp, unsigned long ip);
void kmem_cache_free_from(struct kmem_cache *cache, void *object, unsigned long ip);
/* Every object of this cache's magazines back to its slab. May sleep. */
void kmem_cache_flush(struct kmem_cache *cache);
/* An empty slab, on no list, to the buddy; later when readers may still look at it. */
void slab_release(struct kmem_cache *cache, struct slab *slab);

/* slab_debug.c: what is kept behind each object of a cache with a debugging flag. */
struct slab_meta {
	u64 red_zone;       /* goes on from the object's last byte                      */
	u32 state;          /* META_* */
	u16 link;           /* when free: the object itself is not touched              */
	u8 alloc_cpu, free_cpu;
	u64 alloc_ns, free_ns;
	unsigned long alloc_ip, free_ip;
};
#define SLAB_DEBUG_FLAGS (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)
slab_flags_t slab_debug_parse(const char *cmdline, const char *cache_name, slab_flags_t flags);
void slab_debug_layout(struct kmem_cache *cache);
void slab_debug_fresh(struct kmem_cache *cache, void *object);
void slab_debug_alloc(struct kmem_cache *cache, void *object, unsigned long ip);
/* False: the free is wrong (reported); the object must not go back. */
bool slab_debug_free(struct kmem_cache *cache, void *object, unsigned long ip);
void slab_report_leaks(struct kmem_cache *cache);

/* Stages, called by front. */
int kmem_init(void);
void kmem_shutdown(void);
unsigned int kmem_check(void);

#endif
