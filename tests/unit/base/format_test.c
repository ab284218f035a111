/* SPDX-License-Identifier: MIT */
/*
 * format_test.c - every combination of flags, width, precision and size against the C library's
 * printf.
 */
#include "base/format.h"
#include "tap.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int nr_tried, nr_wrong;

/* Formats are made at run time here, which is the point. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat"

static void compare(const char *format, size_t size, const char *mine, int my_len, const char *theirs,
		    int their_len)
{
	nr_tried++;
	if (my_len == their_len && (!size || !strcmp(mine, theirs)))
		return;
	if (nr_wrong++ < 10)
		tap_diag("\"%s\" in %zu: \"%s\" (%d), wanted \"%s\" (%d)", format, size, mine, my_len,
			 theirs, their_len);
}

#define TRY(size, format, ...) do {						\
	char mine[128], theirs[128];						\
	/* Out of the compiler's sight, which would warn of each cut. */		\
	volatile size_t limit = (size);						\
	int my_len, their_len;							\
	memset(mine, '~', sizeof(mine));					\
	memset(theirs, '~', sizeof(theirs));					\
	my_len = quire_snprintf(mine, limit, format, __VA_ARGS__);		\
	their_len = snprintf(theirs, limit, format, __VA_ARGS__);		\
	compare(format, size, mine, my_len, theirs, their_len);		\
	if (memcmp(mine, theirs, sizeof(mine)))					\
		compare("bytes past the end", size, "", 1, "", 0);		\
} while (0)

static const long long numbers[] = {
	0, 1, -1, 7, 8, 9, 10, 255, -128, 32767, 65536, INT_MAX, INT_MIN, UINT_MAX, LLONG_MAX, LLONG_MIN,
	1234567890123LL,
};

static void try_numbers(const char *flags, const char *width, const char *precision)
{
	static const char *const sizes[] = { "hh", "h", "", "l", "ll", "z", "t", "j" };
	static const char letters[] = "diuxXo";
	char format[32];

	for (unsigned int s = 0; s < 8; s++)
		for (const char *letter = letters; *letter; letter++)
			for (unsigned int n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
				snprintf(format, sizeof(format), "<%%%s%s%s%s%c>", flags, width, precision,
					 sizes[s], *letter);
				if (s < 3)
					TRY(100, format, (int)numbers[n]);
				else if (s == 4 || s == 7)
					TRY(100, format, numbers[n]);
				else
					TRY(100, format, (long)numbers[n]);
			}
}

static void test_all_numbers(void)
{
	static const char *const flags[] = { "", "-", "0", "+", " ", "#", "-0", "+0", "#0", "-#", "+ ", "-+#0" };
	static const char *const widths[] = { "", "1", "8", "30" };
	static const char *const precisions[] = { "", ".", ".0", ".1", ".12" };

	for (unsigned int f = 0; f < 12; f++)
		for (unsigned int w = 0; w < 4; w++)
			for (unsigned int p = 0; p < 5; p++)
				try_numbers(flags[f], widths[w], precisions[p]);
	tap_ok(!nr_wrong && nr_tried > 100000, "%d numbers print as the C library prints them", nr_tried);
}

static void test_text(void)
{
	char *volatile no_text = NULL;
	int before = nr_wrong;

	for (size_t size = 0; size < 30; size++) {
		TRY(size, "%s and %s", "some text", "more of it");
		TRY(size, "%10s|%-10s|%.3s|%5.2s", "abc", "def", "ghijk", "lmn");
		TRY(size, "%c%5c%-3c|", 'a', 'b', 'c');
		TRY(size, "%d%%%s", 42, "");
		TRY(size, "%*d|%-*d|%.*s", 6, 1, 6, 2, 2, "xyz");
		TRY(size, "%*d|%.*d", -6, 1, -1, 7);
		TRY(size, "%p %20p %-20p|", (void *)&nr_tried, (void *)1, (void *)2);
		TRY(size, "%p|%10p", (void *)0, (void *)0);
		TRY(size, "%s", no_text);
	}
	tap_is(nr_wrong, before, "texts, fields and pointers too, cut at every length");
}

static void test_ends(void)
{
	char buf[8] = "1234567";

	tap_is(quire_snprintf(buf, 0, "%d", 12345), 5, "a size of 0 counts and writes nothing");
	tap_is_str(buf, "1234567", "nothing was written");
	tap_is(quire_scnprintf(buf, 4, "%d", 12345), 3, "scnprintf tells what is there");
	tap_is_str(buf, "123", "cut and terminated");
	tap_is(quire_scnprintf(buf, 0, "%d", 1), 0, "scnprintf into nothing");
	tap_is(quire_snprintf(buf, sizeof(buf), "a%"), 2, "a lone percent sign stands for itself");
	tap_is_str(buf, "a%", "and is printed");
}

int main(void)
{
	tap_plan(0);
	test_all_numbers();
	test_text();
	test_ends();
	return tap_done();
}
