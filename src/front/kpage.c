/* SPDX-License-Identifier: MIT */
/* kpage.c - /proc/kpageflags and /proc/kpagecount: every frame's state in Linux's bits. */
#include "phys/frames.h"
#include "quire/stats.h"

/* Linux's ABI (include/uapi/linux/kernel-page-flags.h). */
enum kpf {
	KPF_LOCKED = 0, KPF_REFERENCED = 2, KPF_UPTODATE = 3, KPF_DIRTY = 4, KPF_LRU = 5, KPF_ACTIVE = 6, KPF_SLAB = 7,
	KPF_WRITEBACK = 8, KPF_RECLAIM = 9, KPF_BUDDY = 10, KPF_MMAP = 11, KPF_ANON = 12, KPF_SWAPCACHE = 13,
	KPF_SWAPBACKED = 14, KPF_COMPOUND_HEAD = 15, KPF_COMPOUND_TAIL = 16, KPF_UNEVICTABLE = 18, KPF_HWPOISON = 19,
	KPF_NOPAGE = 20, KPF_OFFLINE = 23, KPF_ZERO_PAGE = 24, KPF_PGTABLE = 26, KPF_RESERVED = 32, KPF_MLOCKED = 33,
};

static const struct {
	u8 flag, kpf;
} flag_map[] = {
	{PG_locked, KPF_LOCKED}, {PG_referenced, KPF_REFERENCED}, {PG_uptodate, KPF_UPTODATE}, {PG_dirty, KPF_DIRTY},
	{PG_lru, KPF_LRU}, {PG_active, KPF_ACTIVE}, {PG_writeback, KPF_WRITEBACK}, {PG_reclaim, KPF_RECLAIM},
	{PG_swapcache, KPF_SWAPCACHE}, {PG_swapbacked, KPF_SWAPBACKED}, {PG_head, KPF_COMPOUND_HEAD},
	{PG_tail, KPF_COMPOUND_TAIL}, {PG_unevictable, KPF_UNEVICTABLE}, {PG_hwpoison, KPF_HWPOISON},
	{PG_mlocked, KPF_MLOCKED}, {PG_reserved, KPF_RESERVED},
};

static u64 owner_flags(const struct page *page)
{
	switch (page_owner(page)) {
	case PAGE_OWNER_SLAB: return 1ull << KPF_SLAB;
	case PAGE_OWNER_PGTABLE: return 1ull << KPF_PGTABLE;
	case PAGE_OWNER_ANON: return 1ull << KPF_ANON | (page_mapcount(page) > 0 ? 1ull << KPF_MMAP : 0);
	case PAGE_OWNER_FILE: return page_mapcount(page) > 0 ? 1ull << KPF_MMAP : 0;
	case PAGE_OWNER_ZERO: return 1ull << KPF_ZERO_PAGE;
	case PAGE_OWNER_OFFLINE: return 1ull << KPF_OFFLINE;
	default: return 0;
	}
}

u64 quire_kpageflags(pfn_t pfn)
{
	struct page *head = frame_head(pfn), *page;
	u64 flags = 0;
	unsigned int i;

	if (!head)
		return pfn_valid(pfn) ? 1ull << KPF_BUDDY : 1ull << KPF_NOPAGE;
	page = pfn_to_page(pfn);
	if (page_owner(page) == PAGE_OWNER_NONE)
		return 1ull << KPF_NOPAGE;
	/* The tail of a run has no flags of its own. */
	page = PageBuddy(page) ? head : page;
	for (i = 0; i < ARRAY_SIZE(flag_map); i++)
		if (page_test_flag(page, flag_map[i].flag))
			flags |= 1ull << flag_map[i].kpf;
	return flags | owner_flags(head);
}

u64 quire_kpagecount(pfn_t pfn)
{
	struct page *head = frame_head(pfn);

	if (!head || (page_owner(head) != PAGE_OWNER_ANON && page_owner(head) != PAGE_OWNER_FILE))
		return 0;
	return page_mapcount(head) > 0 ? (u64)page_mapcount(head) : 0;
}
