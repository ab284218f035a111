/* SPDX-License-Identifier: MIT */
/* page_alloc.c - the fast paths of giving and taking back, and one round through the zones. */
#include "phys/page_alloc.h"

#include "phys/dirty.h"
#include "phys/page_debug.h"
#include "phys/phys_state.h"
#include "quire/stats.h"
#include "sync/fail_nth.h"

/* ---- giving out ---- */

/* A page as its new owner finds it; `flags`: zone, node, owner. */
static __always_inline void reset_page(struct page *page, u32 flags, int count)
{
	/* Two neighbours at a time where a store is wide enough: flags and count, mapcount and index. */
	if (sizeof(long) == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		hint_write(((unsigned long *)page)[0], (unsigned long)((u64)(u32)count << 32 | flags));
		hint_write(((unsigned long *)page)[1], (unsigned long)0xffffffffu);
		hint_write(page->mapping_word, 0);
	} else {
		atomic_store_explicit(&page->flags, flags, memory_order_relaxed);
		atomic_store_explicit(&page->_mapcount, -1, memory_order_relaxed);
		page->index_lo = 0;
		atomic_store_explicit(&page->_refcount, count, memory_order_relaxed);
		page->mapping_word = 0;
	}
}
static_assert(offsetof(struct page, flags) == 0 && offsetof(struct page, _refcount) == 4 &&
	      offsetof(struct page, _mapcount) == 8 && offsetof(struct page, index_lo) == 12, "reset_page writes them in pairs");

static void prep_compound(struct page *page, unsigned int order, u32 flags)
{
	u32 head = (u32)page_to_pfn(page);
	unsigned int i;

	reset_page(page, flags | 1u << PG_head, 0);
	for (i = 1; i < 1u << order; i++) {
		reset_page(page + i, flags | 1u << PG_tail, 0);
		page[i].compound_head = head;
	}
	page[1].compound_info = order;
}

/* The struct pages of a run that is given out, and its contents. A run that is not compound keeps its tails as they
 * were when free: only the first tail tells the order. */
static void prep_run(struct page *page, unsigned int order, gfp_t gfp, u32 flags)
{
	unsigned int i;

	if (!order) {
		reset_page(page, flags, 0);
	} else if (gfp & __GFP_COMP) {
		prep_compound(page, order, flags);
	} else {
		reset_page(page, flags | 1u << PG_run, 0);
		page[1].compound_info = order;
	}
	if (gfp & __GFP_ZERO)
		for (i = 0; i < 1u << order; i++)
			clear_page(page_address(page + i));
}

void prep_new_page(struct page *page, unsigned int order, gfp_t gfp)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed) >> PAGE_ZONE_SHIFT << PAGE_ZONE_SHIFT;

	if (QUIRE_DEBUG || unlikely(hint_read(this_phys_cpu()->attention) & ATTENTION_CHECKS))
		page_debug_alloc(page, order, gfp);
	prep_run(page, order, gfp, flags | (u32)PAGE_OWNER_KERNEL << PAGE_OWNER_SHIFT);
}

/* Takes the hot page of this CPU's list for these gfp bits; *flags: what its flags word becomes. False: there is none.
 * `slot`: the order's place among the lists. */
static __always_inline bool pop_fast(gfp_t gfp, unsigned int slot, struct page **page, u32 *flags)
{
	struct phys_cpu *cpu = quire_host_slot();
	struct pcp_list *list = cpu->by_gfp[gfp & GFP_LIST_MASK] + slot * NR_LIST_COLUMNS;
	struct page **sp;

	quire_host_slot_set((void *)(uintptr_t)&quire_slot_busy);
	barrier();
	sp = list->sp;
	if (unlikely(sp == list->base)) {
		quire_host_slot_set(cpu);
		return false;
	}
	*page = *--sp;
	hint_write(list->sp, sp);
	*flags = list->alloc_flags;
	barrier();
	quire_host_slot_set(cpu);
	return true;
}

/* Is the context kept to some nodes? Then the long way looks which: the lists do not know. */
static __always_inline bool has_hardwall(gfp_t gfp)
{
	return gfp & __GFP_HARDWALL && unlikely(this_ctx()->mems_allowed);
}

