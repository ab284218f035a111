/* SPDX-License-Identifier: MIT */
/*
 * memory.c - copy, move and fill with the string instructions, a word at a time.
 *
 * The last word is handled on its own and may overlap the words before them, so that there is no
 * loop over single bytes but for what is shorter than a word. Names in parentheses are not taken for the
 * macros of base/string.h that lead to the compiler's builtins.
 */
#include "base/string.h"

#include "arch/cpu.h"

typedef unsigned long __attribute__((__may_alias__, __aligned__(1))) word_t;
typedef uint32_t __attribute__((__may_alias__, __aligned__(1))) half_t;
typedef uint16_t __attribute__((__may_alias__, __aligned__(1))) quarter_t;

#define WORD	sizeof(word_t)

/* Less than a word: everything is loaded before anything is stored, so overlap does not matter. */
static inline void copy_short(unsigned char *d, const unsigned char *s, size_t n)
{
	if (n >= 4) {
		half_t first = *(const half_t *)s, last = *(const half_t *)(s + n - 4);

		*(half_t *)d = first;
		*(half_t *)(d + n - 4) = last;
	} else if (n >= 2) {
		quarter_t first = *(const quarter_t *)s, last = *(const quarter_t *)(s + n - 2);

		*(quarter_t *)d = first;
		*(quarter_t *)(d + n - 2) = last;
	} else if (n) {
		*d = *s;
	}
}

/* Also right for overlapping areas when dst lies below src. */
void *(memcpy)(void *restrict dst, const void *restrict src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;
	word_t last;

	if (n < WORD) {
		copy_short(d, s, n);
		return dst;
	}
	last = *(const word_t *)(s + n - WORD);
	cpu_copy_words(d, s, n / WORD);
	*(word_t *)(d + n - WORD) = last;
	return dst;
}

/* Backwards by words: the string instructions are slow with the direction flag set. */
static void copy_down(unsigned char *d, const unsigned char *s, size_t n)
{
	word_t first = *(const word_t *)s;
	unsigned char *start = d;

	for (; n >= WORD; n -= WORD) {
		*(word_t *)(d + n - WORD) = *(const word_t *)(s + n - WORD);
		__asm__("" : "+r"(d)); /* not to be taken for a memmove */
	}
	*(word_t *)start = first;
}

void *(memmove)(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return (memcpy)(dst, src, n);
	if (n < WORD)
		copy_short(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

void *(memset)(void *dst, int c, size_t n)
{
	unsigned long fill = (unsigned char)c * (~0UL / 255), words = n / WORD;
	unsigned char *d = dst, *end = d + n;

	if (n < WORD) {
		while (d < end) {
			*d++ = (unsigned char)c;
			__asm__("" : "+r"(d)); /* not to be taken for a memset */
		}
		return dst;
	}
	__asm__ volatile("rep stos" X86_W : "+D"(d), "+c"(words) : "a"(fill) : "memory");
	*(word_t *)(end - WORD) = fill;
	return dst;
}
