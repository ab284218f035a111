/* SPDX-License-Identifier: MIT */
/* lockrank_test.c - each law of the lock order, kept and broken; what breaks it dies saying so. */
#include "sync/mutex.h"
#include "sync/rcu.h"
#include "sync/rwsem.h"
#include "tap.h"
#include "tap_machine.h"

static DEFINE_SPINLOCK(zone, LOCK_ZONE);
static DEFINE_SPINLOCK(zone2, LOCK_ZONE);
static DEFINE_SPINLOCK(lru, LOCK_LRU);
static DEFINE_SPINLOCK(pte, LOCK_PTE);
static DECLARE_RWSEM(mmap_lock, LOCK_MMAP);
static DECLARE_RWSEM(anon, LOCK_ANON_VMA);
static DEFINE_MUTEX(mutex, LOCK_HOST_PROC);

static void rank_falls(void *arg)
{
	spin_lock(&zone);
	spin_lock(&lru);
}

static void rank_repeats(void *arg)
{
	spin_lock(&zone);
	spin_lock(&zone2);
}

static void taken_twice(void *arg)
{
	spin_lock(&zone);
	spin_lock_nested(&zone);
}

static void sleeps_under_spinlock(void *arg)
{
	spin_lock(&zone);
	mutex_lock(&mutex);
}

static void sleeps_under_trylock(void *arg)
{
	if (spin_trylock(&lru))
		might_sleep();
}

static void sleeps_in_rcu(void *arg)
{
	rcu_read_lock();
	down_read(&mmap_lock);
}

static void relieves_above_ceiling(void *arg)
{
	down_write(&anon);
	might_relieve(GFP_KERNEL);
}

static void relieves_under_spinlock(void *arg)
{
	spin_lock(&pte);
	might_relieve(GFP_KERNEL);
}

static void shoots_too_high(void *arg)
{
	spin_lock(&lru);
	might_shootdown();
}

static void shoots_with_irqs_off(void *arg)
{
	irq_disable();
	might_shootdown();
}

static void unlocks_unheld(void *arg)
{
	spin_unlock(&zone);
}

static void unlocks_free_mutex(void *arg)
{
	mutex_unlock(&mutex);
}

static void warns(void *arg)
{
	BUG_ON(arg == NULL);
}

static const struct {
	void (*fn)(void *arg);
	const char *says, *what;
} broken[] = {
	{ rank_falls, "LOCK_LRU (80) while holding LOCK_ZONE (100)", "[K1] a falling rank" },
	{ rank_repeats, "LOCK_ZONE (100) while holding LOCK_ZONE", "[K1] a rank twice" },
	{ taken_twice, "holds the lock already", "the same spinlock twice" },
	{ sleeps_under_spinlock, "sleeps under a spinning lock", "[K2] a mutex under a spinlock" },
	{ sleeps_under_trylock, "sleeps under a spinning lock", "[K2] a sleep under a trylocked spinlock" },
	{ sleeps_in_rcu, "RCU read section", "[K2] a sleep in a read section" },
	{ relieves_above_ceiling, "may relieve", "[K3] an allocation above the ceiling" },
	{ relieves_under_spinlock, "may relieve", "[K3] an allocation under a spinlock" },
	{ shoots_too_high, "TLB shootdown", "[K4] a shootdown from too high" },
	{ shoots_with_irqs_off, "interrupts off", "[K4] a shootdown with interrupts off" },
	{ unlocks_unheld, "not held", "an unlock of a free spinlock" },
	{ unlocks_free_mutex, "another context", "an unlock of a free mutex" },
};

static void test_kept(void)
{
	unsigned long flags;

	mutex_lock(&mutex);
	down_write(&mmap_lock);
	might_relieve(GFP_KERNEL);
	down_read(&anon);
	might_relieve(GFP_ATOMIC);
	might_sleep();
	spin_lock(&pte);
	might_shootdown();
	spin_lock_irqsave(&lru, flags);
	tap_is(lockrank_top(), QUIRE_DEBUG ? LOCK_LRU : 0, "the highest rank is known");
	spin_lock(&zone);
	spin_lock_nested(&zone2);
	spin_unlock(&zone);
	spin_unlock(&zone2);
	spin_unlock_irqrestore(&lru, flags);
	spin_unlock(&pte);
	up_read(&anon);
	tap_ok(!mutex_trylock(&mutex), "a trylock of a held mutex declines");
	up_write(&mmap_lock);
	mutex_unlock(&mutex);
	spin_lock(&zone);
	tap_ok(down_read_trylock(&mmap_lock), "a trylock may go against the order");
	up_read(&mmap_lock);
	spin_unlock(&zone);
	tap_is(lockrank_top(), 0, "nothing is held at the end");
	this_ctx()->in_relief = 1;
	spin_lock(&pte);
	might_relieve(GFP_KERNEL);
	spin_unlock(&pte);
	this_ctx()->in_relief = 0;
	tap_ok(true, "inside relief there is no ladder, so the ceiling is not asked for");
}

int main(void)
{
	struct hosted_machine *m;

	tap_plan(0);
	m = tap_machine_bare(1 << 20, 1, 1);
	test_kept();
	tap_dies(warns, NULL, "lockrank_test.c", "a bug names its place");
	if (!QUIRE_DEBUG)
		tap_diag("a release build checks no laws");
	for (unsigned int i = 0; QUIRE_DEBUG && i < ARRAY_SIZE(broken); i++)
		tap_dies(broken[i].fn, NULL, broken[i].says, "%s", broken[i].what);
	tap_is_str(lockrank_name(LOCK_PTE), "LOCK_PTE", "a rank has a name");
	tap_machine_bare_end(m);
	return tap_done();
}
