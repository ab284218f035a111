/* SPDX-License-Identifier: MIT */
/*
 * oom.h - the last rung of the relief ladder: when nothing else gives memory back, the program that holds most of it is ended.
 *
 *	a request finds nothing -> every cheaper step has failed -> somebody is dying already? wait for it
 *	                                                         -> else the worst mm is chosen, its owner killed, waited for
 *
 * [O1] One program is ended at a time: until its memory is back, or it has had OOM_PATIENCE_NS, nobody else is chosen.
 * [O2] Who is ending anyhow neither chooses nor waits: its request fails, and so it ends.
 * [O3] An mm that no program owns yet, or whose owner must stay, is never chosen (OOM_SCORE_ADJ_MIN).
 *
 * Lock: mm_list_lock, for the victim and the look at all. Sleeps: yes, while it waits. Allocates: never.
 */
#ifndef OOM_OOM_H
#define OOM_OOM_H

#include "phys/relief.h"
#include "quire/mm.h"

/* Of an address space; memory in pages. */
struct oom_view {
	unsigned long rss, page_tables;
	unsigned long total;       /* all that there is to have: RAM and swap */
	int adj;                   /* OOM_SCORE_ADJ_MIN .. OOM_SCORE_ADJ_MAX, thousandths of `total` */
};

/* No score is worse to have, and such an mm is never chosen. */
#define OOM_NEVER (-0x7fffffffl - 1)

/* Pages that ending the program would be worth; pure. OOM_NEVER: it must not be. */
long oom_badness(const struct oom_view *view);

/* Joins the ladder, if the host can end programs. 0 or -ENOMEM. Context: boot, once, after vm_init(). */
int oom_init(void);
/* Leaves it. Context: shut-down, once. */
void oom_exit(void);

#endif
