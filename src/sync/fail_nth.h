/* SPDX-License-Identifier: MIT */
/*
 * fail_nth.h - an allocation that fails on purpose: what allocators ask first, in debug builds.
 *
 * A test sets fail_kinds and fail_nth of its own context, and calls what it wants to see fail. Interrupts and other threads have
 * contexts of their own and are not hit.
 *
 * Lock: none. Sleeps: never. Cost: nothing in release builds. Allocates: never.
 */
#ifndef SYNC_FAIL_NTH_H
#define SYNC_FAIL_NTH_H

#include "quire/gfp.h"
#include "sync/ctx.h"

/* True for the allocation that is to fail. */
static __always_inline bool should_fail_alloc(enum quire_fail_kind kind, gfp_t gfp)
{
	struct quire_ctx *ctx;

	if (!QUIRE_DEBUG)
		return false;
	ctx = this_ctx();
	if (likely(!ctx || !ctx->fail_nth) || !(ctx->fail_kinds & kind) || (gfp & __GFP_NOFAIL))
		return false;
	return --ctx->fail_nth == 0;
}

/* True once after an allocation of this context has failed on purpose: a host that would kill for want of memory tries again. */
static inline bool alloc_failed_on_purpose(void)
{
	struct quire_ctx *ctx = QUIRE_DEBUG ? this_ctx() : NULL;

	if (!ctx || ctx->fail_nth || !ctx->fail_kinds)
		return false;
	ctx->fail_kinds = 0;
	return true;
}

#endif
