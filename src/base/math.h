/* SPDX-License-Identifier: MIT */
/*
 * math.h - the arithmetic of memory: alignment, powers of two, and sums that tell when they
 * overflow.
 *
 * Every macro evaluates its arguments once, except those whose comment says constant. Alignments
 * are powers of two. Page-size arithmetic (order of a length) takes the shift as a parameter,
 * because the page size belongs to the ISA one floor up.
 *
 * Lock: none. Sleeps: never. Cost: O(1). Allocates: never.
 */
#ifndef QUIRE_BASE_MATH_H
#define QUIRE_BASE_MATH_H

#include "base/compiler.h"

#define __ALIGN_MASK(x, mask)	(((x) + (mask)) & ~(mask))
#define ALIGN(x, a)		__ALIGN_MASK(x, (__typeof__(x))(a) - 1)
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#define PTR_ALIGN(p, a)		((__typeof__(p))ALIGN((uintptr_t)(p), (uintptr_t)(a)))

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define round_up(x, y)		ALIGN(x, y)
#define round_down(x, y)	ALIGN_DOWN(x, y)
#define roundup(x, y)		(DIV_ROUND_UP(x, y) * (y))

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define BITS_PER_LONG		((int)(sizeof(long) * 8))
/* GENMASK - bits `h` down to `l`, both included. */
#define GENMASK(h, l)		((~0UL << (l)) & (~0UL >> (BITS_PER_LONG - 1 - (h))))

#define min(a, b) __extension__({		\
	__typeof__((a) + 0) __min_a = (a);	\
	__typeof__((b) + 0) __min_b = (b);	\
	static_assert(__builtin_types_compatible_p(__typeof__(__min_a), __typeof__(__min_b)), \
		      "min: two types; say which with min_t"); \
	__min_a < __min_b ? __min_a : __min_b; })
#define max(a, b) __extension__({		\
	__typeof__((a) + 0) __max_a = (a);	\
	__typeof__((b) + 0) __max_b = (b);	\
	static_assert(__builtin_types_compatible_p(__typeof__(__max_a), __typeof__(__max_b)), \
		      "max: two types; say which with max_t"); \
	__max_a > __max_b ? __max_a : __max_b; })
#define min_t(type, a, b) __extension__({	\
	type __min_a = (a);			\
	type __min_b = (b);			\
	__min_a < __min_b ? __min_a : __min_b; })
#define max_t(type, a, b) __extension__({	\
	type __max_a = (a);			\
	type __max_b = (b);			\
	__max_a > __max_b ? __max_a : __max_b; })
#define clamp_t(type, x, lo, hi)	min_t(type, max_t(type, x, lo), hi)
#define clamp(x, lo, hi)		clamp_t(__typeof__((x) + 0), x, lo, hi)
#define swap(a, b) \
	do { __typeof__(a) __swap_a = (a); (a) = (b); (b) = __swap_a; } while (0)

/*
 * Checked sums: true when the exact result does not fit `*(out)`, which then holds the wrapped one.
 */
#define check_add_overflow(a, b, out)	__builtin_add_overflow(a, b, out)
#define check_sub_overflow(a, b, out)	__builtin_sub_overflow(a, b, out)
#define check_mul_overflow(a, b, out)	__builtin_mul_overflow(a, b, out)

/* size_add, size_mul - saturate at SIZE_MAX, which no allocator can satisfy. */
static inline size_t size_add(size_t a, size_t b)
{
	size_t sum;

	return check_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline size_t size_mul(size_t a, size_t b)
{
	size_t product;

	return check_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/* Index of the lowest set bit; the word must not be zero. */
static inline unsigned int __ffs(unsigned long word)
{
	return (unsigned int)__builtin_ctzl(word);
}

/* Index of the highest set bit; the word must not be zero. */
static inline unsigned int __fls(unsigned long word)
{
	return (unsigned int)(BITS_PER_LONG - 1 - __builtin_clzl(word));
}

/* One more than the index of the highest set bit, 0 for 0. */
static inline unsigned int fls64(uint64_t word)
{
	return word ? 64U - (unsigned int)__builtin_clzll(word) : 0;
}

static inline unsigned int fls_long(unsigned long word)
{
	return word ? __fls(word) + 1 : 0;
}

/*
 * ilog2 - floor of the binary logarithm of a 64-bit value; constant for a constant; n must not be
 * 0.
 */
#define ilog2(n)	(63U - (unsigned int)__builtin_clzll((unsigned long long)(n)))

/* order_base_2 - the smallest order with 2^order >= n; 0 for 0 and 1. */
static inline unsigned int order_base_2(uint64_t n)
{
	return n <= 1 ? 0 : fls64(n - 1);
}

static inline uint64_t roundup_pow_of_two(uint64_t n)
{
	return (uint64_t)1 << order_base_2(n);
}

static inline uint64_t rounddown_pow_of_two(uint64_t n)
{
	return (uint64_t)1 << ilog2(n);
}

/* order_of - the smallest order whose 2^order units of 2^shift bytes hold `bytes`. */
static inline unsigned int order_of(uint64_t bytes, unsigned int shift)
{
	return bytes ? order_base_2(((bytes - 1) >> shift) + 1) : 0;
}

static inline unsigned int hweight_long(unsigned long word)
{
	/* Sums in ever wider fields; the builtin would call the compiler's library. */
	word -= (word >> 1) & (~0UL / 3);
	word = (word & (~0UL / 5)) + ((word >> 2) & (~0UL / 5));
	word = (word + (word >> 4)) & (~0UL / 17);
	return (unsigned int)((word * (~0UL / 255)) >> (BITS_PER_LONG - 8));
}

/*
 * hash_long - spread a key over 2^bits buckets by multiplication with the golden ratio of the word
 * (Knuth, The Art of Computer Programming 6.4), the well-mixed top bits giving the bucket.
 */
static inline unsigned int hash_long(unsigned long key, unsigned int bits)
{
	const unsigned long golden = sizeof(long) == 8 ? (unsigned long)0x9e3779b97f4a7c15ULL
						       : 0x9e3779b9UL;

	return (unsigned int)((key * golden) >> (BITS_PER_LONG - (int)bits));
}

static inline unsigned int hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_long((unsigned long)(uintptr_t)ptr, bits);
}

/*
 * div_u64 - a 64-bit dividend by a 32-bit divisor, on every ISA without the compiler's helper
 * library: long division by halves where the machine has no 64-bit divide.
 */
static inline uint64_t div_u64_rem(uint64_t dividend, uint32_t divisor, uint32_t *rem)
{
	uint64_t quot = 0, part = 0;

	if (sizeof(long) == 8) {
		*rem = (uint32_t)((unsigned long)dividend % divisor);
		return (unsigned long)dividend / divisor;
	}
	for (int bit = 63; bit >= 0; bit--) {
		part = (part << 1) | ((dividend >> bit) & 1);
		if (part >= divisor) {
			part -= divisor;
			quot |= (uint64_t)1 << bit;
		}
	}
	*rem = (uint32_t)part;
	return quot;
}

static inline uint64_t div_u64(uint64_t dividend, uint32_t divisor)
{
	uint32_t rem;

	return div_u64_rem(dividend, divisor, &rem);
}

#endif