/* May want more than a frame of the right kind: a node that is not too dirty, a group that pays. */
#define GFP_LONG_WAY (__GFP_WRITE | __GFP_ACCOUNT)

/* Will this page do all the same? If not, it goes back where it came from, and the long way looks further. */
static __noinline bool will_do(struct page *page, gfp_t gfp)
{
	if (!(gfp & __GFP_ACCOUNT && this_ctx()->group) &&
	    (!(gfp & __GFP_WRITE) || node_dirty_ok(node_data((int)page_to_nid(page)))))
		return true;
	atomic_store_explicit(&page->_refcount, 0, memory_order_relaxed);
	free_frozen_pages(page, 0);
	return false;
}

static __always_inline struct page *alloc_fast(gfp_t gfp, int count)
{
	struct page *page;
	bool got;
	u32 flags;

	if (has_hardwall(gfp))
		return NULL;
	cpu_pin();
	got = pop_fast(gfp, 0, &page, &flags);
	cpu_unpin();
	if (unlikely(!got))
		return NULL;
	if (QUIRE_DEBUG) {
		if (!page_debug_listed(page))
			return NULL;
		page_debug_alloc(page, 0, gfp);
	}
	reset_page(page, flags, count);
	/* One question for all that is rare, so that the others pay nothing. */
	if (gfp & (__GFP_ZERO | GFP_LONG_WAY)) {
		if (unlikely(gfp & GFP_LONG_WAY) && !will_do(page, gfp))
			return NULL;
		if (gfp & __GFP_ZERO)
			clear_page(page_address(page));
	}
	return page;
}

/* The same for the larger orders that the lists hold. */
static __always_inline struct page *alloc_fast_order(gfp_t gfp, unsigned int order)
{
	unsigned int slot = pcp_slot(order);
	struct page *page;
	bool got;
	u32 flags;

	if (slot >= NR_PCP_ORDERS || has_hardwall(gfp) || gfp & GFP_LONG_WAY)
		return NULL;
	cpu_pin();
	got = pop_fast(gfp, slot, &page, &flags);
	cpu_unpin();
	if (!got)
		return NULL;
	if (QUIRE_DEBUG) {
		if (!page_debug_listed(page))
			return NULL;
		page_debug_alloc(page, order, gfp);
	}
	prep_run(page, order, gfp, flags);
	return page;
}

static __noinline struct page *alloc_run(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_fast_order(gfp, order);

	return likely(page) ? page : alloc_slow(gfp, order, NUMA_NO_NODE, NULL);
}

struct page *alloc_frozen_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	might_relieve(gfp);
	if (should_fail_alloc(QUIRE_FAIL_PAGE_ALLOC, gfp))
		return NULL;
	if (unlikely(order))
		return alloc_run(gfp, order);
	page = alloc_fast(gfp, 0);
	return likely(page) ? page : alloc_slow(gfp, 0, NUMA_NO_NODE, NULL);
}

static struct page *with_reference(struct page *page)
{
	if (page)
		/* Release: whoever takes a reference later sees the page as it was prepared. */
		atomic_store_explicit(&page->_refcount, 1, memory_order_release);
	return page;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	might_relieve(gfp);
	if (likely(!order)) {
		if (should_fail_alloc(QUIRE_FAIL_PAGE_ALLOC, gfp))
			return NULL;
		page = alloc_fast(gfp, 1);
		if (likely(page))
			return page;
	}
	return with_reference(alloc_frozen_pages(gfp, order));
}

struct page *__alloc_pages_nodemask(gfp_t gfp, unsigned int order, int nid, const unsigned long *nodemask)
{
	might_relieve(gfp);
	if (should_fail_alloc(QUIRE_FAIL_PAGE_ALLOC, gfp))
		return NULL;
	return with_reference(alloc_slow(gfp, order, nid, nodemask));
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	if (nid == NUMA_NO_NODE || (nid == this_phys_cpu()->nid && !order))
		return alloc_pages(gfp, order);
	return __alloc_pages_nodemask(gfp, order, nid, NULL);
}

/* ---- one round through the zones ---- */

