/* SPDX-License-Identifier: MIT */
/*
 * atomic64.c - atomic operations on 64-bit words with CMPXCHG8B, under the names that compilers call where the CPU's registers
 * have 32 bits. Each is in order with everything, whatever order was asked for.
 *
 * Lock: none. Sleeps: never. Cost: two locked instructions' worth. Allocates: never.
 */
#include "quire/types.h"

/* In C these names are builtins with other types. */
#define NAME(of) __asm__("__atomic_" of "_8")

u64 atomic64_load_word(const volatile void *p, int order) NAME("load");
void atomic64_store_word(volatile void *p, u64 val, int order) NAME("store");
u64 atomic64_exchange_word(volatile void *p, u64 val, int order) NAME("exchange");
bool atomic64_compare_exchange_word(volatile void *p, void *expected, u64 val, int success, int failure)
	NAME("compare_exchange");
u64 atomic64_fetch_add_word(volatile void *p, u64 val, int order) NAME("fetch_add");
u64 atomic64_fetch_sub_word(volatile void *p, u64 val, int order) NAME("fetch_sub");
u64 atomic64_fetch_and_word(volatile void *p, u64 val, int order) NAME("fetch_and");
u64 atomic64_fetch_or_word(volatile void *p, u64 val, int order) NAME("fetch_or");

/* What is found, and *p becomes val if that is `old`. */
static u64 compare_exchange(volatile void *p, u64 old, u64 val)
{
	__asm__ volatile("lock cmpxchg8b %1" : "+A"(old), "+m"(*(volatile u64 *)p) : "b"((u32)val), "c"((u32)(val >> 32)) : "memory");
	return old;
}

/* Whatever is there, it is written again if it is 0: so the word must be writable. */
u64 atomic64_load_word(const volatile void *p, int order)
{
	return compare_exchange((volatile void *)p, 0, 0);
}

bool atomic64_compare_exchange_word(volatile void *p, void *expected, u64 val, int success, int failure)
{
	u64 old = *(u64 *)expected, found = compare_exchange(p, old, val);

	*(u64 *)expected = found;
	return found == old;
}

/* A guess to begin with, which need not be one value. */
static u64 guess(const volatile void *p)
{
	return *(const volatile u64 *)p;
}

/* `op` of the value before. */
#define CHANGE(name, op)							\
u64 atomic64_##name##_word(volatile void *p, u64 val, int order)		\
{										\
	u64 old = guess(p), found;						\
										\
	while ((found = compare_exchange(p, old, op)) != old)			\
		old = found;							\
	return old;								\
}

CHANGE(exchange, val)
CHANGE(fetch_add, old + val)
CHANGE(fetch_sub, old - val)
CHANGE(fetch_and, old & val)
CHANGE(fetch_or, old | val)

void atomic64_store_word(volatile void *p, u64 val, int order)
{
	(void)atomic64_exchange_word(p, val, order);
}
