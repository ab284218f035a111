/* SPDX-License-Identifier: MIT */
/*
 * stack.c - kernel stacks between two tasks: a few stay with the CPU, so that fork and exit in turn
 * neither map nor unmap anything.
 *
 * A stack is retired where nothing may sleep, so what does not fit goes to a list that is given
 * back later, from a place that may.
 */
#include "quire/vmalloc.h"
#include "sched/rq.h"

/* A retired stack links to the next through its first word. */
static void *retired;	/* (a) */

void *task_stack_alloc(void)
{
	unsigned long flags = irq_save();
	struct rq *rq = this_rq();
	void *stack = NULL;
	int i;

	for (i = 0; i < RQ_STACKS && !stack; i++) {
		stack = rq->stacks[i];
		rq->stacks[i] = NULL;
	}
	irq_restore(flags);
	task_stacks_drain();
	return stack ? stack : kernel_stack_alloc(THREAD_SIZE);
}

void task_stack_retire(void *stack)
{
	struct rq *rq = this_rq();
	void *next;
	int i;

	for (i = 0; i < RQ_STACKS; i++) {
		if (!rq->stacks[i]) {
			rq->stacks[i] = stack;
			return;
		}
	}
	next = __atomic_load_n(&retired, __ATOMIC_RELAXED);
	do {
		*(void **)stack = next;
	} while (!__atomic_compare_exchange_n(&retired, &next, stack, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

void task_stacks_drain(void)
{
	void *stack, *next;

	if (!__atomic_load_n(&retired, __ATOMIC_RELAXED))
		return;
	for (stack = __atomic_exchange_n(&retired, NULL, __ATOMIC_ACQUIRE); stack; stack = next) {
		next = *(void **)stack;
		kernel_stack_free(stack);
	}
}
