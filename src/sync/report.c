/* SPDX-License-Identifier: MIT */
/* report.c - formatted lines to the port. */
#include "sync/report.h"

#include <stdarg.h>

#include "base/format.h"
#include "sync/ctx.h"

#define REPORT_LINE_BYTES 256

void quire_log(int level, const char *fmt, ...)
{
	char text[REPORT_LINE_BYTES];
	va_list args;
	int len;

	va_start(args, fmt);
	len = quire_vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* Before quire_start there is nobody to tell. */
	if (this_quire()->port)
		this_quire()->port->log(level, text, (size_t)len);
}

void quire_panic(const char *fmt, ...)
{
	char text[REPORT_LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	quire_vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!this_quire()->port)
		__builtin_trap();
	this_quire()->port->panic(text);
}