/* A HIGHATOMIC reserve of up to 1% of the zone, in whole blocks, grows where an urgent request of more than one page was
 * served: the next ones find room there. */
static void reserve_highatomic(struct zone *zone, pfn_t pfn)
{
	struct pageblock *block = pfn_to_block(pfn);
	unsigned long limit = ALIGN(hint_read(zone->managed_pages) / 100, (unsigned long)PAGEBLOCK_PAGES);
	unsigned long flags;

	if (hint_read(zone->managed_pages) / 100 < PAGEBLOCK_PAGES)
		return; /* too small to set a whole block apart */
	spin_lock_irqsave(&zone->lock, flags);
	if (zone->nr_reserved_highatomic + PAGEBLOCK_PAGES <= limit && block->mt < MIGRATE_PCPTYPES) {
		zone->nr_reserved_highatomic += PAGEBLOCK_PAGES;
		zone_set_block_type(zone, block, MIGRATE_HIGHATOMIC);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

static struct page *take_from_zone(struct zone *zone, const struct alloc_context *ac)
{
	bool urgent = ac->alloc_flags & ALLOC_HIGHATOMIC;
	struct page *page = NULL;
	unsigned long flags;
	u32 pfn;

	/* A list is refilled for everybody: not from what is set apart for some, and not out of the block that is next. */
	if (likely(!urgent))
		page = pcp_alloc(zone, ac->order, ac->migratetype, ac->alloc_flags & ~(unsigned int)ALLOC_HIGHATOMIC_BLOCKS);
	if (!page) {
		spin_lock_irqsave(&zone->lock, flags);
		pfn = zone_take_run(zone, ac->order, ac->migratetype, ac->alloc_flags);
		if (pfn != PAGE_NO_PFN)
			hint_write(zone->nr_alloc_direct, zone->nr_alloc_direct + (1ul << ac->order));
		spin_unlock_irqrestore(&zone->lock, flags);
		if (pfn == PAGE_NO_PFN)
			return NULL;
		page = pfn_to_page(pfn);
	}
	if (unlikely(urgent))
		reserve_highatomic(zone, page_to_pfn(page));
	return page;
}

static bool zone_allowed(const struct zone *zone, const struct alloc_context *ac)
{
	int nid = zone_to_nid(zone);

	return !ac->nodemask || ac->nodemask[nid / (8 * sizeof(long))] >> nid % (8 * sizeof(long)) & 1;
}

static void count_numa(struct zone *zone, int nid, unsigned int order)
{
	pg_data_t *got = zone->zone_pgdat, *wanted = node_data(nid);

	if (likely(got == wanted))
		return;
	__atomic_fetch_add(&got->numa_miss, 1ul << order, __ATOMIC_RELAXED);
	if (wanted)
		__atomic_fetch_add(&wanted->numa_foreign, 1ul << order, __ATOMIC_RELAXED);
}

struct page *get_page_from_freelist(const struct alloc_context *ac)
{
	const pg_data_t *dirty = NULL;
	struct zoneref *ref;

	for (ref = ac->zonelist; ref->zone; ref++) {
		struct zone *zone = ref->zone;
		struct page *page;
		unsigned long mark;

		if (ref->zone_idx > ac->highest_zoneidx || !zone_allowed(zone, ac))
			continue;
		if (unlikely(ac->spread_dirty)) {
			/* One look at each node will do: its zones stand together. */
			if (zone->zone_pgdat == dirty)
				continue;
			if (!node_dirty_ok(zone->zone_pgdat)) {
				dirty = zone->zone_pgdat;
				continue;
			}
		}
		mark = wmark_pages(zone, ac->alloc_flags & ALLOC_WMARK_MASK);
		if (!(ac->alloc_flags & ALLOC_NO_WATERMARKS) &&
		    !zone_watermark_ok(zone, ac->order, mark, ac->highest_zoneidx, ac->alloc_flags)) {
			if (ac->alloc_flags & ALLOC_KSWAPD && !(hint_read(zone->flags) & ZONE_BELOW_LOW))
				relief_wake_background(zone, ac->order);
			continue;
		}
		page = take_from_zone(zone, ac);
		if (!page)
			continue;
		count_numa(zone, ac->nid, ac->order);
		prep_new_page(page, ac->order, ac->gfp);
		return page;
	}
	return NULL;
}

/* ---- taking back ---- */

/* Puts the run on a list of this CPU; false: it is full. */
static __always_inline bool push_fast(struct phys_cpu *cpu, struct pcp_list *list, struct page *page)
{
	struct page **sp;
	bool room;

	quire_host_slot_set((void *)(uintptr_t)&quire_slot_busy);
	barrier();
	sp = list->sp;
	room = likely(sp != list->limit);
	if (room) {
		/* Before it is on the list: a handler on this CPU may take it from there at once. */
		atomic_store_explicit(&page->flags, list->free_flags, memory_order_relaxed);
		*sp = page;
		hint_write(list->sp, sp + 1);
		/* Nobody else counts here: a handler that comes now has no room on its lists. */
		hint_write(list->nr_free, list->nr_free + 1);
	}
	barrier();
	quire_host_slot_set(cpu);
	return room;
}

/* What a flags word must say for a short way back, but for the zone. */
#define PAGE_FLAGS_AT_FREE (PAGE_FLAGS_SPECIAL_AT_FREE | PAGE_OWNER_ALLOCATED_BIT)

/* By the page's zone and block. `special`: flags that a page of this order must have (PG_run). */
static __always_inline bool free_by_page(struct page *page, unsigned int slot, u32 special)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed);
	struct phys_cpu *cpu;
	struct pcp_list *list;
	bool done;

	if (unlikely((flags & PAGE_FLAGS_AT_FREE) != (special | PAGE_OWNER_ALLOCATED_BIT)))
		return false;
	if (QUIRE_DEBUG)
		page_debug_free(page, slot > PCP_MAX_SMALL_ORDER ? PAGEBLOCK_ORDER : slot);
	cpu_pin();
	cpu = quire_host_slot();
	list = &cpu->zone_pcp[flags >> PAGE_ZONE_SHIFT]->lists[slot * NR_LIST_COLUMNS + page_column(page)];
	done = push_fast(cpu, list, page);
	/* What has no room may be no list at all. */
	if (done && !slot)
		cpu->last = list;
	cpu_unpin();
	return done;
}

