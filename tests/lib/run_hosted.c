/* SPDX-License-Identifier: MIT */
/* run_hosted.c - tests on threads. */
#include "tap_machine.h"

void tap_run(struct hosted_machine *machine, unsigned int cpus, void (*fn)(void *arg), void *arg)
{
	hosted_run(machine, cpus, fn, arg);
}
