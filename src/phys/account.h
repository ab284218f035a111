/* SPDX-License-Identifier: MIT */
/*
 * account.h - who pays for a frame: the side of quire/account.h that the allocator calls.
 *
 *	phys->accounts -> section of 128 MiB -> block of 2 MiB -> group of each frame
 *	                  made with its first charged page        made with its first
 *
 * [G3] A frame's entry is written by whoever owns the frame, before PG_accounted is set, and cleared after it.
 *
 * Locks: none; tables are joined by compare-and-exchange. Sleeps: as gfp says. Cost: see quire/account.h. Allocates: two pages at most
 * for the first page of a block.
 */
#ifndef PHYS_ACCOUNT_H
#define PHYS_ACCOUNT_H

#include "phys/buddy.h"
#include "phys/memmap.h"
#include "quire/account.h"

#define BLOCKS_PER_SECTION (PAGES_PER_SECTION >> PAGEBLOCK_ORDER)

struct account_section {
	struct mem_group **block[BLOCKS_PER_SECTION]; /* (a) NULL: none of its frames was ever charged */
};

/* Charges a request to the context's group: true, and *group is to be told to account_page() or account_cancel() (NULL: nobody pays).
 * False, and *full: that group's limit is reached. */
bool account_charge(gfp_t gfp, unsigned int order, struct mem_group **group, struct mem_group **full);
void account_cancel(struct mem_group *group, unsigned int order);
/* Writes down who pays for a run that nobody else knows yet. -ENOMEM: there is no room to write it, and nothing has changed. */
int account_page(struct page *page, unsigned int order, struct mem_group *group, gfp_t gfp);
/* The run is given back. */
void account_uncharge(struct page *page, unsigned int order);
/* A charged run became single pages. */
void account_split(struct page *page, unsigned int order);
/* `to` takes the place of `from`, which is about to be given back: so does the charge. 0 or -ENOMEM, and nothing has changed. */
int account_move(struct page *from, struct page *to);
/* Gives the tables back. Context: shut-down. */
void account_exit(void);

#endif
