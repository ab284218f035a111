/* SPDX-License-Identifier: MIT */
/*
 * on_linux_failing.c - operations with their first, second, ... allocation failing (/proc/self/fail-nth), until they come through:
 * each says that memory was short and leaves the address space as it was.
 */
#define _GNU_SOURCE
#include "on_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/* More than any one operation allocates. */
#define MOST_ALLOCATIONS 400u

/* Shared with the children that operations fork. */
struct diff_failing *linux_failing;
static int order = -1;

bool diff_can_fail(void)
{
	return access("/proc/self/fail-nth", W_OK) == 0;
}

void failing_begin(void)
{
	if (order >= 0)
		close(order);
	/* Each process has orders of its own. */
	order = linux_failing ? open("/proc/self/fail-nth", O_RDWR) : -1;
}

static void arm(unsigned int nth)
{
	char text[16];

	if (pwrite(order, text, (size_t)snprintf(text, sizeof(text), "%u", nth), 0) <= 0)
		_exit(4);
}

/* True when the allocation came and failed. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t len = pread(order, text, sizeof(text) - 1, 0);

	arm(0);
	return len > 0 && atoi(text) == 0;
}

/* Several calls in one, or one that changes several mappings by turns. Touches are tried again until there is memory. */
static bool is_left_alone(enum op_kind kind)
{
	switch (kind) {
	case OP_SUM:
	case OP_REMAP_FILE:
	case OP_MMAP_ANY:
	case OP_MREMAP_ANY:
	case OP_PRLIMIT:
	case OP_PROCESS_MADVISE:
	case OP_PKEY_MPROTECT:
	case OP_VM_READ:
	case OP_VM_WRITE:
	case OP_READ:
	case OP_WRITE:
	case OP_EXIT:
		return true;
	default:
		return false;
	}
}

/* Those before the mapping that found no memory have changed, or what was replaced is gone. */
static bool may_be_partial(const struct op *op)
{
	switch (op->kind) {
	case OP_MMAP:
	case OP_MPROTECT:
	case OP_MREMAP:
	case OP_MADVISE:
	case OP_MLOCK:
	case OP_MLOCK2:
	case OP_MUNLOCK:
	case OP_MLOCKALL:
	case OP_MUNLOCKALL:
	case OP_NAME:
	case OP_MSEAL:
	case OP_SHMAT:
	case OP_WATCH:
	case OP_UNWATCH:
		return true;
	default:
		return false;
	}
}

static bool says_no_memory(const struct op *op, long ret)
{
	long error = op->kind == OP_SEAL ? 0 : ret;

	if (op->kind == OP_BRK)
		return (unsigned long)ret != op->addr;
	/* A monitor's requests tell the error, and how far they came. */
	if (op->kind >= OP_WATCH_COPY && op->kind <= OP_WATCH_POISON)
		error = ret / 1000003;
	return error == -ENOMEM || error == -EAGAIN;
}

static void wrong(const struct op *op, unsigned int nth, const char *what, long got)
{
	char text[400];

	linux_failing->wrong++;
	tap_diag("%s (%ld), allocation %u failing: %s", what, got, nth, op_text(op, text, sizeof(text)));
}

long do_op_failing(const struct op *op, struct result *result, long (*call)(const struct op *op, struct result *result))
{
	static char before[MAPS_TEXT], after[MAPS_TEXT];
	bool whole = !may_be_partial(op);
	long ret;

	if (!linux_failing || is_left_alone(op->kind))
		return call(op, result);
	take_maps_uncut(before);
	for (unsigned int nth = 1; nth < MOST_ALLOCATIONS; nth++) {
		arm(nth);
		ret = call(op, result);
		if (!disarm())
			return ret;
		linux_failing->hits++;
		if (!says_no_memory(op, ret)) {
			/* Nobody noticed: pages that were only to be there early, for one. */
			linux_failing->absorbed++;
			if (linux_failing->comparable > (unsigned int)(result - linux_results))
				linux_failing->comparable = (unsigned int)(result - linux_results);
			return ret;
		}
		take_maps_uncut(after);
		if (whole && strcmp(before, after))
			wrong(op, nth, "it has changed the address space", ret);
	}
	wrong(op, MOST_ALLOCATIONS, "it never comes through", 0);
	return -ENOMEM;
}
