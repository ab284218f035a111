/* SPDX-License-Identifier: MIT */
/* zone_blocks.c - files a zone's page blocks by what is free in them, and serves runs from the right one. */
#include "base/string.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "phys/zone.h"

#define FILED_NOWHERE 0xff

struct pageblock *block_at(u32 number)
{
	return &this_quire()->phys->blocks[number];
}

struct pageblock *pfn_to_block(pfn_t pfn)
{
	return &this_quire()->phys->blocks[pfn >> PAGEBLOCK_ORDER];
}

u32 block_number(const struct pageblock *block)
{
	return (u32)(block - this_quire()->phys->blocks);
}

static void clear_lists(struct zone *zone)
{
	unsigned int order, type, f;

	memset(zone->offer, 0, sizeof(zone->offer));
	for (order = 0; order < NR_ORDERS; order++)
		for (type = 0; type < MIGRATE_TYPES; type++)
			for (f = 0; f < NR_FULLNESS; f++)
				zone->free_area[order].free_list[type][f] = NO_BLOCK;
}

void zone_init_lists(struct zone *zone)
{
	spin_lock_init(&zone->lock, LOCK_ZONE);
	clear_lists(zone);
}

/* ---- filing ---- */

void block_set_type(struct pageblock *block, enum migratetype type)
{
	hint_write(block->mt, (u8)type);
	hint_write(this_phys()->columns[block_number(block)], list_column(type));
}

static u8 block_key(const struct pageblock *block)
{
	unsigned int order;

	if (!block->nr_free || block->flags & PB_PAIRED)
		return FILED_NOWHERE;
	order = block->flags & PB_PAIR ? MAX_ORDER : (unsigned int)block_max_order(block);
	return (u8)(order << 3 | block_fullness(block->nr_free));
}

static u32 *list_head_of(struct zone *zone, const struct pageblock *block)
{
	return &zone->free_area[block->filed >> 3].free_list[block->mt][block->filed & 7];
}

/* What the block's row of the offer becomes. */
static void set_offer(struct zone *zone, const struct pageblock *block, u16 orders)
{
	hint_write(zone->offer[block->mt].avail[block->filed & 7], orders);
}

/* Do the neighbours know this block? Their lines are written next, so that looking costs nothing. */
static bool links_hold(const struct pageblock *block, const u32 *head)
{
	u32 number = block_number(block), nr_blocks = this_quire()->phys->nr_blocks;

	if (block->prev == NO_BLOCK ? *head != number : block->prev >= nr_blocks || block_at(block->prev)->next != number)
		return false;
	return block->next == NO_BLOCK || (block->next < nr_blocks && block_at(block->next)->prev == number);
}

static void file_under(struct zone *zone, struct pageblock *block, u8 key);

/* Somebody wrote into a block or a list head: forgets all lists of the zone and files its blocks anew, by what is free in them. */
static __cold void refile_all(struct zone *zone, struct pageblock *but)
{
	u32 number = (u32)(zone->zone_start_pfn >> PAGEBLOCK_ORDER), last = (u32)((zone_end_pfn(zone) - 1) >> PAGEBLOCK_ORDER);

	bad_list(zone, but);
	clear_lists(zone);
	for (; number <= last; number++) {
		struct pageblock *block = block_at(number);
		u8 key = block_key(block);

		if (!block->present || block->zone_id != zone->id)
			continue;
		block->filed = FILED_NOWHERE;
		if (block != but && key != FILED_NOWHERE)
			file_under(zone, block, key);
	}
}

static void unfile(struct zone *zone, struct pageblock *block)
{
	u32 *head = list_head_of(zone, block);
	const u16 *offered = &zone->offer[block->mt].avail[block->filed & 7];

	if (unlikely(!links_hold(block, head))) {
		refile_all(zone, block);
		return;
	}

	if (block->prev != NO_BLOCK)
		block_at(block->prev)->next = block->next;
	else
		*head = block->next;
	if (block->next != NO_BLOCK)
		block_at(block->next)->prev = block->prev;
	if (*head == NO_BLOCK)
		set_offer(zone, block, (u16)(*offered & ~(1u << (block->filed >> 3))));
	block->filed = FILED_NOWHERE;
}

