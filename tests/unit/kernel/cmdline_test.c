/* SPDX-License-Identifier: MIT */
/* cmdline_test.c - words of a kernel command line: quotes, the last of several, what belongs to init. */
#include "kernel/boot/cmdline.c"
#include "tap.h"

static const char *option(const char *line, const char *name)
{
	static char value[8];

	return cmdline_option(line, name, value, sizeof(value)) ? value : "(none)";
}

static void test_words(void)
{
	tap_is_str(option("quiet maxcpus=2", "maxcpus"), "2", "a value");
	tap_is_str(option("quiet maxcpus=2", "quiet"), "", "a bare word has an empty value");
	tap_is_str(option("quiet", "qui"), "(none)", "a beginning is not the word");
	tap_is_str(option("quieter=1", "quiet"), "(none)", "a longer word is not the word");
	tap_is_str(option("", "x"), "(none)", "nothing in an empty line");
	tap_is_str(option("  \t a=1  ", "a"), "1", "blanks around");
	tap_is_str(option("a=1 a=2", "a"), "2", "the last one wins [W2]");
	tap_is_str(option("a=1 -- a=2 b=3", "a"), "1", "behind -- it is init's [W1]");
	tap_is_str(option("a=1 -- b=3", "b"), "(none)", "behind -- it is init's [W1]");
	tap_is_str(option("a=--x b=1", "b"), "1", "-- within a word ends nothing");
	tap_is_str(option("a=", "a"), "", "an empty value");
	tap_is_str(option("a=b=c", "a"), "b=c", "an equals sign in the value");
}

static void test_quotes(void)
{
	tap_is_str(option("a=\"b c\" d=1", "a"), "b c", "blanks in quotes");
	tap_is_str(option("a=\"b c\" d=1", "d"), "1", "the word behind quotes");
	tap_is_str(option("a=\"b c", "a"), "b c", "a quote that is not closed");
	tap_is_str(option("a=123456789", "a"), "1234567", "cut to the buffer");
}

static void test_numbers(void)
{
	tap_is(cmdline_number("n=12", "n", 7), 12, "decimal");
	tap_is(cmdline_number("n=-1", "n", 7), -1, "negative");
	tap_is(cmdline_number("n=0x1F", "n", 7), 31, "hexadecimal");
	tap_is(cmdline_number("n=", "n", 7), 7, "no digits");
	tap_is(cmdline_number("n=-", "n", 7), 7, "only a sign");
	tap_is(cmdline_number("n=0x", "n", 7), 7, "only a prefix");
	tap_is(cmdline_number("n=1a", "n", 7), 7, "a letter");
	tap_is(cmdline_number("m=1", "n", 7), 7, "absent");
	tap_is(cmdline_number("n=99999999999999999999999", "n", 7), 7, "too large");
}

int main(void)
{
	tap_plan(25);
	test_words();
	test_quotes();
	test_numbers();
	return tap_done();
}
