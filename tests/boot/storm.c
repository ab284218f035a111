/* SPDX-License-Identifier: MIT */
/* storm.c - many threads and processes change address spaces at once; nothing may be lost. */
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define NR_THREADS 4
#define NR_ROUNDS 150
#define RW (PROT_READ | PROT_WRITE)

static atomic_int nr_wrong;
static char *shared_area;

static unsigned int next(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Map, fill, check, cut, and unmap areas while others do the same beside. */
static void *churn(void *argument)
{
	unsigned int seed = (unsigned int)(long)argument;

	for (int round = 0; round < NR_ROUNDS; round++) {
		size_t nr = 1 + next(&seed) % 64, cut = next(&seed) % nr;
		char *area = mmap(NULL, nr * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char mark = (char)(next(&seed) | 1);

		if (area == MAP_FAILED) {
			nr_wrong++;
			continue;
		}
		for (size_t i = 0; i < nr; i++) {
			nr_wrong += area[i * PAGE] != 0;
			area[i * PAGE] = mark;
		}
		mprotect(area + cut * PAGE, PAGE, PROT_READ);
		for (size_t i = 0; i < nr; i++)
			nr_wrong += area[i * PAGE] != mark;
		munmap(area + cut * PAGE, PAGE);
		if (cut)
			munmap(area, cut * PAGE);
		if (cut + 1 < nr)
			munmap(area + (cut + 1) * PAGE, (nr - cut - 1) * PAGE);
	}
	return NULL;
}

/* All threads fault the same pages in; each page must be one page for all of them. */
static void *touch_shared(void *argument)
{
	long mine = (long)argument;

	for (long i = 0; i < 512; i++)
		__atomic_fetch_add((int *)(shared_area + i * PAGE) + mine, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void run_threads(void *(*function)(void *), int nr)
{
	pthread_t threads[16];

	for (long i = 0; i < nr; i++)
		pthread_create(&threads[i], NULL, function, (void *)i);
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

static void test_shared_faults(void)
{
	int nr_lost = 0;

	for (int round = 0; round < 5; round++) {
		shared_area = mmap(NULL, 512 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		run_threads(touch_shared, NR_THREADS);
		for (long i = 0; i < 512; i++)
			for (int t = 0; t < NR_THREADS; t++)
				nr_lost += ((int *)(shared_area + i * PAGE))[t] != 1;
		munmap(shared_area, 512 * PAGE);
	}
	tap_is(nr_lost, 0, "threads that fault on the same page get the same page");
}

/* A page is given away while others write to it: no write may reach a page that is not theirs. */
static void *write_and_forget(void *argument)
{
	volatile int *word = (volatile int *)shared_area + (long)argument;

	for (int i = 0; i < 3000; i++) {
		*word = (int)(long)argument + 1;
		if (*word != (int)(long)argument + 1 && *word != 0)
			nr_wrong++;
		if (!(long)argument)
			madvise(shared_area, PAGE, MADV_DONTNEED);
	}
	return NULL;
}

static void test_dontneed(void)
{
	nr_wrong = 0;
	shared_area = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	run_threads(write_and_forget, NR_THREADS);
	tap_is(nr_wrong, 0, "MADV_DONTNEED under threads that write");
	munmap(shared_area, PAGE);
}

static void *fork_while_writing(void *argument)
{
	long mine = (long)argument;

	for (int i = 0; i < 15; i++) {
		int status = 0;
		pid_t child;

		*(volatile long *)(shared_area + mine * PAGE) = i;
		child = fork();
		if (!child)
			_exit(*(volatile long *)(shared_area + mine * PAGE) == i ? 0 : 1);
		*(volatile long *)(shared_area + mine * PAGE) = -1;
		waitpid(child, &status, 0);
		nr_wrong += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	return NULL;
}

static void test_fork_and_write(void)
{
	nr_wrong = 0;
	shared_area = mmap(NULL, 16 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	run_threads(fork_while_writing, NR_THREADS);
	tap_is(nr_wrong, 0, "a child sees memory as it was when it was made");
}

static void churn_process(void *argument)
{
	run_threads(churn, 2);
	_exit(atomic_load(&nr_wrong) || argument ? 1 : 0);
}

static void test_processes(void)
{
	int nr_bad = 0, status;

	for (int i = 0; i < 6; i++)
		if (!fork())
			churn_process(NULL);
	while (wait(&status) > 0)
		nr_bad += status != 0;
	tap_is(nr_bad, 0, "processes of threads that map and unmap");
}

/* Kill children in the middle of whatever they do. */
static void test_kill(void)
{
	int nr_ended = 0, status;

	for (int i = 0; i < 30; i++) {
		pid_t child = fork();

		if (!child) {
			for (;;)
				run_threads(churn, 2);
		}
		sleep_ms(5 + i % 7);
		kill(child, SIGKILL);
		nr_ended += waitpid(child, &status, 0) == child && WIFSIGNALED(status);
	}
	tap_is(nr_ended, 30, "killed in the middle of mapping");
}

int main(void)
{
	tap_plan(0);
	run_threads(churn, NR_THREADS);
	tap_is(nr_wrong, 0, "threads that map and unmap side by side");
	test_shared_faults();
	test_dontneed();
	test_fork_and_write();
	test_processes();
	test_kill();
	return tap_done();
}
