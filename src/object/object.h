/* SPDX-License-Identifier: MIT */
/*
 * object.h - what this room keeps for a machine.
 *
 * Locks: each part's own. Sleeps: never. Allocates: never.
 */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include "object/lru.h"
#include "quire/config.h"
#include "sync/ctx.h"

struct object_state {
	struct lruvec *lruvec[QUIRE_MAX_NODES]; /* (c) by node; NULL: a node without memory */
	struct kmem_cache *anon_vma_cache, *xa_cache; /* (c) */
	struct page *zeros;                     /* (c) a page of zeros to read holes from */
};

#define this_object() (this_quire()->object)

/* Makes this room's state. 0 or -ENOMEM. Context: boot, once. */
int object_init(void);
/* Gives everything back; no user or cached page is left. Context: shut-down, once. */
void object_exit(void);
/* Checks the lists and the page cache's counts. Number of broken invariants, each logged. */
unsigned int object_check(void);

#endif
