/* SPDX-License-Identifier: MIT */
/* bug.c - where broken beliefs end: the port's panic, or its log. */
#include "base/math.h"
#include "sync/ctx.h"
#include "sync/report.h"
#include "sync/sync_state.h"

void quire_bug(const char *file, int line, const char *what)
{
	quire_panic("BUG at %s:%d: %s", file, line, what);
}

void quire_warn(const char *file, int line, const char *what)
{
	quire_log(QUIRE_LOG_WARNING, "WARNING at %s:%d: %s", file, line, what);
}

/*
 * One bit per place, chosen by hash: two places that share a bit lose a repeat of the warning,
 * never the first one of the machine. Before the state exists every warning is printed.
 */
void quire_warn_once(const char *file, int line, const char *what)
{
	struct sync_state *sync = this_quire()->sync;
	unsigned long place = (unsigned long)(uintptr_t)file * 31 + (unsigned long)line;

	if (sync && test_and_set_bit(hash_long(place, WARNED_BITS), sync->warned))
		return;
	quire_warn(file, line, what);
}
