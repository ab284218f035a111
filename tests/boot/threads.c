/* SPDX-License-Identifier: MIT */
/* threads.c - POSIX threads as the C libraries make them from clone and futex. */
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define NR_THREADS 8
#define NR_ROUNDS 2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;
static __thread long own;

static void *add_up(void *argument)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		own += (long)argument;
	}
	return (void *)own;
}

static void test_mutex(void)
{
	pthread_t threads[NR_THREADS];
	void *result;
	int right = 0;

	counter = 0;
	for (long i = 0; i < NR_THREADS; i++)
		if (pthread_create(&threads[i], NULL, add_up, (void *)i))
			tap_ok(0, "thread %ld starts", i);
	for (long i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &result);
		right += result == (void *)(i * NR_ROUNDS);
	}
	tap_is(counter, (long)NR_THREADS * NR_ROUNDS, "a mutex lets one in at a time");
	tap_is(right, NR_THREADS, "each thread has its own thread-local variable");
	tap_is(own, 0, "and so has the first");
}

static int turn;

static void *ping_pong(void *argument)
{
	int mine = (int)(long)argument;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&lock);
		while (turn != mine)
			pthread_cond_wait(&changed, &lock);
		turn = !mine;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void test_condition(void)
{
	struct timespec until;
	pthread_t a, b;

	pthread_create(&a, NULL, ping_pong, (void *)0);
	pthread_create(&b, NULL, ping_pong, (void *)1);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	tap_is(turn, 0, "two threads hand each other the turn by a condition variable");
	clock_gettime(CLOCK_REALTIME, &until);
	pthread_mutex_lock(&lock);
	tap_is(pthread_cond_timedwait(&changed, &lock, &until), ETIMEDOUT, "a wait can time out");
	pthread_mutex_unlock(&lock);
}

static pthread_barrier_t barrier;
static int nr_serial;

static void *meet(void *argument)
{
	(void)argument;
	for (int i = 0; i < 50; i++)
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_fetch_add(&nr_serial, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void test_barrier(void)
{
	pthread_t threads[4];

	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, meet, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	tap_is(nr_serial, 50, "a barrier lets all go together");
}

static sem_t semaphore;

static void *post(void *argument)
{
	(void)argument;
	sleep_ms(20);
	sem_post(&semaphore);
	return NULL;
}

static void test_semaphore(void)
{
	pthread_t thread;

	sem_init(&semaphore, 0, 0);
	pthread_create(&thread, NULL, post, NULL);
	tap_is(sem_wait(&semaphore), 0, "a semaphore waits for a post");
	pthread_join(thread, NULL);
}

static void *wait_to_be_cancelled(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void test_cancel(void)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, wait_to_be_cancelled, NULL);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	tap_ok(result == PTHREAD_CANCELED, "a thread that waits can be cancelled");
}

static volatile pthread_t caught_by;

static void note_thread(int sig)
{
	(void)sig;
	caught_by = pthread_self();
}

static void test_directed_signal(void)
{
	pthread_t thread;

	signal(SIGUSR1, note_thread);
	pthread_create(&thread, NULL, wait_to_be_cancelled, NULL);
	pthread_kill(thread, SIGUSR1);
	for (int i = 0; i < 400 && !caught_by; i++)
		sleep_ms(5);
	tap_ok(pthread_equal(caught_by, thread), "pthread_kill reaches that thread alone");
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void *get_ids(void *argument)
{
	pid_t *ids = argument;

	ids[0] = getpid();
	ids[1] = (pid_t)syscall(SYS_gettid);
	return NULL;
}

static void test_ids(void)
{
	pthread_t thread;
	pid_t ids[2];

	pthread_create(&thread, NULL, get_ids, ids);
	pthread_join(thread, NULL);
	tap_is(ids[0], getpid(), "threads share the process id");
	tap_ok(ids[1] != getpid() && ids[1] > 0, "and have thread ids of their own");
	tap_is(syscall(SYS_gettid), getpid(), "that of the first is the process id");
}

static void *exit_all(void *argument)
{
	(void)argument;
	exit(9);
}

static void exit_from_a_thread(void *argument)
{
	pthread_t thread;

	(void)argument;
	pthread_create(&thread, NULL, exit_all, NULL);
	for (;;)
		pause();
}

static void exec_from_a_thread(void *argument)
{
	pthread_t thread;

	(void)argument;
	pthread_create(&thread, NULL, wait_to_be_cancelled, NULL);
	execl("/bin/sh", "sh", "-c", "exit 11", (char *)NULL);
	_exit(1);
}

static void *fault(void *argument)
{
	*(volatile int *)argument = 1;
	return NULL;
}

static void fault_in_a_thread(void *argument)
{
	pthread_t thread;

	(void)argument;
	pthread_create(&thread, NULL, fault, (void *)16);
	for (;;)
		pause();
}

static void test_ends(void)
{
	tap_is(in_child(exit_from_a_thread, NULL), 9, "exit in a thread ends the process");
	tap_is(in_child(exec_from_a_thread, NULL), 11, "execve ends the other threads");
	tap_is(in_child(fault_in_a_thread, NULL), 256 + SIGSEGV, "a fault kills them all");
}

static void *nothing(void *argument)
{
	return argument;
}

static void test_many(void)
{
	int nr_started = 0;

	for (int i = 0; i < 300; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL))
			break;
		nr_started++;
		pthread_join(thread, NULL);
	}
	tap_is(nr_started, 300, "threads come and go by the hundred");
}

static void *fork_and_wait(void *argument)
{
	long nr_right = 0;

	(void)argument;
	for (int i = 0; i < 10; i++) {
		int status = 0;
		pid_t child = fork();

		if (!child)
			_exit(i);
		if (waitpid(child, &status, 0) == child && WEXITSTATUS(status) == i)
			nr_right++;
	}
	return (void *)nr_right;
}

static void test_fork(void)
{
	pthread_t threads[4];
	long nr_right = 0;
	void *result;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, fork_and_wait, NULL);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		nr_right += (long)result;
	}
	tap_is(nr_right, 40, "four threads fork at the same time");
}

int main(void)
{
	tap_plan(0);
	test_mutex();
	test_condition();
	test_barrier();
	test_semaphore();
	test_cancel();
	test_directed_signal();
	test_ids();
	test_ends();
	test_many();
	test_fork();
	return tap_done();
}
