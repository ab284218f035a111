/* SPDX-License-Identifier: MIT */
/* spinlock.c - the parts of a spinlock that are not hot: waiting, and who holds it. */
#include "sync/spinlock.h"

#include "sync/bitlock.h"

void spin_wait_slow(spinlock_t *lock)
{
	do {
		while (spin_is_locked(lock))
			quire_host_relax();
		/* Acquire: pairs with the release store in __spin_unlock. */
	} while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE));
}

/*
 * The holder is written by others meanwhile; only "it is I" is a safe conclusion. The unused byte is 0 in
 * every lock and nobody writes it, unlike the bytes that freed memory is filled with: without this look a
 * lock in freed memory is waited for forever.
 */
void spin_check_not_mine(const spinlock_t *lock)
{
	u8 holder = __atomic_load_n(&lock->holder, __ATOMIC_RELAXED);

	if (lock->unused)
		quire_bug(__FILE__, __LINE__, "spin_lock: not a lock, or one in freed memory");
	if (holder && holder == this_cpu() + 1)
		quire_bug(__FILE__, __LINE__, "spin_lock: this CPU holds the lock already");
}

void spin_check_mine(const spinlock_t *lock)
{
	if (!spin_is_locked(lock) ||
	    __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) != this_cpu() + 1)
		quire_bug(__FILE__, __LINE__, "spinlock: not held by this CPU");
}

void bit_spin_wait_slow(unsigned int bit, u32 *word)
{
	u32 mask = (u32)1 << bit;

	do {
		while (__atomic_load_n(word, __ATOMIC_RELAXED) & mask)
			quire_host_relax();
		/* Acquire: pairs with the release in bit_spin_unlock. */
	} while (__atomic_fetch_or(word, mask, __ATOMIC_ACQUIRE) & mask);
}
