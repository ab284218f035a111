/* SPDX-License-Identifier: MIT */
/* page_owner.c - keeps who has a frame, and tells it in reports. */
#include "phys/page_owner.h"

#include "base/format.h"
#include "base/string.h"
#include "phys/frames.h"
#include "phys/memblock.h"
#include "phys/page_alloc.h"
#include "phys/page_debug.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "sync/report.h"

/* Words of the stack depot: some thousand chains, which is what a kernel has. */
#define DEPOT_WORDS (128u << 10)

static_assert(sizeof(struct page_owner_record) == 64, "a section's records fill whole pages");

/* ---- boot ---- */

static int make_sections(struct page_owner_state *state)
{
	pfn_t end = this_phys()->max_pfn, pfn;

	state->section = memblock_alloc(((end >> PFN_SECTION_SHIFT) + 1) * sizeof(*state->section), sizeof(void *));
	if (!state->section)
		return -ENOMEM;
	for (pfn = 0; pfn < end; pfn = ALIGN(pfn + 1, (pfn_t)PAGEBLOCK_PAGES)) {
		struct page_owner_record **section = &state->section[pfn >> PFN_SECTION_SHIFT];

		if (*section || !ram_pfn_valid(pfn))
			continue;
		*section = memblock_alloc_node(PAGES_PER_SECTION * sizeof(**section), PAGE_SIZE,
					       pfn_to_block(pfn)->zone_id >> 3);
		if (!*section)
			return -ENOMEM;
	}
	return 0;
}

int page_owner_init(void)
{
	struct page_owner_state *state;

	if (!page_debug_option("page_owner=", false))
		return 0;
	state = memblock_alloc(sizeof(*state), CACHE_LINE_BYTES);
	if (!state || stack_depot_init(&state->depot, DEPOT_WORDS) || make_sections(state))
		return -ENOMEM;
	this_phys()->owner = state;
	quire_log(QUIRE_LOG_INFO, "page_owner: on, %u bytes a frame", (unsigned int)sizeof(struct page_owner_record));
	return 0;
}

/* ---- keeping ---- */

struct page_owner_record *page_owner_record(pfn_t pfn)
{
	const struct page_owner_state *state = this_phys()->owner;

	if (!state || pfn >= this_phys()->max_pfn || !state->section[pfn >> PFN_SECTION_SHIFT])
		return NULL;
	return &state->section[pfn >> PFN_SECTION_SHIFT][pfn & (PAGES_PER_SECTION - 1)];
}

unsigned int page_owner_stack(u32 handle, const unsigned long **entries)
{
	return stack_depot_fetch(&this_phys()->owner->depot, handle, entries);
}

static u32 save_stack(void)
{
	const struct quire_port *port = this_quire()->port;
	unsigned long entries[STACK_DEPOT_DEPTH];

	if (!port->stack_trace)
		return 0;
	return stack_depot_save(&this_phys()->owner->depot, entries, port->stack_trace(entries, STACK_DEPOT_DEPTH));
}

static struct quire_task_id who_runs(void)
{
	struct quire_task_id id = {0};

	if (this_quire()->port->task_id)
		this_quire()->port->task_id(&id);
	return id;
}

void page_owner_set(struct page *page, unsigned int order, gfp_t gfp)
{
	struct page_owner_record now = {
		.gfp = gfp, .order = (u8)order, .allocated = true, .stack = save_stack(),
		.ts_ns = this_quire()->port->now_ns(), .who = who_runs(),
	};
	unsigned int i;

	for (i = 0; i < 1u << order; i++) {
		struct page_owner_record *record = page_owner_record(page_to_pfn(page) + i);

		now.free_stack = record->free_stack;
		now.free_ts_ns = record->free_ts_ns;
		now.free_pid = record->free_pid;
		now.free_tgid = record->free_tgid;
		*record = now;
	}
}

void page_owner_reset(struct page *page, unsigned int order)
{
	struct quire_task_id who = who_runs();
	u64 now = this_quire()->port->now_ns();
	u32 stack = save_stack();
	unsigned int i;

	for (i = 0; i < 1u << order; i++) {
		struct page_owner_record *record = page_owner_record(page_to_pfn(page) + i);

		record->allocated = false;
		record->free_stack = stack;
		record->free_ts_ns = now;
		record->free_pid = who.pid;
		record->free_tgid = who.tgid;
	}
}

void page_owner_split(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1u << order; i++)
		page_owner_record(page_to_pfn(page) + i)->order = 0;
}

/* ---- telling ---- */

static void report_stack(const unsigned long *entries, unsigned int nr)
{
	const struct quire_port *port = this_quire()->port;
	char name[128];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (port->symbol && port->symbol(entries[i], name, sizeof(name)))
			quire_log(QUIRE_LOG_ERR, " %s", name);
		else
			quire_log(QUIRE_LOG_ERR, " %#lx", entries[i]);
	}
}

void report_stack_here(void)
{
	unsigned long entries[STACK_DEPOT_DEPTH];

	if (!this_quire()->port->stack_trace)
		return;
	quire_log(QUIRE_LOG_ERR, "Call Trace:");
	report_stack(entries, this_quire()->port->stack_trace(entries, STACK_DEPOT_DEPTH));
}

static void report_handle(u32 handle)
{
	const unsigned long *entries = NULL;
	unsigned int nr = page_owner_stack(handle, &entries);

	report_stack(entries, nr);
}

static void report_history(const struct page_owner_record *record)
{
	char text[160];

	quire_log(QUIRE_LOG_ERR, "page_owner tracks the page as %s", record->allocated ? "allocated" : "freed");
	quire_log(QUIRE_LOG_ERR,
		  "page last allocated via order %u, migratetype %s, gfp_mask %#x(%s), pid %d, tgid %d (%s), ts %llu, free_ts %llu",
		  record->order, migratetype_name(gfp_migratetype(record->gfp)), record->gfp,
		  gfp_text(record->gfp, text, sizeof(text)), record->who.pid, record->who.tgid, record->who.comm,
		  (unsigned long long)record->ts_ns, (unsigned long long)record->free_ts_ns);
	report_handle(record->stack);
	if (!record->free_ts_ns) {
		quire_log(QUIRE_LOG_ERR, "page was never freed");
		return;
	}
	quire_log(QUIRE_LOG_ERR, "page last free pid %d tgid %d stack trace:", record->free_pid, record->free_tgid);
	report_handle(record->free_stack);
}

void page_owner_report(const struct page *page)
{
	const struct page_owner_record *record = page_owner_record(page_to_pfn(page));
	char text[200];

	quire_log(QUIRE_LOG_ERR, "page: refcount:%d mapcount:%d mapping:%#lx index:%#lx pfn:%#lx", page_count(page),
		  page_mapcount(page), page_mapping_raw(page), (unsigned long)page_index(page), page_to_pfn(page));
	quire_log(QUIRE_LOG_ERR, "owner: %s, flags: %s", page_owner_name(page_owner(page)),
		  page_flags_text(page, text, sizeof(text)));
	if (record && record->ts_ns)
		report_history(record);
	else
		quire_log(QUIRE_LOG_ERR, "page_owner info is not present (%s)", record ? "never set?" : "boot with page_owner=on");
}
