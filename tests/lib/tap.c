/* SPDX-License-Identifier: MIT */
/* tap.c - print checks as TAP, from any number of threads. */
#define _GNU_SOURCE
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int nr_run, nr_failed;
static int nr_planned;
static int in_child;
static uint64_t seed;

/* Runs in a signal handler as well, so it uses nothing but write. */
static void say_how_to_repeat(void)
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
		say_how_to_repeat();
	signal(number, SIG_DFL);
	raise(number);
}

/* In the child: everything it prints goes to `file`. Returns there, with the seed set. */
static void become_schedule(FILE *file, uint64_t schedule_seed)
{
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	seed = schedule_seed;
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

void tap_plan(int nr_checks)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!getenv("QUIRE_SEED"))
		try_schedules();
	(void)tap_seed();
	signal(SIGABRT, on_abort);
	nr_planned = nr_checks;
	if (nr_checks)
		printf("1..%d\n", nr_checks);
}

int tap_done(void)
{
	int run = atomic_load(&nr_run), failed = atomic_load(&nr_failed);

	if (!nr_planned)
		printf("1..%d\n", run);
	else if (nr_planned != run)
		printf("# planned %d checks, ran %d\n", nr_planned, run);
	fflush(stdout);
	if (failed)
		say_how_to_repeat();
	return failed || (nr_planned && nr_planned != run);
}

void tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	fflush(stdout);
	exit(0);
}

void tap_diag(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("# %s\n", text);
}

/* One line in one call of printf, so that lines of two threads do not mix. */
static int report(int held, const char *format, va_list args)
{
	char name[256];

	vsnprintf(name, sizeof(name), format, args);
	if (!held)
		atomic_fetch_add(&nr_failed, 1);
	printf("%s %d - %s\n", held ? "ok" : "not ok", atomic_fetch_add(&nr_run, 1) + 1, name);
	return held;
}

int tap_ok_at(const char *file, int line, int held, const char *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(held, format, args);
	va_end(args);
	if (!held)
		tap_diag("%s:%d: does not hold: %s", file, line, text);
	return held;
}

int tap_is_at(const char *file, int line, long long got, long long wanted, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(got == wanted, format, args);
	va_end(args);
	if (got != wanted)
		tap_diag("%s:%d: got %lld (%#llx), wanted %lld (%#llx)", file, line, got,
			 (unsigned long long)got, wanted, (unsigned long long)wanted);
	return got == wanted;
}

int tap_is_str_at(const char *file, int line, const char *got, const char *wanted,
		  const char *format, ...)
{
	int held = got && wanted && !strcmp(got, wanted);
	va_list args;

	va_start(args, format);
	report(held, format, args);
	va_end(args);
	if (!held)
		tap_diag("%s:%d: got \"%s\", wanted \"%s\"", file, line, got ? got : "(null)",
			 wanted ? wanted : "(null)");
	return held;
}

/* Steele, Lea and Flood's SplitMix64: any seed is a good one. */
uint64_t tap_random_next(struct tap_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t tap_random_below(struct tap_random *random, uint64_t bound)
{
	uint64_t number = tap_random_next(random);

	return bound ? number % bound : number;
}

uint64_t tap_seed(void)
{
	while (!seed) {
		const char *given = getenv("QUIRE_SEED");

		if (given)
			seed = strtoull(given, NULL, 0);
		else if (getentropy(&seed, sizeof(seed)))
			seed = (uint64_t)getpid();
		else
			seed %= 1000000000;	/* short enough to type */
		if (given && !seed)
			seed = 1;
	}
	return seed;
}

struct tap_random tap_random_stream(uint64_t number)
{
	struct tap_random random = { tap_seed() * 0xd1342543de82ef95ULL + number };

	return random;
}

uint64_t tap_rand(void)
{
	static struct tap_random random;

	if (!random.state)
		random = tap_random_stream(0);
	return tap_random_next(&random);
}

uint64_t tap_rand_below(uint64_t bound)
{
	uint64_t number = tap_rand();

	return bound ? number % bound : number;
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
	report(held, format, args);
	va_end(args);
	if (!held)
		tap_diag("%s:%d: status %#x, wanted abort saying \"%s\", said \"%s\"", file, line,
			 status, text, said);
	return held;
}
