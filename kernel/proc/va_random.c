/* SPDX-License-Identifier: MIT */
/* va_random.c - random addresses of programs, and the same ones again with va_seed=N. */
#include "proc/va_random.h"

#include "base/math.h"
#include "base/string.h"
#include "boot/boot_info.h"
#include "lib/random.h"
#include "proc/utsname.h"
#include "sched/sched.h"
#include "sched/task.h"

int randomize_va_space = 2;

int va_randomness(void)
{
	return current->personality & ADDR_NO_RANDOMIZE ? 0 : READ_ONCE(randomize_va_space);
}

/* What the command line says is looked for once: each program begins with some of these numbers. */
static bool has_seed(uint64_t *seed)
{
	static enum { UNKNOWN, ABSENT, PRESENT } known;
	static uint64_t number;

	if (unlikely(__atomic_load_n(&known, __ATOMIC_ACQUIRE) == UNKNOWN)) {
		number = (uint64_t)boot_option_number("va_seed", 0);
		__atomic_store_n(&known, boot_option_present("va_seed") ? PRESENT : ABSENT, __ATOMIC_RELEASE);
	}
	*seed = number;
	return known == PRESENT;
}

/* Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014: a counter, mixed. */
static uint64_t seeded_u64(uint64_t seed)
{
	static uint64_t steps;
	uint64_t x = seed + __atomic_add_fetch(&steps, 1, __ATOMIC_RELAXED) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint64_t va_random_u64(void)
{
	uint64_t seed;

	return has_seed(&seed) ? seeded_u64(seed) : random_u64();
}

void va_random_bytes(void *to, size_t len)
{
	while (len) {
		uint64_t word = va_random_u64();
		size_t part = min(len, sizeof(word));

		memcpy(to, &word, part);
		to = (char *)to + part;
		len -= part;
	}
}
