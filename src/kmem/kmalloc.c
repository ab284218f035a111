/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - memory by size: size classes on caches, and whole runs of pages for what is larger.
 *
 *      8 16 32 64 96 128 192 256 512 1k 2k 4k 8k | larger: compound pages from the buddy
 */
#include "kmem/slab_int.h"

#include "arch/page.h"
#include "base/assert.h"
#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "phys/memmap.h"
#include "phys/zone.h"
#include "quire/errno.h"
#include "quire/stats.h"
#include "sync/ctx.h"
#include "sync/report.h"

static const unsigned short class_bytes[] = { 8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192 };
_Static_assert(ARRAY_SIZE(class_bytes) == KMALLOC_CLASSES, "a cache for each class");

/* Class of a size up to 192, by its number of 8-byte steps less one. */
static const u8 small_class[] = { 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6 };

static inline unsigned int size_class(size_t bytes)
{
	if (bytes <= 192)
		return small_class[(bytes - 1) >> 3];
	return (unsigned int)fls_long(bytes - 1) - 1; /* 193..256 -> 7, ..512 -> 8, ..8192 -> 12 */
}

/* A set other than the normal one is rare: its caches are made when they are first used. May sleep; falls back to NULL. */
static __noinline struct kmem_cache *kmalloc_cache_special(unsigned int class, gfp_t gfp)
{
	struct kmem_state *kmem = this_quire()->kmem;
	struct kmem_cache **set = gfp & __GFP_DMA ? kmem->dma : kmem->reclaimable;
	struct kmem_cache *cache = READ_ONCE(set[class]), *made;
	char name[SLAB_NAME_BYTES];

	if (cache)
		return cache;
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		return gfp & __GFP_DMA ? NULL : kmem->kmalloc[class];
	quire_scnprintf(name, sizeof(name), "%s-%u", gfp & __GFP_DMA ? "dma-kmalloc" : "kmalloc-rcl", class_bytes[class]);
	made = kmem_cache_create(name, class_bytes[class], 8, gfp & __GFP_DMA ? SLAB_CACHE_DMA : SLAB_RECLAIM_ACCOUNT, NULL);
	if (!made)
		return NULL;
	spin_lock(&kmem->lock);
	cache = set[class];
	if (!cache)
		cache = set[class] = made;
	spin_unlock(&kmem->lock);
	if (cache != made)
		kmem_cache_destroy(made);
	return cache;
}

static inline struct kmem_cache *kmalloc_cache(size_t bytes, gfp_t gfp)
{
	unsigned int class = size_class(bytes);

	if (unlikely(gfp & (__GFP_DMA | __GFP_RECLAIMABLE)))
		return kmalloc_cache_special(class, gfp);
	return this_quire()->kmem->kmalloc[class];
}

static __noinline void *kmalloc_large(size_t bytes, gfp_t gfp, int nid)
{
	unsigned int order = order_of(bytes, PAGE_SHIFT);
	struct page *page;

	if (order > MAX_ORDER) {
		WARN_ON_ONCE(!(gfp & __GFP_NOWARN));
		return NULL;
	}
	page = alloc_pages_node(nid, gfp | __GFP_COMP, order);
	if (!page)
		return NULL;
	mod_node_page_state(page_to_nid(page), NR_SLAB_UNRECLAIMABLE, 1l << order);
	return page_address(page);
}

