/* SPDX-License-Identifier: MIT */
/* alloc_report.c - reports that explain: why a request failed, what is wrong with a page. */
#include "base/format.h"
#include "phys/page_alloc.h"
#include "phys/page_owner.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"
#include "quire/account.h"
#include "quire/port.h"
#include "sync/report.h"

/* Failures come in floods; one explained in this time is enough. */
#define REPORT_INTERVAL_NS 5000000000ull

/* Requests without sense that are told. */
#define REPORTED_REQUESTS 16

struct gfp_name {
	gfp_t flags;
	const char *name;
};

static const struct gfp_name gfp_names[] = {
	{GFP_TRANSHUGE, "GFP_TRANSHUGE"}, {GFP_TRANSHUGE_LIGHT, "GFP_TRANSHUGE_LIGHT"},
	{GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE"}, {GFP_HIGHUSER, "GFP_HIGHUSER"}, {GFP_USER, "GFP_USER"},
	{GFP_KERNEL_ACCOUNT, "GFP_KERNEL_ACCOUNT"}, {GFP_KERNEL, "GFP_KERNEL"}, {GFP_NOFS, "GFP_NOFS"},
	{GFP_ATOMIC, "GFP_ATOMIC"}, {GFP_NOIO, "GFP_NOIO"}, {GFP_NOWAIT, "GFP_NOWAIT"},
	{__GFP_DMA, "GFP_DMA"}, {__GFP_HIGHMEM, "__GFP_HIGHMEM"}, {__GFP_DMA32, "GFP_DMA32"},
	{__GFP_MOVABLE, "__GFP_MOVABLE"}, {__GFP_RECLAIMABLE, "__GFP_RECLAIMABLE"}, {__GFP_HIGH, "__GFP_HIGH"},
	{__GFP_IO, "__GFP_IO"}, {__GFP_FS, "__GFP_FS"}, {__GFP_ZERO, "__GFP_ZERO"}, {__GFP_RECLAIM, "__GFP_RECLAIM"},
	{__GFP_DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM"}, {__GFP_KSWAPD_RECLAIM, "__GFP_KSWAPD_RECLAIM"},
	{__GFP_WRITE, "__GFP_WRITE"}, {__GFP_NOWARN, "__GFP_NOWARN"}, {__GFP_RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL"},
	{__GFP_NOFAIL, "__GFP_NOFAIL"}, {__GFP_NORETRY, "__GFP_NORETRY"}, {__GFP_MEMALLOC, "__GFP_MEMALLOC"},
	{__GFP_COMP, "__GFP_COMP"}, {__GFP_NOMEMALLOC, "__GFP_NOMEMALLOC"}, {__GFP_HARDWALL, "__GFP_HARDWALL"},
	{__GFP_THISNODE, "__GFP_THISNODE"}, {__GFP_ACCOUNT, "__GFP_ACCOUNT"}, {__GFP_ZEROTAGS, "__GFP_ZEROTAGS"},
	{__GFP_COLD, "__GFP_COLD"},
};

const char *gfp_text(gfp_t gfp, char *buf, size_t size)
{
	size_t len = 0;
	unsigned int i;

	if (!gfp)
		return "none";
	buf[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		if ((gfp & gfp_names[i].flags) != gfp_names[i].flags)
			continue;
		len += (size_t)quire_scnprintf(buf + len, size - len, "%s%s", len ? "|" : "", gfp_names[i].name);
		gfp &= ~gfp_names[i].flags;
	}
	if (gfp)
		quire_scnprintf(buf + len, size - len, "%s%#x", len ? "|" : "", gfp);
	return buf;
}

const char *page_flags_text(const struct page *page, char *buf, size_t size)
{
	static const char *const names[NR_PAGEFLAGS] = {
		"locked", "waiters", "referenced", "uptodate", "dirty", "writeback", "lru", "active", "workingset",
		"unevictable", "mlocked", "swapbacked", "swapcache", "reclaim", "isolated", "head", "tail", "reserved",
		"hwpoison", "run", "accounted",
	};
	u32 flags = atomic_load_explicit(&((struct page *)page)->flags, memory_order_relaxed);
	size_t len = (size_t)quire_scnprintf(buf, size, "%#x(", flags);
	unsigned int i;

	for (i = 0; i < NR_PAGEFLAGS; i++)
		if (flags >> i & 1)
			len += (size_t)quire_scnprintf(buf + len, size - len, "%s|", names[i]);
	quire_scnprintf(buf + len, size - len, "node=%u|zone=%u)", flags >> PAGE_NODE_SHIFT, flags >> PAGE_ZONE_SHIFT & 7);
	return buf;
}

/* Why this zone refused, in words. */
static const char *refusal(struct zone *zone, const struct alloc_context *ac)
{
	unsigned long mark = wmark_pages(zone, WMARK_MIN);
	int nid = zone_to_nid(zone);

	if (zone_idx(zone) > ac->highest_zoneidx)
		return "not reachable by these flags";
	if (ac->nodemask && !(ac->nodemask[0] >> nid & 1))
		return "its node is not allowed";
	if (ac->gfp & __GFP_THISNODE && nid != ac->nid)
		return "another node was asked for";
	if (!zone_watermark_ok(zone, 0, mark, ac->highest_zoneidx, ac->alloc_flags))
		return hint_read(zone->nr_free) > mark ? "what is free is reserved for lower zones' users"
						       : "below its min watermark";
	if (!zone_has_run(zone, ac->order, ac->alloc_flags))
		return "enough is free, but not in one piece";
	return "would serve it now";
}

static void show_zone(struct zone *zone, const struct alloc_context *ac)
{
	const int kib = PAGE_SHIFT - 10;

	quire_log(QUIRE_LOG_WARNING,
		  "Node %d %s free:%lukB boost:%lukB min:%lukB low:%lukB high:%lukB reserved_highatomic:%luKB present:%lukB managed:%lukB pcp:%lukB: %s",
		  zone_to_nid(zone), zone->name, zone->nr_free << kib, zone->watermark_boost << kib,
		  zone->_watermark[WMARK_MIN] << kib, zone->_watermark[WMARK_LOW] << kib, zone->_watermark[WMARK_HIGH] << kib,
		  zone->nr_reserved_highatomic << kib, zone->present_pages << kib, zone->managed_pages << kib,
		  zone_pcp_pages(zone) << kib, refusal(zone, ac));
}

static void show_runs(struct zone *zone)
{
	unsigned long runs[NR_ORDERS], total = 0;
	char line[240];
	int len = 0;
	unsigned int order;

	zone_count_runs(zone, MIGRATE_TYPES, runs);
	for (order = 0; order < NR_ORDERS; order++) {
		total += runs[order] << order;
		len += quire_scnprintf(line + len, sizeof(line) - (size_t)len, " %lu*%lukB", runs[order],
				       (PAGE_SIZE >> 10) << order);
	}
	quire_log(QUIRE_LOG_WARNING, "Node %d %s:%s = %lukB", zone_to_nid(zone), zone->name, line, total << (PAGE_SHIFT - 10));
}

/* Begins a report, unless the last one has just been made. */
static bool begin_report(const struct alloc_context *ac, const char *why)
{
	u64 now = this_quire()->port->now_ns(), last = __atomic_load_n(&this_phys()->last_report_ns, __ATOMIC_RELAXED);
	char text[160];

	if (last && now - last < REPORT_INTERVAL_NS)
		return false;
	__atomic_store_n(&this_phys()->last_report_ns, now ? now : 1, __ATOMIC_RELAXED);
	quire_log(QUIRE_LOG_WARNING, "%s: order:%u, mode:%#x(%s), nodemask=%s, node %d", why, ac->order, ac->gfp,
		  gfp_text(ac->gfp, text, sizeof(text)), ac->nodemask ? "given" : "(null)", ac->nid);
	return true;
}

void warn_group(const struct alloc_context *ac, const struct mem_group *full)
{
	const struct page_counter *counter = &this_ctx()->group->kmem;
	const int kib = PAGE_SHIFT - 10;

	if (!begin_report(ac, "page allocation failure: its group may have no more"))
		return;
	for (; counter; counter = counter->parent) {
		const struct mem_group *group = container_of(counter, const struct mem_group, kmem);
		unsigned long max = hint_read(counter->max);
		char limit[40] = "no limit";

		if (max < PAGE_COUNTER_MAX)
			quire_scnprintf(limit, sizeof(limit), "limit %lukB", max << kib);
		quire_log(QUIRE_LOG_WARNING, "group %s: usage %lukB, most ever %lukB, failcnt %lu, %s%s", group->name,
			  page_counter_read(counter) << kib, hint_read(counter->watermark) << kib, hint_read(counter->failcnt), limit,
			  group == full ? ": refused it" : "");
	}
}

void warn_alloc(const struct alloc_context *ac, const char *why)
{
	struct relief *relief;
	struct zone *zone;
	unsigned int id;

	if (!begin_report(ac, why))
		return;
	quire_log(QUIRE_LOG_WARNING, "Mem-Info: %lu pages RAM, %lu free", this_phys()->totalram_pages, nr_free_pages());
	for_each_populated_zone(zone, id)
		show_zone(zone, ac);
	for_each_populated_zone(zone, id)
		show_runs(zone);
	for (relief = this_phys()->relief.first; relief; relief = relief->next)
		quire_log(QUIRE_LOG_WARNING, "relief %s: ran %lu times, gave %lu pages", relief->name, relief->nr_runs,
			  relief->nr_given);
}

void bad_request(gfp_t gfp, unsigned int order, const char *why)
{
	char text[160];

	/* The first of its kind tells the caller; the others would tell the same. */
	if (__atomic_fetch_add(&this_phys()->bad_requests, 1, __ATOMIC_RELAXED) >= REPORTED_REQUESTS)
		return;
	quire_log(QUIRE_LOG_WARNING, "BUG: bad request: order:%u, mode:%#x(%s): %s", order, gfp,
		  gfp_text(gfp, text, sizeof(text)), why);
	report_stack_here();
}

void bad_list(struct zone *zone, struct pageblock *block)
{
	__atomic_fetch_add(&this_phys()->bad_lists, 1, __ATOMIC_RELAXED);
	quire_log(QUIRE_LOG_ALERT, "BUG: list corruption: node %d zone %s, page block %u (pfn %#lx) of type %s: next %u, prev %u",
		  zone_to_nid(zone), zone->name, block_number(block), block_start_pfn(block),
		  migratetype_name((enum migratetype)block->mt), block->next, block->prev);
	report_stack_here();
}

void bad_page(struct page *page, const char *why)
{
	__atomic_fetch_add(&this_phys()->bad_pages, 1, __ATOMIC_RELAXED);
	if (!page) {
		quire_log(QUIRE_LOG_ALERT, "BUG: Bad page state: %s", why);
		return;
	}
	quire_log(QUIRE_LOG_ALERT, "BUG: Bad page state: pfn:%05lx: %s", page_to_pfn(page), why);
	page_owner_report(page);
}

void bad_reference(struct page *page, const char *why)
{
	atomic_fetch_add_explicit(&page->_refcount, 1, memory_order_relaxed);
	bad_page(page, why);
}
