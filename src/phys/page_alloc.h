/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.h - from a request to frames: which zones, which reserves, what to do when there is none.
 *
 *	alloc_pages
 *	  |- this CPU's list for these gfp bits holds a frame: done            (no lock, no atomic, no watermark)
 *	  `- alloc_slow: zones of the zonelist above their low watermark       (refills the list)
 *	       `- nothing: wake the background, go below low, use reserves as gfp allows,
 *	          climb the relief ladder, try again, report
 *
 * [A1] A frame given out was free, belongs to a zone that gfp allows, and starts at a multiple of its length.
 * [A2] NULL is returned only when the request failed in every zone after all that its gfp permits was done, and then
 *      nothing is lost. Never for __GFP_NOFAIL.
 * [A3] What is freed is checked first; a page in the wrong state is reported, never put on a list.
 *
 * Locks: zone->lock inside. Sleeps: with __GFP_DIRECT_RECLAIM only. Cost: see the figures of bench/frames.
 */
#ifndef PHYS_PAGE_ALLOC_H
#define PHYS_PAGE_ALLOC_H

#include "phys/zone.h"

/* What travels through a request. */
struct alloc_context {
	gfp_t gfp;
	unsigned int order;
	enum migratetype migratetype;
	enum zone_type highest_zoneidx;
	struct zoneref *zonelist;
	const unsigned long *nodemask;
	unsigned long allowed; /* what nodemask points to when the context's own mask is part of it */
	int nid;
	unsigned int alloc_flags; /* enum alloc_flags */
	bool spread_dirty;     /* nodes over their dirty limit are left out (__GFP_WRITE) */
};

/* Flags that a page must not have when it is freed: it is still in somebody's hands. */
#define PAGE_FLAGS_BAD_AT_FREE \
	(1u << PG_locked | 1u << PG_lru | 1u << PG_active | 1u << PG_writeback | 1u << PG_unevictable | \
	 1u << PG_mlocked | 1u << PG_swapcache | 1u << PG_isolated | 1u << PG_tail | 1u << PG_reserved | 1u << PG_hwpoison)
/* And those that need more than the short path. */
#define PAGE_FLAGS_SPECIAL_AT_FREE (PAGE_FLAGS_BAD_AT_FREE | 1u << PG_head | 1u << PG_run | 1u << PG_accounted)
/* Set in every owner that the allocator gave the page to. */
#define PAGE_OWNER_ALLOCATED_BIT ((u32)PAGE_OWNER_KERNEL << PAGE_OWNER_SHIFT)
_Static_assert(PAGE_OWNER_KERNEL == 8 && NR_PAGE_OWNERS <= 16, "one bit tells owners that may free");

/* What the flags word of a page becomes when it is free. */
static __always_inline u32 page_flags_free(u32 flags)
{
	return (flags >> PAGE_ZONE_SHIFT << PAGE_ZONE_SHIFT) | (u32)PAGE_OWNER_BUDDY << PAGE_OWNER_SHIFT;
}

/* Which reserves do these flags open, outside of what the context adds? */
unsigned int gfp_to_alloc_flags(gfp_t gfp, unsigned int order);
/* The gfp as this context may use it (memalloc_noio_save and the like). */
gfp_t current_gfp_context(gfp_t gfp);

/* The nodes that the running context's memory may come from for these flags, as bits; 0: all. */
u32 allowed_mems(gfp_t gfp);
/* What is wrong with a request, in words; NULL: nothing. */
const char *request_nonsense(gfp_t gfp, unsigned int order);
/* The long way of alloc_pages: no reference, owner KERNEL, zeroed when asked. */
struct page *alloc_slow(gfp_t gfp, unsigned int order, int nid, const unsigned long *nodemask);
/* Tries the zonelist once. */
struct page *get_page_from_freelist(const struct alloc_context *ac);
/* Makes a free run a page that is given out: flags, order, contents. */
void prep_new_page(struct page *page, unsigned int order, gfp_t gfp);
/* The long way of free_frozen_pages: checks, compound pages, any order. */
void free_slow(struct page *page, unsigned int order);
/* The last user of a device's page is gone (device.c). */
void free_device_page(struct page *page);
/* Struct pages for the firmware's persistent memory. 0 or -ENOMEM. Context: boot. */
int device_init(void);
/* Checks a page about to be freed; false (and a report) when it must be kept out of circulation. */
bool free_page_is_good(struct page *page, unsigned int order);
/* Reports, and keeps the page out of circulation. */
void bad_page(struct page *page, const char *why);
/* The same for a reference that was dropped and never taken: takes it back. */
void bad_reference(struct page *page, const char *why);
/* Reports a request that makes no sense, and its caller. */
void bad_request(gfp_t gfp, unsigned int order, const char *why);
/* Reports a list of page blocks whose links are broken. */
void bad_list(struct zone *zone, struct pageblock *block);
/* Logs why a request failed. */
void warn_alloc(const struct alloc_context *ac, const char *why);
/* The same where the running context's group, or one above it, is at its limit: `full`. */
void warn_group(const struct alloc_context *ac, const struct mem_group *full);
/* "GFP_KERNEL|__GFP_ZERO" into buf. */
const char *gfp_text(gfp_t gfp, char *buf, size_t size);
/* The same for a struct page's flags word: "0x2480000(locked|lru|node=0|zone=2)". */
const char *page_flags_text(const struct page *page, char *buf, size_t size);
/* Undoes a HIGHATOMIC block; frames. */
unsigned long unreserve_highatomic(void);
/* All CPUs' lists to their zones; frames. Does not check that it may sleep. */
unsigned long drain_all_frames(void);

/* Who can move pages out of a range (0 or -errno), for alloc_contig_range; the reclaim floor joins. */
void phys_set_migrate(int (*migrate)(pfn_t start, pfn_t end));
/* Moves what can be moved out of a block, which nothing is given out of meanwhile; true: it is wholly free now. Sleeps. */
bool vacate_block(struct zone *zone, u32 number);
/* How the allocator's pages come off an LRU before they are freed; the object floor joins. */
void phys_set_lru_release(void (*release)(struct page **pages, unsigned long nr));

#endif
