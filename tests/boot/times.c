/* SPDX-License-Identifier: MIT */
/* times.c - clocks go forward, sleeps are not too short, interrupted ones tell the rest. */
#include "common.h"

#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>

static void nothing(int sig)
{
	(void)sig;
}

static void test_clocks(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
					    CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE,
					    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec last = { 0, 0 }, now;
	int nr_back = 0;

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		tap_is(clock_gettime(clocks[i], &now), 0, "clock %d", clocks[i]);
	for (int i = 0; i < 20000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		nr_back += now.tv_sec < last.tv_sec ||
			   (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec);
		last = now;
	}
	tap_is(nr_back, 0, "the monotonic clock never goes back");
	fails(syscall(SYS_clock_gettime, 4711, &now), EINVAL, "no such clock");
	tap_ok(time(NULL) > 1500000000, "the date is of this century");
	tap_is(clock_getres(CLOCK_MONOTONIC, &now), 0, "clock_getres");
	tap_ok(!now.tv_sec && now.tv_nsec > 0 && now.tv_nsec <= 10000000, "is fine enough");
}

static void test_sleep(void)
{
	struct timespec t = { .tv_nsec = 50000000 }, left = { 0, 0 };
	struct itimerval soon = { .it_value = { 0, 50000 } };
	long long begin = now_ms();

	tap_is(nanosleep(&t, NULL), 0, "nanosleep");
	tap_ok(now_ms() - begin >= 50, "is not too short");
	tap_ok(now_ms() - begin < 5000, "nor far too long");
	t.tv_nsec = 1000000000;
	fails(nanosleep(&t, NULL), EINVAL, "a thousand million nanoseconds are a second");
	signal(SIGALRM, nothing);
	setitimer(ITIMER_REAL, &soon, NULL);
	t = (struct timespec){ .tv_sec = 30 };
	fails(nanosleep(&t, &left), EINTR, "a signal ends a sleep");
	tap_ok(left.tv_sec >= 20 && left.tv_sec < 30, "which tells how much was left");
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec -= 1;
	tap_is(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0,
	       "a sleep until the past is short");
}

static void test_system(void)
{
	struct sysinfo info;
	struct tms tms;

	tap_is(sysinfo(&info), 0, "sysinfo");
	tap_ok(info.totalram > 1000 && info.freeram <= info.totalram, "knows the memory");
	tap_ok(info.procs > 0 && info.uptime < 1000000000, "the processes and the time");
	tap_ok(times(&tms) > 0, "times");
	tap_is(sysconf(_SC_CLK_TCK), 100, "counts hundredths of a second");
}

int main(void)
{
	tap_plan(0);
	test_clocks();
	test_sleep();
	test_system();
	return tap_done();
}
