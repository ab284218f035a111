/* SPDX-License-Identifier: MIT */
/*
 * string_test.c - the freestanding string functions against the C library's.
 *
 * string_renamed.c brings them under names with a prefix, so that both sets stand side by side.
 */
#include "tap.h"

#include <string.h>

#include "base/string.h"

void *my_memcpy(void *restrict dst, const void *restrict src, size_t n);
void *my_memmove(void *dst, const void *src, size_t n);
void *my_memset(void *dst, int c, size_t n);
int my_memcmp(const void *a, const void *b, size_t n);
void *my_memchr(const void *s, int c, size_t n);
size_t my_strlen(const char *s);
size_t my_strnlen(const char *s, size_t max);
int my_strcmp(const char *a, const char *b);
int my_strncmp(const char *a, const char *b, size_t n);
char *my_strchr(const char *s, int c);
char *my_strrchr(const char *s, int c);
char *my_strstr(const char *s, const char *what);
size_t my_strspn(const char *s, const char *accept);
size_t my_strcspn(const char *s, const char *reject);

#define ARENA 400

static unsigned char mine[ARENA], theirs[ARENA];

static int memory_agrees(void)
{
	size_t n = (size_t)tap_rand_below(150), a = (size_t)tap_rand_below(200), b = (size_t)tap_rand_below(200);
	int c = (int)tap_rand_below(256);

	switch (tap_rand_below(3)) {
	case 0:
		my_memmove(mine + a, mine + b, n);
		memmove(theirs + a, theirs + b, n);
		break;
	case 1:
		my_memset(mine + a, c, n);
		memset(theirs + a, c, n);
		break;
	default:
		if (a + n <= b || b + n <= a) {
			my_memcpy(mine + a, mine + b, n);
			memcpy(theirs + a, theirs + b, n);
		}
	}
	mine[a] = theirs[a] = (unsigned char)c;
	if (memcmp(mine, theirs, ARENA))
		return 0;
	return (my_memcmp(mine + a, mine + b, n) > 0) == (memcmp(mine + a, mine + b, n) > 0) &&
	       (my_memcmp(mine + a, mine + b, n) < 0) == (memcmp(mine + a, mine + b, n) < 0) &&
	       my_memchr(mine + a, c ^ 1, n) == memchr(mine + a, c ^ 1, n);
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void make_text(char *text, size_t max)
{
	size_t len = (size_t)tap_rand_below(max);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)("abcd\xe9"[tap_rand_below(5)]);
	text[len] = '\0';
}

static int text_agrees(void)
{
	size_t n = (size_t)tap_rand_below(12);
	char a[12], b[12], c[4];
	int letter;

	make_text(a, sizeof(a));
	make_text(b, sizeof(b));
	make_text(c, sizeof(c));
	letter = "abcd"[tap_rand_below(4)];
	if (tap_rand_below(10) == 0)
		letter = 0;
	return my_strlen(a) == strlen(a) && my_strnlen(a, n) == strnlen(a, n) &&
	       sign(my_strcmp(a, b)) == sign(strcmp(a, b)) &&
	       sign(my_strncmp(a, b, n)) == sign(strncmp(a, b, n)) &&
	       my_strchr(a, letter) == strchr(a, letter) && my_strrchr(a, letter) == strrchr(a, letter) &&
	       my_strstr(a, c) == strstr(a, c) && my_strspn(a, c) == strspn(a, c) &&
	       my_strcspn(a, c) == strcspn(a, c);
}

int main(void)
{
	char small[4];
	int good = 1;

	tap_plan(0);
	for (int i = 0; i < 50000 && good; i++)
		good = memory_agrees();
	tap_ok(good, "copies, moves, fills, comparisons and searches at random places");
	good = 1;
	for (int i = 0; i < 50000 && good; i++)
		good = text_agrees();
	tap_ok(good, "the str functions on random texts");
	tap_is(strscpy(small, "abc", sizeof(small)), 3, "strscpy of what fits");
	tap_is(strscpy(small, "abcd", sizeof(small)), STRSCPY_TRUNCATED, "strscpy of what does not");
	tap_is_str(small, "abc", "is terminated");
	tap_is(strscpy(small, "x", 0), STRSCPY_TRUNCATED, "strscpy into nothing");
	tap_ok(str_has_prefix("quire", "qui") && !str_has_prefix("qu", "qui"), "prefixes");
	return tap_done();
}
