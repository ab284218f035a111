/* SPDX-License-Identifier: MIT */
/* page_owner.c - debugfs' page_owner: a paragraph for each allocation in use, in Linux's words. */
#include "phys/page_owner.h"

#include "base/format.h"
#include "phys/page_alloc.h"
#include "phys/phys_state.h"
#include "quire/errno.h"
#include "quire/stats.h"

struct paragraph {
	char *buf;
	size_t size, len;
};

__printf(2, 3) static void add(struct paragraph *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	out->len += (size_t)quire_vsnprintf(out->buf + out->len, out->size > out->len ? out->size - out->len : 0, fmt, args);
	va_end(args);
}

/* Does an allocation in use begin here? */
static bool is_first_of_run(const struct page *page, const struct page_owner_record *record)
{
	return record->allocated && !PageBuddy(page) && !(page_to_pfn(page) & ((1ul << record->order) - 1));
}

static void add_stack(struct paragraph *out, u32 handle)
{
	const struct quire_port *port = this_quire()->port;
	const unsigned long *entries = NULL;
	unsigned int nr = page_owner_stack(handle, &entries), i;
	char name[128];

	for (i = 0; i < nr; i++) {
		if (port->symbol && port->symbol(entries[i], name, sizeof(name)))
			add(out, " %s\n", name);
		else
			add(out, " 0x%lx\n", entries[i]);
	}
}

/* Length, or -ENOMEM when it does not fit. */
static long show(const struct page *page, const struct page_owner_record *record, char *buf, size_t size)
{
	struct paragraph out = {.buf = buf, .size = size};
	const struct pageblock *block = pfn_to_block(page_to_pfn(page));
	char text[200];

	add(&out, "Page allocated via order %u, mask %#x(%s), pid %d, tgid %d (%s), ts %llu ns\n", record->order, record->gfp,
	    gfp_text(record->gfp, text, sizeof(text)), record->who.pid, record->who.tgid, record->who.comm,
	    (unsigned long long)record->ts_ns);
	add(&out, "PFN 0x%lx type %s Block %lu type %s Flags %s\n", page_to_pfn(page),
	    migratetype_name(gfp_migratetype(record->gfp)), page_to_pfn(page) >> PAGEBLOCK_ORDER,
	    migratetype_name((enum migratetype)hint_read(block->mt)), page_flags_text(page, text, sizeof(text)));
	add_stack(&out, record->stack);
	add(&out, "\n");
	return out.len < size ? (long)out.len : -ENOMEM;
}

bool quire_page_owner_on(void)
{
	return this_phys()->owner != NULL;
}

long quire_page_owner_read(u64 *pos, char *buf, size_t size)
{
	pfn_t pfn = (pfn_t)*pos;

	if (!this_phys()->owner)
		return -EINVAL;
	while (pfn < this_phys()->max_pfn) {
		const struct page_owner_record *record = ram_pfn_valid(pfn) ? page_owner_record(pfn) : NULL;

		if (!record) {
			pfn = ALIGN(pfn + 1, (pfn_t)PAGEBLOCK_PAGES);
			continue;
		}
		if (record->allocated && is_first_of_run(pfn_to_page(pfn), record)) {
			long len = show(pfn_to_page(pfn), record, buf, size);

			*pos = pfn + 1;
			return len;
		}
		pfn++;
	}
	*pos = pfn;
	return 0;
}
