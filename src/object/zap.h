/* SPDX-License-Identifier: MIT */
/*
 * zap.h - take the entries of a range out of one page table, with all that hangs on them.
 *
 * For each present entry: the page loses a mapping, the mm a page of its RSS, dirtiness goes to the page, and the reference goes
 * to the gather, which drops it after the flush. Soft entries go to whoever owns their type.
 *
 * Lock: what keeps the tables (walk.h); takes each leaf table's lock. Sleeps: never. Cost: some 30 instructions a page.
 */
#ifndef OBJECT_ZAP_H
#define OBJECT_ZAP_H

#include "pgtable/gather.h"
#include "quire/mapping.h"

struct zap_range {
	vaddr_t start, end;
	bool keep_wp;         /* where writes to an object are watched, that is remembered in the entries */
	bool keep_private;    /* anonymous copies in a file mapping stay */
	pgoff_t first, last;  /* check_index: only pages of the file whose index lies here (non-linear areas) */
	bool check_index;
};

void zap_page_range(struct mmu_gather *tlb, const struct zap_range *range);

#endif
