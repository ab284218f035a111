/* SPDX-License-Identifier: MIT */
/*
 * stack_depot.h - each call chain once: debugging remembers a chain for every frame, and most frames share a few.
 *
 *	handle -> words[handle] = { next handle, hash and length, return addresses ... }      0: no chain
 *
 * [SD1] A chain that was saved never changes or goes away.
 *
 * Locks: none; chains are pushed by compare-and-exchange, and two CPUs that save the same one at once may store it twice.
 * Sleeps: never. Cost: a hash and a short search. Allocates: at boot only; when it is full, new chains get the handle 0.
 */
#ifndef PHYS_STACK_DEPOT_H
#define PHYS_STACK_DEPOT_H

#include "quire/types.h"

/* Return addresses kept of a chain: enough to tell callers apart. */
#define STACK_DEPOT_DEPTH 16

struct stack_depot {
	unsigned long *words;  /* (c) */
	u32 *bucket;           /* (a) handles by hash */
	u32 nr_words, used;    /* (c), (a) */
};

/* `nr_words`: room for chains. 0 or -ENOMEM. Context: boot. */
int stack_depot_init(struct stack_depot *depot, u32 nr_words);
/* The chain's handle; 0: nothing to save, or no room. */
u32 stack_depot_save(struct stack_depot *depot, const unsigned long *entries, unsigned int nr);
/* The chain of a handle: how many entries. */
unsigned int stack_depot_fetch(const struct stack_depot *depot, u32 handle, const unsigned long **entries);

#endif
