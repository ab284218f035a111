/* SPDX-License-Identifier: MIT */
/* account.c - remembers which group pays for a frame. */
#include "phys/account.h"

#include "base/math.h"
#include "phys/phys_state.h"
#include "quire/errno.h"

/* What a request of our own may do of what the request it is for may do. */
#define ACCOUNT_GFP_MASK (__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_NOFAIL | __GFP_HIGH | __GFP_MEMALLOC | __GFP_NOMEMALLOC)

static unsigned int root_order(void)
{
	return order_of(((this_phys()->max_pfn >> PFN_SECTION_SHIFT) + 1) * sizeof(struct account_section *), PAGE_SHIFT);
}

/* What *at points to, made (zeroed) if it is not there yet; NULL: there is no memory for it. */
static void *get_table(void **at, unsigned int order, gfp_t gfp)
{
	/* Acquire: pairs with the release below; whoever finds a table finds it zeroed. */
	void *table = __atomic_load_n(at, __ATOMIC_ACQUIRE), *found = NULL;
	struct page *page;

	if (likely(table))
		return table;
	page = alloc_frozen_pages((gfp & ACCOUNT_GFP_MASK) | __GFP_NOWARN | __GFP_ZERO, order);
	if (!page)
		return NULL;
	table = page_address(page);
	if (__atomic_compare_exchange_n(at, &found, table, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return table;
	free_frozen_pages(page, order);
	return found;
}

/* Where a frame's group is written; NULL: it never had one. */
static struct mem_group **group_slot(pfn_t pfn)
{
	struct account_section **root = __atomic_load_n(&this_phys()->accounts, __ATOMIC_ACQUIRE), *section;
	struct mem_group **block;

	if (!root)
		return NULL;
	section = __atomic_load_n(&root[pfn >> PFN_SECTION_SHIFT], __ATOMIC_ACQUIRE);
	if (!section)
		return NULL;
	block = __atomic_load_n(&section->block[(pfn >> PAGEBLOCK_ORDER) % BLOCKS_PER_SECTION], __ATOMIC_ACQUIRE);
	return block ? &block[pfn % PAGEBLOCK_PAGES] : NULL;
}

static struct mem_group **make_group_slot(pfn_t pfn, gfp_t gfp)
{
	struct mem_group **slot = group_slot(pfn), **block;
	struct account_section *section;

	if (likely(slot))
		return slot;
	section = get_table((void **)&this_phys()->accounts[pfn >> PFN_SECTION_SHIFT], order_of(sizeof(*section), PAGE_SHIFT), gfp);
	if (!section)
		return NULL;
	block = get_table((void **)&section->block[(pfn >> PAGEBLOCK_ORDER) % BLOCKS_PER_SECTION],
			  order_of(PAGEBLOCK_PAGES * sizeof(*block), PAGE_SHIFT), gfp);
	return block ? &block[pfn % PAGEBLOCK_PAGES] : NULL;
}

/* ---- groups ---- */

int mem_group_init(struct mem_group *group, struct mem_group *parent, const char *name)
{
	if (!get_table((void **)&this_phys()->accounts, root_order(), GFP_KERNEL))
		return -ENOMEM;
	*group = (struct mem_group){.name = name};
	page_counter_init(&group->kmem, parent ? &parent->kmem : NULL);
	return 0;
}

int mem_group_set_max(struct mem_group *group, unsigned long nr_pages)
{
	return page_counter_set_max(&group->kmem, nr_pages);
}

unsigned long mem_group_usage(const struct mem_group *group)
{
	return page_counter_read(&group->kmem);
}

int mem_group_exit(struct mem_group *group)
{
	if (mem_group_usage(group))
		return -EBUSY;
	group->name = NULL;
	return 0;
}

/* ---- pages ---- */

bool account_charge(gfp_t gfp, unsigned int order, struct mem_group **group, struct mem_group **full)
{
	struct page_counter *fail;

	*group = this_ctx()->group;
	if (!*group)
		return true;
	if (gfp & __GFP_NOFAIL) {
		page_counter_charge(&(*group)->kmem, 1ul << order);
		return true;
	}
	if (page_counter_try_charge(&(*group)->kmem, 1ul << order, &fail))
		return true;
	*full = container_of(fail, struct mem_group, kmem);
	return false;
}

void account_cancel(struct mem_group *group, unsigned int order)
{
	if (group)
		page_counter_uncharge(&group->kmem, 1ul << order);
}

int account_page(struct page *page, unsigned int order, struct mem_group *group, gfp_t gfp)
{
	struct mem_group **slot;

	if (!group)
		return 0;
	slot = make_group_slot(page_to_pfn(page), gfp);
	/* A run of two blocks may be split: then there is no refusing. */
	if (!slot || (order > PAGEBLOCK_ORDER && !make_group_slot(page_to_pfn(page) + PAGEBLOCK_PAGES, gfp)))
		return -ENOMEM;
	hint_write(*slot, group);
	page_set_flag(page, PG_accounted);
	return 0;
}

void account_uncharge(struct page *page, unsigned int order)
{
	struct mem_group **slot = group_slot(page_to_pfn(page)), *group = hint_read(*slot);

	page_clear_flag(page, PG_accounted);
	hint_write(*slot, (struct mem_group *)NULL);
	page_counter_uncharge(&group->kmem, 1ul << order);
}

void account_split(struct page *page, unsigned int order)
{
	struct mem_group *group = hint_read(*group_slot(page_to_pfn(page)));
	unsigned int i;

	for (i = 1; i < 1u << order; i++)
		hint_write(*group_slot(page_to_pfn(page) + i), group);
}

int account_move(struct page *from, struct page *to)
{
	struct mem_group **slot;
	int err;

	if (likely(!page_test_flag(from, PG_accounted)))
		return 0;
	slot = group_slot(page_to_pfn(from));
	err = account_page(to, 0, hint_read(*slot), GFP_NOWAIT);
	if (err)
		return err;
	page_clear_flag(from, PG_accounted);
	hint_write(*slot, (struct mem_group *)NULL);
	return 0;
}

struct mem_group *page_group(const struct page *page)
{
	const struct page *head = compound_head((struct page *)page);

	return page_test_flag(head, PG_accounted) ? hint_read(*group_slot(page_to_pfn(head))) : NULL;
}

static void free_section(struct account_section *section)
{
	unsigned int i;

	for (i = 0; i < BLOCKS_PER_SECTION; i++)
		if (section->block[i])
			free_frozen_pages(virt_to_page(section->block[i]), order_of(PAGEBLOCK_PAGES * sizeof(*section->block[i]), PAGE_SHIFT));
	free_frozen_pages(virt_to_page(section), order_of(sizeof(*section), PAGE_SHIFT));
}

void account_exit(void)
{
	struct account_section **root = this_phys()->accounts;
	pfn_t i;

	if (!root)
		return;
	for (i = 0; i <= this_phys()->max_pfn >> PFN_SECTION_SHIFT; i++)
		if (root[i])
			free_section(root[i]);
	free_frozen_pages(virt_to_page(root), root_order());
	this_phys()->accounts = NULL;
}