void *kmalloc(size_t bytes, gfp_t gfp)
{
	struct kmem_cache *cache;

	if (unlikely(bytes > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large(bytes, gfp, NUMA_NO_NODE);
	if (unlikely(bytes == 0))
		return ZERO_SIZE_PTR;
	cache = kmalloc_cache(bytes, gfp);
	return likely(cache) ? kmem_cache_alloc_from(cache, gfp, (unsigned long)__builtin_return_address(0)) : NULL;
}

void *kmalloc_node(size_t bytes, gfp_t gfp, int nid)
{
	struct kmem_cache *cache;

	if (bytes > KMALLOC_MAX_CACHE_SIZE)
		return kmalloc_large(bytes, gfp, nid);
	if (bytes == 0)
		return ZERO_SIZE_PTR;
	cache = kmalloc_cache(bytes, gfp);
	return cache ? kmem_cache_alloc_node(cache, gfp, nid) : NULL;
}

void *kzalloc(size_t bytes, gfp_t gfp)
{
	return kmalloc(bytes, gfp | __GFP_ZERO);
}

void *kmalloc_array(size_t n, size_t bytes, gfp_t gfp)
{
	size_t total;

	return check_mul_overflow(n, bytes, &total) ? NULL : kmalloc(total, gfp);
}

void *kcalloc(size_t n, size_t bytes, gfp_t gfp)
{
	return kmalloc_array(n, bytes, gfp | __GFP_ZERO);
}

static void kfree_large(struct page *head, const void *ptr)
{
	unsigned int order = compound_order(head);

	BUG_ON(!PageHead(head) || ptr != page_address(head));
	mod_node_page_state(page_to_nid(head), NR_SLAB_UNRECLAIMABLE, -(1l << order));
	__free_pages(head, order);
}

void kfree(const void *ptr)
{
	struct page *head;

	if (ZERO_OR_NULL_PTR(ptr))
		return;
	head = compound_head(virt_to_page(ptr));
	if (likely(PageSlab(head)))
		kmem_cache_free_from(page_slab(head)->cache, (void *)ptr, (unsigned long)__builtin_return_address(0));
	else
		kfree_large(head, ptr);
}

size_t ksize(const void *ptr)
{
	struct page *head;

	if (ZERO_OR_NULL_PTR(ptr))
		return 0;
	head = compound_head(virt_to_page(ptr));
	if (PageSlab(head))
		return page_slab(head)->cache->object_size;
	return PAGE_SIZE << compound_order(head);
}

void *krealloc(const void *ptr, size_t bytes, gfp_t gfp)
{
	size_t old = ksize(ptr);
	void *moved;

	if (bytes == 0) {
		kfree(ptr);
		return ZERO_SIZE_PTR;
	}
	if (bytes <= old)
		return (void *)ptr;
	moved = kmalloc(bytes, gfp);
	if (!moved)
		return NULL;
	if (old)
		memcpy(moved, ptr, old);
	kfree(ptr);
	return moved;
}

void *kmemdup(const void *src, size_t bytes, gfp_t gfp)
{
	void *copy = kmalloc(bytes, gfp);

	return copy && bytes ? memcpy(copy, src, bytes) : copy;
}

char *kstrdup(const char *text, gfp_t gfp)
{
	return text ? kmemdup(text, strlen(text) + 1, gfp) : NULL;
}

/* ---- the first caches ---- */

static int kmalloc_init(void)
{
	struct kmem_state *kmem = this_quire()->kmem;
	unsigned int class;
	char name[SLAB_NAME_BYTES];

	for (class = 0; class < KMALLOC_CLASSES; class++) {
		struct kmem_cache *cache = kmem_cache_zalloc(&kmem->boot_cache, GFP_KERNEL);

		if (!cache)
			return -ENOMEM;
		cache->node = kmem->class_node[class];
		if (class_bytes[class] < 1024)
			quire_scnprintf(name, sizeof(name), "kmalloc-%u", class_bytes[class]);
		else
			quire_scnprintf(name, sizeof(name), "kmalloc-%uk", class_bytes[class] / 1024);
		/* Powers of two lie on their own multiples, as users of small blocks for devices expect. */
		if (kmem_cache_setup(cache, name, class_bytes[class],
				     is_power_of_2(class_bytes[class]) ? min(class_bytes[class], (unsigned short)PAGE_SIZE) : 8, 0, NULL))
			return -EINVAL;
		list_add_tail(&cache->list, &kmem->caches);
		kmem->kmalloc[class] = cache;
	}
	return 0;
}

static size_t state_bytes(unsigned int nr_nodes)
{
	return PAGE_ALIGN(sizeof(struct kmem_state) + (KMALLOC_CLASSES + 1) * nr_nodes * sizeof(struct kmem_cache_node));
}

static unsigned int nr_node_ids(void)
{
	unsigned int nid, nr = 1;

	for (nid = 0; nid < QUIRE_MAX_NODES; nid++)
		if (node_data((int)nid))
			nr = nid + 1;
	return nr;
}

/* kmem_init - from here on kmem_cache_* and kmalloc work. 0 or -ENOMEM. Context: boot, one CPU. */
int kmem_init(void)
{
	struct quire *quire = this_quire();
	unsigned int nr_nodes = nr_node_ids(), i;
	/* Its size depends on the machine, and there is no kmalloc yet: whole pages. */
	struct kmem_state *kmem = alloc_pages_exact(state_bytes(nr_nodes), GFP_KERNEL | __GFP_ZERO);
	struct kmem_cache *cache;

	if (!kmem)
		return -ENOMEM;
	quire->kmem = kmem;
	kmem->nr_nodes = nr_nodes;
	spin_lock_init(&kmem->lock, LOCK_SLAB_CACHES);
	INIT_LIST_HEAD(&kmem->caches);
	kmem->no_magazine.busy = 1;
	for (i = 0; i < QUIRE_MAX_CPUS; i++)
		kmem->no_magazines[i] = (struct kmem_magazine *)&kmem->no_magazine;
	for (i = 0; i < KMALLOC_CLASSES; i++)
		kmem->class_node[i] = &kmem->nodes[(i + 1) * nr_nodes];
	kmem->boot_cache.node = kmem->nodes;
	if (kmem_cache_setup(&kmem->boot_cache, "kmem_cache", sizeof(struct kmem_cache), _Alignof(struct kmem_cache), 0, NULL))
		return -EINVAL;
	list_add_tail(&kmem->boot_cache.list, &kmem->caches);
	if (kmalloc_init())
		return -ENOMEM;
	list_for_each_entry(cache, &kmem->caches, list)
		if (kmem_cache_give_magazines(cache))
			return -ENOMEM;
	quire_log(QUIRE_LOG_INFO, "SLUB: HWalign=%u, Order=0-%u, MinObjects=0, CPUs=%u, Nodes=%u", CACHE_LINE_BYTES,
		  SLAB_MAX_ORDER, quire->nr_cpus, nr_nodes);
	return 0;
}

/* The cache goes on without magazines; their memory goes back. */
static void take_magazines(struct kmem_cache *cache)
{
	struct kmem_state *kmem = this_quire()->kmem;
	struct kmem_magazine **magazines = cache->magazine;

	if (magazines == kmem->no_magazines)
		return;
	kmem_cache_flush(cache);
	cache->magazine = kmem->no_magazines;
	kfree(magazines[0]);
	kfree(magazines);
}

/* kmem_shutdown - every page back; objects that are still in use are reported and keep theirs. Context: the last user of the
 * machine. May sleep. */
void kmem_shutdown(void)
{
	struct kmem_state *kmem = this_quire()->kmem;
	struct kmem_cache *cache, *next;
	unsigned int class;

	for (class = 0; class < KMALLOC_CLASSES; class++)
		list_del(&kmem->kmalloc[class]->list);
	list_del(&kmem->boot_cache.list);
	list_for_each_entry_safe(cache, next, &kmem->caches, list)
		kmem_cache_destroy(cache);
	for (class = 0; class < KMALLOC_CLASSES; class++)
		take_magazines(kmem->kmalloc[class]);
	take_magazines(&kmem->boot_cache);
	for (class = 0; class < KMALLOC_CLASSES; class++) {
		kmem_cache_shrink(kmem->kmalloc[class]);
		kmem_cache_free(&kmem->boot_cache, kmem->kmalloc[class]);
	}
	kmem_cache_shrink(&kmem->boot_cache);
	this_quire()->kmem = NULL;
	free_pages_exact(kmem, state_bytes(kmem->nr_nodes));
}
