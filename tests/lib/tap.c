/* SPDX-License-Identifier: MIT */
/* tap.c - print checks as TAP, from any number of threads. */
#include "tap.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap_world.h"

static atomic_int nr_run, nr_failed;
static int nr_planned;
static uint64_t seed;
static struct tap_random own_stream;

void tap_plan(int nr_checks)
{
	tap_world_begin();
	(void)tap_seed();
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
		tap_world_say_how_to_repeat();
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
int tap_report(int held, const char *format, va_list args)
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
	tap_report(held, format, args);
	va_end(args);
	if (!held)
		tap_diag("%s:%d: does not hold: %s", file, line, text);
	return held;
}

int tap_is_at(const char *file, int line, long long got, long long wanted, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_report(got == wanted, format, args);
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
	tap_report(held, format, args);
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
	while (!seed)
		seed = tap_world_seed();
	return seed;
}

void tap_start_anew(uint64_t with_seed)
{
	atomic_store(&nr_run, 0);
	atomic_store(&nr_failed, 0);
	nr_planned = 0;
	seed = with_seed;
	own_stream.state = 0;
}

struct tap_random tap_random_stream(uint64_t number)
{
	struct tap_random random = { tap_seed() * 0xd1342543de82ef95ULL + number };

	return random;
}

uint64_t tap_rand(void)
{
	if (!own_stream.state)
		own_stream = tap_random_stream(0);
	return tap_random_next(&own_stream);
}

uint64_t tap_rand_below(uint64_t bound)
{
	uint64_t number = tap_rand();

	return bound ? number % bound : number;
}
