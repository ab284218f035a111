/* SPDX-License-Identifier: MIT */
/*
 * slab.h - objects smaller than a page: caches of one type, and kmalloc by size.
 *
 * Context of the allocating calls: may sleep when gfp has __GFP_DIRECT_RECLAIM, else any context with IRQs on or off.
 * Result: NULL only for out of memory. Freeing never sleeps and may be done from any context.
 * Fast path: the CPU's own free list, no shared lock.
 */
#ifndef QUIRE_SLAB_H
#define QUIRE_SLAB_H

#include "quire/gfp.h"
#include "quire/types.h"

typedef u32 slab_flags_t;

#define SLAB_CONSISTENCY_CHECKS 0x00000100u
#define SLAB_RED_ZONE 0x00000400u
#define SLAB_POISON 0x00000800u
#define SLAB_HWCACHE_ALIGN 0x00002000u /* objects start on cache lines                           */
#define SLAB_CACHE_DMA 0x00004000u
#define SLAB_STORE_USER 0x00010000u
#define SLAB_RECLAIM_ACCOUNT 0x00020000u /* a shrinker gives objects back: SReclaimable          */
#define SLAB_PANIC 0x00040000u         /* panic if the cache cannot be made                      */
#define SLAB_TYPESAFE_BY_RCU 0x00080000u /* slabs (not objects) are freed after a grace period   */
#define SLAB_NO_MERGE 0x01000000u

#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= (unsigned long)ZERO_SIZE_PTR)

/* size, align in bytes; ctor may be NULL. NULL on failure. May sleep. */
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *object));
/* The cache must be empty; otherwise it stays and a report names the objects. May sleep. */
void kmem_cache_destroy(struct kmem_cache *cache);
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void *kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int nid);
void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *cache, void *object);
/* Returns how many of `nr` were put into objects[]: all, or 0. */
size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr, void **objects);
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **objects);
/* Gives empty slabs back; returns pages freed. */
unsigned long kmem_cache_shrink(struct kmem_cache *cache);
unsigned int kmem_cache_size(const struct kmem_cache *cache);
const char *kmem_cache_name(const struct kmem_cache *cache);

#define KMEM_CACHE(type, flags) kmem_cache_create(#type, sizeof(struct type), _Alignof(struct type), flags, NULL)

#define KMALLOC_MAX_CACHE_SIZE 8192u /* larger requests go to the buddy */

void *kmalloc(size_t bytes, gfp_t gfp);
void *kmalloc_node(size_t bytes, gfp_t gfp, int nid);
void *kzalloc(size_t bytes, gfp_t gfp);
/* NULL when n * bytes overflows. */
void *kcalloc(size_t n, size_t bytes, gfp_t gfp);
void *kmalloc_array(size_t n, size_t bytes, gfp_t gfp);
void *krealloc(const void *ptr, size_t bytes, gfp_t gfp);
void kfree(const void *ptr);
/* Usable bytes of the object. */
size_t ksize(const void *ptr);
char *kstrdup(const char *text, gfp_t gfp);
void *kmemdup(const void *src, size_t bytes, gfp_t gfp);

#endif
