/* SPDX-License-Identifier: MIT */
/* tap_process.c - a test that is a process: its seed, its schedules, children that die. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "tap_world.h"

static int in_child;

/* Runs in a signal handler as well, so it uses nothing but write. */
void tap_world_say_how_to_repeat(void)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "# to repeat: QUIRE_SEED=%llu %s\n",
			   (unsigned long long)tap_seed(), program_invocation_name);

	if (len > 0 && write(STDOUT_FILENO, text, (size_t)len) < 0)
		_exit(1);
}

static void on_abort(int number)
{
	if (!in_child)
		tap_world_say_how_to_repeat();
	signal(number, SIG_DFL);
	raise(number);
}

/* In the child: everything it prints goes to `file`. Returns there, with the seed set. */
static void become_schedule(FILE *file, uint64_t schedule_seed)
{
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	tap_start_anew(schedule_seed);
}

static void show(FILE *file)
{
	char line[512];

	rewind(file);
	while (fgets(line, sizeof(line), file))
		fputs(line, stdout);
	fflush(stdout);
}

/*
 * Runs the rest of main in children, one seed after the other; only the parent returns, with the
 * last seed.
 */
static void try_schedules(void)
{
	const char *wanted = getenv("QUIRE_SEEDS");
	int nr = wanted ? atoi(wanted) : tap_schedules, status;
	uint64_t first = tap_seed();

	for (int i = 1; i < nr; i++) {
		FILE *file = tmpfile();
		pid_t child;

		if (!file)
			return;
		fflush(stdout);
		child = fork();
		if (!child) {
			become_schedule(file, first + (uint64_t)i);
			return;
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status) {
			show(file);
			exit(1);
		}
		fclose(file);
	}
}

void tap_world_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!getenv("QUIRE_SEED"))
		try_schedules();
	signal(SIGABRT, on_abort);
}

uint64_t tap_world_seed(void)
{
	const char *given = getenv("QUIRE_SEED");
	uint64_t seed;

	if (given) {
		seed = strtoull(given, NULL, 0);
		return seed ? seed : 1;
	}
	if (getentropy(&seed, sizeof(seed)))
		return (uint64_t)getpid();
	return seed % 1000000000;	/* short enough to type */
}

static void die_in_child(int to, void (*fn)(void *arg), void *arg)
{
	in_child = 1;
	dup2(to, STDERR_FILENO);
	fn(arg);
	_exit(0);
}

/* All that comes through the pipe, as much as fits. */
static void read_all(int from, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(from, text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
}

int tap_dies_at(const char *file, int line, void (*fn)(void *arg), void *arg, const char *text,
		const char *format, ...)
{
	char said[2048] = "";
	int ends[2], status = 0, held;
	va_list args;
	pid_t child;

	fflush(stdout);
	if (pipe(ends))
		abort();
	child = fork();
	if (!child)
		die_in_child(ends[1], fn, arg);
	close(ends[1]);
	read_all(ends[0], said, sizeof(said));
	close(ends[0]);
	waitpid(child, &status, 0);
	held = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(said, text);
	va_start(args, format);
	tap_report(held, format, args);
	va_end(args);
	if (!held)
		tap_diag("%s:%d: status %#x, wanted abort saying \"%s\", said \"%s\"", file, line,
			 status, text, said);
	return held;
}
