/* SPDX-License-Identifier: MIT */
/*
 * lockrank.h - the one list of locks: its order is the order in which they may be taken.
 *
 *      1 ...... 9 | 10 ....... 35 | 36 ........ 59 | 60 ............ 254
 *      the host's | sleeping      | sleeping, and  | spinning: nothing sleeps from here on
 *      own        |               | relief takes them
 *
 * Four laws, asserted by debug builds at every lock, sleep, allocation and shootdown:
 * [K1] A context takes locks in strictly rising rank. Exceptions are spelled out at the call: a
 *      trylock (it cannot wait, so it cannot deadlock) and the _nested forms (two of one rank, the
 *      second after the first by an order that the caller states).
 * [K2] A context that holds a rank of LOCK_FIRST_SPIN or more, or is in an interrupt handler or in
 *      an RCU read section, does not sleep.
 * [K3] An allocation that may run the relief ladder holds no rank of LOCK_RELIEF_CEILING or more.
 *      It is asserted at every such allocation, not just when memory is short.
 * [K4] A TLB shootdown is asked for below LOCK_SHOOTDOWN_CEILING and with interrupts on.
 *
 * Release builds contain none of it. Lock: none. Sleeps: never. Allocates: never.
 */
#ifndef SYNC_LOCKRANK_H
#define SYNC_LOCKRANK_H

#include "quire/gfp.h"
#include "sync/ctx.h"

/* rank: X(name, number, kind, what it protects). The chart in the docs is made from this table. */
#define LOCK_RANKS(X)                                                                          \
	X(LOCK_HOST_OUTER,  1,   "sleep",     "host: taken before all else")                  \
	X(LOCK_HOST_PROC,   2,   "sleep",     "host: process tree, exec")                     \
	X(LOCK_HOST_FILES,  4,   "sleep",     "host: mounts, directories, renames")           \
	X(LOCK_HOST_INODE,  6,   "sleep",     "host: one file's size and contents")           \
	X(LOCK_HOST_STREAM, 8,   "sleep",     "host: one pipe, socket or terminal")           \
	X(LOCK_MMAP,        10,  "rwsem",     "mm: VMA tree and layout")                      \
	X(LOCK_UFFD,        12,  "rwsem",     "userfault: pages filled in against changes")   \
	X(LOCK_VMA,         14,  "mutex",     "mm: a VMA's first private page picks a family") \
	X(LOCK_INVALIDATE,  20,  "rwsem",     "mapping: truncation against fault-in")         \
	X(LOCK_PAGE,        30,  "bit",       "page: identity, I/O; relief only tries it")    \
	X(LOCK_HOST_IO,     34,  "sleep",     "host: below a page's I/O")                     \
	X(LOCK_RELIEF,      36,  "rwsem",     "relief: ladder and shrinkers")                 \
	X(LOCK_I_MMAP,      40,  "rwsem",     "mapping: file reverse map")                    \
	X(LOCK_ANON_VMA,    50,  "rwsem",     "anon_vma: reverse map of one family")          \
	X(LOCK_KVA_MUTEX,   54,  "mutex",     "kva: mapping and purging of kernel ranges")    \
	X(LOCK_PAGE_TABLE,  60,  "spin",      "mm: upper page tables")                        \
	X(LOCK_PTE,         62,  "spin",      "leaf entries; destination, then source in fork")\
	X(LOCK_HOST_SPIN,   64,  "spin",      "host: may allocate (no wait) and wake below it")\
	X(LOCK_HOST_SPIN2,  66,  "spin",      "host: the same, one further in")               \
	X(LOCK_PAGES,       70,  "spin, irq", "mapping: tree of the page or swap cache")      \
	X(LOCK_SWAP,        74,  "spin",      "swap: slots and their counts")                 \
	X(LOCK_LRU,         80,  "spin, irq", "lruvec: page lists")                           \
	X(LOCK_VMAP,        84,  "spin",      "kva: free and used kernel ranges")             \
	X(LOCK_SLAB_CACHES, 88,  "spin",      "kmem: list of caches")                         \
	X(LOCK_SLAB_NODE,   90,  "spin, irq", "kmem: partial slabs of a node")                \
	X(LOCK_MM_LIST,     96,  "spin",      "vm: list of address spaces")                   \
	X(LOCK_PCP,         98,  "spin, irq", "phys: one CPU's page lists")                   \
	X(LOCK_ZONE,        100, "spin, irq", "phys: buddy lists of a zone")                  \
	X(LOCK_RCU,         110, "spin, irq", "sync: grace periods and callback lists")       \
	X(LOCK_WAIT,        120, "spin, irq", "sync: waiters of one queue, mutex or rwsem")   \
	X(LOCK_HOST_WAIT,   124, "spin, irq", "host: its own sleepers and timers")            \
	X(LOCK_HOST_WAIT2,  126, "spin, irq", "host: sets that queues tell of wake-ups")           \
	X(LOCK_HOST_RUN,    130, "spin, irq", "host: run queues")                             \
	X(LOCK_HOST_LOG,    140, "spin, irq", "host: console; everything may print")          \
	X(LOCK_LEAF,        250, "spin, irq", "takes nothing below it")

enum lock_rank {
	LOCK_UNRANKED = 0,	/* outside the order: not followed */
#define LOCK_RANK_ENUM(name, rank, kind, what)	name = (rank),
	LOCK_RANKS(LOCK_RANK_ENUM)
#undef LOCK_RANK_ENUM
	LOCK_FIRST_SPIN = 60,
	LOCK_RELIEF_CEILING = 36,
	LOCK_SHOOTDOWN_CEILING = 70,
};

/* Bookkeeping and the four assertions; called only by debug builds. */
void lockrank_push(u8 rank);
void lockrank_pop(u8 rank);
void lockrank_check(u8 rank, bool same_rank_too);
void lockrank_check_sleep(void);
void lockrank_check_relieve(void);
void lockrank_check_shootdown(void);
/*
 * Highest rank that the running context holds, LOCK_UNRANKED for none (debug builds; else always
 * that).
 */
u8 lockrank_top(void);
/* "LOCK_ZONE", or "?" */
const char *lockrank_name(u8 rank);

/* lock_acquire - before waiting for a lock: [K1] is checked although the lock may be free. */
static __always_inline void lock_acquire(u8 rank)
{
	if (QUIRE_DEBUG) {
		lockrank_check(rank, false);
		lockrank_push(rank);
	}
}

static __always_inline void lock_acquire_nested(u8 rank)
{
	if (QUIRE_DEBUG) {
		lockrank_check(rank, true);
		lockrank_push(rank);
	}
}

/* lock_acquired_try - after a trylock that got it: no order to keep. */
static __always_inline void lock_acquired_try(u8 rank)
{
	if (QUIRE_DEBUG)
		lockrank_push(rank);
}

static __always_inline void lock_release(u8 rank)
{
	if (QUIRE_DEBUG)
		lockrank_pop(rank);
}

/* might_sleep - says "this may wait", and asserts [K2] even when it will not. */
static __always_inline void might_sleep(void)
{
	if (QUIRE_DEBUG)
		lockrank_check_sleep();
}

/* might_relieve - at every allocation: asserts [K3] when gfp lets the ladder run. */
static __always_inline void might_relieve(gfp_t gfp)
{
	if (QUIRE_DEBUG && (gfp & __GFP_DIRECT_RECLAIM))
		lockrank_check_relieve();
}

/* might_shootdown - before another CPU is asked to flush: asserts [K4]. */
static __always_inline void might_shootdown(void)
{
	if (QUIRE_DEBUG)
		lockrank_check_shootdown();
}

#endif
