/* SPDX-License-Identifier: MIT */
/* fpu.c - floating-point and vector registers survive switches, signals and forks. */
#include "common.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>

static volatile int nr_wrong, stop;

/* Keep a value in all sixteen registers across system calls and switches. */
static void *hold(void *argument)
{
	uint64_t mark = (uint64_t)(long)argument * 0x0101010101010101UL + 1, seen[16][2];

	while (!stop) {
		__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm7; movq %0, %%xmm15\n\t"
				 "mov $24, %%eax; syscall\n\t"
				 "movdqu %%xmm0, (%1); movdqu %%xmm7, 16(%1); movdqu %%xmm15, 32(%1)"
				 :
				 : "r"(mark), "r"(seen)
				 : "rax", "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
		if (seen[0][0] != mark || seen[1][0] != mark || seen[2][0] != mark)
			nr_wrong++;
	}
	return NULL;
}

static void spoil(int sig)
{
	(void)sig;
	__asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm15, %%xmm15; fninit" ::: "xmm0", "xmm15");
}

static void test_switches(void)
{
	pthread_t threads[6];

	for (long i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, hold, (void *)i);
	sleep_ms(500);
	stop = 1;
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	tap_is(nr_wrong, 0, "six threads keep their registers apart");
}

static void test_signal(void)
{
	uint64_t mark = 0x1122334455667788UL, seen = 0, pid = (uint64_t)getpid();
	long double pi = 3.14159265358979323846L, back;

	signal(SIGUSR1, spoil);
	__asm__ volatile("fldt %2; movq %3, %%xmm15\n\t"
			 "mov $62, %%eax; mov %4, %%rdi; mov $10, %%esi; syscall\n\t"
			 "movq %%xmm15, %0; fstpt %1"
			 : "=r"(seen), "=m"(back)
			 : "m"(pi), "r"(mark), "r"(pid)
			 : "rax", "rcx", "rdi", "rsi", "r11", "memory", "xmm15");
	tap_ok(seen == mark, "a handler does not change the registers of what it interrupts");
	tap_ok(back == pi, "nor the old floating-point stack");
}

static void child_checks(void *argument)
{
	_exit(*(double *)argument * 3.0 == 1.5 ? 0 : 1);
}

int main(void)
{
	double half = 0.5;
	unsigned int control = 0;

	tap_plan(0);
	__asm__ volatile("stmxcsr %0" : "=m"(control));
	tap_is(control, 0x1f80, "a program begins with the usual rounding and no exceptions");
	test_switches();
	test_signal();
	tap_is(in_child(child_checks, &half), 0, "a child computes as well");
	return tap_done();
}
