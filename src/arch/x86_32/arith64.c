/* SPDX-License-Identifier: MIT */
/*
 * arith64.c - division of 64-bit numbers, which compilers call by names of their own where the CPU has 32-bit registers. Their
 * library has it too, but is not always to be had in ring 0.
 */
#include "arch/x86_32/arith64.h"

/* high:low by divisor; the quotient fits 32 bits, because high < divisor. */
static u32 divide(u32 high, u32 low, u32 divisor, u32 *rest)
{
	u32 quotient;

	__asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "a"(low), "d"(high), "r"(divisor));
	return quotient;
}

/* By a divisor of one word: schoolbook, a word at a time. */
static u64 divide_by_word(u64 dividend, u32 divisor, u64 *rest)
{
	u32 high = (u32)(dividend >> 32), upper = high / divisor, left;
	u32 lower = divide(high % divisor, (u32)dividend, divisor, &left);

	*rest = left;
	return (u64)upper << 32 | lower;
}

/*
 * By more than a word: with both shifted so that the divisor's upper word is normalised, a division of words gives the quotient
 * or up to two more than it (Knuth, The Art of Computer Programming 4.3.1, theorem B); halved first, so that it fits.
 */
static u64 divide_by_long(u64 dividend, u64 divisor, u64 *rest)
{
	int shift = __builtin_clz((u32)(divisor >> 32));
	u64 half = dividend >> 1;
	u32 left, quotient = divide((u32)(half >> 32), (u32)half, (u32)(divisor << shift >> 32), &left);

	quotient = (u32)((u64)quotient << shift >> 31);
	if (quotient)
		quotient--;
	*rest = dividend - quotient * divisor;
	if (*rest >= divisor) {
		*rest -= divisor;
		quotient++;
	}
	return quotient;
}

u64 arith64_udivmod(u64 dividend, u64 divisor, u64 *rest)
{
	if (!(divisor >> 32))
		return divide_by_word(dividend, (u32)divisor, rest);
	return divide_by_long(dividend, divisor, rest);
}

static u64 magnitude(s64 value)
{
	return value < 0 ? 0 - (u64)value : (u64)value;
}

/* Towards zero; the rest has the dividend's sign. */
s64 arith64_divmod(s64 dividend, s64 divisor, s64 *rest)
{
	u64 left, quotient = arith64_udivmod(magnitude(dividend), magnitude(divisor), &left);

	*rest = (s64)(dividend < 0 ? 0 - left : left);
	return (s64)((dividend < 0) != (divisor < 0) ? 0 - quotient : quotient);
}

u64 arith64_udiv(u64 dividend, u64 divisor)
{
	u64 rest;

	return arith64_udivmod(dividend, divisor, &rest);
}

u64 arith64_umod(u64 dividend, u64 divisor)
{
	u64 rest;

	arith64_udivmod(dividend, divisor, &rest);
	return rest;
}

s64 arith64_div(s64 dividend, s64 divisor)
{
	s64 rest;

	return arith64_divmod(dividend, divisor, &rest);
}

s64 arith64_mod(s64 dividend, s64 divisor)
{
	s64 rest;

	arith64_divmod(dividend, divisor, &rest);
	return rest;
}

int arith64_ctz(u64 word)
{
	return (u32)word ? __builtin_ctz((u32)word) : 32 + __builtin_ctz((u32)(word >> 32));
}

int arith64_clz(u64 word)
{
	return word >> 32 ? __builtin_clz((u32)(word >> 32)) : 32 + __builtin_clz((u32)word);
}