static void file_under(struct zone *zone, struct pageblock *block, u8 key)
{
	u32 *head;

	block->filed = key;
	head = list_head_of(zone, block);
	block->prev = NO_BLOCK;
	block->next = *head;
	if (*head != NO_BLOCK)
		block_at(*head)->prev = block_number(block);
	*head = block_number(block);
	set_offer(zone, block, (u16)(zone->offer[block->mt].avail[key & 7] | 1u << (key >> 3)));
}

void zone_file_block(struct zone *zone, struct pageblock *block)
{
	u8 key = block_key(block);

	if (key == block->filed)
		return;
	if (block->filed != FILED_NOWHERE)
		unfile(zone, block);
	if (key != FILED_NOWHERE)
		file_under(zone, block, key);
}

static struct pageblock *buddy_block(const struct pageblock *block)
{
	u32 number = block_number(block) ^ 1;

	return number < this_quire()->phys->nr_blocks ? block_at(number) : NULL;
}

static void unpair(struct zone *zone, struct pageblock *block)
{
	struct pageblock *buddy = buddy_block(block);

	block->flags &= (u8)~(PB_PAIR | PB_PAIRED);
	buddy->flags &= (u8)~(PB_PAIR | PB_PAIRED);
	zone_file_block(zone, block);
	zone_file_block(zone, buddy);
}

/* May two free blocks join? Ordinary types mix freely while nobody uses the blocks; those set apart stay so. */
static bool may_pair(const struct pageblock *block, const struct pageblock *buddy)
{
	if (!buddy || buddy->zone_id != block->zone_id || buddy->nr_free != PAGEBLOCK_PAGES ||
	    buddy->flags & (PB_PAIR | PB_PAIRED))
		return false;
	return buddy->mt == block->mt || (buddy->mt < MIGRATE_PCPTYPES && block->mt < MIGRATE_PCPTYPES);
}

/* Two free blocks side by side become a run of order 10. */
static void try_pair(struct zone *zone, struct pageblock *block)
{
	struct pageblock *buddy = buddy_block(block), *low, *high;

	if (!may_pair(block, buddy))
		return;
	if (buddy->mt != block->mt) {
		unfile(zone, buddy);
		block_set_type(buddy, block->mt);
	}
	low = min(block, buddy);
	high = max(block, buddy);
	low->flags |= PB_PAIR;
	high->flags |= PB_PAIRED;
	zone_file_block(zone, low);
	zone_file_block(zone, high);
}

/* After frames were freed: a block that is now wholly free may find its buddy. */
static void refile_freed(struct zone *zone, struct pageblock *block)
{
	zone_file_block(zone, block);
	if (unlikely(block->nr_free == PAGEBLOCK_PAGES))
		try_pair(zone, block);
}

static void account(struct zone *zone, enum migratetype type, long delta)
{
	hint_write(zone->nr_free, zone->nr_free + (unsigned long)delta);
	if (unlikely(type >= MIGRATE_PCPTYPES))
		hint_write(zone->vm_stat[type - MIGRATE_PCPTYPES], zone->vm_stat[type - MIGRATE_PCPTYPES] + delta);
}

/* Changes the type of a block on its own. */
static void set_type(struct zone *zone, struct pageblock *block, enum migratetype type)
{
	if (block->flags & (PB_PAIR | PB_PAIRED))
		unpair(zone, block);
	if (block->filed != FILED_NOWHERE)
		unfile(zone, block);
	account(zone, block->mt, -(long)block->nr_free);
	block_set_type(block, type);
	account(zone, type, block->nr_free);
	zone_file_block(zone, block);
}

void zone_set_block_type(struct zone *zone, struct pageblock *block, enum migratetype type)
{
	if (block->mt == type)
		return;
	set_type(zone, block, type);
	refile_freed(zone, block);
}

void block_unraw(struct zone *zone, struct pageblock *block)
{
	pfn_t start = block_start_pfn(block);

	block->flags &= (u8)~PB_RAW;
	memmap_init_free(start, start + PAGEBLOCK_PAGES, zone_to_nid(zone), zone_idx(zone));
}

/* ---- freeing ---- */

static void free_in_block(struct zone *zone, pfn_t pfn, unsigned int order)
{
	struct pageblock *block = pfn_to_block(pfn);

	block_free(block, pfn & (PAGEBLOCK_PAGES - 1), order);
	account(zone, block->mt, 1l << order);
	refile_freed(zone, block);
}

