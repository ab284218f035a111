/* SPDX-License-Identifier: MIT */
/* count.c - single steps between two signals that the child sends itself. */
#include "count.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child: stops before and after what is counted. */
static void run_counted(void (*before)(void *arg), void (*fn)(void *arg), void *arg)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	if (before)
		before(arg);
	raise(SIGUSR1);
	fn(arg);
	raise(SIGUSR1);
	_exit(0);
}

unsigned long count_instructions(void (*before)(void *arg), void (*fn)(void *arg), void *arg)
{
	unsigned long count = 0;
	bool counting = false;
	int status;
	pid_t child = fork();

	if (!child)
		run_counted(before, fn, arg);
	while (child > 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);

		if (signal == SIGUSR1) {
			if (counting) {
				kill(child, SIGKILL);
				waitpid(child, &status, 0);
				return count;
			}
			counting = true;
			signal = 0;
		} else if (signal == SIGTRAP) {
			count++;
			signal = 0;
		}
		if (ptrace(counting ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL, (void *)(long)signal))
			break;
	}
	return 0;
}
