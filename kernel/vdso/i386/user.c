/* SPDX-License-Identifier: MIT */
/*
 * user.c - runs in user mode: the time and the CPU without a system call, the way into the kernel, and the
 * ways back from handlers of signals.
 *
 * It is linked by itself, has no data, and may be mapped anywhere. The page before it is the kernel's struct vdso_data, which
 * is reached from where the code runs: there is no table of addresses.
 */
#include <stddef.h>

#include "vdso/read.h"

#define NSEC_PER_SEC 1000000000u
#define SYS_gettimeofday 78
#define SYS_clock_gettime 265
#define SYS_clock_getres 266
#define SYS_clock_gettime64 403

struct timespec32 {
	int32_t tv_sec, tv_nsec;
};

struct timespec64 {
	int64_t tv_sec, tv_nsec;
};

int __vdso_clock_gettime(int id, struct timespec32 *to);
int __vdso_clock_gettime64(int id, struct timespec64 *to);
int __vdso_clock_getres(int id, struct timespec32 *to);
int __vdso_gettimeofday(struct timespec32 *to, void *zone);
int32_t __vdso_time(int32_t *to);
long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);

static inline const struct vdso_data *data(void)
{
	const struct vdso_data *at;

	__asm__("call 1f\n1:\tpop %0\n\tadd $vdso_page - 1b, %0" : "=r"(at));
	return at;
}

static long call2(long nr, long a, void *b)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "0"(nr), "b"(a), "c"(b) : "memory");
	return ret;
}

/* The rest in *part: no library has the division of 64 bits here. */
static uint64_t split(uint64_t ns, uint32_t *part)
{
	uint32_t high = (uint32_t)(ns >> 32), low = (uint32_t)ns, rest = high % NSEC_PER_SEC;

	__asm__("divl %2" : "+a"(low), "+d"(rest) : "r"(NSEC_PER_SEC));
	*part = rest;
	return (uint64_t)(high / NSEC_PER_SEC) << 32 | low;
}

int __vdso_clock_gettime64(int id, struct timespec64 *to)
{
	int kind = kind_of(id);
	uint32_t part;

	if (kind < 0)
		return (int)call2(SYS_clock_gettime64, id, to);
	to->tv_sec = (int64_t)split(read_ns(data(), kind), &part);
	to->tv_nsec = part;
	return 0;
}

int __vdso_clock_gettime(int id, struct timespec32 *to)
{
	int kind = kind_of(id);
	uint32_t part;

	if (kind < 0)
		return (int)call2(SYS_clock_gettime, id, to);
	to->tv_sec = (int32_t)split(read_ns(data(), kind), &part);
	to->tv_nsec = (int32_t)part;
	return 0;
}

int __vdso_clock_getres(int id, struct timespec32 *to)
{
	if (kind_of(id) < 0)
		return (int)call2(SYS_clock_getres, id, to);
	if (!to)
		return 0;
	to->tv_sec = 0;
	to->tv_nsec = id == REALTIME_COARSE || id == MONOTONIC_COARSE ? (int32_t)data()->coarse_ns : 1;
	return 0;
}

int __vdso_gettimeofday(struct timespec32 *to, void *zone)
{
	uint32_t part;

	if (zone)
		return (int)call2(SYS_gettimeofday, (long)to, zone);
	if (!to)
		return 0;
	to->tv_sec = (int32_t)split(read_ns(data(), 1), &part);
	to->tv_nsec = (int32_t)(part / 1000);
	return 0;
}

int32_t __vdso_time(int32_t *to)
{
	uint32_t part;
	int32_t now = (int32_t)split(read_ns(data(), 1), &part);

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

/*
 * Behind the frame of a handler; debuggers know the frame by these very bytes, and unwinders by the call that an
 * instruction before would have been.
 */
__asm__(".pushsection .text.places, \"ax\"\n"
	".globl __kernel_vsyscall\n.type __kernel_vsyscall, @function\n"
	".org 0\n"
	"__kernel_vsyscall:\n\tint $0x80\n\tret\n"
	".size __kernel_vsyscall, . - __kernel_vsyscall\n"
	".globl __kernel_sigreturn\n.type __kernel_sigreturn, @function\n"
	".org 0x20, 0x90\n"
	"__kernel_sigreturn:\n\tpop %eax\n\tmov $119, %eax\n\tint $0x80\n"
	".size __kernel_sigreturn, . - __kernel_sigreturn\n"
	".globl __kernel_rt_sigreturn\n.type __kernel_rt_sigreturn, @function\n"
	".org 0x40, 0x90\n"
	"__kernel_rt_sigreturn:\n\tmov $173, %eax\n\tint $0x80\n"
	".size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn\n"
	".popsection");
