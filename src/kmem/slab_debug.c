/* SPDX-License-Identifier: MIT */
/*
 * slab_debug.c - red zones, poison and owners: what slab_debug= and debug builds keep around each object.
 *
 *      | left red zone | object (poison while free) | right red zone | state, link, CPUs, times, callers |
 *
 * Letters of slab_debug=, as Linux's: F consistency, Z red zones, P poison, U users, - none; then optionally
 * ",name" restricts it to caches whose name starts so.
 */
#include "kmem/slab_int.h"

#include "arch/page.h"
#include "base/assert.h"
#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "phys/memmap.h"
#include "quire/port.h"
#include "sync/ctx.h"
#include "sync/report.h"

#define POISON_FREE 0x6b         /* as Linux's, so that a dump is recognised */
#define POISON_END 0xa5
#define RED 0xbbu
#define META_FRESH 0x66726573u   /* "fres": never given out */
#define META_LIVE 0x6c697665u    /* "live" */
#define META_FREE 0x66726565u    /* "free" */

/* Leaked objects that one report names. */
#define LEAKS_NAMED 8

static slab_flags_t letters(const char *text)
{
	slab_flags_t flags = 0;

	for (; *text && *text != ',' && *text != ' '; text++) {
		switch (*text) {
		case 'f': case 'F': flags |= SLAB_CONSISTENCY_CHECKS; break;
		case 'z': case 'Z': flags |= SLAB_RED_ZONE; break;
		case 'p': case 'P': flags |= SLAB_POISON; break;
		case 'u': case 'U': flags |= SLAB_STORE_USER; break;
		default: break;
		}
	}
	return flags;
}

/* slab_debug_parse - `flags` and what the command line adds for a cache of this name. Poison would break what readers of a
 * type-safe or constructed object rely on, so these do without. */
slab_flags_t slab_debug_parse(const char *cmdline, const char *cache_name, slab_flags_t flags)
{
	const char *arg = cmdline ? strstr(cmdline, "slab_debug") : NULL;
	slab_flags_t debug = QUIRE_DEBUG ? SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON : 0;

	if (arg) {
		const char *value = arg + strlen("slab_debug"), *comma;

		if (*value != '=') {
			debug = SLAB_DEBUG_FLAGS;
		} else {
			debug = letters(value + 1);
			for (comma = value; *comma && *comma != ',' && *comma != ' '; comma++)
				;
			if (*comma == ',') {
				size_t len = 0;

				while (comma[1 + len] && comma[1 + len] != ' ')
					len++;
				if (strncmp(comma + 1, cache_name, len))
					debug = 0;
			}
		}
	}
	return flags | debug;
}

static bool may_poison(const struct kmem_cache *cache)
{
	return cache->flags & SLAB_POISON && !cache->ctor && !(cache->flags & SLAB_TYPESAFE_BY_RCU);
}

void slab_debug_layout(struct kmem_cache *cache)
{
	cache->left = cache->flags & SLAB_RED_ZONE ? max(cache->align, 8u) : 0;
	cache->meta_offset = ALIGN(cache->object_size, (unsigned int)_Alignof(struct slab_meta));
	cache->link_offset = cache->meta_offset + (unsigned int)offsetof(struct slab_meta, link);
	cache->size = cache->left + cache->meta_offset + (unsigned int)sizeof(struct slab_meta);
}

/* Padding behind the object belongs to the red zone. */
static size_t right_bytes(const struct kmem_cache *cache)
{
	return cache->meta_offset - cache->object_size + sizeof(((struct slab_meta *)0)->red_zone);
}

static struct slab_meta *meta_of(struct kmem_cache *cache, void *object)
{
	return (struct slab_meta *)((char *)object + cache->meta_offset);
}

static void report(struct kmem_cache *cache, void *object, const char *what, unsigned long ip)
{
	struct slab_meta *meta = meta_of(cache, object);

	quire_log(QUIRE_LOG_ERR, "BUG %s: %s: object %p, %u bytes, seen by %p", cache->name, what, object, cache->object_size,
		  (void *)ip);
	quire_log(QUIRE_LOG_ERR, "BUG %s:   allocated by %p on CPU %u at %llu ns; freed by %p on CPU %u at %llu ns", cache->name,
		  (void *)meta->alloc_ip, meta->alloc_cpu, (unsigned long long)meta->alloc_ns, (void *)meta->free_ip,
		  meta->free_cpu, (unsigned long long)meta->free_ns);
	WARN_ON_ONCE(true);
}

/* First byte of [from, from + len) that is not `byte`, or NULL. */
static const u8 *find_other(const u8 *from, u8 byte, size_t len)
{
	while (len-- > 0) {
		if (*from != byte)
			return from;
		from++;
	}
	return NULL;
}

