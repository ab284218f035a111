/* SPDX-License-Identifier: MIT */
/*
 * eflags.h - bits of the flags register.
 *
 * Lock: none, constants.
 */
#ifndef KERNEL_ARCH_EFLAGS_H
#define KERNEL_ARCH_EFLAGS_H

#define X86_EFLAGS_CF	(1UL << 0)
#define X86_EFLAGS_TF	(1UL << 8)
#define X86_EFLAGS_IF	(1UL << 9)
#define X86_EFLAGS_DF	(1UL << 10)
#define X86_EFLAGS_NT	(1UL << 14)
#define X86_EFLAGS_RF	(1UL << 16)
#define X86_EFLAGS_AC	(1UL << 18)
/* What a signal frame may change: the arithmetic flags, TF, DF, OF, RF and AC. */
#define X86_EFLAGS_USER	0x50dd5UL

#endif