/* Enough is free again: lists may grow, and a crossing of the mark counts as new. */
static void recover(struct zone *zone)
{
	if (unlikely(hint_read(zone->flags) & ZONE_BELOW_LOW) && zone->nr_free > wmark_pages(zone, WMARK_HIGH))
		__atomic_fetch_and(&zone->flags, (u8)~ZONE_BELOW_LOW, __ATOMIC_RELAXED);
}

void zone_free_run(struct zone *zone, pfn_t pfn, unsigned int order)
{
	if (likely(order <= PAGEBLOCK_ORDER)) {
		free_in_block(zone, pfn, order);
	} else {
		free_in_block(zone, pfn, PAGEBLOCK_ORDER);
		free_in_block(zone, pfn + PAGEBLOCK_PAGES, PAGEBLOCK_ORDER);
	}
	recover(zone);
}

/* Frees the first frames of the array that lie in one word of a block's map; how many. */
static unsigned int free_one_word(struct pageblock *block, const u32 *pfns, unsigned int nr)
{
	u32 word = pfns[0] / 64;
	unsigned int i = 1;
	u64 frames = 1ull << pfns[0] % 64;

	for (; i < nr && pfns[i] / 64 == word; i++) {
		QUIRE_ASSERT_MSG(!(frames >> pfns[i] % 64 & 1), "[B2] a frame is freed twice at once");
		frames |= 1ull << pfns[i] % 64;
	}
	if (i == 1)
		block_free(block, pfns[0] & (PAGEBLOCK_PAGES - 1), 0);
	else
		block_free_word(block, word % PAGEBLOCK_WORDS, frames);
	return i;
}

/* Frees the first frames of the array that lie in one block; how many. The block is filed once, and the caller accounts for those of
 * ordinary types: added to *nr_ordinary. */
static unsigned int free_one_block(struct zone *zone, const u32 *pfns, unsigned int nr, long *nr_ordinary)
{
	struct pageblock *block = pfn_to_block(pfns[0]);
	u32 number = pfns[0] >> PAGEBLOCK_ORDER;
	unsigned int i = 0;

	do
		i += free_one_word(block, pfns + i, nr - i);
	while (i < nr && pfns[i] >> PAGEBLOCK_ORDER == number);
	if (likely(block->mt < MIGRATE_PCPTYPES))
		*nr_ordinary += i;
	else
		account(zone, block->mt, i);
	refile_freed(zone, block);
	return i;
}

void zone_free_frames(struct zone *zone, const u32 *pfns, unsigned int nr)
{
	unsigned long flags;
	unsigned int i;
	long nr_ordinary = 0;

	/* Both lines of each block, so that the lock is not held while they come. */
	for (i = 0; i < nr; i++)
		if (!i || pfns[i] >> PAGEBLOCK_ORDER != pfns[i - 1] >> PAGEBLOCK_ORDER) {
			cpu_prefetchw(pfn_to_block(pfns[i]));
			cpu_prefetchw(&pfn_to_block(pfns[i])->runs);
		}
	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < nr; )
		i += free_one_block(zone, pfns + i, nr - i, &nr_ordinary);
	if (nr_ordinary)
		account(zone, MIGRATE_MOVABLE, nr_ordinary);
	recover(zone);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* ---- taking ---- */

void phys_set_placement(placement_policy policy)
{
	hint_write(this_phys()->placement, policy ? policy : place_fullest);
}

static struct pageblock *block_of_place(struct zone *zone, enum migratetype type, struct placement place)
{
	return block_at(zone->free_area[place.order].free_list[type][place.fullness]);
}

/* Gets a block ready to be taken from. */
static void open_block(struct zone *zone, struct pageblock *block)
{
	if (unlikely(block->flags & (PB_PAIR | PB_PAIRED)))
		unpair(zone, block);
	if (unlikely(block->flags & PB_RAW))
		block_unraw(zone, block);
}

static u32 take_pair(struct zone *zone, struct pageblock *block)
{
	struct pageblock *buddy = buddy_block(block);

	open_block(zone, block);
	open_block(zone, buddy);
	block_take(block, PAGEBLOCK_ORDER);
	block_take(buddy, PAGEBLOCK_ORDER);
	account(zone, block->mt, -2l * (long)PAGEBLOCK_PAGES);
	zone_file_block(zone, block);
	zone_file_block(zone, buddy);
	return (u32)block_start_pfn(block);
}

