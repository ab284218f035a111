/* SPDX-License-Identifier: MIT */
/*
 * tap.h - the whole test harness: say what must hold, and it is printed as a line of TAP.
 *
 *	int main(void)
 *	{
 *		tap_plan(2);
 *		tap_ok(2 + 2 == 4, "two and two make four");
 *		tap_is(strlen("four"), 4, "the length of a word");
 *		return tap_done();
 *	}
 *
 * A plan of 0 means "as many as there are" and is printed at the end. A failed line tells file,
 * line and both values. Safe to call from several threads; a program that ends without
 * tap_done() has no complete plan and so fails.
 *
 * Random tests draw from tap_rand(), seeded by QUIRE_SEED or else anew in each run; whatever goes
 * wrong, the last line says how to run the same again.
 */
#ifndef TESTS_LIB_TAP_H
#define TESTS_LIB_TAP_H

#include <stdint.h>

#define tap_ok(condition, ...) \
	tap_ok_at(__FILE__, __LINE__, (condition) ? 1 : 0, #condition, __VA_ARGS__)
#define tap_is(got, wanted, ...) \
	tap_is_at(__FILE__, __LINE__, (long long)(got), (long long)(wanted), __VA_ARGS__)
#define tap_is_str(got, wanted, ...) \
	tap_is_str_at(__FILE__, __LINE__, (got), (wanted), __VA_ARGS__)

/*
 * tap_plan - the first call of main. Where the world has schedules (the simulator), and no seed is
 * given, the program from here on is first run that many times in child processes, each with a seed
 * of its own; QUIRE_SEEDS says how many instead. The first that fails is shown, and ends the test.
 */
void tap_plan(int nr_checks);
extern const int tap_schedules;
/* How many times slower this world is than a process: tests divide their random work by it. */
extern const int tap_pace;
int tap_done(void); /* the exit status: 0 when all passed */
void tap_skip_all(const char *why) __attribute__((noreturn));
void tap_diag(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The seed of this run, and numbers from it. Each thread that wants its own stream takes a struct.
 */
struct tap_random {
	uint64_t state;
};

uint64_t tap_seed(void);
uint64_t tap_rand(void);
/* 0 .. bound - 1; bound 0 means all 64 bits */
uint64_t tap_rand_below(uint64_t bound);
/* A stream of its own, the same in each run with the same seed. */
struct tap_random tap_random_stream(uint64_t number);
uint64_t tap_random_next(struct tap_random *random);
uint64_t tap_random_below(struct tap_random *random, uint64_t bound);

/*
 * tap_dies - fn(arg) must end in abort(), with `text` somewhere in what it writes to stderr. It
 * runs in a child process.
 */
#define tap_dies(fn, arg, text, ...) \
	tap_dies_at(__FILE__, __LINE__, fn, arg, text, __VA_ARGS__)
int tap_dies_at(const char *file, int line, void (*fn)(void *arg), void *arg, const char *text,
		const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Each returns whether it held. Use the macros above. */
int tap_ok_at(const char *file, int line, int held, const char *text, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
int tap_is_at(const char *file, int line, long long got, long long wanted, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
int tap_is_str_at(const char *file, int line, const char *got, const char *wanted,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
