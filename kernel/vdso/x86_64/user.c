/* SPDX-License-Identifier: MIT */
/*
 * user.c - runs in user mode: the time and the CPU without a system call.
 *
 * It is linked by itself, has no data, and may be mapped anywhere. The page before it is the
 * kernel's struct vdso_data; only position-independent references reach it.
 */
#include <stddef.h>

#include "vdso/read.h"

#define NSEC_PER_SEC 1000000000ul
#define SYS_gettimeofday 96
#define SYS_clock_gettime 228
#define SYS_clock_getres 229

struct timespec {
	int64_t tv_sec, tv_nsec;
};

struct timeval {
	int64_t tv_sec, tv_usec;
};

extern const struct vdso_data vdso_page __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int id, struct timespec *to);
int __vdso_clock_getres(int id, struct timespec *to);
int __vdso_gettimeofday(struct timeval *to, void *zone);
int64_t __vdso_time(int64_t *to);
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);

static long call2(long nr, long a, void *b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

int __vdso_clock_gettime(int id, struct timespec *to)
{
	int kind = kind_of(id);
	uint64_t ns;

	if (kind < 0)
		return (int)call2(SYS_clock_gettime, id, to);
	ns = read_ns(&vdso_page, kind);
	to->tv_sec = (int64_t)(ns / NSEC_PER_SEC);
	to->tv_nsec = (int64_t)(ns % NSEC_PER_SEC);
	return 0;
}

int __vdso_clock_getres(int id, struct timespec *to)
{
	if (kind_of(id) < 0)
		return (int)call2(SYS_clock_getres, id, to);
	if (!to)
		return 0;
	to->tv_sec = 0;
	to->tv_nsec = id == REALTIME_COARSE || id == MONOTONIC_COARSE ? vdso_page.coarse_ns : 1;
	return 0;
}

int __vdso_gettimeofday(struct timeval *to, void *zone)
{
	uint64_t ns;

	if (zone)
		return (int)call2(SYS_gettimeofday, (long)to, zone);
	if (!to)
		return 0;
	ns = read_ns(&vdso_page, 1);
	to->tv_sec = (int64_t)(ns / NSEC_PER_SEC);
	to->tv_usec = (int64_t)(ns % NSEC_PER_SEC / 1000);
	return 0;
}

int64_t __vdso_time(int64_t *to)
{
	int64_t now = (int64_t)(read_ns(&vdso_page, 1) / NSEC_PER_SEC);

	if (to)
		*to = now;
	return now;
}

long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused)
{
	unsigned int limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(VDSO_CPU_SELECTOR));
	if (cpu)
		*cpu = limit & ((1u << VDSO_CPU_BITS) - 1);
	if (node)
		*node = limit >> VDSO_CPU_BITS;
	return 0;
}

#define ALIAS(name) \
	extern __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
ALIAS(clock_gettime);
ALIAS(clock_getres);
ALIAS(gettimeofday);
ALIAS(time);
ALIAS(getcpu);
