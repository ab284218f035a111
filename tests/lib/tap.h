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
 */
#ifndef TESTS_LIB_TAP_H
#define TESTS_LIB_TAP_H

#define tap_ok(condition, ...) \
	tap_ok_at(__FILE__, __LINE__, (condition) ? 1 : 0, #condition, __VA_ARGS__)
#define tap_is(got, wanted, ...) \
	tap_is_at(__FILE__, __LINE__, (long long)(got), (long long)(wanted), __VA_ARGS__)
#define tap_is_str(got, wanted, ...) \
	tap_is_str_at(__FILE__, __LINE__, (got), (wanted), __VA_ARGS__)

void tap_plan(int nr_checks);
int tap_done(void); /* the exit status: 0 when all passed */
void tap_skip_all(const char *why) __attribute__((noreturn));
void tap_diag(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Each returns whether it held. Use the macros above. */
int tap_ok_at(const char *file, int line, int held, const char *text, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
int tap_is_at(const char *file, int line, long long got, long long wanted, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
int tap_is_str_at(const char *file, int line, const char *got, const char *wanted,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
