/* SPDX-License-Identifier: MIT */
/*
 * altstack.h - the running thread's alternate stack for signal handlers.
 *
 * Lock: none, a thread's own. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_PROC_ALTSTACK_H
#define KERNEL_PROC_ALTSTACK_H

#include <stdbool.h>
#include "proc/siginfo.h"

struct task;

/* @sp lies in the stack of @p, which did not ask to have it disarmed. */
bool on_altstack(const struct task *p, unsigned long sp);
/* SS_DISABLE, SS_ONSTACK or 0, as sigaltstack(2) tells it. */
int altstack_flags(const struct task *p, unsigned long sp);
/* For a frame: what the stack is; SS_AUTODISARM takes it away. */
void altstack_save(stack_t *st, unsigned long sp);
/* @least: bytes that it must have. 0, -EPERM, -EINVAL, -ENOMEM. */
int altstack_set(const stack_t *st, unsigned long sp, size_t least);

#endif
