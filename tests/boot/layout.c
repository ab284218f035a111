/* SPDX-License-Identifier: MIT */
/* layout.c - where a new program's parts come to lie: at random, or where ADDR_NO_RANDOMIZE and ADDR_COMPAT_LAYOUT put them. */
#include "common.h"

#include <sys/personality.h>

#define LEGACY_BASE 0x2aaaaaaab000ul /* a third of the address space */

/* What a program tells of itself. */
struct places {
	unsigned long stack, mapping, second, heap;
};

static char *self;

/* Run as "layout places": the addresses go to stdout. */
static int tell_places(void)
{
	struct places mine;
	int local;

	mine.stack = (unsigned long)&local;
	mine.mapping = (unsigned long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Another kind, or the two would merge at one place. */
	mine.second = (unsigned long)mmap(NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mine.heap = (unsigned long)sbrk(0);
	return write(1, &mine, sizeof(mine)) != sizeof(mine);
}

static struct places places_with(unsigned long flags)
{
	struct places got = { 0 };
	int fds[2];

	fflush(stdout);
	if (pipe(fds))
		return got;
	if (!fork()) {
		personality(flags);
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execl(self, self, "places", NULL);
		_exit(127);
	}
	close(fds[1]);
	if (read(fds[0], &got, sizeof(got)) != sizeof(got))
		tap_diag("a program said nothing");
	close(fds[0]);
	wait(NULL);
	return got;
}

int main(int argc, char **argv)
{
	struct places a, b;

	if (argc > 1)
		return tell_places();
	self = argv[0];
	tap_plan(0);
	a = places_with(0);
	b = places_with(0);
	tap_ok(a.stack != b.stack && a.mapping != b.mapping && a.heap != b.heap, "stack, mappings and heap lie anew in each program");
	tap_ok(a.second < a.mapping, "mappings go down");
	a = places_with(ADDR_NO_RANDOMIZE);
	b = places_with(ADDR_NO_RANDOMIZE);
	tap_ok(a.stack == b.stack && a.mapping == b.mapping && a.heap == b.heap, "with ADDR_NO_RANDOMIZE they lie where they always do");
	tap_is(a.stack >> 20, 0x7ffffffff000ul >> 20, "the stack at the top");
	a = places_with(ADDR_COMPAT_LAYOUT | ADDR_NO_RANDOMIZE);
	tap_ok(a.mapping >= LEGACY_BASE && a.mapping < LEGACY_BASE + (64 << 20), "with ADDR_COMPAT_LAYOUT the mappings begin at a third");
	tap_ok(a.second > a.mapping, "and go up");
	a = places_with(ADDR_COMPAT_LAYOUT);
	b = places_with(ADDR_COMPAT_LAYOUT);
	tap_ok(a.mapping != b.mapping && a.second > a.mapping && b.second > b.mapping, "from a random place on");
	return tap_done();
}
