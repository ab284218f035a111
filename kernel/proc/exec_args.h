/* SPDX-License-Identifier: MIT */
/*
 * exec_args.h - the strings of a new program: from the caller's memory to the top of the new stack.
 *
 * Lock: none. Sleeps: all. Allocates: the new mm and one page.
 */
#ifndef KERNEL_PROC_EXEC_ARGS_H
#define KERNEL_PROC_EXEC_ARGS_H

#include "proc/exec.h"

/* One of both: an array in user space (may be NULL: empty), or of the kernel's. */
struct string_array {
	const char *const *user, *const *kernel;
};

/* Makes bprm->mm with a stack that holds file name, environment and arguments. 0 or -errno. */
int bprm_build_stack(struct binprm *bprm, const struct string_array *argv,
		     const struct string_array *envp);

#endif
