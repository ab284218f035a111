/* SPDX-License-Identifier: MIT */
/*
 * arith64.h - division of 64-bit numbers, and counting their bits, on a 32-bit CPU, under names of its own and those that compilers call.
 *
 * As in C: quotients go towards zero, and a divisor of 0 traps. Lock: none, pure. Sleeps: never. Allocates: never.
 */
#ifndef ARCH_X86_32_ARITH64_H
#define ARCH_X86_32_ARITH64_H

#include "quire/types.h"

#ifndef ARITH64_NAME
#define ARITH64_NAME(compilers) __asm__(compilers)
#endif

u64 arith64_udivmod(u64 dividend, u64 divisor, u64 *rest) ARITH64_NAME("__udivmoddi4");
s64 arith64_divmod(s64 dividend, s64 divisor, s64 *rest) ARITH64_NAME("__divmoddi4");
u64 arith64_udiv(u64 dividend, u64 divisor) ARITH64_NAME("__udivdi3");
u64 arith64_umod(u64 dividend, u64 divisor) ARITH64_NAME("__umoddi3");
s64 arith64_div(s64 dividend, s64 divisor) ARITH64_NAME("__divdi3");
s64 arith64_mod(s64 dividend, s64 divisor) ARITH64_NAME("__moddi3");
/* Zeroes below the lowest and above the highest set bit; the word must not be zero. */
int arith64_ctz(u64 word) ARITH64_NAME("__ctzdi2");
int arith64_clz(u64 word) ARITH64_NAME("__clzdi2");

#endif
