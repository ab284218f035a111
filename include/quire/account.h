/* SPDX-License-Identifier: MIT */
/*
 * account.h - groups of contexts whose frames are counted, and limited, together: what __GFP_ACCOUNT means.
 *
 *	struct mem_group users;                          the host's, for as long as frames are charged to it
 *	mem_group_init(&users, NULL, "users");
 *	mem_group_set_max(&users, 1000);                 pages
 *	this_ctx()->group = &users;                      each context carries its group
 *	alloc_page(GFP_KERNEL | __GFP_ACCOUNT);          one page more, or NULL at the limit
 *
 *	root [ 7 of 10 ]  <-- a [ 4 of 5 ]               a page is charged to its group and to all above it, and each may
 *	             ^------- b [ 3 of max ]             refuse it
 *
 * Whoever frees the page, and when: the group that paid gets it back. A run is charged as its 2^order pages, in one; split_page()
 * keeps each page's charge. __GFP_NOFAIL is charged above the limit. Contexts without a group, and requests without the flag,
 * are charged to nobody, and so are alloc_contig_range() and objects of caches; kmalloc() of more than a page is.
 *
 * [G1] A counter's usage is what its own group was charged, and the usage of the counters below it. It is at most its max, but for
 *      NOFAIL requests, and where max was set when more was used already (not possible: -EBUSY) .
 * [G2] PG_accounted is set in the first page of each charged run, and then page_group() is not NULL.
 *
 * Which group a page belongs to is kept apart from struct page: 8 bytes a frame (4 on 32 bits) of the page blocks that have ever had
 * such a page, and nothing anywhere else.
 *
 * Locks: none, counters are atomic. Sleeps: mem_group_init; else as the request's gfp says. Cost: an atomic addition for each group
 * up to the root; requests without the flag pay nothing.
 */
#ifndef QUIRE_ACCOUNT_H
#define QUIRE_ACCOUNT_H

#include "quire/types.h"

#define PAGE_COUNTER_MAX (~0ul >> 1)

struct page_counter {                /* (a) atomic  (c) constant                          */
	unsigned long usage;         /* (a) pages                                         */
	unsigned long max;           /* (a) pages                                         */
	unsigned long watermark;     /* (a) the most that usage ever was                  */
	unsigned long failcnt;       /* (a) charges that it refused                       */
	struct page_counter *parent; /* (c) charged as well; NULL: the root               */
};

/* No limit, nothing used. */
void page_counter_init(struct page_counter *counter, struct page_counter *parent);
/* Charges `counter` and all above it, if all agree: true. Otherwise nothing has changed, but failcnt of the one that did not agree,
 * and *fail is that one. */
bool page_counter_try_charge(struct page_counter *counter, unsigned long nr_pages, struct page_counter **fail);
/* The same whatever the limits say. */
void page_counter_charge(struct page_counter *counter, unsigned long nr_pages);
void page_counter_uncharge(struct page_counter *counter, unsigned long nr_pages);
/* 0, or -EBUSY: more is used than that, and the limit is what it was. */
int page_counter_set_max(struct page_counter *counter, unsigned long nr_pages);

static inline unsigned long page_counter_read(const struct page_counter *counter)
{
	return __atomic_load_n(&counter->usage, __ATOMIC_RELAXED);
}

struct mem_group {
	struct page_counter kmem;
	const char *name;            /* (c) for reports */
};

/* Makes a group below `parent` (NULL: none); `name` must stay. 0 or -ENOMEM. Context: after quire_init_frames(). May sleep. */
int mem_group_init(struct mem_group *group, struct mem_group *parent, const char *name);
/* As page_counter_set_max. */
int mem_group_set_max(struct mem_group *group, unsigned long nr_pages);
unsigned long mem_group_usage(const struct mem_group *group);
/* The group may go. 0, or -EBUSY: pages are charged to it, or to a group below it. Contexts must have left it. */
int mem_group_exit(struct mem_group *group);

/* Who pays for a page (of a compound page: for its head); NULL: nobody. Context: the caller has a reference. */
struct mem_group *page_group(const struct page *page);

#endif
