/* SPDX-License-Identifier: MIT */
/* migrate_range.c - pages out of a range of frames. */
#include "object/lru.h"
#include "object/migrate.h"
#include "phys/frames.h"
#include "quire/errno.h"
#include "quire/stats.h"
#include "reclaim/reclaim.h"
#include "sync/ctx.h"

/* Pages on their way at a time: 256 bytes of stack. */
#define RANGE_BATCH 32

/* Frames that somebody keeps for good. Those of KERNEL may just be on their way to a program. */
static bool never_moves(enum page_owner owner)
{
	switch (owner) {
	case PAGE_OWNER_BUDDY:
	case PAGE_OWNER_KERNEL:
	case PAGE_OWNER_ANON:
	case PAGE_OWNER_FILE:
		return false;
	default:
		return true;
	}
}

static void move_batch(struct page **pages, unsigned int nr)
{
	struct migrate_target target = {
		.get = migrate_get_page, .nid = NUMA_NO_NODE,
		.gfp = (GFP_HIGHUSER_MOVABLE | __GFP_NOWARN | __GFP_NOMEMALLOC) & ~(gfp_t)__GFP_RECLAIM,
	};

	/* Inside relief the caller may hold page locks of its own. */
	migrate_pages(pages, nr, &target, this_ctx()->in_relief ? MIGRATE_ASYNC : MIGRATE_SYNC, NULL);
}

int migrate_range(pfn_t start, pfn_t end)
{
	struct page *pages[RANGE_BATCH];
	unsigned int nr = 0;
	int err = 0;

	for (pfn_t pfn = start; pfn < end && !err; pfn++) {
		enum page_owner owner = frame_owner(pfn);

		if (never_moves(owner))
			err = -EBUSY;
		if ((owner != PAGE_OWNER_ANON && owner != PAGE_OWNER_FILE) || !isolate_lru_page(pfn_to_page(pfn)))
			continue;
		count_vm_event(COMPACTISOLATED);
		pages[nr++] = pfn_to_page(pfn);
		if (nr == RANGE_BATCH) {
			move_batch(pages, nr);
			nr = 0;
		}
	}
	if (nr)
		move_batch(pages, nr);
	count_vm_events(COMPACTMIGRATE_SCANNED, (long)(end - start));
	return err;
}
