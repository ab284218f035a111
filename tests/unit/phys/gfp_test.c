/* SPDX-License-Identifier: MIT */
/* gfp_test.c - the effect of every GFP flag, one by one. */
#include <string.h>

#include "phys_machine.h"
#include "phys/pcp.h"
#include "phys/relief.h"

#define NOTHING (__GFP_NOWARN)

static u32 taken = PAGE_NO_PFN; /* a chain of frames through lru.next */

static void keep(struct page *page)
{
	page->lru.next = taken;
	taken = (u32)page_to_pfn(page);
}

/* Takes all that these flags reach; how many. */
static unsigned long drain_machine(gfp_t gfp)
{
	unsigned long nr = 0;
	struct page *page;

	while ((page = alloc_page(gfp | __GFP_NOWARN))) {
		keep(page);
		nr++;
	}
	return nr;
}

static void give_one(void)
{
	struct page *page = pfn_to_page(taken);

	taken = page->lru.next;
	__free_page(page);
}

static void give_all(void)
{
	while (taken != PAGE_NO_PFN)
		give_one();
	drain_all_frames();
}

static enum zone_type zone_of(gfp_t gfp)
{
	struct page *page = alloc_page(gfp);
	enum zone_type type = page ? (enum zone_type)page_zonenum(page) : MAX_NR_ZONES;

	if (page)
		__free_page(page);
	return type;
}

static enum migratetype block_of(gfp_t gfp)
{
	struct page *page = alloc_page(gfp);
	enum migratetype type = (enum migratetype)pfn_to_block(page_to_pfn(page))->mt;

	__free_page(page);
	return type;
}

static void where(void)
{
	tap_is(zone_of(GFP_KERNEL | __GFP_DMA), ZONE_DMA, "__GFP_DMA: below 16 MiB");
	tap_is(zone_of(GFP_KERNEL | __GFP_DMA32), ZONE_DMA32, "__GFP_DMA32: below 4 GiB");
	tap_is(zone_of(GFP_KERNEL), ZONE_NORMAL, "neither: the highest that the kernel reaches");
	tap_is(zone_of(GFP_KERNEL | __GFP_HIGHMEM), ZONE_NORMAL, "__GFP_HIGHMEM: what need not be mapped, never Movable alone");
	tap_is(zone_of(GFP_KERNEL | __GFP_HIGHMEM | __GFP_MOVABLE), ZONE_MOVABLE, "__GFP_HIGHMEM and __GFP_MOVABLE: Movable");
	tap_is(zone_of(GFP_KERNEL | __GFP_MOVABLE), ZONE_NORMAL, "__GFP_MOVABLE of the kernel: not Movable");
	tap_is(block_of(GFP_KERNEL), MIGRATE_UNMOVABLE, "neither __GFP_MOVABLE nor __GFP_RECLAIMABLE: a block of unmovable pages");
	tap_is(block_of(GFP_KERNEL | __GFP_MOVABLE), MIGRATE_MOVABLE, "__GFP_MOVABLE: a block of movable pages");
	tap_is(block_of(GFP_KERNEL | __GFP_RECLAIMABLE), MIGRATE_RECLAIMABLE, "__GFP_RECLAIMABLE: a block of reclaimable ones");
	tap_is(zone_of(GFP_KERNEL | __GFP_THISNODE), ZONE_NORMAL, "__GFP_THISNODE where the node has memory");
	tap_ok(!alloc_pages_node(0, GFP_KERNEL | __GFP_DMA32 | __GFP_THISNODE | NOTHING, MAX_ORDER + 1), "an order too large has no node");
}

static void what_comes(void)
{
	struct page *a = alloc_page(GFP_KERNEL), *b = alloc_page(GFP_KERNEL), *hot, *cold, *run;
	static const char zeroes[4096];

	memset(page_address(a), 0x77, PAGE_SIZE);
	memset(page_address(b), 0x77, PAGE_SIZE);
	__free_page(a);
	__free_page(b);
	cold = alloc_page(GFP_KERNEL | __GFP_COLD);
	hot = alloc_page(GFP_KERNEL | __GFP_ZERO);
	tap_ok(hot == b && cold != a && cold != b, "__GFP_COLD takes from the other end than what was freed last");
	tap_is(memcmp(page_address(hot), zeroes, PAGE_SIZE), 0, "__GFP_ZERO: nothing of the last owner is left");
	__free_page(hot);
	__free_page(cold);
	run = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	tap_ok(PageHead(run) && PageTail(run + 7) && compound_head(run + 7) == run && compound_order(run) == 3, "__GFP_COMP: head and tails");
	__free_pages(run, 3);
	run = alloc_pages(GFP_KERNEL, 3);
	tap_ok(!PageCompound(run) && !PageCompound(run + 1), "without it: neither");
	__free_pages(run, 3);
}