static void poison(struct kmem_cache *cache, void *object)
{
	memset(object, POISON_FREE, cache->object_size - 1);
	((u8 *)object)[cache->object_size - 1] = POISON_END;
}

void slab_debug_fresh(struct kmem_cache *cache, void *object)
{
	struct slab_meta *meta = meta_of(cache, object);

	*meta = (struct slab_meta){ .state = META_FRESH };
	memset((char *)object - cache->left, RED, cache->left);
	memset((char *)object + cache->object_size, RED, right_bytes(cache));
	if (may_poison(cache))
		poison(cache, object);
}

static bool red_zones_whole(struct kmem_cache *cache, void *object)
{
	if (!(cache->flags & SLAB_RED_ZONE))
		return true;
	return !find_other((u8 *)object + cache->object_size, RED, right_bytes(cache)) &&
	       !find_other((u8 *)object - cache->left, RED, cache->left);
}

void slab_debug_alloc(struct kmem_cache *cache, void *object, unsigned long ip)
{
	struct slab_meta *meta = meta_of(cache, object);
	const u8 *bytes = object;

	if (meta->state == META_LIVE)
		report(cache, object, "an object in use is given out again", ip);
	if (!red_zones_whole(cache, object))
		report(cache, object, "a red zone was overwritten while the object was free", ip);
	if (may_poison(cache) && (find_other(bytes, POISON_FREE, cache->object_size - 1) ||
				  bytes[cache->object_size - 1] != POISON_END))
		report(cache, object, "written after it was freed", ip);
	meta->state = META_LIVE;
	meta->alloc_cpu = (u8)this_cpu();
	meta->alloc_ip = ip;
	if (cache->flags & SLAB_STORE_USER)
		meta->alloc_ns = this_quire()->port->now_ns();
}

bool slab_debug_free(struct kmem_cache *cache, void *object, unsigned long ip)
{
	struct slab_meta *meta = meta_of(cache, object);
	struct page *head = compound_head(virt_to_page(object));
	size_t place;

	if (!PageSlab(head) || page_slab(head)->cache != cache) {
		quire_log(QUIRE_LOG_ERR, "BUG %s: %p, freed by %p, is not an object of this cache", cache->name, object, (void *)ip);
		WARN_ON_ONCE(true);
		return false;
	}
	place = (size_t)((char *)object - cache->left - (char *)page_address(head));
	if (place % cache->size || place / cache->size >= page_slab(head)->objects) {
		quire_log(QUIRE_LOG_ERR, "BUG %s: %p, freed by %p, points into an object", cache->name, object, (void *)ip);
		WARN_ON_ONCE(true);
		return false;
	}
	if (meta->state != META_LIVE) {
		report(cache, object, meta->state == META_FREE ? "freed twice" : "state overwritten", ip);
		return false;
	}
	if (!red_zones_whole(cache, object)) {
		report(cache, object, "red zone overwritten: the object is not used again", ip);
		return false;
	}
	meta->state = META_FREE;
	meta->free_cpu = (u8)this_cpu();
	meta->free_ip = ip;
	if (cache->flags & SLAB_STORE_USER)
		meta->free_ns = this_quire()->port->now_ns();
	if (may_poison(cache))
		poison(cache, object);
	return true;
}

/* Live objects of the partial slabs, by name of their allocation. Slabs that are full are on no list and not seen. */
void slab_report_leaks(struct kmem_cache *cache)
{
	unsigned int nid, named = 0;
	unsigned long flags;

	if (!(cache->flags & SLAB_DEBUG_FLAGS))
		return;
	for (nid = 0; nid < this_quire()->kmem->nr_nodes; nid++) {
		struct kmem_cache_node *node = &cache->node[nid];
		u32 pfn;

		spin_lock_irqsave(&node->lock, flags);
		for (pfn = node->partial_first; pfn != PAGE_NO_PFN && named < LEAKS_NAMED;
		     pfn = page_slab(pfn_to_page(pfn))->link.next) {
			char *base = page_address(pfn_to_page(pfn));
			unsigned int i;

			for (i = 0; i < page_slab(pfn_to_page(pfn))->fresh && named < LEAKS_NAMED; i++) {
				void *object = base + (size_t)i * cache->size + cache->left;
				struct slab_meta *meta = meta_of(cache, object);

				if (meta->state != META_LIVE)
					continue;
				named++;
				quire_log(QUIRE_LOG_ERR, "%s: object %p, allocated by %p, was not freed", cache->name, object,
					  (void *)meta->alloc_ip);
			}
		}
		spin_unlock_irqrestore(&node->lock, flags);
	}
}
