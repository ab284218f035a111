/* SPDX-License-Identifier: MIT */
/*
 * frames_script.h - a script of bytes played on the frame allocator beside a model with one flag a frame.
 *
 * Each operation is two bytes: what, and how much. Whatever the bytes say, a frame has one owner at a time, and when all is
 * given back memory merges again. A unit test plays it with random bytes.
 */
#ifndef TESTS_FUZZ_FRAMES_SCRIPT_H
#define TESTS_FUZZ_FRAMES_SCRIPT_H

#include <stdlib.h>
#include <string.h>

#include "phys/page_alloc.h"
#include "phys/phys.h"
#include "phys/phys_state.h"
#include "phys/vmstat.h"

#define SCRIPT_FRAMES ((512u << 20) >> PAGE_SHIFT) /* the largest machine */
#define SCRIPT_HELD 512

struct script {
	bool owned[SCRIPT_FRAMES];
	struct { pfn_t pfn; unsigned int order; bool frozen; } held[SCRIPT_HELD];
	unsigned int nr_held;
	const char *wrong; /* the first thing that broke */
};

static inline void script_own(struct script *s, pfn_t pfn, unsigned long nr, bool to)
{
	for (unsigned long i = 0; i < nr; i++) {
		if (pfn + i >= SCRIPT_FRAMES || s->owned[pfn + i] == to)
			s->wrong = to ? "a frame was given to two" : "a frame was taken from nobody";
		else
			s->owned[pfn + i] = to;
	}
}

static inline void script_take(struct script *s, unsigned int how, unsigned int how_much)
{
	static const gfp_t types[4] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE, __GFP_COLD};
	static const gfp_t effort[4] = {GFP_NOWAIT, GFP_ATOMIC | __GFP_NOWARN, __GFP_MEMALLOC | __GFP_NOWARN,
					GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY};
	unsigned int order = how_much % (MAX_ORDER + 1);
	bool frozen = how_much & 128;
	gfp_t gfp = types[how % 4] | effort[how / 4 % 4] | (how & 16 && order ? __GFP_COMP : 0);
	struct page *page;

	if (s->nr_held == SCRIPT_HELD)
		return;
	page = frozen ? alloc_frozen_pages(gfp, order) : alloc_pages(gfp, order);
	if (!page)
		return;
	if (page_to_pfn(page) & ((1ul << order) - 1) || page_count(page) != !frozen)
		s->wrong = "a page is not as it should be";
	script_own(s, page_to_pfn(page), 1ul << order, true);
	s->held[s->nr_held].pfn = page_to_pfn(page);
	s->held[s->nr_held].frozen = frozen;
	s->held[s->nr_held++].order = order;
}

static inline void script_give(struct script *s, unsigned int which)
{
	unsigned int k = s->nr_held ? which % s->nr_held : 0;
	struct page *page;

	if (!s->nr_held)
		return;
	page = pfn_to_page(s->held[k].pfn);
	script_own(s, s->held[k].pfn, 1ul << s->held[k].order, false);
	if (s->held[k].frozen)
		free_frozen_pages(page, s->held[k].order);
	else if (which & 128)
		put_page(page);
	else
		__free_pages(page, s->held[k].order);
	s->held[k] = s->held[--s->nr_held];
}

/* Several frames by one call, of which any may be refused: what came is counted, and goes back at once. */
static inline void script_many(struct script *s, unsigned int how_many)
{
	struct page *pages[64] = {NULL};
	unsigned long before = nr_free_pages(), nr = how_many % 64, got = alloc_pages_bulk(GFP_KERNEL | __GFP_NOWARN, nr, pages);
	void *exact = alloc_pages_exact((how_many + 1) * PAGE_SIZE / 2, GFP_KERNEL | __GFP_NOWARN);

	for (unsigned long i = 0; i < nr; i++)
		if ((pages[i] != NULL) != (i < got))
			s->wrong = "a bulk request counted wrong";
	free_pages_exact(exact, (how_many + 1) * PAGE_SIZE / 2);
	free_pages_bulk(pages, got);
	free_pages(get_zeroed_page(GFP_KERNEL | __GFP_NOWARN), 0);
	if (nr_free_pages() != before)
		s->wrong = "a refused part was lost";
}

static inline void script_contig(struct script *s, unsigned int where, unsigned int how_many)
{
	pfn_t start = where * (this_phys()->max_pfn / 256) + how_many % 7, end = start + 1 + how_many * 5;
	bool free = true;

	if (end > this_phys()->max_pfn || alloc_contig_range(start, end, GFP_KERNEL))
		return;
	for (pfn_t pfn = start; pfn < end; pfn++)
		free &= !s->owned[pfn] && page_count(pfn_to_page(pfn)) == 1;
	if (!free)
		s->wrong = "a named frame was somebody's";
	free_contig_range(start, end - start);
}

/* NULL: all was well. The machine has its memory from address 0, 512 MiB at most, and comes and goes with all frames free. */
static inline const char *script_play(struct script *s, const uint8_t *data, size_t size)
{
	unsigned long before = nr_free_pages();

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i + 1 < size && !s->wrong; i += 2) {
		unsigned int what = data[i], how_much = data[i + 1];

		if (what < 128)
			script_take(s, what, how_much);
		else if (what < 240)
			script_give(s, how_much);
		else if (what < 244)
			drain_all_frames();
		else if (what < 248)
			script_many(s, how_much);
		else if (what < 254)
			script_contig(s, how_much, what * 41u & 255);
		else if (phys_check())
			s->wrong = "an invariant broke";
	}
	while (s->nr_held && !s->wrong)
		script_give(s, 0);
	drain_all_frames();
	if (!s->wrong && (nr_free_pages() != before || phys_check()))
		s->wrong = "not everything came back";
	if (!s->wrong && !zone_has_run(&node_data(0)->node_zones[ZONE_DMA32], MAX_ORDER, 0))
		s->wrong = "freed memory did not merge";
	return s->wrong;
}

#endif
