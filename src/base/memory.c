/* SPDX-License-Identifier: MIT */
/*
 * memory.c - copy, move and fill in plain C, a word at a time; for ISAs that bring nothing better.
 *
 * Names in parentheses are not taken for the macros of string.h that lead to the compiler's
 * builtins.
 */
#include "base/string.h"

typedef unsigned long __attribute__((__may_alias__, __aligned__(1))) word_t;

#define WORD	sizeof(word_t)

/* Keeps the compiler from finding a memcpy in the loop of memcpy. */
#define hide(p)	__asm__("" : "+r"(p))

void *(memcpy)(void *restrict dst, const void *restrict src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
		*(word_t *)d = *(const word_t *)s;
		hide(d);
	}
	for (; n; n--) {
		*d++ = *s++;
		hide(d);
	}
	return dst;
}

void *(memmove)(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return (memcpy)(dst, src, n);
	for (; n >= WORD; n -= WORD) {
		*(word_t *)(d + n - WORD) = *(const word_t *)(s + n - WORD);
		hide(d);
	}
	for (; n; n--) {
		d[n - 1] = s[n - 1];
		hide(d);
	}
	return dst;
}

void *(memset)(void *dst, int c, size_t n)
{
	unsigned char *d = dst;
	unsigned long fill = (unsigned char)c * (~0UL / 255);

	for (; n >= WORD; n -= WORD, d += WORD) {
		*(word_t *)d = fill;
		hide(d);
	}
	for (; n; n--) {
		*d++ = (unsigned char)c;
		hide(d);
	}
	return dst;
}
