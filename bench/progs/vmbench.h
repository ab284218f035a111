/* SPDX-License-Identifier: MIT */
/* vmbench.h - what the files of vmbench share: the clock, maps, walks over pages, children. */
#ifndef BENCH_PROGS_VMBENCH_H
#define BENCH_PROGS_VMBENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB (1UL << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define ABSENT (-1.0) /* the system under test does not offer what the row needs */

struct row {
	const char *name;
	double (*measure)(void);
};

#define ROW(name) { #name, name }

extern const struct row file_rows[];
extern const size_t nr_file_rows;

static inline uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline double since(uint64_t begin)
{
	return (double)(ticks() - begin);
}

static inline long bare_syscall1(long nr, long argument)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(argument)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long bare_syscall(long nr)
{
	return bare_syscall1(nr, 0);
}

static inline void clear_page(void *page)
{
	unsigned long words = PAGE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0UL) : "memory");
}

static inline char *map(size_t size)
{
	return mmap(NULL, size, RW, ANON, -1, 0);
}

/* Touch one byte every step bytes; ticks per touch. */
static inline double read_pages(char *at, unsigned long nr, unsigned long step)
{
	uint64_t begin = ticks();

	for (unsigned long i = 0; i < nr; i++)
		(void)*(volatile char *)(at + i * step);
	return since(begin) / (double)nr;
}

static inline double write_pages(char *at, unsigned long nr, unsigned long step)
{
	uint64_t begin = ticks();

	for (unsigned long i = 0; i < nr; i++)
		*(volatile char *)(at + i * step) = 1;
	return since(begin) / (double)nr;
}

/* Measure in a child; its figure. */
static inline double in_child(double (*measure)(void))
{
	double *figure = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), result;
	pid_t child;

	*figure = ABSENT;
	child = fork();
	if (!child) {
		*figure = measure();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	result = *figure;
	munmap(figure, PAGE);
	return result;
}

#endif
