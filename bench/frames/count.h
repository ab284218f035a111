/* SPDX-License-Identifier: MIT */
/*
 * count.h - how many instructions a function takes: a child process is stepped through it one by one.
 *
 * Works without hardware counters, and whatever else the host does. Slow: some microseconds for each instruction.
 */
#ifndef BENCH_FRAMES_COUNT_H
#define BENCH_FRAMES_COUNT_H

/* Instructions of fn(arg) after before(arg) (may be NULL), in a child of this process; 0: the host does not let us trace. */
unsigned long count_instructions(void (*before)(void *arg), void (*fn)(void *arg), void *arg);

#endif
