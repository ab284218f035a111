/* SPDX-License-Identifier: MIT */
/*
 * early.h - physical memory through what the boot code mapped, before memory is set up.
 *
 * Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_EARLY_H
#define KERNEL_ARCH_EARLY_H

#include <stdint.h>
#include "arch/page.h"

/* First physical address that cannot be had. */
#define EARLY_PHYS_END	(4ull << 30)

static inline void *early_phys(uint64_t phys)
{
	return phys_to_virt(phys);
}

static inline uint64_t early_phys_of(const void *at)
{
	return virt_to_phys(at);
}

/* The loader's archive, before memory is set up: here it has an address wherever it lies. */
static inline void early_bring_low(uint64_t *start, uint64_t *end)
{
}

#endif