static u32 take_from_block(struct zone *zone, struct pageblock *block, unsigned int order)
{
	unsigned int offset;

	if (order > PAGEBLOCK_ORDER)
		return take_pair(zone, block);
	open_block(zone, block);
	offset = block_take(block, order);
	account(zone, block->mt, -(1l << order));
	zone_file_block(zone, block);
	return (u32)block_start_pfn(block) + offset;
}

/* The block that the policy serves `order` from; NULL: none has such a run. */
static struct pageblock *choose_block(struct zone *zone, enum migratetype type, unsigned int order)
{
	const struct offer *offer = &zone->offer[type];
	struct placement place;

	if (!hint_read(this_phys()->placement)(offer, order, &place))
		return NULL;
	QUIRE_ASSERT_MSG(place.fullness < NR_FULLNESS && place.order >= order && offer->avail[place.fullness] >> place.order & 1,
			 "the placement policy chose a list that is empty, or whose blocks are too full");
	return block_of_place(zone, type, place);
}

static u32 take_typed(struct zone *zone, unsigned int order, enum migratetype type)
{
	struct pageblock *block = choose_block(zone, type, order);

	return block ? take_from_block(zone, block, order) : PAGE_NO_PFN;
}

/* The emptiest block of `type` that can serve `order`, largest run first. */
static struct pageblock *emptiest_block(struct zone *zone, enum migratetype type, unsigned int order)
{
	unsigned int f;

	for (f = NR_FULLNESS; f-- > 0; ) {
		unsigned int fits = (unsigned int)zone->offer[type].avail[f] >> order;

		if (fits)
			return block_of_place(zone, type, (struct placement){f, order + 31u - (unsigned int)__builtin_clz(fits)});
	}
	return NULL;
}

/* Own the block (and, for a pair, both): what comes next of this type goes here too. */
static void steal_block(struct zone *zone, struct pageblock *block, unsigned int order, enum migratetype type)
{
	set_type(zone, block, type);
	if (order > PAGEBLOCK_ORDER)
		try_pair(zone, block); /* its free buddy follows */
	hint_write(zone->nr_steals, zone->nr_steals + 1);
}

static u32 take_fallback(struct zone *zone, unsigned int order, enum migratetype want)
{
	const u8 *have;

	for (have = fallback_order(want); *have != MIGRATE_TYPES; have++) {
		struct pageblock *block = emptiest_block(zone, *have, order);
		enum steal steal;

		if (!block)
			continue;
		steal = steal_rule(order, want, *have, block->nr_free);
		if (steal == STEAL_NOTHING)
			continue;
		if (steal == STEAL_BLOCK) {
			bool broken = block->nr_free != PAGEBLOCK_PAGES;

			steal_block(zone, block, order, want);
			if (broken)
				boost_watermark(zone);
			return take_from_block(zone, block, order);
		}
		/* Only pages: then out of the fullest block, which has the least to lose. */
		return take_typed(zone, order, *have);
	}
	return PAGE_NO_PFN;
}

/* Movable pages go to CMA blocks first when most of what is free lies there, so that the rest is kept for the others. */
static bool cma_first(const struct zone *zone, unsigned int alloc_flags)
{
	return alloc_flags & ALLOC_CMA && (unsigned long)zone->vm_stat[NR_ZONE_FREE_CMA] > zone->nr_free / 2;
}

u32 zone_take_run(struct zone *zone, unsigned int order, enum migratetype type, unsigned int alloc_flags)
{
	u32 pfn = PAGE_NO_PFN;

	if (unlikely(alloc_flags & ALLOC_HIGHATOMIC))
		pfn = take_typed(zone, order, MIGRATE_HIGHATOMIC);
	if (pfn == PAGE_NO_PFN && unlikely(cma_first(zone, alloc_flags)))
		pfn = take_typed(zone, order, MIGRATE_CMA);
	if (pfn == PAGE_NO_PFN)
		pfn = take_typed(zone, order, type);
	if (pfn == PAGE_NO_PFN && alloc_flags & ALLOC_CMA)
		pfn = take_typed(zone, order, MIGRATE_CMA);
	if (pfn == PAGE_NO_PFN)
		pfn = take_fallback(zone, order, type);
	if (pfn == PAGE_NO_PFN && alloc_flags & (ALLOC_OOM | ALLOC_NON_BLOCK | ALLOC_NO_WATERMARKS))
		pfn = take_typed(zone, order, MIGRATE_HIGHATOMIC);
	return pfn;
}

