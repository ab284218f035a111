/* SPDX-License-Identifier: MIT */
/*
 * random.h - unpredictable bytes: a ChaCha20 stream per CPU, each re-keyed by its own output.
 *
 * [N1] A key is overwritten before any byte made with it is given out, so that memory read later
 *      does not tell what was given out before.
 * Lock: interrupts off for a block. Any context. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_LIB_RANDOM_H
#define KERNEL_LIB_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void get_random_bytes(void *to, size_t len);
uint64_t random_u64(void);
/* Mixes bytes from outside (writes to /dev/random, interrupt times) into the keys to come. */
void random_add(const void *from, size_t len);

#endif
