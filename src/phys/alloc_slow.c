/* SPDX-License-Identifier: MIT */
/* alloc_slow.c - the only slow path: reserves, the ladder, patience, and giving up. */
#include "phys/account.h"
#include "phys/page_alloc.h"
#include "phys/page_debug.h"
#include "phys/phys_state.h"
#include "quire/port.h"
#include "quire/stats.h"

/* Climbs without any progress before a request that may wait gives up: each has run every step. */
#define MAX_RELIEF_ROUNDS 16
/* Largest order for which waiting on reclaim is expected to help; larger ones fail rather than kill. */
#define PAGE_ALLOC_COSTLY_ORDER 3

gfp_t current_gfp_context(gfp_t gfp)
{
	u32 flags = this_ctx()->flags;

	if (likely(!(flags & (QUIRE_CTX_NOIO | QUIRE_CTX_NOFS | QUIRE_CTX_IRQ))))
		return gfp;
	if (flags & QUIRE_CTX_NOIO)
		gfp &= ~(__GFP_IO | __GFP_FS);
	if (flags & QUIRE_CTX_NOFS)
		gfp &= ~__GFP_FS;
	if (flags & QUIRE_CTX_IRQ)
		gfp &= ~__GFP_DIRECT_RECLAIM;
	return gfp;
}

unsigned int gfp_to_alloc_flags(gfp_t gfp, unsigned int order)
{
	unsigned int flags = ALLOC_WMARK_MIN;

	if (gfp & __GFP_HIGH)
		flags |= ALLOC_MIN_RESERVE;
	if (gfp & __GFP_KSWAPD_RECLAIM)
		flags |= ALLOC_KSWAPD;
	if (!(gfp & __GFP_DIRECT_RECLAIM) && gfp & __GFP_HIGH) {
		/* Urgent and cannot wait. */
		if (!(gfp & __GFP_NOMEMALLOC)) {
			flags |= ALLOC_NON_BLOCK;
			if (order)
				flags |= ALLOC_HIGHATOMIC;
		}
	}
	if (gfp_migratetype(gfp) == MIGRATE_MOVABLE)
		flags |= ALLOC_CMA;
	if (gfp & __GFP_COLD)
		flags |= ALLOC_COLD;
	return flags;
}

/* Does the running context itself open the reserves? */
static unsigned int context_alloc_flags(gfp_t gfp)
{
	const struct quire_ctx *ctx = this_ctx();

	if (gfp & __GFP_NOMEMALLOC)
		return 0;
	if (gfp & __GFP_MEMALLOC || ctx->flags & QUIRE_CTX_MEMALLOC || ctx->in_relief)
		return ALLOC_NO_WATERMARKS;
	return ctx->flags & QUIRE_CTX_OOM_VICTIM ? ALLOC_OOM : 0;
}

u32 allowed_mems(gfp_t gfp)
{
	const struct quire_ctx *ctx = this_ctx();

	/* Whoever is being killed gives back more than it takes, from wherever. */
	return gfp & __GFP_HARDWALL && !(ctx->flags & QUIRE_CTX_OOM_VICTIM) ? ctx->mems_allowed : 0;
}

static void prepare_context(struct alloc_context *ac, gfp_t gfp, unsigned int order, int nid,
			    const unsigned long *nodemask)
{
	pg_data_t *pgdat;

	if (nid == NUMA_NO_NODE)
		nid = this_phys_cpu()->nid;
	pgdat = node_data(nid);
	*ac = (struct alloc_context){
		.gfp = gfp,
		.order = order,
		.migratetype = gfp_migratetype(gfp),
		.highest_zoneidx = gfp_zone(gfp),
		.nodemask = nodemask,
		.allowed = allowed_mems(gfp),
		.nid = nid,
		.alloc_flags = gfp_to_alloc_flags(gfp, order),
	};
	if (unlikely(ac->allowed)) {
		ac->allowed &= nodemask ? *nodemask : ~0ul;
		ac->nodemask = &ac->allowed;
	}
	ac->spread_dirty = gfp & __GFP_WRITE;
	if (pgdat)
		ac->zonelist = pgdat->node_zonelists[gfp & __GFP_THISNODE ? ZONELIST_NOFALLBACK : ZONELIST_FALLBACK];
}