/* Onto the list that the last frame went to, if that is where this one belongs. */
static __always_inline bool free_as_last(struct page *page)
{
	u32 flags = atomic_load_explicit(&page->flags, memory_order_relaxed);
	struct phys_cpu *cpu;
	struct pcp_list *list;
	bool done = false;

	cpu_pin();
	cpu = quire_host_slot();
	list = cpu->last;
	if (likely((flags & (PAGE_FLAGS_AT_FREE | ~0u << PAGE_ZONE_SHIFT)) == list->alloc_flags) &&
	    likely(hint_read(cpu->columns[page_block_number(page)]) == list->column)) {
		if (QUIRE_DEBUG)
			page_debug_free(page, 0);
		done = push_fast(cpu, list, page);
	}
	cpu_unpin();
	return done;
}

static __noinline void free_frame(struct page *page)
{
	if (!free_by_page(page, 0, 0))
		free_slow(page, 0);
}

static __noinline void free_run(struct page *page, unsigned int order)
{
	unsigned int slot = pcp_slot(order);

	if (slot >= NR_PCP_ORDERS || page[1].compound_info != order || !free_by_page(page, slot, 1u << PG_run))
		free_slow(page, order);
}

void free_frozen_pages(struct page *page, unsigned int order)
{
	if (QUIRE_DEBUG && page_count(page))
		bad_page(page, "freed as unshared, but it has references");
	else if (unlikely(order))
		free_run(page, order);
	else if (unlikely(!free_as_last(page)))
		free_frame(page);
}

void __free_pages(struct page *page, unsigned int order)
{
	/* Pairs with every other drop: what the earlier owners wrote is seen before the frame is used again. */
	int count = atomic_fetch_sub_explicit(&page->_refcount, 1, memory_order_acq_rel);

	if (likely(count == 1))
		free_frozen_pages(page, order);
	else if (unlikely(count <= 0))
		bad_reference(page, "freed without a reference (double free?)");
}
