/* SPDX-License-Identifier: MIT */
/*
 * page_owner.h - debugging of frames: who got one, where, when (page_owner=on), and was it written while it was free
 * (page_poison=on)?
 *
 * Both turn the short paths off, by ATTENTION_CHECKS on every CPU; the rest of the allocator does not know them.
 *
 * Locks: none; a frame's record belongs to whoever owns the frame. Sleeps: never. Cost: 32 bytes a frame (page_owner), a
 * pass over the page (poison). Allocates: at boot only, for frames.
 */
#ifndef PHYS_PAGE_OWNER_H
#define PHYS_PAGE_OWNER_H

#include "phys/memmap.h"

/* Reads the command line; prepares what it asks for. */
void page_owner_init(void);
void page_debug_alloc(struct page *page, unsigned int order, gfp_t gfp);
void page_debug_free(struct page *page, unsigned int order);
/* Logs what is known about the frame's history. */
void page_owner_report(const struct page *page);

#endif