static struct page *try_with(struct alloc_context *ac, unsigned int alloc_flags)
{
	unsigned int saved = ac->alloc_flags;
	struct page *page;

	ac->alloc_flags = alloc_flags;
	page = get_page_from_freelist(ac);
	ac->alloc_flags = saved;
	return page;
}

/* One climb of the ladder, trying again after every step. *progress: did any step give something? */
static struct page *climb(struct alloc_context *ac, unsigned int round, bool *progress)
{
	struct pressure pressure = {
		.gfp = ac->gfp, .order = ac->order, .nid = ac->nid, .highest_zone = ac->highest_zoneidx,
		.nodemask = ac->nodemask, .round = round,
	};
	int level = 0;

	*progress = false;
	for (;;) {
		unsigned long given;
		struct page *page;

		if (*progress && level > RELIEF_COMPACT)
			break;
		given = relief_step(&pressure, &level);
		if (level == RELIEF_END)
			break;
		if (!given)
			continue;
		*progress = true;
		page = get_page_from_freelist(ac);
		if (page)
			return page;
	}
	return NULL;
}

/* The last rung: ends a process, unless the run is larger than a kill could give. True when one was ended or is ending. */
static bool climb_to_kill(struct alloc_context *ac, unsigned int round)
{
	struct pressure pressure = {
		.gfp = ac->gfp, .order = ac->order, .nid = ac->nid, .highest_zone = ac->highest_zoneidx,
		.nodemask = ac->nodemask, .round = round,
	};
	int level = RELIEF_KILL;

	return ac->order <= PAGE_ALLOC_COSTLY_ORDER && relief_step(&pressure, &level) > 0;
}

/* Nothing is to be waited for any more, nor worth a report. */
static bool dying(void)
{
	const struct quire_port *port = this_quire()->port;

	return port->fatal_signal_pending && port->fatal_signal_pending();
}

static bool should_go_on(const struct alloc_context *ac, bool progress, unsigned int *fruitless)
{
	if (ac->gfp & __GFP_NORETRY)
		return false;
	/* The allocator's own steps give what they have at once, and who could be ended has been asked: without others there is
	 * nothing to wait for. */
	if (!progress && !relief_reaches(RELIEF_RECLAIM, RELIEF_KILL, ac->order))
		return false;
	*fruitless = progress ? 0 : *fruitless + 1;
	if (ac->order > PAGE_ALLOC_COSTLY_ORDER && !(ac->gfp & __GFP_RETRY_MAYFAIL))
		return progress && *fruitless == 0 && ac->order <= PAGEBLOCK_ORDER;
	return *fruitless < MAX_RELIEF_ROUNDS;
}

static struct page *alloc_with_relief(struct alloc_context *ac)
{
	unsigned int round, fruitless = 0;
	bool progress;

	for (round = 0; round < 4 * MAX_RELIEF_ROUNDS; round++) {
		struct page *page = climb(ac, round, &progress);

		if (!page)
			page = get_page_from_freelist(ac);
		if (page)
			return page;
		if (!progress && climb_to_kill(ac, round))
			progress = true;
		if (!should_go_on(ac, progress, &fruitless))
			break;
		if (dying())
			break;
		if (this_quire()->port->cond_resched)
			this_quire()->port->cond_resched();
	}
	return NULL;
}

/* __GFP_NOFAIL: all reserves, then for ever. */
static struct page *alloc_nofail(struct alloc_context *ac)
{
	unsigned int round;
	bool progress;

	for (round = 0;; round++) {
		struct page *page = try_with(ac, ac->alloc_flags | ALLOC_NO_WATERMARKS);

		if (!page && ac->gfp & __GFP_DIRECT_RECLAIM && !this_ctx()->in_relief) {
			page = climb(ac, round, &progress);
			if (!page && !progress)
				climb_to_kill(ac, round);
		}
		if (page)
			return page;
		if (round == MAX_RELIEF_ROUNDS)
			warn_alloc(ac, "waiting for ever, because the request must not fail");
		quire_host_relax();
		if (ac->gfp & __GFP_DIRECT_RECLAIM && this_quire()->port->cond_resched)
			this_quire()->port->cond_resched();
	}
}

