/* SPDX-License-Identifier: MIT */
/*
 * tap_world.h - between the checks (tap.c) and what runs the test: a process (tap_process.c) or the
 * booted kernel (tests/booted).
 */
#ifndef TESTS_LIB_TAP_WORLD_H
#define TESTS_LIB_TAP_WORLD_H

#include <stdarg.h>
#include <stdint.h>

/* What must happen before the first check. */
void tap_world_begin(void);
/* The seed that was asked for, or a new one; 0 is asked again. */
uint64_t tap_world_seed(void);
/* The last line of a test that failed. Context: also a signal handler. */
void tap_world_say_how_to_repeat(void);

/* Forgets all checks; the next numbers come from the seed. */
void tap_start_anew(uint64_t with_seed);
/* Prints one check, counts it, and returns whether it held. */
int tap_report(int held, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
