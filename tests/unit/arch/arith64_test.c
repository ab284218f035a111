/* SPDX-License-Identifier: MIT */
/* arith64_test.c - the division that 32-bit x86 brings along, against the host's. */
#include "tap.h"

/* Under its own names, beside the host's. */
#define ARITH64_NAME(compilers)
#include "../../../src/arch/x86_32/arith64.c"

static u64 next_random(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static int agrees(u64 a, u64 b)
{
	s64 sa = (s64)a, sb = (s64)b, srest;
	u64 rest;
	int ok = arith64_udivmod(a, b, &rest) == a / b && rest == a % b && arith64_udiv(a, b) == a / b &&
		 arith64_umod(a, b) == a % b;

	if (a == 1ull << 63 && sb == -1)
		return ok;
	return ok && arith64_divmod(sa, sb, &srest) == sa / sb && srest == sa % sb && arith64_div(sa, sb) == sa / sb &&
	       arith64_mod(sa, sb) == sa % sb;
}

static void test_random(void)
{
	u64 state = 1;
	unsigned int bad = 0;

	/* Numbers of all lengths. */
	for (unsigned int i = 0; i < 200000; i++) {
		u64 a = next_random(&state) >> (next_random(&state) & 63), b = next_random(&state) >> (next_random(&state) & 63);

		bad += b && !agrees(a, b);
	}
	tap_is(bad, 0, "random numbers of all lengths");
}

static void test_edges(void)
{
	static const u64 edges[] = {
		1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 0x1ffffffff, 0x7fffffffffffffff,
		0x8000000000000000, 0x8000000000000001, 0xfffffffeffffffff, 0xffffffff00000000, 0xfffffffffffffffe, ~0ull,
	};
	unsigned int bad = 0;

	for (unsigned int i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		for (unsigned int j = 0; j < sizeof(edges) / sizeof(edges[0]); j++)
			bad += !agrees(edges[i], edges[j]) + !agrees(edges[i] - 1, edges[j]);
	tap_is(bad, 0, "where words and signs end");
}

static void test_bits(void)
{
	unsigned int bad = 0;

	for (int i = 0; i < 64; i++)
		bad += (arith64_ctz(1ull << i | 1ull << 63) != i) + (arith64_clz(1ull << i | 1) != 63 - i);
	tap_is(bad, 0, "zeroes below and above");
}

int main(void)
{
	tap_plan(0);
	test_random();
	test_edges();
	test_bits();
	return tap_done();
}
