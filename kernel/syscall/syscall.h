/* SPDX-License-Identifier: MIT */
/*
 * syscall.h - the table of system calls, numbered as Linux on the CPU (arch/syscall_list.h).
 *
 * A handler takes up to six words as they stand in the argument registers and returns a word;
 * -MAX_ERRNO..-1 are errors. SYSCALL_DEFINEn writes a handler with typed parameters:
 *
 *	SYSCALL_DEFINE2(kill, pid_t, pid, int, sig) { ... }	defines sys_kill
 *
 * SYSCALL_WIDEn is the same for parameters that may not fit into a word.
 *
 * [Y1] Every entry of the table is callable: an unknown number is sys_unknown, which answers
 *      -ENOSYS and logs the number and the program once.
 * Context: interrupts on, no lock held, current is a user task. May sleep.
 */
#ifndef KERNEL_SYSCALL_SYSCALL_H
#define KERNEL_SYSCALL_SYSCALL_H

#include "arch/offsets.h"
#include "arch/syscall_wide.h"
#include "quire/errno.h"
#include "quire/types.h"

typedef long (*syscall_fn)(unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3,
			   unsigned long a4, unsigned long a5);

extern const syscall_fn syscall_table[SYSCALL_TABLE_SIZE];

#define SC_WORDS_0 void
#define SC_WORDS_1 unsigned long a0
#define SC_WORDS_2 SC_WORDS_1, unsigned long a1
#define SC_WORDS_3 SC_WORDS_2, unsigned long a2
#define SC_WORDS_4 SC_WORDS_3, unsigned long a3
#define SC_WORDS_5 SC_WORDS_4, unsigned long a4
#define SC_WORDS_6 SC_WORDS_5, unsigned long a5

/* A handler of n typed parameters: the outer function takes words, which the casts cut to size. */
#define SYSCALL_DEFINE0(name)									\
	long sys_##name(void);									\
	long sys_##name(void)
#define SYSCALL_DEFINE1(name, t0, p0)								\
	static inline long do_sys_##name(t0 p0);						\
	long sys_##name(SC_WORDS_1);								\
	long sys_##name(SC_WORDS_1) { return do_sys_##name((t0)a0); }				\
	static inline long do_sys_##name(t0 p0)
#define SYSCALL_DEFINE2(name, t0, p0, t1, p1)							\
	static inline long do_sys_##name(t0 p0, t1 p1);						\
	long sys_##name(SC_WORDS_2);								\
	long sys_##name(SC_WORDS_2) { return do_sys_##name((t0)a0, (t1)a1); }			\
	static inline long do_sys_##name(t0 p0, t1 p1)
#define SYSCALL_DEFINE3(name, t0, p0, t1, p1, t2, p2)						\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2);					\
	long sys_##name(SC_WORDS_3);								\
	long sys_##name(SC_WORDS_3) { return do_sys_##name((t0)a0, (t1)a1, (t2)a2); }		\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2)
#define SYSCALL_DEFINE4(name, t0, p0, t1, p1, t2, p2, t3, p3)					\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2, t3 p3);				\
	long sys_##name(SC_WORDS_4);								\
	long sys_##name(SC_WORDS_4) { return do_sys_##name((t0)a0, (t1)a1, (t2)a2, (t3)a3); }	\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2, t3 p3)
#define SYSCALL_DEFINE5(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4)				\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4);			\
	long sys_##name(SC_WORDS_5);								\
	long sys_##name(SC_WORDS_5)								\
	{ return do_sys_##name((t0)a0, (t1)a1, (t2)a2, (t3)a3, (t4)a4); }			\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4)
#define SYSCALL_DEFINE6(name, t0, p0, t1, p1, t2, p2, t3, p3, t4, p4, t5, p5)			\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5);		\
	long sys_##name(SC_WORDS_6);								\
	long sys_##name(SC_WORDS_6)								\
	{ return do_sys_##name((t0)a0, (t1)a1, (t2)a2, (t3)a3, (t4)a4, (t5)a5); }		\
	static inline long do_sys_##name(t0 p0, t1 p1, t2 p2, t3 p3, t4 p4, t5 p5)

#endif
