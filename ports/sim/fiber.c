/* SPDX-License-Identifier: MIT */
/* fiber.c - ucontext, and the sanitizer's two calls around each switch. */
#include "sim/fiber.h"

#include "base/compiler.h"

/* Where the running fiber came from, for the sanitizer to report that stack's bounds into. */
static _Thread_local struct fiber *came_from;

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>

static void leave(struct fiber *from, const struct fiber *to)
{
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
}

static void arrive(void *fake_stack)
{
	__sanitizer_finish_switch_fiber(fake_stack, &came_from->stack, &came_from->stack_bytes);
}
#else
static void leave(struct fiber *from, const struct fiber *to)
{
	(void)from;
	(void)to;
}

static void arrive(void *fake_stack)
{
	(void)fake_stack;
}
#endif

void fiber_make(struct fiber *fiber, void *stack, size_t stack_bytes, void (*main)(void))
{
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = stack;
	fiber->context.uc_stack.ss_size = stack_bytes;
	fiber->context.uc_link = NULL;
	fiber->stack = stack;
	fiber->stack_bytes = stack_bytes;
	fiber->fake_stack = NULL;
	makecontext(&fiber->context, main, 0);
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	came_from = from;
	leave(from, to);
	swapcontext(&from->context, &to->context);
	arrive(from->fake_stack);
}

void fiber_started(void)
{
	arrive(NULL);
}
