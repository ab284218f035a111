/* SPDX-License-Identifier: MIT */
/* common.h - what most programs of tests/boot include and share. */
#ifndef TESTS_BOOT_COMMON_H
#define TESTS_BOOT_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The call must fail with this error. */
#define fails(call, error, ...)                                                                  \
	do {                                                                                     \
		errno = 0;                                                                       \
		long fails_result = (long)(call);                                                \
		int fails_errno = errno;                                                         \
		tap_ok_at(__FILE__, __LINE__, fails_result == -1 && fails_errno == (error),      \
			  #call " fails with " #error, __VA_ARGS__);                             \
		if (fails_result != -1 || fails_errno != (error))                                \
			tap_diag("result %ld, errno %d", fails_result, fails_errno);             \
	} while (0)

/* Run a function in a child; its exit status, or 256 + the signal that killed it. */
static inline int in_child(void (*function)(void *), void *argument)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		function(argument);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static inline long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* The figure after a name in a file of "name: figure" or "name figure" lines; -1 when absent. */
static inline long long figure(const char *path, const char *name)
{
	char line[512];
	long long value = -1;
	size_t length = strlen(name);
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file)) {
		char *rest = line + strspn(line, " \t");

		if (!strncmp(rest, name, length) && strchr(": \t", rest[length])) {
			value = atoll(rest + length + strspn(rest + length, ": \t"));
			break;
		}
	}
	if (file)
		fclose(file);
	return value;
}

#endif
