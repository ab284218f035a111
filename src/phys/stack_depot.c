/* SPDX-License-Identifier: MIT */
/* stack_depot.c - a hash table of call chains that only grows. */
#include "phys/stack_depot.h"

#include "base/math.h"
#include "base/string.h"
#include "phys/memblock.h"
#include "quire/errno.h"

#define NR_BUCKETS 1024u
/* Words before a chain's addresses: the next chain of its bucket, then hash and length. */
#define HEADER_WORDS 2u

int stack_depot_init(struct stack_depot *depot, u32 nr_words)
{
	depot->words = memblock_alloc(nr_words * sizeof(*depot->words), CACHE_LINE_BYTES);
	depot->bucket = memblock_alloc(NR_BUCKETS * sizeof(*depot->bucket), CACHE_LINE_BYTES);
	depot->nr_words = nr_words;
	depot->used = 1; /* 0 is no handle */
	return depot->words && depot->bucket ? 0 : -ENOMEM;
}

/* Fowler, Noll and Vo's hash, a word at a time; the length is folded in. */
static u32 hash_of(const unsigned long *entries, unsigned int nr)
{
	u32 hash = 2166136261u ^ nr;
	unsigned int i;

	for (i = 0; i < nr; i++)
		hash = (hash ^ (u32)entries[i]) * 16777619u;
	return hash;
}

static unsigned long header_of(u32 hash, unsigned int nr)
{
	return (unsigned long)(hash & ~(u32)0xff) | nr;
}

static u32 find(const struct stack_depot *depot, u32 handle, unsigned long header, const unsigned long *entries,
		unsigned int nr)
{
	while (handle) {
		const unsigned long *at = &depot->words[handle];

		if (at[1] == header && !memcmp(at + HEADER_WORDS, entries, nr * sizeof(*entries)))
			return handle;
		handle = (u32)at[0];
	}
	return 0;
}

/* Room for a chain, or 0. The count may run past the end by what all CPUs ask for at once, and no further. */
static u32 make_room(struct stack_depot *depot, u32 nr)
{
	u32 at;

	if (__atomic_load_n(&depot->used, __ATOMIC_RELAXED) + nr > depot->nr_words)
		return 0;
	at = __atomic_fetch_add(&depot->used, nr, __ATOMIC_RELAXED);
	return at + nr <= depot->nr_words ? at : 0;
}

u32 stack_depot_save(struct stack_depot *depot, const unsigned long *entries, unsigned int nr)
{
	u32 hash = hash_of(entries, min(nr, (unsigned int)STACK_DEPOT_DEPTH)), handle, first;
	u32 *bucket = &depot->bucket[(hash ^ hash >> 16) % NR_BUCKETS];
	unsigned long *at;

	nr = min(nr, (unsigned int)STACK_DEPOT_DEPTH);
	if (!nr)
		return 0;
	/* Acquire: pairs with the release below; a chain that is reached is complete. */
	first = __atomic_load_n(bucket, __ATOMIC_ACQUIRE);
	handle = find(depot, first, header_of(hash, nr), entries, nr);
	if (handle)
		return handle;
	handle = make_room(depot, HEADER_WORDS + nr);
	if (!handle)
		return 0;
	at = &depot->words[handle];
	at[1] = header_of(hash, nr);
	memcpy(at + HEADER_WORDS, entries, nr * sizeof(*entries));
	do {
		at[0] = first;
		/* Release: pairs with the acquire above. */
	} while (!__atomic_compare_exchange_n(bucket, &first, handle, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return handle;
}

unsigned int stack_depot_fetch(const struct stack_depot *depot, u32 handle, const unsigned long **entries)
{
	if (!handle)
		return 0;
	*entries = &depot->words[handle + HEADER_WORDS];
	return (unsigned int)(depot->words[handle + 1] & 0xff);
}
