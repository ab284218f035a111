/* SPDX-License-Identifier: MIT */
/*
 * vdso.h - mapping [vvar] and [vdso] into a new program.
 *
 *	... stack ] gap [ vvar ][ vdso ]	above the stack, where one table page often serves all
 *
 * Lock: none held. Sleeps: both may. Allocates: both.
 */
#ifndef KERNEL_VDSO_VDSO_H
#define KERNEL_VDSO_VDSO_H

struct mm_struct;

/* After the memory is there, before the first program. */
void vdso_init(void);

/*
 * Maps both into current's memory. @stack_top: end of its stack. The address of [vdso]'s ELF header,
 * or -errno.
 */
unsigned long vdso_map(unsigned long stack_top);

/* Where it is in @mm, of a running program: what the auxiliary vector says. */
unsigned long vdso_of(struct mm_struct *mm);

#endif
