/* SPDX-License-Identifier: MIT */
/* bitmap_test.c - bitmaps and bit arithmetic against one byte per bit. */
#include "base/bitmap.h"
#include "tap.h"

#include <string.h>

#define NR_BITS 300

static DECLARE_BITMAP(map, NR_BITS + 64);
static unsigned char model[NR_BITS];

static unsigned long model_next(unsigned long size, unsigned long from, int value)
{
	for (; from < size; from++)
		if (model[from] == value)
			return from;
	return size;
}

static unsigned long model_area(unsigned long size, unsigned long from, unsigned long nr,
				unsigned long mask)
{
	for (from = (from + mask) & ~mask; from + nr <= size; from += mask + 1)
		if (model_next(from + nr, from, 1) == from + nr)
			return from;
	return size;
}

static unsigned long model_last(unsigned long size)
{
	for (unsigned long i = size; i > 0; i--)
		if (model[i - 1])
			return i - 1;
	return size;
}

static unsigned long model_weight(unsigned long size)
{
	unsigned long sum = 0;

	for (unsigned long i = 0; i < size; i++)
		sum += model[i];
	return sum;
}

static int queries_agree(void)
{
	unsigned long size = tap_rand_below(NR_BITS + 1), from = tap_rand_below(NR_BITS + 5);
	unsigned long nr = 1 + tap_rand_below(20), mask = (1UL << tap_rand_below(5)) - 1;
	unsigned long area = bitmap_find_next_zero_area(map, size, from, nr, mask);
	unsigned long wanted = model_area(size, from, nr, mask);

	return find_next_bit(map, size, from) == (from < size ? model_next(size, from, 1) : size) &&
	       find_next_zero_bit(map, size, from) == (from < size ? model_next(size, from, 0) : size) &&
	       find_last_bit(map, size) == model_last(size) && area == wanted &&
	       bitmap_weight(map, size) == model_weight(size) &&
	       bitmap_empty(map, size) == !model_weight(size) &&
	       bitmap_full(map, size) == (model_weight(size) == size);
}

static void change(void)
{
	unsigned long start = tap_rand_below(NR_BITS), nr = tap_rand_below(NR_BITS - start + 1);

	if (tap_rand_below(2))
		nr = min(nr, 5UL);
	switch (tap_rand_below(6)) {
	case 0:
		bitmap_set(map, start, nr);
		memset(model + start, 1, nr);
		break;
	case 1:
		bitmap_clear(map, start, nr);
		memset(model + start, 0, nr);
		break;
	case 2:
		bitmap_set_atomic(map, start, nr);
		memset(model + start, 1, nr);
		break;
	case 3:
		bitmap_clear_atomic(map, start, nr);
		memset(model + start, 0, nr);
		break;
	case 4:
		if (test_and_set_bit(start, map) != model[start])
			memset(map, 0x55, sizeof(map));
		model[start] = 1;
		break;
	default:
		if (__test_and_clear_bit(start, map) != model[start])
			memset(map, 0x55, sizeof(map));
		model[start] = 0;
	}
}

static void test_math(void)
{
	uint32_t rem;

	tap_is(ALIGN(4097UL, 4096), 8192, "ALIGN rounds up");
	tap_is(ALIGN_DOWN(8191UL, 4096), 4096, "ALIGN_DOWN rounds down");
	tap_is(order_of(4096 * 4 + 1, 12), 3, "order_of one byte more than four pages");
	tap_is(order_of(1, 12), 0, "order_of a byte");
	tap_is(roundup_pow_of_two(4097), 8192, "the next power of two");
	tap_is(rounddown_pow_of_two(8191), 4096, "the power of two before");
	tap_is(hweight_long(~0UL), BITS_PER_LONG, "weight of all ones");
	tap_is(hweight_long(0x80000001UL), 2, "weight of two");
	tap_is(GENMASK(7, 4), 0xf0, "GENMASK includes both ends");
	tap_is(div_u64_rem(1000000000000000007ULL, 1000000007U, &rem), 1000000000000000007ULL / 1000000007U,
	       "64 by 32 bits");
	tap_is(rem, 1000000000000000007ULL % 1000000007U, "and its remainder");
	tap_ok(size_mul(SIZE_MAX / 2, 3) == SIZE_MAX && size_add(SIZE_MAX, 1) == SIZE_MAX,
	       "sizes saturate");
	tap_ok(hash_long(1, 6) < 64 && hash_long(~0UL, 6) < 64, "a hash stays in its table");
}

int main(void)
{
	int good = 1;

	tap_plan(0);
	for (int step = 0; step < 50000 && good; step++) {
		change();
		good = queries_agree();
	}
	tap_ok(good, "50000 random changes and queries agree with one byte per bit");
	tap_is(map[BITS_TO_LONGS(NR_BITS + 64) - 1], 0, "[M2] nothing past the end was touched");
	bitmap_fill(map, 70);
	tap_is(bitmap_weight(map, BITS_TO_LONGS(70) * BITS_PER_LONG), 70, "fill sets the first 70 bits only");
	test_math();
	return tap_done();
}
