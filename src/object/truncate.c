/* SPDX-License-Identifier: MIT */
/* truncate.c - remove a range of an object's cached pages, also from every address space that shows them. */
#include "base/math.h"
#include "base/string.h"
#include "object/lru.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "object/zap.h"
#include "phys/memmap.h"
#include "quire/stats.h"
#include "sync/rcu.h"

/* Pages taken out at a time: half a leaf of the tree, 256 bytes of stack. */
#define TRUNCATE_BATCH 32

/* Unmaps the part of one area that shows pages [first, last]. */
static void unmap_area(struct rmap_area *area, pgoff_t first, pgoff_t last, bool even_cow)
{
	struct zap_range range = { .keep_private = !even_cow, .keep_wp = area->flags & RMAP_UFFD_WP,
				   .first = first, .last = last };
	struct mmu_gather tlb;

	if (unlikely(area->flags & RMAP_NONLINEAR)) {
		range.start = area->start;
		range.end = area->start + (area->nr << PAGE_SHIFT);
		range.check_index = true;
	} else {
		range.start = area->start + ((max(first, area->pgoff) - area->pgoff) << PAGE_SHIFT);
		range.end = area->start + ((min(last, area->pgoff + area->nr - 1) - area->pgoff + 1) << PAGE_SHIFT);
	}
	tlb_gather_mmu(&tlb, area->pgtable, 0);
	zap_page_range(&tlb, &range);
	tlb_finish_mmu(&tlb);
}

void unmap_mapping_range(struct address_space *mapping, pgoff_t first, pgoff_t nr, bool even_cow)
{
	pgoff_t last = nr ? first + nr - 1 : ~0ul;
	struct interval_node *node;

	if (last < first)
		last = ~0ul;
	if (rb_root_empty(&mapping->i_mmap))
		return;
	down_read(&mapping->i_mmap_lock);
	interval_for_each(node, &mapping->i_mmap, first, last)
		unmap_area(container_of(node, struct rmap_area, file_node), first, last, even_cow);
	up_read(&mapping->i_mmap_lock);
}

/* Takes locked pages out, which nobody maps or which were unmapped, and unlocks them. */
static void remove_row(struct address_space *mapping, pgoff_t index, struct page **pages, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (PageDirty(pages[i]) && page_test_and_clear_flag(pages[i], PG_dirty) && !mapping_is_ram(mapping))
			mod_node_page_state(page_to_nid(pages[i]), NR_FILE_DIRTY, -1);
	remove_row_from_page_cache(mapping, index, pages, nr);
	/* Pairs with the fence of a fault that maps a page without its lock: see pagecache.h. */
	smp_mb();
	for (unsigned int i = 0; i < nr; i++) {
		if (unlikely(page_mapcount(pages[i]) > 0))
			unmap_mapping_range(mapping, index + i, 1, false);
		unlock_page(pages[i]);
	}
	mapping_uncharge(mapping, nr);
}

/* Takes one page out that is perhaps locked or mapped; the caller has a reference. */
static void truncate_page(struct address_space *mapping, pgoff_t index, struct page *page)
{
	lock_page(page);
	if (unlikely(page_mapping(page) != mapping)) {
		unlock_page(page);
		return;
	}
	if (page_mapcount(page) > 0)
		unmap_mapping_range(mapping, index, 1, false);
	remove_row(mapping, index, &page, 1);
}

/* Takes out as many of the pages of index, index + 1 ... as need no waiting, at least the first. How many. */
static unsigned int truncate_row(struct address_space *mapping, pgoff_t index, struct page **pages, unsigned int nr)
{
	unsigned int locked = 0;

	for (; locked < nr && trylock_page(pages[locked]); locked++)
		if (page_mapping(pages[locked]) != mapping || page_mapcount(pages[locked]) > 0) {
			unlock_page(pages[locked]);
			break;
		}
	if (locked) {
		remove_row(mapping, index, pages, locked);
		return locked;
	}
	truncate_page(mapping, index, pages[0]);
	return 1;
}

/* Zeroes bytes [from, to) of one page, if it is cached. */
static void zero_partial(struct address_space *mapping, pgoff_t index, size_t from, size_t to)
{
	struct page *page = find_lock_page(mapping, index);

	if (!page)
		return;
	memset((char *)page_address(page) + from, 0, to - from);
	account_page_dirtied(page);
	unlock_page(page);
	put_page(page);
}

/* Some pages from *index on that follow each other, referenced; *index becomes that of the first. 0: there are none. */
static unsigned int next_row(struct address_space *mapping, pgoff_t *index, pgoff_t last, struct page **pages)
{
	unsigned int most = (unsigned int)min_t(pgoff_t, last - *index, TRUNCATE_BATCH - 1) + 1;
	unsigned int nr = find_get_row(mapping, *index, most, pages);

	if (nr)
		return nr;
	nr = find_get_pages(mapping, index, last, 1, pages);
	--*index;
	return nr;
}

static void truncate_whole_pages(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct page *pages[TRUNCATE_BATCH];
	pgoff_t index = first;
	unsigned int nr;

	while (index <= last && (nr = next_row(mapping, &index, last, pages)) != 0) {
		for (unsigned int done = 0; done < nr;)
			done += truncate_row(mapping, index + done, pages + done, nr - done);
		put_pages(pages, nr);
		index += nr;
		if (index == 0)
			break;
	}
}

void truncate_inode_pages_range(struct address_space *mapping, u64 start, u64 end)
{
	pgoff_t first = bytes_to_pages(start), behind = end == ~0ull ? ~0ul : (pgoff_t)(end >> PAGE_SHIFT);
	size_t head = (size_t)(start & (PAGE_SIZE - 1)), tail = end == ~0ull ? 0 : (size_t)(end & (PAGE_SIZE - 1));

	/* Also for an object without pages: whoever saw the old size may be adding one, and private copies may be mapped. */
	down_write(&mapping->invalidate_lock);
	if (head && first > behind) {
		/* All within one page. */
		zero_partial(mapping, behind, head, tail);
	} else {
		if (head)
			zero_partial(mapping, first - 1, head, PAGE_SIZE);
		if (tail)
			zero_partial(mapping, behind, 0, tail);
		if (first < behind) {
			/* Private copies go with the end of the object, but not with a hole in it. */
			unmap_mapping_range(mapping, first, behind == ~0ul ? 0 : behind - first, end == ~0ull);
			truncate_whole_pages(mapping, first, behind - 1);
		}
	}
	up_write(&mapping->invalidate_lock);
}

bool evict_clean_page(struct page *page)
{
	struct address_space *mapping;
	bool gone = false;

	if (!trylock_page(page))
		return false;
	mapping = page_mapping(page);
	if (mapping && !mapping_is_ram(mapping) && PageUptodate(page)) {
		/* What was written through an entry makes the page dirty when the entry goes. */
		if (page_mapcount(page) > 0)
			unmap_mapping_range(mapping, page_index(page), 1, false);
		if (!PageDirty(page) && !PageWriteback(page) && page_mapcount(page) == 0)
			gone = remove_unused_page(mapping, page);
	}
	unlock_page(page);
	if (gone)
		mapping_uncharge(mapping, 1);
	return gone;
}
