/* SPDX-License-Identifier: MIT */
/*
 * page_debug.h - what is looked at when a frame changes hands: was it written while it was free, who has it, and shall this
 * request fail?
 *
 *	page_poison=on     a free frame is filled, and checked when it is given; debug builds do so unless it is =off, with
 *	                   whole frames for small runs and the first cache line of each for large ones
 *	page_owner=on      every frame's history is kept (page_owner.h)
 *	page_alloc_fail_nth    the n-th request from now on fails (a test's)
 *
 * The two options and the third turn the short paths off, by ATTENTION_CHECKS on every CPU, so that these cost nothing
 * where nobody asks. Debug builds come here from the short paths too.
 *
 * Locks: none; a frame is looked at by whoever has it. Sleeps: never. Cost: as above. Allocates: at boot only.
 */
#ifndef PHYS_PAGE_DEBUG_H
#define PHYS_PAGE_DEBUG_H

#include "phys/memmap.h"

/* Reads the command line and prepares what it asks for. 0 or -ENOMEM. Context: boot, while memblock gives memory. */
int page_debug_init(void);
/* Is `name` ("page_owner=") on in the command line? `otherwise`: when it is not there. */
bool page_debug_option(const char *name, bool otherwise);

/* Is this what a list of free frames may hold? False, and a report, when the list was written over. */
bool page_debug_listed(struct page *page);
void page_debug_alloc(struct page *page, unsigned int order, gfp_t gfp);
void page_debug_free(struct page *page, unsigned int order);

/* The nth request of this machine from now on fails as if nothing could be had, once; 0: none. Never one with __GFP_NOFAIL. */
void page_alloc_fail_nth(unsigned long nth);
/* Counts a request; true: it is the one. */
bool page_alloc_should_fail(gfp_t gfp);

#endif
