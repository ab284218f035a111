/* SPDX-License-Identifier: MIT */
/* init.c - this room's state, and how it joins the allocator. */
#include "phys/page_alloc.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "reclaim/reclaim.h"
#include "sync/ctx.h"

int reclaim_init(void)
{
	struct reclaim_state *reclaim = kzalloc(sizeof(*reclaim), GFP_KERNEL);

	if (!reclaim)
		return -ENOMEM;
	this_quire()->reclaim = reclaim;
	reclaim->compact = (struct relief){
		.cost = RELIEF_COMPACT, .name = "compact", .min_order = 1, .run = compact_relief,
	};
	phys_set_migrate(migrate_range);
	relief_register(&reclaim->compact);
	return 0;
}

void reclaim_exit(void)
{
	struct reclaim_state *reclaim = this_quire()->reclaim;

	if (!reclaim)
		return;
	relief_unregister(&reclaim->compact);
	phys_set_migrate(NULL);
	kfree(reclaim);
	this_quire()->reclaim = NULL;
}
