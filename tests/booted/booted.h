/* SPDX-License-Identifier: MIT */
/*
 * booted.h - the unit tests of this image, and the thread that runs them.
 *
 *	@@ begin base/list          printed by the runner
 *	ok 1 - ...                  by the test
 *	@@ end base/list 0          its exit status
 *
 * Context: the kernel's first thread, before there is a program; other CPUs are up. May sleep.
 */
#ifndef TESTS_BOOTED_BOOTED_H
#define TESTS_BOOTED_BOOTED_H

struct booted_test {
	const char *name;
	int (*main)(void);
};

/* Made by meson from the list in meson.build; the last one has no name. */
extern const struct booted_test booted_tests[];

/* Back to the runner, out of whatever the test was in the middle of. Only in the runner's thread. */
void booted_end_test(int status) __attribute__((noreturn));

#endif
