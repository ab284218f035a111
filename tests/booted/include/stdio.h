/* SPDX-License-Identifier: MIT */
/* stdio.h - printing on the console, and into buffers: as much of C's as the unit tests use. */
#ifndef TESTS_BOOTED_STDIO_H
#define TESTS_BOOTED_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#include "base/format.h"

typedef struct console_stream FILE;
#define stdout ((FILE *)NULL)

#define snprintf quire_snprintf
#define vsnprintf quire_vsnprintf

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The console keeps nothing back. */
static inline int fflush(FILE *stream)
{
	return 0;
}

#endif
