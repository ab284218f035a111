/* SPDX-License-Identifier: MIT */
/*
 * example.h - the machine that the examples run on: its memory map, a line of text, an end.
 *
 * Enough of a PC under QEMU to show something; nothing of it is Quire's.
 */
#ifndef EXAMPLES_EXAMPLE_H
#define EXAMPLES_EXAMPLE_H

#include "quire/quire.h"

/* Fills `map` from what the loader found: the number of entries. */
unsigned int example_memory_map(struct quire_map_entry *map, unsigned int max);
/* Where the image lies. */
struct phys_range example_image(void);
void example_text(const char *text, size_t len);
/* One line: printf of %s, %u and %lu, no more. */
void example_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Leaves QEMU: status 33 when all is well, 35 when not. */
void example_end(bool well) __attribute__((noreturn));
/* Time stamp counter as nanoseconds of a CPU with 1 GHz: monotonic, which is all that is needed. */
u64 example_now_ns(void);

/* The example itself. */
void example_main(void);

#endif
