/* SPDX-License-Identifier: MIT */
/*
 * frames.h - who has a frame? The answer for any frame number, also where its struct page was never written.
 *
 * Locks: none; a racy look. Sleeps: never. Cost: O(orders). Allocates: never.
 */
#ifndef PHYS_FRAMES_H
#define PHYS_FRAMES_H

#include "phys/memmap.h"

/* The struct page that speaks for a frame (the head of its compound page or run), or NULL: none exists or it is free. */
struct page *frame_head(pfn_t pfn);
/* NONE for what is no RAM, BUDDY for what is free. */
enum page_owner frame_owner(pfn_t pfn);
const char *page_owner_name(enum page_owner owner);

#endif
