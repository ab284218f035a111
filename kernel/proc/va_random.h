/* SPDX-License-Identifier: MIT */
/*
 * va_random.h - where the parts of a program come to lie: how random that is, and where the numbers come from.
 *
 * Lock: none. Context: any. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_PROC_VA_RANDOM_H
#define KERNEL_PROC_VA_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* /proc/sys/kernel/randomize_va_space: 0 off, 1 stack and mappings, 2 the heap too. */
extern int randomize_va_space;

/* The same for the program that the current task begins: 0 when it has asked for ADDR_NO_RANDOMIZE. */
int va_randomness(void);
/*
 * Random numbers for addresses. With va_seed=N on the kernel command line they are the same in each boot, so that a run can be
 * repeated with its addresses; on one CPU, or as far as programs begin in the same order.
 */
uint64_t va_random_u64(void);
/* The same by bytes, for the library. */
void va_random_bytes(void *to, size_t len);

#endif
