/* SPDX-License-Identifier: MIT */
/*
 * seqcount.h - reads that take no lock and notice when a writer was there.
 *
 *      do { seq = read_seqcount_begin(&s); copy; } while (read_seqcount_retry(&s, seq));
 *
 * [Q1] The count is odd exactly while a writer is at work. Writers exclude each other (caller's
 *      lock).
 * [Q2] Between begin and a retry that says no, the reader saw no change; until then it believes
 *      nothing (in particular it follows no pointer whose target could be gone).
 *
 * Lock: the writer's. Sleeps: never; a writer's section must not. Cost: two loads. Allocates:
 * never.
 */
#ifndef SYNC_SEQCOUNT_H
#define SYNC_SEQCOUNT_H

#include "base/atomic.h"
#include "sync/ctx.h"

typedef struct {
	u32 sequence;
} seqcount_t;

#define SEQCOUNT_INIT	{ 0 }

static inline void seqcount_init(seqcount_t *s)
{
	s->sequence = 0;
}

static inline u32 read_seqcount_begin(const seqcount_t *s)
{
	u32 seq;

	/* Acquire: pairs with the release in write_seqcount_end. */
	while (unlikely((seq = smp_load_acquire(&s->sequence)) & 1))
		quire_host_relax();
	return seq;
}

static inline bool __must_check read_seqcount_retry(const seqcount_t *s, u32 seq)
{
	/*
	 * Pairs with the fence in write_seqcount_begin: data read above are older than this load.
	 */
	smp_rmb();
	return __atomic_load_n(&s->sequence, __ATOMIC_RELAXED) != seq;
}

static inline void write_seqcount_begin(seqcount_t *s)
{
	__atomic_store_n(&s->sequence, s->sequence + 1, __ATOMIC_RELAXED);
	/* Pairs with the fence in read_seqcount_retry. */
	smp_wmb();
}

static inline void write_seqcount_end(seqcount_t *s)
{
	/* Release: pairs with the acquire in read_seqcount_begin. */
	smp_store_release(&s->sequence, s->sequence + 1);
}

#endif
