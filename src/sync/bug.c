/* SPDX-License-Identifier: MIT */
/* bug.c - where broken beliefs end: the port's panic, or its log. */
#include "base/format.h"
#include "base/math.h"
#include "quire/port.h"
#include "sync/ctx.h"
#include "sync/sync_state.h"

void quire_bug(const char *file, int line, const char *what)
{
	char text[192];

	quire_scnprintf(text, sizeof(text), "BUG at %s:%d: %s", file, line, what);
	this_quire()->port->panic(text);
}

void quire_warn(const char *file, int line, const char *what)
{
	const struct quire_port *port = this_quire()->port;
	char text[192];
	int len;

	len = quire_scnprintf(text, sizeof(text), "WARNING at %s:%d: %s", file, line, what);
	port->log(QUIRE_LOG_WARNING, text, (size_t)len);
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
