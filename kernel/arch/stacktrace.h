/* SPDX-License-Identifier: MIT */
/*
 * stacktrace.h - how the running code got here: return addresses on the stack, and their names.
 *
 * Builds with frame pointers know the chain for certain. Without them every word on the stack that points into the text
 * counts, so that a trace may name functions that have already returned.
 *
 * Lock: none. Sleeps: never. Context: any.
 */
#ifndef KERNEL_ARCH_STACKTRACE_H
#define KERNEL_ARCH_STACKTRACE_H

#include <stdbool.h>
#include <stddef.h>

struct stack_range {
	unsigned long start, end;
};

bool is_kernel_text(unsigned long address);
/*
 * What may be read of the stack that @sp points into: the task's (all of it, when @sp has run into the guard page below),
 * or this CPU's own for NMI and double faults. Empty for anything else.
 */
struct stack_range readable_stack(unsigned long sp);
/* Return addresses of the caller's callers, innermost first; how many. */
unsigned int stack_trace_save(unsigned long *entries, unsigned int max);
/* "name+0xinto/0xsize"; false: the address has no name. */
bool symbol_text(unsigned long address, char *buf, size_t size);

#endif