/* Up to `nr` frames out of one block; how many. */
static unsigned int take_frames_from(struct zone *zone, struct pageblock *block, u32 *pfns, unsigned int nr)
{
	u32 start = (u32)block_start_pfn(block);
	unsigned int done = 0, order, offset, i;

	open_block(zone, block);
	if (block->nr_free <= nr)
		done = block_take_all(block, start, pfns);
	while (done < nr && block->nr_free) {
		offset = block_take_some(block, 31u - (unsigned int)__builtin_clz(nr - done), &order);
		for (i = 0; i < 1u << order; i++)
			pfns[done++] = start + offset + i;
	}
	account(zone, block->mt, -(long)done);
	zone_file_block(zone, block);
	return done;
}

unsigned int zone_take_frames(struct zone *zone, enum migratetype type, unsigned int alloc_flags, u32 *pfns,
			      unsigned int nr)
{
	struct pageblock *block;
	unsigned int done = 0;
	u32 pfn;

	while (done < nr && !cma_first(zone, alloc_flags) && (block = choose_block(zone, type, 0)) != NULL)
		done += take_frames_from(zone, block, pfns + done, nr - done);
	while (done < nr && (pfn = zone_take_run(zone, 0, type, alloc_flags)) != PAGE_NO_PFN)
		pfns[done++] = pfn;
	return done;
}

void zone_take_range(struct zone *zone, pfn_t start, pfn_t end)
{
	while (start < end) {
		struct pageblock *block = pfn_to_block(start);
		unsigned int order = min_t(unsigned int, PAGEBLOCK_ORDER, __ffs(start | PAGEBLOCK_PAGES));

		while (start + (1ul << order) > end)
			order--;
		open_block(zone, block);
		block_take_at(block, start & (PAGEBLOCK_PAGES - 1), order);
		account(zone, block->mt, -(1l << order));
		zone_file_block(zone, block);
		start += 1ul << order;
	}
}

static bool offers_run(const struct zone *zone, enum migratetype type, unsigned int order)
{
	unsigned int f, all = 0;

	for (f = 0; f < NR_FULLNESS; f++)
		all |= hint_read(zone->offer[type].avail[f]);
	return all >> order != 0;
}

bool zone_has_run(const struct zone *zone, unsigned int order, unsigned int alloc_flags)
{
	unsigned int type;

	for (type = 0; type < MIGRATE_PCPTYPES; type++)
		if (offers_run(zone, type, order))
			return true;
	if (alloc_flags & ALLOC_CMA && offers_run(zone, MIGRATE_CMA, order))
		return true;
	return alloc_flags & (ALLOC_HIGHATOMIC | ALLOC_OOM) && offers_run(zone, MIGRATE_HIGHATOMIC, order);
}

/* Blocks looked at before the lock is let go: some microseconds. */
#define COUNT_CHUNK 64

static void add_runs(const struct pageblock *block, unsigned long runs[NR_ORDERS])
{
	unsigned int order;

	if (block->nr_free == PAGEBLOCK_PAGES) {
		runs[block->flags & PB_PAIR ? MAX_ORDER : PAGEBLOCK_ORDER] += !(block->flags & PB_PAIRED);
		return;
	}
	for (order = 0; order < PAGEBLOCK_ORDER; order++)
		runs[order] += block_nr_runs(block, order);
}

void zone_count_runs(struct zone *zone, enum migratetype type, unsigned long runs[NR_ORDERS])
{
	u32 number = (u32)(zone->zone_start_pfn >> PAGEBLOCK_ORDER), last;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < NR_ORDERS; i++)
		runs[i] = 0;
	if (!populated_zone(zone))
		return;
	last = (u32)((zone_end_pfn(zone) - 1) >> PAGEBLOCK_ORDER);
	while (number <= last) {
		spin_lock_irqsave(&zone->lock, flags);
		for (i = 0; i < COUNT_CHUNK && number <= last; i++, number++) {
			const struct pageblock *block = block_at(number);

			if (block->nr_free && block->zone_id == zone->id && (type == MIGRATE_TYPES || block->mt == type))
				add_runs(block, runs);
		}
		spin_unlock_irqrestore(&zone->lock, flags);
	}
}
