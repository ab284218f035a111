/* SPDX-License-Identifier: MIT */
/* bitmap.c - a word at a time: find bits, flip runs, count. */
#include "base/bitmap.h"

/*
 * The bits of word `index` that are in the answer: set in a, set in b (if any), flipped by
 * `invert`.
 */
static inline unsigned long word_of(const unsigned long *a, const unsigned long *b,
				    unsigned long invert, unsigned long index)
{
	unsigned long word = READ_ONCE(a[index]) ^ invert;

	return b ? word & READ_ONCE(b[index]) : word;
}

static inline unsigned long find_next(const unsigned long *a, const unsigned long *b,
				      unsigned long invert, unsigned long size, unsigned long from)
{
	unsigned long index = __BIT_WORD(from), word, found;

	if (unlikely(from >= size))
		return size;
	word = word_of(a, b, invert, index) & (~0UL << (from % BITS_PER_LONG));
	while (!word) {
		index++;
		if (index * BITS_PER_LONG >= size)
			return size;
		word = word_of(a, b, invert, index);
	}
	found = index * BITS_PER_LONG + __ffs(word);
	return found < size ? found : size;
}

unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
	return find_next(map, NULL, 0, size, from);
}

unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
	return find_next(map, NULL, ~0UL, size, from);
}

unsigned long find_next_and_bit(const unsigned long *a, const unsigned long *b, unsigned long size,
				unsigned long from)
{
	return find_next(a, b, 0, size, from);
}

unsigned long find_last_bit(const unsigned long *map, unsigned long size)
{
	unsigned long index, word;

	if (!size)
		return size;
	index = __BIT_WORD(size - 1);
	word = map[index] & (~0UL >> (BITS_PER_LONG - 1 - (int)((size - 1) % BITS_PER_LONG)));
	while (!word) {
		if (!index)
			return size;
		word = map[--index];
	}
	return index * BITS_PER_LONG + __fls(word);
}

unsigned long bitmap_find_next_zero_area(const unsigned long *map, unsigned long size,
					 unsigned long from, unsigned long nr,
					 unsigned long align_mask)
{
	unsigned long start, end, blocker;

	for (;;) {
		start = find_next_zero_bit(map, size, from);
		start = __ALIGN_MASK(start, align_mask);
		if (start >= size || nr > size - start)
			return size;
		end = start + nr;
		blocker = find_next_bit(map, end, start);
		if (blocker == end)
			return start;
		from = blocker + 1;
	}
}

/*
 * One word's share of a run: the mask of [start, start + nr) in start's word, and how many bits
 * that is.
 */
static inline unsigned long run_mask(unsigned long start, unsigned long nr, unsigned long *taken)
{
	unsigned long offset = start % BITS_PER_LONG, room = BITS_PER_LONG - offset;
	unsigned long mask = ~0UL << offset;

	*taken = nr < room ? nr : room;
	if (nr < room)
		mask &= (1UL << (offset + nr)) - 1;
	return mask;
}

void bitmap_set(unsigned long *map, unsigned long start, unsigned long nr)
{
	unsigned long taken;

	for (; nr; start += taken, nr -= taken)
		map[__BIT_WORD(start)] |= run_mask(start, nr, &taken);
}

void bitmap_clear(unsigned long *map, unsigned long start, unsigned long nr)
{
	unsigned long taken;

	for (; nr; start += taken, nr -= taken)
		map[__BIT_WORD(start)] &= ~run_mask(start, nr, &taken);
}

void bitmap_set_atomic(unsigned long *map, unsigned long start, unsigned long nr)
{
	unsigned long taken;

	for (; nr; start += taken, nr -= taken)
		(void)__atomic_fetch_or(map + __BIT_WORD(start), run_mask(start, nr, &taken),
					__ATOMIC_SEQ_CST);
}

void bitmap_clear_atomic(unsigned long *map, unsigned long start, unsigned long nr)
{
	unsigned long taken;

	for (; nr; start += taken, nr -= taken)
		(void)__atomic_fetch_and(map + __BIT_WORD(start), ~run_mask(start, nr, &taken),
					 __ATOMIC_SEQ_CST);
}

unsigned long bitmap_weight(const unsigned long *map, unsigned long size)
{
	unsigned long index, weight = 0, rest = size % BITS_PER_LONG;

	for (index = 0; index < size / BITS_PER_LONG; index++)
		weight += hweight_long(map[index]);
	if (rest)
		weight += hweight_long(map[index] & ((1UL << rest) - 1));
	return weight;
}
