/* SPDX-License-Identifier: MIT */
/*
 * selftest.h - ways to break the kernel on purpose: quire.selftest=NAME on the command line.
 *
 *	panic, double_fault, stack_overflow, wild_pointer, write_text, exec_data,
 *	read_user, exec_user
 *	unit_tests                  runs the unit tests that are linked in, and powers off
 *
 * Only debug builds obey. All but the last must end in a panic that tells the cause; the tests read it.
 * Context: any thread. Sleeps: never. Allocates: never.
 */
#ifndef KERNEL_BOOT_SELFTEST_H
#define KERNEL_BOOT_SELFTEST_H

/* Does what quire.selftest= names; returns when it names nothing. */
void selftest_run(void);

/* In the image with the unit tests only (tests/booted). Does not return. */
void selftest_unit_tests(void) __attribute__((weak));

#endif
