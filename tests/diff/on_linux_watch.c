/* SPDX-License-Identifier: MIT */
/*
 * on_linux_watch.c - the operations of a monitor (userfaultfd). Two descriptors, neither with a thread behind it: faults that would
 * wait for one are signals (UFFD_FEATURE_SIGBUS), so that a sequence's end is the same each time.
 */
#define _GNU_SOURCE
#include "on_linux.h"

#include <string.h>

#include "../boot/lib/uffd.h"

#define F_MOVE (1 << 16)
#define NR_WATCHERS 2

static int watchers[NR_WATCHERS] = { -1, -1 };

unsigned int watch_features_here(void)
{
	int fd = enabled_fd(F_SIGBUS | F_WP_UNPOPULATED | F_POISON | F_MOVE);

	if (fd < 0)
		return 0;
	close(fd);
	return FEATURE_WATCHING;
}

void open_watchers(void)
{
	/* One of them also watches writes to what is not there. */
	static const uint64_t features[NR_WATCHERS] = { F_SIGBUS, F_SIGBUS | F_WP_UNPOPULATED };

	for (int i = 0; i < NR_WATCHERS && (diff_features & FEATURE_WATCHING); i++)
		watchers[i] = enabled_fd(features[i]);
}

/* What the request says, and how far it came. */
static long outcome(long ret, int64_t done)
{
	return result_of(ret) * 1000003 + (long)done;
}

static long fill_with(int fd, unsigned long request, const struct op *op)
{
	struct fill fill = { { real(op->addr), op->len }, op->flags, 0 };
	long ret = ioctl(fd, request, &fill);

	return outcome(ret, fill.done);
}

static long copy_to(int fd, const struct op *op)
{
	static char source[WATCH_PAGES * PAGE] __attribute__((aligned(4096)));
	struct copy copy = { real(op->addr), U(source), op->len, op->flags, 0 };
	long ret;

	memset(source, op->value, sizeof(source));
	ret = ioctl(fd, COPY, &copy);
	return outcome(ret, copy.done);
}

static long move_to(int fd, const struct op *op)
{
	struct copy move = { real(op->addr), real(op->new_addr), op->len, op->flags, 0 };
	long ret = ioctl(fd, MOVE, &move), done = 0;

	/* A page is busy for a moment: the rest is asked for again, as a monitor would. */
	for (unsigned int tries = 0; ret < 0 && errno == EAGAIN && tries < 100; tries++) {
		unsigned long moved = (long)move.done > 0 ? (unsigned long)move.done : 0;

		done += (long)moved;
		move = (struct copy){ move.dst + moved, move.src + moved, move.len - moved, op->flags, 0 };
		ret = ioctl(fd, MOVE, &move);
	}
	return outcome(ret, (long)move.done > 0 || !done ? done + (long)move.done : done);
}

long do_watch_op(const struct op *op)
{
	struct range range = { real(op->addr), op->len };
	int fd = watchers[op->file & 1];

	if (fd < 0)
		return 0;
	switch (op->kind) {
	case OP_WATCH:
		return result_of(watch(fd, (void *)range.start, op->len, op->flags));
	case OP_UNWATCH:
		return result_of(ioctl(fd, UNREGISTER, &range));
	case OP_WATCH_COPY:
		return copy_to(fd, op);
	case OP_WATCH_ZERO:
		return fill_with(fd, ZEROPAGE, op);
	case OP_WATCH_CONTINUE:
		return fill_with(fd, CONTINUE, op);
	case OP_WATCH_POISON:
		return fill_with(fd, POISON, op);
	case OP_WATCH_WRITES:
		return result_of(protect(fd, (void *)range.start, op->len, op->flags));
	case OP_WATCH_MOVE:
		return move_to(fd, op);
	default:
		return 0;
	}
}
