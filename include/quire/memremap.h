/* SPDX-License-Identifier: MIT */
/*
 * memremap.h - struct pages for memory that is no RAM: a device's own, or persistent memory (ZONE_DEVICE).
 *
 *	memremap_pages(map)      frames [start, end) get struct pages: owner DEVICE, zone Device, page_count 1
 *	get_page, put_page       by whoever uses one; the last put_page calls map->page_free and leaves page_count 1 again
 *	memunmap_pages(map)      when every page_count is 1: the frames are nobody's again
 *
 * [DV1] The allocator never gives such a frame out and never takes one back.
 * [DV2] Such frames are spanned by their zone, but neither present nor managed.
 *
 * The frames' contents are not in the direct map: ioremap() reaches them.
 * Context: one call at a time; may sleep once frames are up. Allocates: the struct pages.
 */
#ifndef QUIRE_MEMREMAP_H
#define QUIRE_MEMREMAP_H

#include "quire/types.h"

struct dev_pagemap {
	struct phys_range range; /* bytes, borders at multiples of 2 MiB, nothing of it RAM    */
	int nid;                 /* the node it is near; NUMA_NO_NODE: the first                */
	void (*page_free)(struct page *page); /* the last user put it; NULL: nothing to do. Any context */
	void *owner;             /* the caller's                                               */
	struct dev_pagemap *next; /* the allocator's                                            */
};

/* `map` must stay until memunmap_pages. 0, -EINVAL (borders, RAM, or beyond 16 TiB), -EBUSY (overlaps another), -ENOMEM. */
int memremap_pages(struct dev_pagemap *map);
/* 0, or -EBUSY: somebody still uses a page. -EINVAL: it is not mapped. */
int memunmap_pages(struct dev_pagemap *map);
/* The map that a frame belongs to, or NULL. */
struct dev_pagemap *get_dev_pagemap(pfn_t pfn);

#endif
