/* SPDX-License-Identifier: MIT */
/*
 * bitlock.h - a spinlock in one bit of a 32-bit word whose other bits are somebody else's.
 *
 * For objects too small for four bytes of lock. Not fair: use it where two CPUs rarely meet.
 * [S4] All changes of the word's other bits while others may lock it are atomic.
 *
 * Lock: itself; the rank is given at the call. Sleeps: never. Cost: one locked instruction each
 * way. Allocates: never.
 */
#ifndef SYNC_BITLOCK_H
#define SYNC_BITLOCK_H

#include "base/atomic.h"
#include "sync/lockrank.h"

void bit_spin_wait_slow(unsigned int bit, u32 *word);

static __always_inline void bit_spin_lock(unsigned int bit, u32 *word, u8 rank)
{
	u32 mask = (u32)1 << bit;

	lock_acquire(rank);
	quire_host_sched_point();
	/* Acquire: pairs with the release in bit_spin_unlock. */
	if (unlikely(__atomic_fetch_or(word, mask, __ATOMIC_ACQUIRE) & mask))
		bit_spin_wait_slow(bit, word);
}

static __always_inline bool bit_spin_trylock(unsigned int bit, u32 *word, u8 rank)
{
	u32 mask = (u32)1 << bit;

	quire_host_sched_point();
	/* Acquire: pairs with the release in bit_spin_unlock. */
	if (__atomic_fetch_or(word, mask, __ATOMIC_ACQUIRE) & mask)
		return false;
	lock_acquired_try(rank);
	return true;
}

static __always_inline void bit_spin_unlock(unsigned int bit, u32 *word, u8 rank)
{
	lock_release(rank);
	/* Release: pairs with the acquire in bit_spin_lock. */
	(void)__atomic_fetch_and(word, ~((u32)1 << bit), __ATOMIC_RELEASE);
	quire_host_sched_point();
}

#endif
