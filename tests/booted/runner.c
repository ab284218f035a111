/* SPDX-License-Identifier: MIT */
/* runner.c - runs the unit tests of this image, prints what they say, and powers off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "booted.h"
#include "kernel/arch/clock.h"
#include "kernel/arch/current.h"
#include "kernel/arch/machine.h"
#include "kernel/boot/boot_info.h"
#include "kernel/boot/selftest.h"
#include "kernel/lib/printk.h"
#include "kernel/sched/sched.h"
#include "tap.h"
#include "tap_world.h"

const int tap_schedules = 1;
const int tap_pace = 10;	/* an emulated CPU, and four of them on a host with two */

static void *back[5];	/* for the compiler's setjmp */
static struct task *runner;
static const struct booted_test *running;
static int ended_with;

void tap_world_begin(void)
{
}

uint64_t tap_world_seed(void)
{
	const char *given = getenv("QUIRE_SEED");

	return given ? (uint64_t)atoi(given) | !atoi(given) : ktime_get_ns() % 1000000000;
}

void tap_world_say_how_to_repeat(void)
{
	tap_diag("to repeat: quire.selftest=unit_tests unit_tests=%s QUIRE_SEED=%llu", running->name,
		 (unsigned long long)tap_seed());
}

int tap_dies_at(const char *file, int line, void (*fn)(void *arg), void *arg, const char *text,
		const char *format, ...)
{
	char what[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	tap_diag("left out, the kernel dies only once: %s", what);
	return 1;
}

void booted_end_test(int status)
{
	if (current != runner)
		panic("a unit test ended on a thread that is not its first");
	ended_with = status;
	__builtin_longjmp(back, 1);
}

/* Is @name one of the words between commas? */
static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

static int run(const struct booted_test *test)
{
	running = test;
	tap_start_anew(0);
	printf("@@ begin %s\n", test->name);
	if (!__builtin_setjmp(back))
		ended_with = test->main();
	printf("@@ end %s %d\n", running->name, ended_with);
	return ended_with;
}

void selftest_unit_tests(void)
{
	static char wanted[BOOT_CMDLINE_MAX];
	static int failed, nr;

	runner = current;
	if (!boot_option("unit_tests", wanted, sizeof(wanted)))
		wanted[0] = '\0';
	for (const struct booted_test *test = booted_tests; test->name; test++) {
		if (wanted[0] && !listed(wanted, test->name))
			continue;
		failed += run(test) != 0;
		nr++;
	}
	printf("# %d unit tests, %d failed\n", nr, failed);
	machine_set_exit_status(failed || !nr ? 1 : 0);
	machine_power_off();
}
