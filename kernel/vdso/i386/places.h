/* SPDX-License-Identifier: MIT */
/*
 * places.h - where in the page the kernel finds what it points programs to.
 *
 * Lock: none, constants.
 */
#ifndef KERNEL_VDSO_I386_PLACES_H
#define KERNEL_VDSO_I386_PLACES_H

#define VDSO_VSYSCALL		0xc80
#define VDSO_SIGRETURN		0xca0
#define VDSO_RT_SIGRETURN	0xcc0

#endif
