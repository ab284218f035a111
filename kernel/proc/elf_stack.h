/* SPDX-License-Identifier: MIT */
/*
 * elf_stack.h - what a program finds on its stack: argc, argv, envp, the auxiliary vector.
 *
 *	high  strings | platform | 16 random bytes | auxv | NULL envp | NULL argv | argc
 *	                                                      sp, a multiple of 16 -> ^
 *
 * Lock: none. Sleeps: user memory is written. Allocates: never.
 */
#ifndef KERNEL_PROC_ELF_STACK_H
#define KERNEL_PROC_ELF_STACK_H

#include "proc/exec.h"

struct elf_stack {
	unsigned long phdr, phnum, base, entry, vdso;
};

/* current has the new mm. 0 or -EFAULT; *sp for the first instruction. */
int elf_fill_stack(struct binprm *bprm, const struct elf_stack *st, unsigned long *sp);

#endif