/* ---- what may be done to get it ---- */

static struct {
	struct relief reclaim, kill;
	gfp_t seen;
	unsigned int reclaims, kills, wakes, rounds;
	bool gives;
} ladder;

static unsigned long on_reclaim(struct relief *self, const struct pressure *pressure)
{
	ladder.seen = pressure->gfp;
	ladder.reclaims++;
	ladder.rounds = pressure->round;
	if (!ladder.gives || taken == PAGE_NO_PFN)
		return 0;
	give_one();
	return 1;
}

static unsigned long on_kill(struct relief *self, const struct pressure *pressure)
{
	ladder.kills++;
	/* Who is killed gives memory back soon; here at once, and enough for the mark. */
	for (int i = 0; i < 100 && taken != PAGE_NO_PFN; i++)
		give_one();
	return 1;
}

static void on_wake(struct zone *zone, unsigned int order)
{
	ladder.wakes++;
}

static void forget(void)
{
	ladder.reclaims = ladder.kills = ladder.wakes = ladder.rounds = 0;
	ladder.seen = 0;
	ladder.gives = false;
}

/* One request of an empty machine; whether it was served. */
static bool ask(gfp_t gfp, unsigned int order)
{
	struct page *page;

	forget();
	page = alloc_pages(gfp | __GFP_NOWARN, order);
	if (page)
		__free_pages(page, order);
	return page != NULL;
}

static void efforts(void)
{
	drain_machine(__GFP_MEMALLOC);
	tap_ok(!ask(GFP_ATOMIC, 0) && ladder.reclaims == 0, "without __GFP_DIRECT_RECLAIM nobody is asked for pages");
	tap_ok(!ask(__GFP_DIRECT_RECLAIM | __GFP_NORETRY, 0) && ladder.reclaims == 1, "with it and __GFP_NORETRY: once");
	tap_is(ladder.seen & (__GFP_IO | __GFP_FS), 0, "the step sees that neither I/O nor file systems are allowed");
	ask(GFP_NOFS | __GFP_NORETRY, 0);
	tap_is(ladder.seen & (__GFP_IO | __GFP_FS), __GFP_IO, "__GFP_IO: I/O");
	ask(GFP_KERNEL | __GFP_NORETRY, 0);
	tap_is(ladder.seen & (__GFP_IO | __GFP_FS), __GFP_IO | __GFP_FS, "__GFP_FS: file systems");
	this_ctx()->flags |= QUIRE_CTX_NOIO;
	ask(GFP_KERNEL | __GFP_NORETRY, 0);
	this_ctx()->flags &= ~(u32)QUIRE_CTX_NOIO;
	tap_is(ladder.seen & (__GFP_IO | __GFP_FS), 0, "a context that may not do I/O takes both away");
	tap_ok(!ask(GFP_KERNEL | __GFP_NORETRY, 0) && ladder.kills == 0, "__GFP_NORETRY never kills");
	tap_ok(!ask(GFP_KERNEL | __GFP_RETRY_MAYFAIL, 0) && ladder.kills == 0 && ladder.reclaims > 3, "__GFP_RETRY_MAYFAIL tries hard, but does not kill");
	tap_ok(!ask(GFP_NOFS, 0) && ladder.kills == 0, "without __GFP_FS nobody is killed");
	tap_ok(!ask(GFP_KERNEL, 4) && ladder.kills == 0, "for a large run neither");
	tap_ok(ask(GFP_KERNEL, 0) && ladder.kills > 0, "an ordinary request kills, and is served");
	give_all();
}

