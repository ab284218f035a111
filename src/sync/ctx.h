/* SPDX-License-Identifier: MIT */
/*
 * ctx.h - the running context, its machine, and what a host may leave out of quire_host.h.
 *
 * Every world's quire_host.h gives this_quire, this_cpu, this_ctx, cpu_pin, cpu_unpin,
 * quire_host_relax. A place for each CPU's slot is optional (quire/ctx.h says what that is), and so
 * are two macros, defaulted here to what a kernel that never preempts itself wants:
 *
 *      quire_host_sched_point()   a place where a simulated machine may run somebody else; default: none
 *      QUIRE_HOST_MARKS_RCU       1 where a read section must be marked, because its CPU passes through
 *                                 no point that the host could report; default: 0, the section is free
 *
 * Lock: none. Sleeps: never. Cost: a few instructions. Allocates: never.
 */
#ifndef SYNC_CTX_H
#define SYNC_CTX_H

#include "base/assert.h"
#include "quire/ctx.h"
#include "quire_host.h"
#include "sync/quire_state.h"

#ifndef quire_host_sched_point
#define quire_host_sched_point()	do { } while (0)
#endif
#ifndef QUIRE_HOST_MARKS_RCU
#define QUIRE_HOST_MARKS_RCU 0
#endif
#ifndef QUIRE_HOST_HAS_SLOT
static inline void *quire_host_slot(void)
{
	void *slot = this_quire()->slot[this_cpu()];

	return slot ? slot : (void *)(uintptr_t)&quire_slot_none;
}

static inline void quire_host_slot_set(void *slot)
{
	this_quire()->slot[this_cpu()] = slot;
}
#endif

/*
 * memalloc_*_save / _restore - until the restore, allocations of this context behave as if their
 * gfp had lost (noio, nofs) or gained (noreclaim) a permission. They nest.
 */
static inline u32 ctx_flags_save(u32 flags)
{
	struct quire_ctx *ctx = this_ctx();
	u32 old = ctx->flags & flags;

	ctx->flags |= flags;
	return old;
}

static inline void ctx_flags_restore(u32 flags, u32 old)
{
	struct quire_ctx *ctx = this_ctx();

	ctx->flags = (ctx->flags & ~flags) | old;
}

static inline u32 memalloc_noio_save(void)
{
	return ctx_flags_save(QUIRE_CTX_NOIO);
}

static inline void memalloc_noio_restore(u32 old)
{
	ctx_flags_restore(QUIRE_CTX_NOIO, old);
}

static inline u32 memalloc_nofs_save(void)
{
	return ctx_flags_save(QUIRE_CTX_NOFS);
}

static inline void memalloc_nofs_restore(u32 old)
{
	ctx_flags_restore(QUIRE_CTX_NOFS, old);
}

static inline u32 memalloc_noreclaim_save(void)
{
	return ctx_flags_save(QUIRE_CTX_MEMALLOC);
}

static inline void memalloc_noreclaim_restore(u32 old)
{
	ctx_flags_restore(QUIRE_CTX_MEMALLOC, old);
}

/*
 * Between these a fault of this context on user memory fails (-EFAULT) instead of sleeping. They
 * nest.
 */
static inline void pagefault_disable(void)
{
	this_ctx()->pagefault_off++;
	barrier();
}

static inline void pagefault_enable(void)
{
	barrier();
	this_ctx()->pagefault_off--;
}

static inline bool pagefault_disabled(void)
{
	return this_ctx()->pagefault_off != 0;
}

#endif
