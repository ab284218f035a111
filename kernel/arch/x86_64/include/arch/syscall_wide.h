/* SPDX-License-Identifier: MIT */
/*
 * syscall_wide.h - handlers of calls with parameters of 64 bits: here they fit into a word.
 *
 * Lock: none. Included by syscall/syscall.h.
 */
#ifndef KERNEL_ARCH_SYSCALL_WIDE_H
#define KERNEL_ARCH_SYSCALL_WIDE_H

#define SYSCALL_WIDE2 SYSCALL_DEFINE2
#define SYSCALL_WIDE3 SYSCALL_DEFINE3
#define SYSCALL_WIDE4 SYSCALL_DEFINE4
#define SYSCALL_WIDE6 SYSCALL_DEFINE6

#endif
