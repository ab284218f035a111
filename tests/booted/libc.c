/* SPDX-License-Identifier: MIT */
/* libc.c - the few functions of the C library that unit tests call, on top of the kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "booted.h"
#include "kernel/boot/boot_info.h"
#include "kernel/lib/printk.h"
#include "quire/slab.h"

/* One line in one call of console_write, so that lines of two CPUs do not mix. */
int printf(const char *format, ...)
{
	char line[640];
	va_list args;
	int len;

	va_start(args, format);
	len = quire_vscnprintf(line, sizeof(line), format, args);
	va_end(args);
	console_write(line, (size_t)len);
	return len;
}

void *malloc(size_t bytes)
{
	return kmalloc(bytes, GFP_KERNEL);
}

void *calloc(size_t nr, size_t bytes)
{
	return kcalloc(nr, bytes, GFP_KERNEL);
}

void free(void *object)
{
	kfree(object);
}

void exit(int status)
{
	booted_end_test(status);
}

void abort(void)
{
	panic("a unit test gave up");
}

char *getenv(const char *name)
{
	static char value[64];

	return boot_option(name, value, sizeof(value)) ? value : NULL;
}

int atoi(const char *text)
{
	int number = 0;

	while (*text >= '0' && *text <= '9')
		number = number * 10 + *text++ - '0';
	return number;
}

/* Knuth's numbers; tests ask it for variety, not for quality. */
int rand_r(unsigned int *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (int)(*seed >> 1);
}

int rand(void)
{
	static unsigned int seed = 1;

	return rand_r(&seed);
}
