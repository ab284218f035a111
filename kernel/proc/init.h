/* SPDX-License-Identifier: MIT */
/*
 * init.h - the first program.
 *
 * Lock: none. Sleeps: yes.
 */
#ifndef KERNEL_PROC_INIT_H
#define KERNEL_PROC_INIT_H

/* Turns the calling kernel thread into process 1: rdinit=, init=, or the customary names. Panics
 * when none works. */
void __attribute__((noreturn)) run_init(void);

#endif
