/* SPDX-License-Identifier: MIT */
/*
 * user.c - runs in user mode: the time and the CPU without a system call.
 *
 * It is linked by itself, has no data, and may be mapped anywhere. The page before it is the
 * kernel's struct vdso_data; only position-independent references reach it.
 */
#include <stddef.h>

#include "vdso/data.h"

#define NSEC_PER_SEC 1000000000ul
#define SYS_gettimeofday 96
#define SYS_clock_gettime 228
#define SYS_clock_getres 229

enum { REALTIME, MONOTONIC, MONOTONIC_RAW = 4, REALTIME_COARSE, MONOTONIC_COARSE, BOOTTIME, TAI = 11 };

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

/* Not before anything that comes earlier in the program: what another thread published is older. */
static inline uint64_t rdtsc_ordered(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Nanoseconds of the monotonic clock, or of the real one. */
static uint64_t read_ns(int real)
{
	const struct vdso_data *d = &vdso_page;
	uint64_t ns, tsc;
	uint32_t seq;

	for (;;) {
		/* Acquire: pairs with the release of the even number in clock_publish_locked(). */
		seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		if (seq & 1) {
			__asm__ volatile("pause");
			continue;
		}
		tsc = rdtsc_ordered() - __atomic_load_n(&d->base_tsc, __ATOMIC_RELAXED);
		ns = __atomic_load_n(&d->base_ns, __ATOMIC_RELAXED) +
		     vdso_scale(tsc, __atomic_load_n(&d->mult, __ATOMIC_RELAXED));
		if (real)
			ns += __atomic_load_n(&d->wall_offset_ns, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&d->seq, __ATOMIC_RELAXED) == seq)
			return ns;
	}
}

/* 1: real, 0: monotonic, -1: not a clock that is read here. */
static int kind_of(int id)
{
	switch (id) {
	case REALTIME:
	case REALTIME_COARSE:
	case TAI:
		return 1;
	case MONOTONIC:
	case MONOTONIC_RAW:
	case MONOTONIC_COARSE:
	case BOOTTIME:
		return 0;
	default:
		return -1;
	}
}

int __vdso_clock_gettime(int id, struct timespec *to)
{
	int kind = kind_of(id);
	uint64_t ns;

	if (kind < 0)
		return (int)call2(SYS_clock_gettime, id, to);
	ns = read_ns(kind);
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
	ns = read_ns(1);
	to->tv_sec = (int64_t)(ns / NSEC_PER_SEC);
	to->tv_usec = (int64_t)(ns % NSEC_PER_SEC / 1000);
	return 0;
}

int64_t __vdso_time(int64_t *to)
{
	int64_t now = (int64_t)(read_ns(1) / NSEC_PER_SEC);

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
