/* SPDX-License-Identifier: MIT */
/* tap_test.c - the harness fails where it should. */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child that runs `fn` prints and returns. */
static int run_child(int (*fn)(void), char *said, size_t size)
{
	int ends[2], status;
	size_t len = 0;
	ssize_t got;
	pid_t child;

	fflush(stdout);
	if (pipe(ends))
		abort();
	child = fork();
	if (!child) {
		dup2(ends[1], STDOUT_FILENO);
		_exit(fn());
	}
	close(ends[1]);
	while ((got = read(ends[0], said + len, size - 1 - len)) > 0)
		len += (size_t)got;
	said[len] = '\0';
	close(ends[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int fails(void)
{
	tap_is(1 + 1, 3, "arithmetic");
	return tap_done();
}

static int aborts(void)
{
	abort();
}

static void exits(void *arg)
{
	(void)arg;
}

static int survives(void)
{
	tap_dies(exits, NULL, "", "dies");
	return tap_done();
}

int main(void)
{
	struct tap_random a, b;
	char said[4096];

	tap_plan(0);
	tap_is(run_child(fails, said, sizeof(said)), 1, "a failed check is a failed program");
	tap_ok(strstr(said, "not ok") && strstr(said, "got 2 (0x2), wanted 3 (0x3)"), "it says both values");
	tap_ok(strstr(said, "tap_test.c:") && strstr(said, "to repeat: QUIRE_SEED="),
	       "where it was, and how to repeat it");
	tap_is(run_child(aborts, said, sizeof(said)), -1, "abort is not caught");
	tap_ok(strstr(said, "to repeat: QUIRE_SEED="), "but says how to repeat it");
	tap_is(run_child(survives, said, sizeof(said)), 1, "a death that does not come is a failure");
	a = tap_random_stream(1);
	b = tap_random_stream(1);
	tap_ok(tap_random_next(&a) == tap_random_next(&b), "a stream repeats");
	b = tap_random_stream(2);
	tap_ok(tap_random_next(&a) != tap_random_next(&b), "another one is another");
	return tap_done();
}
