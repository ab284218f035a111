/* SPDX-License-Identifier: MIT */
/*
 * data.h - the page [vvar]: what the kernel's clock is made of, for programs to read.
 *
 *	monotonic ns = base_ns + ((tsc - base_tsc) * mult >> 32)
 *	real ns      = monotonic ns + wall_offset_ns
 *
 * [V1] seq is odd while the kernel changes the rest; who reads the same even number before and
 *      after has read one state.
 * Lock: writers hold one among themselves (arch/clock.c). Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_VDSO_DATA_H
#define KERNEL_VDSO_DATA_H

#include <stdint.h>

struct vdso_data {
	uint32_t seq;		/* (a) [V1] */
	uint32_t coarse_ns;	/* resolution of the coarse clocks */
	uint64_t base_tsc, base_ns, mult;
	uint64_t wall_offset_ns;
};

/* value * factor / 2^32, of which the lower 64 bits. */
static inline uint64_t vdso_scale(uint64_t value, uint64_t factor)
{
#ifdef __SIZEOF_INT128__
	return (uint64_t)((unsigned __int128)value * factor >> 32);
#else
	uint32_t low = (uint32_t)value, factor_low = (uint32_t)factor;

	return (value >> 32) * factor + low * (factor >> 32) + ((uint64_t)low * factor_low >> 32);
#endif
}

/* The descriptor whose limit names the CPU and its node, for LSL: DPL 3. */
#define VDSO_CPU_SELECTOR (sizeof(long) == 8 ? 0x3b : 0xe3)
#define VDSO_CPU_BITS 12

#endif
