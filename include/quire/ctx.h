/* SPDX-License-Identifier: MIT */
/*
 * ctx.h - struct quire_ctx: what Quire remembers about one thread of execution.
 *
 * The host embeds one in each of its tasks and keeps one per CPU for interrupt handlers; this_ctx()
 * answers the one that is running. Zero bytes are a valid new context.
 *
 * [X1] Only the running context changes its own fields; `host` is the host's.
 * [X2] A context holds no lock (nr_held == 0) when its task ends.
 *
 * Floor: F0. Locks: none. Sleeps: never. Allocates: never.
 */
#ifndef QUIRE_CTX_H
#define QUIRE_CTX_H

#include "quire/types.h"

/* Deepest nesting of locks that the checker follows; the order has fewer ranks that can pile up. */
#define QUIRE_CTX_MAX_HELD 16

enum quire_ctx_flags {
	QUIRE_CTX_MEMALLOC = 1 << 0,    /* frees more than it takes: may use all reserves      */
	QUIRE_CTX_NOIO = 1 << 1,        /* allocations behave as GFP_NOIO                      */
	QUIRE_CTX_NOFS = 1 << 2,        /* allocations behave as GFP_NOFS                      */
	QUIRE_CTX_KSWAPD = 1 << 3,      /* a background thread of the relief ladder            */
	QUIRE_CTX_IRQ = 1 << 4,         /* an interrupt handler: never sleeps                  */
	QUIRE_CTX_OOM_VICTIM = 1 << 5,  /* is being killed for memory: reserves, no ladder     */
	QUIRE_CTX_PAGEFAULT_OFF = 1 << 6, /* a fault on user memory fails instead of waiting   */
	QUIRE_CTX_FAULT_WAITED = 1 << 7, /* the fault that is being tried again has waited    */
};

/* What fail_nth counts, as bits. */
enum quire_fail_kind {
	QUIRE_FAIL_PAGE_ALLOC = 1 << 0, /* page frames                                          */
	QUIRE_FAIL_SLAB = 1 << 1,       /* objects                                              */
	QUIRE_FAIL_PGTABLE = 1 << 2,    /* page tables, also those that a CPU keeps ready       */
	QUIRE_FAIL_ALL = 7,
};

struct quire_ctx {
	u32 flags;                        /* QUIRE_CTX_*                                        */
	u8 in_relief;                     /* depth inside relief steps: 0 or 1                  */
	u8 nr_held;                       /* debug builds: locks held                           */
	u8 rcu_depth;                     /* nesting of rcu_read_lock, where the host marks it  */
	u8 pagefault_off;                 /* nesting of pagefault_disable                       */
	u32 mems_allowed;                 /* the host's: nodes that __GFP_HARDWALL keeps to, as bits; 0: all */
	u8 held[QUIRE_CTX_MAX_HELD];      /* debug builds: their ranks, in order taken          */
	void *host;                       /* the host's task                                    */
	struct mem_group *group;          /* the host's: what __GFP_ACCOUNT is charged to; NULL: nobody (quire/account.h) */
	/* Debug builds, for tests: this context's fail_nth-th allocation of these kinds fails, once. 0: none does, or it has
	 * happened. Allocations that must not fail (__GFP_NOFAIL) do not count. */
	u32 fail_nth;
	u32 fail_kinds;                   /* enum quire_fail_kind                               */
	unsigned long min_flt, maj_flt;   /* faults that ended well: at once, and after a wait for the page */
};

/*
 * A CPU's slot: one pointer of storage that the hottest path keeps for each CPU. A host that can reach such a pointer in an
 * instruction defines QUIRE_HOST_HAS_SLOT, quire_host_slot() and quire_host_slot_set() in quire_host.h and starts every
 * CPU with &quire_slot_none; otherwise struct quire has them.
 */
struct phys_cpu;
extern const struct phys_cpu quire_slot_none;

#endif
