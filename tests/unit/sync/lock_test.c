/* SPDX-License-Identifier: MIT */
/* lock_test.c - every lock excludes whom it must, on several CPUs at once. */
#include "sync/bitlock.h"
#include "sync/mutex.h"
#include "sync/rwsem.h"
#include "sync/seqcount.h"
#include "tap.h"
#include "tap_machine.h"

#define CPUS 4
/* Threads need time to meet at all. */
#define ROUNDS (30000 / tap_pace)

/* Two plain words that only a lock keeps equal. */
static struct shared {
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore rwsem;
	seqcount_t seq;
	u32 word;
	atomic_t readers, max_readers, writers, wrong;
	unsigned long a, b;
} s;

static void touch(void)
{
	unsigned long a = s.a;

	if (a != s.b)
		atomic_inc(&s.wrong);
	s.a = a + 1;
	quire_host_sched_point();
	s.b = a + 1;
}

static void reset(void)
{
	s.a = s.b = 0;
	atomic_set(&s.wrong, 0);
	atomic_set(&s.max_readers, 0);
}

static void spin_rounds(void *arg)
{
	struct tap_random random = tap_random_stream(this_cpu() + 1);
	unsigned long flags;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		switch (tap_random_below(&random, 4)) {
		case 0:
			spin_lock(&s.spin);
			touch();
			spin_unlock(&s.spin);
			break;
		case 1:
			spin_lock_irqsave(&s.spin, flags);
			touch();
			spin_unlock_irqrestore(&s.spin, flags);
			break;
		case 2:
			while (!spin_trylock_irqsave(&s.spin, &flags))
				quire_host_relax();
			touch();
			spin_unlock_irqrestore(&s.spin, flags);
			break;
		default:
			while (!spin_trylock(&s.spin))
				quire_host_relax();
			touch();
			spin_unlock(&s.spin);
		}
	}
}

static void bit_rounds(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		bit_spin_lock(5, &s.word, LOCK_LEAF);
		touch();
		bit_spin_unlock(5, &s.word, LOCK_LEAF);
		/* A neighbour's bit, as [S4] allows. */
		(void)__atomic_fetch_xor(&s.word, 2, __ATOMIC_RELAXED);
	}
}

static void mutex_rounds(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 3)
			mutex_lock(&s.mutex);
		else
			while (!mutex_trylock(&s.mutex))
				quire_host_relax();
		touch();
		mutex_unlock(&s.mutex);
	}
}

static void read_section(void)
{
	int now = atomic_inc_return(&s.readers), most = atomic_read(&s.max_readers);

	while (now > most && !atomic_try_cmpxchg(&s.max_readers, &most, now))
		;
	if (atomic_read(&s.writers) || s.a != s.b)
		atomic_inc(&s.wrong);
	quire_host_sched_point();
	atomic_dec(&s.readers);
}

static void write_section(void)
{
	if (atomic_inc_return(&s.writers) != 1 || atomic_read(&s.readers))
		atomic_inc(&s.wrong);
	touch();
	atomic_dec(&s.writers);
}

static void rwsem_rounds(void *arg)
{
	struct tap_random random = tap_random_stream(this_cpu() + 1);

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		switch (tap_random_below(&random, 6)) {
		case 0:
			down_write(&s.rwsem);
			write_section();
			up_write(&s.rwsem);
			break;
		case 1:
			down_write(&s.rwsem);
			write_section();
			downgrade_write(&s.rwsem);
			read_section();
			up_read(&s.rwsem);
			break;
		case 2:
			if (down_read_trylock(&s.rwsem)) {
				read_section();
				up_read(&s.rwsem);
			}
			break;
		case 3:
			if (down_write_trylock(&s.rwsem)) {
				write_section();
				up_write(&s.rwsem);
			}
			break;
		default:
			down_read(&s.rwsem);
			read_section();
			up_read(&s.rwsem);
		}
	}
}

static void seq_rounds(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned long a, b;
		u32 seq;

		if (this_cpu() == 0) {
			write_seqcount_begin(&s.seq);
			__atomic_store_n(&s.a, (unsigned long)i, __ATOMIC_RELAXED);
			quire_host_sched_point();
			__atomic_store_n(&s.b, (unsigned long)i, __ATOMIC_RELAXED);
			write_seqcount_end(&s.seq);
			continue;
		}
		do {
			seq = read_seqcount_begin(&s.seq);
			a = __atomic_load_n(&s.a, __ATOMIC_RELAXED);
			quire_host_sched_point();
			b = __atomic_load_n(&s.b, __ATOMIC_RELAXED);
		} while (read_seqcount_retry(&s.seq, seq));
		if (a != b)
			atomic_inc(&s.wrong);
	}
}

static void run(struct hosted_machine *m, void (*fn)(void *arg), unsigned long wanted, const char *what)
{
	reset();
	tap_run(m, CPUS, fn, NULL);
	tap_ok(!atomic_read(&s.wrong), "%s: nobody saw a half-made change", what);
	if (wanted)
		tap_is(s.a, wanted, "%s: no change was lost", what);
}

int main(void)
{
	struct hosted_machine *m;

	tap_plan(0);
	m = tap_machine_bare(1 << 20, CPUS, 1);
	spin_lock_init(&s.spin, LOCK_ZONE);
	mutex_init(&s.mutex, LOCK_HOST_PROC);
	init_rwsem(&s.rwsem, LOCK_MMAP);
	seqcount_init(&s.seq);
	run(m, spin_rounds, (unsigned long)(CPUS * ROUNDS), "spinlock");
	tap_ok(!spin_is_locked(&s.spin), "[S1] the spinlock is free at the end");
	run(m, bit_rounds, (unsigned long)(CPUS * ROUNDS), "bit lock");
	tap_is(s.word, 0, "[S4] the bits of a bit lock are all as they were");
	run(m, mutex_rounds, (unsigned long)(CPUS * ROUNDS), "mutex");
	tap_ok(!mutex_is_locked(&s.mutex), "[T1] the mutex is free at the end");
	run(m, rwsem_rounds, 0, "rwsem");
	tap_is(s.rwsem.count, 0, "[H2] the rwsem is free at the end, and nobody waits");
	tap_ok(list_empty(&s.rwsem.waiters), "its queue is empty");
	run(m, seq_rounds, 0, "seqcount");
	tap_machine_bare_end(m);
	return tap_done();
}
