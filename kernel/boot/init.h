/* SPDX-License-Identifier: MIT */
/*
 * init.h - the first program.
 *
 * Lock: none. Sleeps: yes. Allocates: yes. Context: the first kernel thread, process 1.
 */
#ifndef KERNEL_BOOT_INIT_H
#define KERNEL_BOOT_INIT_H

/*
 * Opens the console as descriptors 0, 1 and 2 and turns the running thread into the first program:
 * init=, else /init, /sbin/init, /etc/init, /bin/init, /bin/sh. Words after "--" of the command
 * line are its arguments. Panics when there is none to run.
 */
void __attribute__((noreturn)) run_init(void);

#endif
