/* SPDX-License-Identifier: MIT */
/* execargs.c - arguments and environment: how much, where, and what the kernel adds. */
#include "common.h"

#include <sys/auxv.h>

static char *self;

/* Run this program again with so many arguments of so many bytes; what it answers. */
static int with_arguments(size_t nr, size_t length)
{
	char **arguments = calloc(nr + 3, sizeof(char *));
	char *text = malloc(length + 1);
	int status;
	pid_t child;

	memset(text, 'a', length);
	text[length] = 0;
	arguments[0] = self;
	arguments[1] = "count";
	for (size_t i = 0; i < nr; i++)
		arguments[i + 2] = text;
	child = vfork();
	if (!child) {
		execv(self, arguments);
		_exit(errno == E2BIG ? 77 : 78);
	}
	waitpid(child, &status, 0);
	free(arguments);
	free(text);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* In the program run again: 1 when all arguments are as they should be. */
static int count(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strlen(argv[i]) != strlen(argv[2]) || strspn(argv[i], "a") != strlen(argv[i]))
			return 2;
	return 1;
}

static void test_sizes(void)
{
	tap_is(with_arguments(0, 0), 1, "no arguments");
	tap_is(with_arguments(1, 100), 1, "one");
	tap_is(with_arguments(1, 131071), 1, "one of 128 KiB less one byte");
	tap_is(with_arguments(1, 131072), 77, "one of 128 KiB is too long");
	tap_is(with_arguments(10000, 100), 1, "ten thousand");
	tap_is(with_arguments(30, 65000), 1, "2 MB of them, a quarter of the stack");
	tap_is(with_arguments(40, 65000), 77, "more than that is too much");
	tap_is(with_arguments(500000, 10), 77, "half a million as well");
}

static void run_without(void *argument)
{
	char *none[] = { NULL };

	execve(self, argument ? none : NULL, argument ? none : NULL);
	_exit(99);
}

static void test_auxiliary(void)
{
	tap_is(getauxval(AT_PAGESZ), PAGE, "AT_PAGESZ");
	tap_ok(getauxval(AT_PHDR) && getauxval(AT_PHNUM), "AT_PHDR and AT_PHNUM");
	tap_ok(getauxval(AT_ENTRY), "AT_ENTRY");
	tap_ok(getauxval(AT_RANDOM), "AT_RANDOM");
	tap_is_str((char *)getauxval(AT_EXECFN), self, "AT_EXECFN is the name that was run");
	tap_is(getauxval(AT_UID), getuid(), "AT_UID");
	tap_is(getauxval(AT_SECURE), 0, "AT_SECURE");
	tap_is_str((char *)getauxval(AT_PLATFORM), "x86_64", "AT_PLATFORM");
}

static void test_random(void)
{
	char *bytes = (char *)getauxval(AT_RANDOM);
	int nr_zero = 0;

	for (int i = 0; bytes && i < 16; i++)
		nr_zero += !bytes[i];
	tap_ok(nr_zero < 4, "AT_RANDOM is random");
}

static void test_stack(char **argv)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	tap_ok(!(frame & 15), "frames are aligned to 16 bytes");
	tap_ok((uintptr_t)argv > frame, "arguments lie above the stack");
}

int main(int argc, char **argv)
{
	self = argc ? argv[0] : NULL;
	if (argc > 1 && !strcmp(argv[1], "count"))
		return count(argc, argv);
	if (argc == 0 || !argv[0][0])
		return 5;
	if (argc > 1)
		return 6;
	tap_plan(0);
	test_sizes();
	tap_is(in_child(run_without, ""), 5, "a program without even its name runs");
	tap_is(in_child(run_without, NULL), 5, "as with NULL for both lists");
	test_auxiliary();
	test_random();
	test_stack(argv);
	return tap_done();
}
