/* SPDX-License-Identifier: MIT */
/* relief.c - the ladder: an ordered list of steps, climbed one at a time. */
#include "phys/relief.h"

#include "phys/phys_state.h"

void relief_register(struct relief *relief)
{
	struct relief **at = &this_phys()->relief.first;

	while (*at && (*at)->cost <= relief->cost)
		at = &(*at)->next;
	relief->next = *at;
	/* Release: pairs with the acquire in relief_step; a climber sees the whole step. */
	__atomic_store_n(at, relief, __ATOMIC_RELEASE);
}

void relief_unregister(struct relief *relief)
{
	struct relief **at = &this_phys()->relief.first;

	while (*at && *at != relief)
		at = &(*at)->next;
	if (*at)
		__atomic_store_n(at, relief->next, __ATOMIC_RELEASE);
}

bool relief_reaches(int cost, int below, unsigned int order)
{
	struct relief *relief = __atomic_load_n(&this_phys()->relief.first, __ATOMIC_ACQUIRE);

	while (relief && (relief->cost < cost || order < relief->min_order))
		relief = __atomic_load_n(&relief->next, __ATOMIC_ACQUIRE);
	return relief && relief->cost < below;
}

void relief_set_background(void (*wake)(struct zone *zone, unsigned int order))
{
	this_phys()->relief.wake_background = wake;
}

void relief_wake_background(struct zone *zone, unsigned int order)
{
	__atomic_fetch_or(&zone->flags, ZONE_BELOW_LOW, __ATOMIC_RELAXED);
	if (this_phys()->relief.wake_background)
		this_phys()->relief.wake_background(zone, order);
}

/* May a request with these flags use a step of this cost? */
static bool step_allowed(const struct relief *relief, gfp_t gfp, unsigned int order)
{
	if (order < relief->min_order)
		return false;
	if (relief->cost < RELIEF_KILL)
		return true;
	return gfp & __GFP_FS && !(gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE));
}

unsigned long relief_step(const struct pressure *pressure, int *level)
{
	struct quire_ctx *ctx = this_ctx();
	struct relief *relief;
	unsigned long given;

	relief = __atomic_load_n(&this_phys()->relief.first, __ATOMIC_ACQUIRE);
	while (relief && (relief->cost < *level || !step_allowed(relief, pressure->gfp, pressure->order)))
		relief = __atomic_load_n(&relief->next, __ATOMIC_ACQUIRE);
	/* Nobody is killed by the way: who climbs to the last rung says so. */
	if (!relief || (relief->cost >= RELIEF_KILL && *level < RELIEF_KILL)) {
		*level = RELIEF_END;
		return 0;
	}
	*level = relief->cost + 1;
	QUIRE_ASSERT_MSG(!ctx->in_relief, "[L1] a step of the ladder climbs the ladder");
	ctx->in_relief = 1;
	given = relief->run(relief, pressure);
	ctx->in_relief = 0;
	__atomic_fetch_add(&relief->nr_runs, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&relief->nr_given, given, __ATOMIC_RELAXED);
	return given;
}
