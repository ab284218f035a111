/* SPDX-License-Identifier: MIT */
/*
 * string.h - the dozen string functions that Quire calls, under their usual names.
 *
 * A freestanding world defines them in base/string.c and base/memory.c (an ISA may bring a memory
 * file of its own, with the same four functions); a hosted world takes them from its C library,
 * whose declarations these agree with. In freestanding code the memory functions go through the
 * compiler's builtins, so that small constant sizes become plain moves.
 *
 * Lock: none. Sleeps: never. Cost: O(length). Allocates: never.
 */
#ifndef QUIRE_BASE_STRING_H
#define QUIRE_BASE_STRING_H

#include "base/compiler.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);

#if !__STDC_HOSTED__
#define memcpy(dst, src, n)	__builtin_memcpy(dst, src, n)
#define memmove(dst, src, n)	__builtin_memmove(dst, src, n)
#define memset(dst, c, n)	__builtin_memset(dst, c, n)
#define memcmp(a, b, n)		__builtin_memcmp(a, b, n)
#define strlen(s)		__builtin_strlen(s)
#endif

#define STRSCPY_TRUNCATED	(-7L)	/* -E2BIG */

/*
 * strscpy - copy a string into `size` bytes, always terminated (unless size is 0).
 * Gives the length copied, or -E2BIG when it had to cut.
 */
static inline long strscpy(char *dst, const char *src, size_t size)
{
	size_t len;

	if (!size)
		return STRSCPY_TRUNCATED;
	for (len = 0; len < size - 1 && src[len]; len++)
		dst[len] = src[len];
	dst[len] = '\0';
	return src[len] ? STRSCPY_TRUNCATED : (long)len;
}

static inline bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

#endif
