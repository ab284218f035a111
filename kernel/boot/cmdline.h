/* SPDX-License-Identifier: MIT */
/*
 * cmdline.h - words of a command line: NAME, NAME=VALUE, values in double quotes.
 *
 * [W1] Words behind "--" are init's and are not found.
 * [W2] Of several words with one name the last wins, so that what a user appends counts.
 * Lock: none, pure functions. Sleeps: never. Allocates: never. Cost: the line's length.
 */
#ifndef KERNEL_BOOT_CMDLINE_H
#define KERNEL_BOOT_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies the value of word @name ("maxcpus" finds "maxcpus=1") into @value, cut to @size bytes with
 * its NUL and without quotes; true when there is such a word. A bare NAME has an empty value.
 */
bool cmdline_option(const char *line, const char *name, char *value, size_t size);
/* A decimal or 0x number with an optional minus; @fallback when absent, malformed or too large. */
long cmdline_number(const char *line, const char *name, long fallback);

#endif
