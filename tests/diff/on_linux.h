/* SPDX-License-Identifier: MIT */
/*
 * on_linux.h - what the parts of the process that makes the operations' system calls share: the mmap family and the run
 * itself (on_linux.c), calls that need a kernel around them (on_linux_calls.c), those of a monitor (on_linux_watch.c),
 * and any of them without memory (on_linux_failing.c).
 */
#ifndef TESTS_DIFF_ON_LINUX_H
#define TESTS_DIFF_ON_LINUX_H

#include "diff.h"

extern int files[NR_FILES];
/* This process was forked by one of the operations. */
extern bool forked;

/* An operation's address as it is here, and the other way round. */
unsigned long real(unsigned long addr);
long named(long addr);
/* The call's result, or -errno. */
long result_of(long ret);
/* The byte, 0 for a write, or -1000 * signal - si_code. */
long touch(unsigned long addr, bool write, unsigned char value);

long do_kernel_op(const struct op *op);
/* What userfaultfd is asked for; 0 where there is none. */
long do_watch_op(const struct op *op);
/* FEATURE_WATCHING or 0. */
unsigned int watch_features_here(void);
/* The descriptors of this process, before its first operation. */
void open_watchers(void);

/* As maps shows the windows, without cuts between what could be one mapping. */
void take_maps_uncut(char *maps);
/* The operation by `call`; in a run that is to fail (linux_failing), again and again with one allocation after the other failing. */
long do_op_failing(const struct op *op, struct result *result, long (*call)(const struct op *op, struct result *result));
/* In each process before its first operation. */
void failing_begin(void);
extern struct diff_failing *linux_failing;
extern struct result *linux_results;

/* Before the process is made, and after its end: the segments that OP_SHMAT names. */
bool make_segments(void);
void remove_segments(void);
/* Sequences that change limits run where limits count. */
void be_limited(void);

#endif
