/* SPDX-License-Identifier: MIT */
/*
 * bitmap.h - arrays of bits: find, count, set and clear runs of them.
 *
 *      DECLARE_BITMAP(used, 100);        bit 0 is the lowest bit of used[0]
 *
 * [M1] Every find_* answers `size` when there is no such bit at or after `from`.
 * [M2] Bits at and past `size` in the last word are neither read as an answer nor changed.
 *
 * Single-bit operations (set_bit, test_and_set_bit, their __ forms) are in base/atomic.h. What is
 * here is not atomic: the caller's lock, but for bitmap_set_atomic and bitmap_clear_atomic, whose
 * words are changed one at a time, so that neighbours' bits in a shared word are safe.
 * Lock: the caller's. Sleeps: never. Cost: O(words). Allocates: never.
 */
#ifndef QUIRE_BASE_BITMAP_H
#define QUIRE_BASE_BITMAP_H

#include "base/atomic.h"
#include "base/math.h"

#define BITS_TO_LONGS(nr)		DIV_ROUND_UP(nr, sizeof(long) * 8)
#define DECLARE_BITMAP(name, bits)	unsigned long name[BITS_TO_LONGS(bits)]

unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long from);
unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size, unsigned long from);
/* First bit at or after `from` set in both maps. */
unsigned long find_next_and_bit(const unsigned long *a, const unsigned long *b, unsigned long size,
				unsigned long from);
/* Highest set bit below `size`, or `size`. */
unsigned long find_last_bit(const unsigned long *map, unsigned long size);

/*
 * First run of `nr` zero bits at or after `from` whose index is a multiple of align_mask + 1;
 * `size` when there is none.
 */
unsigned long bitmap_find_next_zero_area(const unsigned long *map, unsigned long size,
					 unsigned long from, unsigned long nr,
					 unsigned long align_mask);

void bitmap_set(unsigned long *map, unsigned long start, unsigned long nr);
void bitmap_clear(unsigned long *map, unsigned long start, unsigned long nr);
void bitmap_set_atomic(unsigned long *map, unsigned long start, unsigned long nr);
void bitmap_clear_atomic(unsigned long *map, unsigned long start, unsigned long nr);

/* Number of set bits among the first `size`. */
unsigned long bitmap_weight(const unsigned long *map, unsigned long size);

static inline unsigned long find_first_bit(const unsigned long *map, unsigned long size)
{
	return find_next_bit(map, size, 0);
}

static inline unsigned long find_first_zero_bit(const unsigned long *map, unsigned long size)
{
	return find_next_zero_bit(map, size, 0);
}

static inline void bitmap_zero(unsigned long *map, unsigned long size)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(size); i++)
		map[i] = 0;
}

/* bitmap_fill - set the first `size` bits, clear what is left of the last word. */
static inline void bitmap_fill(unsigned long *map, unsigned long size)
{
	bitmap_zero(map, size);
	bitmap_set(map, 0, size);
}

static inline void bitmap_copy(unsigned long *dst, const unsigned long *src, unsigned long size)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(size); i++)
		dst[i] = src[i];
}

static inline bool bitmap_empty(const unsigned long *map, unsigned long size)
{
	return find_first_bit(map, size) == size;
}

static inline bool bitmap_full(const unsigned long *map, unsigned long size)
{
	return find_first_zero_bit(map, size) == size;
}

/*
 * dst = a & b; tells whether any bit is left. Both maps keep [M2] only if `size` fills the last
 * word.
 */
static inline bool bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b,
			      unsigned long size)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(size); i++)
		dst[i] = a[i] & b[i];
	return !bitmap_empty(dst, size);
}

static inline void bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b,
			     unsigned long size)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(size); i++)
		dst[i] = a[i] | b[i];
}

#define for_each_set_bit(bit, map, size)				\
	for ((bit) = find_first_bit(map, size); (bit) < (size);		\
	     (bit) = find_next_bit(map, size, (bit) + 1))

#define for_each_clear_bit(bit, map, size)				\
	for ((bit) = find_first_zero_bit(map, size); (bit) < (size);	\
	     (bit) = find_next_zero_bit(map, size, (bit) + 1))

#endif
