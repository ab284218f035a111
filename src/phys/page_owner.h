/* SPDX-License-Identifier: MIT */
/*
 * page_owner.h - who got each frame, where and when, and who gave it back last (page_owner=on).
 *
 *	section of 128 MiB -> one record for each of its frames      record -> two call chains in the stack depot
 *
 * All frames of a run have the same record, so that each tells its history also when it is given back alone.
 *
 * [PO1] A frame that the allocator gave out since the start has a record that says so; one that came back says who freed it.
 *
 * Locks: none; a frame's record belongs to whoever owns the frame. Sleeps: never. Cost: 64 bytes a frame and a walk over the
 * stack for each call. Allocates: at boot only.
 */
#ifndef PHYS_PAGE_OWNER_H
#define PHYS_PAGE_OWNER_H

#include "phys/memmap.h"
#include "phys/stack_depot.h"
#include "quire/port.h"

struct page_owner_record {
	gfp_t gfp;
	u8 order;
	bool allocated;          /* given out now                          */
	u16 reserved;
	u32 stack, free_stack;   /* handles of the stack depot             */
	u64 ts_ns, free_ts_ns;   /* when; 0: never                         */
	struct quire_task_id who;
	s32 free_pid, free_tgid;
};

struct page_owner_state {
	struct stack_depot depot;
	struct page_owner_record **section; /* (c) by pfn >> PFN_SECTION_SHIFT, NULL: no RAM */
};

/* Makes the records when the command line asks for them. 0 or -ENOMEM. Context: boot, while memblock gives memory. */
int page_owner_init(void);
/* The frame's record, or NULL: page_owner is off, or there is no such frame. */
struct page_owner_record *page_owner_record(pfn_t pfn);
/* Return addresses of one of a record's chains. */
unsigned int page_owner_stack(u32 handle, const unsigned long **entries);

void page_owner_set(struct page *page, unsigned int order, gfp_t gfp);
void page_owner_reset(struct page *page, unsigned int order);
/* A run became single pages. */
void page_owner_split(struct page *page, unsigned int order);

/* Logs what is known about a frame: its struct page, and its history when there is one. */
void page_owner_report(const struct page *page);
/* Logs how the caller got here. */
void report_stack_here(void);

#endif
