/* SPDX-License-Identifier: MIT */
/*
 * selftest.h - ways to break the kernel on purpose: quire.selftest=NAME on the command line.
 *
 *	panic, double_fault, stack_overflow, wild_pointer, write_text, exec_data,
 *	read_user, exec_user
 *
 * Only debug builds obey. Each must end in a panic that tells the cause; the tests read it.
 * Context: any thread. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_BOOT_SELFTEST_H
#define KERNEL_BOOT_SELFTEST_H

/* Does what quire.selftest= names; returns when it names nothing. */
void selftest_run(void);

#endif
