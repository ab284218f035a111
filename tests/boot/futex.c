/* SPDX-License-Identifier: MIT */
/* futex.c - the futex call itself, its errors, and threads by the bare clone calls. */
#include "common.h"

#include <pthread.h>
#include <sched.h>

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_CMP_REQUEUE = 4 };

/* The first version of the argument of clone3. */
struct clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static int word;

static long futex(int *address, int op, int value, const struct timespec *timeout, int *address2,
		  int value3)
{
	return syscall(SYS_futex, address, op, value, timeout, address2, value3);
}

static void *wait_once(void *argument)
{
	return (void *)futex(argument, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void test_wait_and_wake(void)
{
	struct timespec soon = { .tv_nsec = 30000000 }, wrong = { .tv_nsec = 2000000000 };
	long long begin = now_ms();

	fails(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN, "a changed word is not waited for");
	fails(futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0), ETIMEDOUT, "a wait times out");
	tap_ok(now_ms() - begin >= 30, "not before its time");
	fails(futex(&word, FUTEX_WAIT, 0, &wrong, NULL, 0), EINVAL, "2e9 nanoseconds are no timeout");
	fails(futex((int *)1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL, "an odd address is refused");
	fails(futex((int *)16, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT, "a wild one too");
	fails(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS, "no operation 99");
	tap_is(futex(&word, FUTEX_WAKE, 10, NULL, NULL, 0), 0, "nobody waits, nobody wakes");
}

static void test_wake_counts(void)
{
	static int other;
	pthread_t threads[4];
	long woken = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, wait_once, &word);
	sleep_ms(200);
	woken = futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0);
	tap_is(woken, 1, "one of four is woken");
	tap_is(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 0), 2,
	       "one more is woken and one moved to another word");
	tap_is(futex(&other, FUTEX_WAKE, 9, NULL, NULL, 0), 1, "where it is woken");
	tap_is(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0), 1, "the last one is still here");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void test_shared_between_processes(void)
{
	int *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec long_time = { .tv_sec = 20 };
	int status;
	pid_t child = fork();

	if (!child)
		_exit(futex(shared, FUTEX_WAIT, 0, &long_time, NULL, 0) ? 1 : 0);
	for (int i = 0; i < 1000 && futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0) != 1; i++)
		sleep_ms(5);
	waitpid(child, &status, 0);
	tap_ok(WIFEXITED(status) && !WEXITSTATUS(status), "a word in shared memory wakes a process");
}

static int nr_cleared;
static char stack[64 * 1024] __attribute__((aligned(16)));

static int bare_thread(void *argument)
{
	*(int *)argument = (int)syscall(SYS_gettid);
	syscall(SYS_exit, 0);
	return 0;
}

static void test_clone(void)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	pid_t parent_id = 0;
	int child_id = 0, value;

	nr_cleared = 1;
	tap_ok(clone(bare_thread, stack + sizeof(stack), flags, &child_id, &parent_id, NULL,
		     &nr_cleared) > 0,
	       "clone makes a thread");
	while ((value = __atomic_load_n(&nr_cleared, __ATOMIC_SEQ_CST)))
		futex(&nr_cleared, FUTEX_WAIT, value, NULL, NULL, 0);
	tap_ok(child_id > 0 && parent_id == child_id, "both sides were told its id");
	fails(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL,
	      "a thread without shared handlers is refused");
	fails(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL,
	      "shared handlers without shared memory as well");
}

static void test_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int status;
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (!child)
		_exit(5);
	tap_is(waitpid(child, &status, 0), child, "clone3 makes a process");
	tap_is(WEXITSTATUS(status), 5, "that runs");
	fails(syscall(SYS_clone3, &args, 8), EINVAL, "its arguments may not be too short");
}

int main(void)
{
	tap_plan(0);
	test_wait_and_wake();
	test_wake_counts();
	test_shared_between_processes();
	test_clone();
	test_clone3();
	return tap_done();
}
