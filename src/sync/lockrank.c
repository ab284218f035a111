/* SPDX-License-Identifier: MIT */
/*
 * lockrank.c - the checker of the lock order: what each context holds, and what it may take next.
 */
#include "sync/lockrank.h"

#include "arch/irq.h"
#include "base/format.h"

const char *lockrank_name(u8 rank)
{
	switch (rank) {
#define LOCK_RANK_NAME(name, number, kind, what) case name: return #name;
	LOCK_RANKS(LOCK_RANK_NAME)
#undef LOCK_RANK_NAME
	default:
		return "?";
	}
}

u8 lockrank_top(void)
{
	struct quire_ctx *ctx = this_ctx();
	u8 top = LOCK_UNRANKED;

	if (!QUIRE_DEBUG || !ctx)
		return top;
	for (unsigned int i = 0; i < ctx->nr_held; i++)
		if (ctx->held[i] > top)
			top = ctx->held[i];
	return top;
}

/* Two ranks and a law, as one sentence for the panic. */
static __noreturn __cold void broken(const char *law, u8 rank, u8 top)
{
	char text[96];

	quire_scnprintf(text, sizeof(text), "%s: %s (%u) while holding %s (%u)", law,
			lockrank_name(rank), rank, lockrank_name(top), top);
	quire_bug(__FILE__, __LINE__, text);
}

void lockrank_check(u8 rank, bool same_rank_too)
{
	u8 top = lockrank_top();

	if (rank == LOCK_UNRANKED)
		return;
	if (rank < LOCK_FIRST_SPIN)
		lockrank_check_sleep();
	if (rank > top || (same_rank_too && rank == top))
		return;
	broken("lock order", rank, top);
}

void lockrank_push(u8 rank)
{
	struct quire_ctx *ctx = this_ctx();

	if (!ctx || rank == LOCK_UNRANKED)
		return;
	BUG_ON(ctx->nr_held >= QUIRE_CTX_MAX_HELD);
	ctx->held[ctx->nr_held++] = rank;
}

void lockrank_pop(u8 rank)
{
	struct quire_ctx *ctx = this_ctx();
	unsigned int i;

	if (!ctx || rank == LOCK_UNRANKED)
		return;
	for (i = ctx->nr_held; i > 0; i--)
		if (ctx->held[i - 1] == rank)
			break;
	if (!i)
		broken("released but not held", rank, lockrank_top());
	ctx->nr_held--;
	for (; i <= ctx->nr_held; i++)
		ctx->held[i - 1] = ctx->held[i];
}

void lockrank_check_sleep(void)
{
	struct quire_ctx *ctx = this_ctx();
	u8 top = lockrank_top();

	if (!ctx)
		return;
	if (top >= LOCK_FIRST_SPIN)
		broken("sleeps under a spinning lock", LOCK_UNRANKED, top);
	if (ctx->flags & QUIRE_CTX_IRQ)
		quire_bug(__FILE__, __LINE__, "sleeps in an interrupt handler");
	if (ctx->rcu_depth)
		quire_bug(__FILE__, __LINE__, "sleeps in an RCU read section");
}

void lockrank_check_relieve(void)
{
	struct quire_ctx *ctx = this_ctx();
	u8 top = lockrank_top();

	/* Inside relief there is no ladder, and nothing to wait for. */
	if (!ctx || ctx->in_relief || (ctx->flags & QUIRE_CTX_MEMALLOC))
		return;
	if (top >= LOCK_RELIEF_CEILING)
		broken("allocation may relieve", LOCK_RELIEF, top);
	lockrank_check_sleep();
}

void lockrank_check_shootdown(void)
{
	u8 top = lockrank_top();

	if (top >= LOCK_SHOOTDOWN_CEILING)
		broken("TLB shootdown", LOCK_SHOOTDOWN_CEILING, top);
	if (!irqs_enabled())
		quire_bug(__FILE__, __LINE__, "TLB shootdown with interrupts off");
}
