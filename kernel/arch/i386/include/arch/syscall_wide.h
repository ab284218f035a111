/* SPDX-License-Identifier: MIT */
/*
 * syscall_wide.h - handlers of calls with parameters of 64 bits: programs pass these in two words, in an order that differs from
 * call to call, so that the adapters of arch/i386/calls_file.c stand before them.
 *
 * Lock: none. Included by syscall/syscall.h.
 */
#ifndef KERNEL_ARCH_SYSCALL_WIDE_H
#define KERNEL_ARCH_SYSCALL_WIDE_H

#define SYSCALL_WIDE2(name, t0, p0, t1, p1)				\
	long ksys_##name(t0 p0, t1 p1);		\
	long ksys_##name(t0 p0, t1 p1)
#define SYSCALL_WIDE3(name, t0, p0, t1, p1, t2, p2)				\
	long ksys_##name(t0 p0, t1 p1, t2 p2);		\
	long ksys_##name(t0 p0, t1 p1, t2 p2)
#define SYSCALL_WIDE4(name, t0, p0, t1, p1, t2, p2, t3, p3)				\
	long ksys_##name(t0 p0, t1 p1, t2 p2, t3 p3);		\
	long ksys_##name(t0 p0, t1 p1, t2 p2, t3 p3)
#define SYSCALL_WIDE6(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5)				\
	long ksys_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5);		\
	long ksys_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5)

#endif
