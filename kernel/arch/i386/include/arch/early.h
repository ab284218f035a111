/* SPDX-License-Identifier: MIT */
/*
 * early.h - physical memory through what the boot code mapped, before memory is set up.
 *
 * Low memory lies at PAGE_OFFSET, as it will later; what is above, up to 3 GiB, lies at its own address.
 * Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_EARLY_H
#define KERNEL_ARCH_EARLY_H

#include <stdint.h>
#include "arch/offsets.h"

/* First physical address that cannot be had. */
#define EARLY_PHYS_END	(3ull << 30)
#define EARLY_LOW_END	(896u << 20)

static inline void *early_phys(uint64_t phys)
{
	return (void *)((uintptr_t)phys + (phys < EARLY_LOW_END ? PAGE_OFFSET_TEXT : 0));
}

static inline uint64_t early_phys_of(const void *at)
{
	return (uintptr_t)at - ((uintptr_t)at >= PAGE_OFFSET_TEXT ? PAGE_OFFSET_TEXT : 0);
}

/* Moves the loader's archive to the end of low memory, if it lies above it, before memory is set up. */
void early_bring_low(uint64_t *start, uint64_t *end);

#endif
