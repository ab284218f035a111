/* SPDX-License-Identifier: MIT */
/*
 * fiber.h - switching stacks within a thread, with the address sanitizer told about it.
 *
 * Lock: none. Sleeps: never. Cost: two system calls for the signal mask. Allocates: never.
 */
#ifndef PORTS_SIM_FIBER_H
#define PORTS_SIM_FIBER_H

#include <stddef.h>
#include <ucontext.h>

struct fiber {
	ucontext_t context;
	const void *stack;	/* lowest address; NULL: the thread's own, until it is known */
	size_t stack_bytes;
	void *fake_stack;	/* the sanitizer's */
};

/* `main` must call fiber_started() first, and never returns. */
void fiber_make(struct fiber *fiber, void *stack, size_t stack_bytes, void (*main)(void));
void fiber_switch(struct fiber *from, struct fiber *to);
void fiber_started(void);

#endif
