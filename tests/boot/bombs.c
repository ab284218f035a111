/* SPDX-License-Identifier: MIT */
/* bombs.c - a program that forks or takes memory without end harms itself only. */
#include "common.h"

#include <sys/resource.h>

static void fork_without_end(void *argument)
{
	int go[2], nr = 0;

	(void)argument;
	if (pipe(go))
		_exit(1);
	for (;;) {
		pid_t child = fork();

		if (!child) {
			close(go[1]);
			if (read(go[0], &nr, 1) < 0)
				_exit(1);
			_exit(0);
		}
		if (child < 0)
			break;
		nr++;
	}
	close(go[1]);
	close(go[0]);
	while (wait(NULL) > 0)
		;
	_exit(nr > 20 ? 0 : 2);
}

static void limited_forks(void *argument)
{
	struct rlimit limit = { 200, 200 };

	setrlimit(RLIMIT_NPROC, &limit);
	if (setgid(4242) || setuid(4242))
		_exit(3);
	fork_without_end(argument);
}

/* Take memory until there is none; killed or refused, both are an answer. */
static void take_without_end(void *argument)
{
	int touch = *(int *)argument;

	for (long nr = 0;; nr++) {
		char *area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (area == MAP_FAILED)
			_exit(errno == ENOMEM ? 7 : 1);
		if (touch)
			memset(area, 1, 1 << 20);
		else if (nr > 1 << 20)
			_exit(7);
	}
}

static void fill_tmpfs(void *argument)
{
	static char block[65536];
	int fd = open("/tmp/full", O_RDWR | O_CREAT, 0600);

	(void)argument;
	while (write(fd, block, sizeof(block)) > 0)
		;
	_exit(errno == ENOSPC || errno == ENOMEM ? 7 : 1);
}

static void open_without_end(void *argument)
{
	(void)argument;
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	_exit(errno == EMFILE ? 7 : 1);
}

static void pipe_without_end(void *argument)
{
	static char block[65536];
	int fds[2];

	(void)argument;
	while (!pipe2(fds, O_NONBLOCK))
		while (write(fds[1], block, sizeof(block)) > 0)
			;
	_exit(errno == EMFILE || errno == ENFILE || errno == ENOMEM ? 7 : 1);
}

static int answered(int status)
{
	return status == 7 || status == 256 + SIGKILL;
}

static int still_well(void)
{
	char *area = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int held = area != MAP_FAILED;

	if (held) {
		memset(area, 1, 1 << 20);
		munmap(area, 1 << 20);
	}
	return held && !in_child((void (*)(void *))(uintptr_t)_exit, NULL);
}

int main(void)
{
	int touch = 1, leave = 0;

	if (access("/tests/run", F_OK))
		tap_skip_all("this would hurt the host");
	tap_plan(0);
	tap_is(in_child(limited_forks, NULL), 0, "RLIMIT_NPROC stops a fork bomb");
	tap_ok(still_well(), "the rest is well");
	tap_is(in_child(fork_without_end, NULL), 0, "a fork bomb gets an error in the end");
	tap_ok(still_well(), "the rest is well");
	tap_ok(answered(in_child(take_without_end, &leave)), "taking addresses without end");
	tap_ok(still_well(), "the rest is well");
	tap_ok(answered(in_child(take_without_end, &touch)), "taking memory without end");
	tap_ok(still_well(), "the rest is well");
	tap_ok(answered(in_child(fill_tmpfs, NULL)), "filling a file system in memory");
	unlink("/tmp/full");
	tap_ok(still_well(), "the rest is well");
	tap_is(in_child(open_without_end, NULL), 7, "opening without end");
	tap_ok(answered(in_child(pipe_without_end, NULL)), "filling pipes without end");
	tap_ok(still_well(), "the rest is well");
	return tap_done();
}
