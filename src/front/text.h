/* SPDX-License-Identifier: MIT */
/*
 * text.h - formatted output into a text sink; a line is at most 512 bytes.
 *
 * Result: 0, or the sink's -errno, at which the renderer stops. Lock: none held while writing. Sleeps: if the sink does.
 * Allocates: never.
 */
#ifndef FRONT_TEXT_H
#define FRONT_TEXT_H

#include "base/compiler.h"
#include "quire/types.h"

int text_puts(struct text_sink *sink, const char *text);
__printf(2, 3) int text_printf(struct text_sink *sink, const char *fmt, ...);

#endif
