/* SPDX-License-Identifier: MIT */
/* text.c - formatted output into a text sink. */
#include "front/text.h"

#include <stdarg.h>

#include "base/format.h"
#include "base/string.h"

#define TEXT_LINE_BYTES 512

int text_puts(struct text_sink *sink, const char *text)
{
	return sink->write(sink, text, strlen(text));
}

int text_printf(struct text_sink *sink, const char *fmt, ...)
{
	char line[TEXT_LINE_BYTES];
	va_list args;
	int len;

	va_start(args, fmt);
	len = quire_vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return sink->write(sink, line, (size_t)len);
}
