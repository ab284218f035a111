/* SPDX-License-Identifier: MIT */
/*
 * init.h - the first program.
 *
 * Lock: none. Sleeps: yes.
 */
#ifndef KERNEL_PROC_INIT_H
#define KERNEL_PROC_INIT_H

/*
 * Turns the calling kernel thread into process 1, the first of these that works:
 *
 *	rdinit=NAME, or /init		when the initial file system has it
 *	init=NAME			a panic when it does not
 *	/sbin/init /etc/init /bin/init /bin/sh
 *
 * Panics when none does.
 */
void __attribute__((noreturn)) run_init(void);

#endif