static struct page *alloc_below_low(struct alloc_context *ac)
{
	unsigned int opened = context_alloc_flags(ac->gfp);
	struct page *page;

	page = try_with(ac, ac->alloc_flags | opened);
	if (page || opened & ALLOC_NO_WATERMARKS)
		return page;
	if (!(ac->gfp & __GFP_DIRECT_RECLAIM))
		return NULL;
	return alloc_with_relief(ac);
}

const char *request_nonsense(gfp_t gfp, unsigned int order)
{
	if (order > MAX_ORDER)
		return "its order is above the maximum";
	if (gfp & __GFP_NOFAIL && !(gfp & __GFP_DIRECT_RECLAIM))
		return "it must not fail and may not wait";
	if (gfp & __GFP_NOFAIL && order > 1)
		return "it must not fail and wants a large run";
	if ((gfp & (__GFP_MOVABLE | __GFP_RECLAIMABLE)) == (__GFP_MOVABLE | __GFP_RECLAIMABLE))
		return "its page is movable and reclaimable at once";
	if (hweight_long(gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM)) > 1)
		return "it names two zones";
	if (gfp & __GFP_MEMALLOC && gfp & __GFP_NOMEMALLOC)
		return "it must use all reserves and none";
	if (gfp & ~__GFP_BITS_MASK)
		return "it has flags that do not exist";
	return NULL;
}

/*
 * Nonsense is told, with who asks; then an order too large is refused, a large run that must not fail may fail, and the rest is
 * served as the flags that remain say. Only a caller that asked to hear nothing gets an order refused in silence, as on Linux.
 */
static bool request_is_sane(gfp_t *gfp, unsigned int order)
{
	const char *why = request_nonsense(*gfp, order);

	if (likely(!why))
		return true;
	if (order <= MAX_ORDER || !(*gfp & __GFP_NOWARN))
		bad_request(*gfp, order, why);
	if (order > 1)
		*gfp &= ~__GFP_NOFAIL;
	*gfp &= __GFP_BITS_MASK;
	return order <= MAX_ORDER;
}

static struct page *alloc_prepared(struct alloc_context *ac)
{
	struct page *page;

	page = try_with(ac, (ac->alloc_flags & ~(unsigned int)(ALLOC_WMARK_MASK | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK)) |
				    ALLOC_WMARK_LOW);
	if (likely(page))
		return page;
	/* Dirty limits spread the load; nobody goes without memory for them. */
	ac->spread_dirty = false;
	page = alloc_below_low(ac);
	if (page)
		return page;
	if (ac->gfp & __GFP_NOFAIL)
		return alloc_nofail(ac);
	if (!(ac->gfp & __GFP_NOWARN) && !dying())
		warn_alloc(ac, "page allocation failure");
	return NULL;
}

/* The group pays first, so that one which is at its limit costs no memory and no effort. */
static struct page *alloc_accounted(struct alloc_context *ac)
{
	struct mem_group *group, *full;
	struct page *page;

	if (!account_charge(ac->gfp, ac->order, &group, &full)) {
		if (!(ac->gfp & __GFP_NOWARN))
			warn_group(ac, full);
		return NULL;
	}
	page = alloc_prepared(ac);
	if (page && account_page(page, ac->order, group, ac->gfp)) {
		free_frozen_pages(page, ac->order);
		page = NULL;
		if (!(ac->gfp & __GFP_NOWARN))
			warn_alloc(ac, "page allocation failure: no memory to note who pays for it");
	}
	if (!page)
		account_cancel(group, ac->order);
	return page;
}

struct page *alloc_slow(gfp_t gfp, unsigned int order, int nid, const unsigned long *nodemask)
{
	struct alloc_context ac;

	if (unlikely(hint_read(this_phys_cpu()->attention) & ATTENTION_DRAIN))
		drain_local_pages(NULL);
	gfp = current_gfp_context(gfp);
	if (!request_is_sane(&gfp, order) || page_alloc_should_fail(gfp))
		return NULL;
	prepare_context(&ac, gfp, order, nid, nodemask);
	if (unlikely(!ac.zonelist))
		return NULL;
	return unlikely(gfp & __GFP_ACCOUNT) ? alloc_accounted(&ac) : alloc_prepared(&ac);
}
