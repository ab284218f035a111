/* SPDX-License-Identifier: MIT */
/* cmdline.c - finding words on a command line. */
#include "boot/cmdline.h"

#include <limits.h>

#include "base/string.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The next word of @text and its length: blanks end it unless they are quoted. NULL at the end or at "--". */
static const char *next_word(const char *text, size_t *len)
{
	bool quoted = false;
	size_t n = 0;

	while (is_blank(*text))
		text++;
	for (; text[n] && (quoted || !is_blank(text[n])); n++)
		if (text[n] == '"')
			quoted = !quoted;
	*len = n;
	if (!n || (n == 2 && !memcmp(text, "--", 2)))
		return NULL;
	return text;
}

static void copy_unquoted(char *to, size_t size, const char *from, size_t len)
{
	size_t n = 0;

	for (; len; from++, len--)
		if (*from != '"' && n + 1 < size)
			to[n++] = *from;
	to[n] = '\0';
}

bool cmdline_option(const char *line, const char *name, char *value, size_t size)
{
	size_t want = strlen(name), len;
	bool found = false;
	const char *word;

	for (word = next_word(line, &len); word; word = next_word(word + len, &len)) {
		if (len < want || memcmp(word, name, want) || (len > want && word[want] != '='))
			continue;
		if (len > want)
			copy_unquoted(value, size, word + want + 1, len - want - 1);
		else
			value[0] = '\0';
		found = true;
	}
	return found;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : INT_MAX;
}

long cmdline_number(const char *line, const char *name, long fallback)
{
	char text[32], *at = text;
	int base = 10, digit;
	bool negative;
	long value = 0;

	if (!cmdline_option(line, name, text, sizeof(text)))
		return fallback;
	negative = *at == '-';
	at += negative;
	if (at[0] == '0' && (at[1] | 0x20) == 'x') {
		base = 16;
		at += 2;
	}
	if (!*at)
		return fallback;
	for (; *at; at++) {
		digit = digit_of(*at);
		if (digit >= base || value > (LONG_MAX - digit) / base)
			return fallback;
		value = value * base + digit;
	}
	return negative ? -value : value;
}
