/* SPDX-License-Identifier: MIT */
/* stdlib.h - memory from kmalloc, an end to the test, words of the command line: as much of C's as the unit tests use. */
#ifndef TESTS_BOOTED_STDLIB_H
#define TESTS_BOOTED_STDLIB_H

#include <stddef.h>

void *malloc(size_t bytes);
void *calloc(size_t nr, size_t bytes);
void free(void *object);
/* Ends the test that runs, with this status. Context: the runner's thread. */
void exit(int status) __attribute__((noreturn));
void abort(void) __attribute__((noreturn));
/* The value of NAME=value on the kernel's command line, valid until the next call; NULL when absent. */
char *getenv(const char *name);
int atoi(const char *text);
int rand(void);
int rand_r(unsigned int *seed);

#endif
