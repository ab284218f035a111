/* SPDX-License-Identifier: MIT */
/*
 * rawlock.h - the lock of what must work below everything else: the log and the console.
 *
 * The library's spinlocks assert their rank, and a failed assertion prints; this one asserts
 * nothing. A CPU that panics breaks into it, because the holder may be stopped for good.
 *
 * Lock: is one; interrupts off while held. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_ARCH_RAWLOCK_H
#define KERNEL_ARCH_RAWLOCK_H

#include <stdbool.h>

struct raw_lock {
	bool held;
};

/* Set by panic(): raw locks no longer exclude. */
extern bool raw_locks_broken;

static inline unsigned long raw_lock_irqsave(struct raw_lock *lock)
{
	unsigned long flags;

	__asm__ volatile("pushf; pop %0; cli" : "=r"(flags) :: "memory");
	while (__atomic_test_and_set(&lock->held, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&raw_locks_broken, __ATOMIC_RELAXED))
		__asm__ volatile("pause");
	return flags;
}

static inline void raw_unlock_irqrestore(struct raw_lock *lock, unsigned long flags)
{
	__atomic_clear(&lock->held, __ATOMIC_RELEASE);
	__asm__ volatile("push %0; popf" :: "r"(flags) : "memory", "cc");
}

#endif