static void never_fails(void)
{
	struct page *page;

	drain_machine(__GFP_MEMALLOC);
	tap_ok(!ask(GFP_KERNEL & ~__GFP_FS, 0), "all is taken");
	forget();
	ladder.gives = true;
	page = alloc_page((GFP_KERNEL & ~__GFP_FS) | __GFP_NOFAIL);
	tap_ok(page != NULL, "__GFP_NOFAIL comes back with a page");
	if (page)
		__free_page(page);
	give_all();
}

static void background(void)
{
	forget();
	drain_machine(GFP_NOWAIT & ~__GFP_KSWAPD_RECLAIM);
	tap_is(ladder.wakes, 0, "without __GFP_KSWAPD_RECLAIM the background sleeps on");
	give_all();
	forget();
	drain_machine(GFP_NOWAIT);
	tap_ok(ladder.wakes > 0, "with it, crossing the low mark wakes it: %u", ladder.wakes);
	tap_is(ladder.reclaims, 0, "and nobody waits");
	give_all();
}

static void depths(void)
{
	unsigned long ordinary, high, atomic, all, context;

	ordinary = drain_machine(0);
	give_all();
	high = drain_machine(__GFP_HIGH | __GFP_NOMEMALLOC);
	give_all();
	atomic = drain_machine(__GFP_HIGH);
	give_all();
	all = drain_machine(__GFP_MEMALLOC);
	give_all();
	tap_ok(ordinary < high && high < atomic && atomic < all,
	       "__GFP_HIGH reaches deeper, deeper where it cannot wait, __GFP_MEMALLOC to the end: %lu < %lu < %lu < %lu", ordinary, high,
	       atomic, all);
	this_ctx()->flags |= QUIRE_CTX_MEMALLOC;
	context = drain_machine(0);
	give_all();
	tap_is(context, all, "a context that frees more than it takes has all as well");
	context = drain_machine(__GFP_NOMEMALLOC);
	this_ctx()->flags &= ~(u32)QUIRE_CTX_MEMALLOC;
	give_all();
	/* A mark is looked at for each batch of a CPU's list, whose size follows the load. */
	tap_ok(context < ordinary + PCP_BATCH_MAX && ordinary < context + PCP_BATCH_MAX, "__GFP_NOMEMALLOC: not even then: %lu", context);
}

static void without_effect(void)
{
	/* No node is over its dirty limit (dirty_test.c), the context has no group (account_test.c), no CPU has tags. */
	static const gfp_t flags[] = {__GFP_WRITE, __GFP_ACCOUNT, __GFP_ZEROTAGS};
	unsigned long before = nr_free_pages(), reach;
	struct page *plain;

	give_all();
	reach = drain_machine(GFP_NOWAIT);

	give_all();
	plain = alloc_page(GFP_KERNEL);
	__free_page(plain);
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct page *page = alloc_page(GFP_KERNEL | flags[i]);

		tap_ok(page == plain && page_count(page) == 1, "flag %#x: the same page as without it", flags[i]);
		__free_page(page);
		tap_is(drain_machine(GFP_NOWAIT | flags[i]), reach, "and the same reach");
		give_all();
		plain = alloc_page(GFP_KERNEL);
		__free_page(plain);
	}
	tap_is(nr_free_pages(), before, "all back");
}

static void start_ladder(void)
{
	ladder.reclaim = (struct relief){.cost = RELIEF_RECLAIM, .name = "reclaim", .run = on_reclaim};
	ladder.kill = (struct relief){.cost = RELIEF_KILL, .name = "kill", .run = on_kill};
	relief_register(&ladder.reclaim);
	relief_register(&ladder.kill);
	relief_set_background(on_wake);
}

int main(void)
{
	static const struct quire_map_entry map[] = {
		{0, 48ull << 20, QUIRE_RANGE_RAM}, {4ull << 30, 48ull << 20, QUIRE_RANGE_RAM},
	};
	struct hosted_config config = {.map = map, .nr_map = 2, .cpus = 1, .cmdline = "movablecore=16M", .log = stdout};
	struct hosted_machine *machine;

	tap_plan(0);
	if (sizeof(long) == 4)
		tap_skip_all("a machine with every zone does not fit");
	machine = tap_machine_frames(&config);
	what_comes();
	where();
	without_effect();
	depths();
	start_ladder();
	efforts();
	never_fails();
	background();
	relief_unregister(&ladder.reclaim);
	relief_unregister(&ladder.kill);
	tap_machine_frames_end(machine);
	return tap_done();
}
