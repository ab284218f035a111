/* SPDX-License-Identifier: MIT */
/* sched.c - programs that never sleep share the CPUs: none keeps one to itself, none stays unused. */
#include "common.h"

#include <sched.h>

#define MAX_SPINNERS 8

/* What a spinning child tells: the CPUs that it has run on, one bit each, and how often it has looked. */
struct spinner {
	volatile unsigned long cpus, rounds;
};

static struct spinner *spinners;

static pid_t start_spinner(struct spinner *s)
{
	pid_t child = fork();

	if (child)
		return child;
	for (;;) {
		s->cpus |= 1ul << sched_getcpu();
		s->rounds++;
	}
}

static void start_spinners(pid_t *children, int nr)
{
	memset((void *)spinners, 0, PAGE);
	for (int i = 0; i < nr; i++)
		children[i] = start_spinner(&spinners[i]);
}

static int end_spinners(const pid_t *children, int nr)
{
	int status, nr_killed = 0;

	for (int i = 0; i < nr; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < nr; i++)
		if (waitpid(children[i], &status, 0) == children[i] && WIFSIGNALED(status))
			nr_killed++;
	return nr_killed;
}

/* Waits until the condition has held once, at most so many milliseconds; 1 or 0. */
#define comes_true(condition, ms)                                                                 \
	({                                                                                        \
		long long comes_end = now_ms() + (ms);                                            \
		int came;                                                                         \
		while (!(came = (condition)) && now_ms() < comes_end)                             \
			sleep_ms(5);                                                              \
		came;                                                                             \
	})

static void set_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static unsigned long least_rounds(int nr)
{
	unsigned long least = ~0ul;

	for (int i = 0; i < nr; i++)
		if (spinners[i].rounds < least)
			least = spinners[i].rounds;
	return least;
}

static void test_preemption(void)
{
	pid_t children[3];
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	set_cpu(0);
	start_spinners(children, 3);
	tap_ok(comes_true(least_rounds(3) > 1000, 20000), "three programs that never sleep all get on, on one CPU");
	tap_is(spinners[0].cpus | spinners[1].cpus | spinners[2].cpus, 1, "the one that they may use");
	tap_is(end_spinners(children, 3), 3, "and a fourth can end them");
	sched_setaffinity(0, sizeof(all), &all);
}

static unsigned long cpus_used(int nr)
{
	unsigned long used = 0;

	for (int i = 0; i < nr; i++)
		used |= spinners[i].cpus;
	return used;
}

/* CPUs where a spinner is just now: each tells its own anew. */
static int nr_busy_now(int nr)
{
	for (int i = 0; i < nr; i++)
		spinners[i].cpus = 0;
	sleep_ms(100);
	return __builtin_popcountl(cpus_used(nr));
}

static void test_balance(int nr_cpus)
{
	pid_t children[MAX_SPINNERS];

	start_spinners(children, nr_cpus);
	tap_ok(comes_true(nr_busy_now(nr_cpus) == nr_cpus, 20000),
	       "as many such programs as CPUs (%d) spread over all of them", nr_cpus);
	tap_is(end_spinners(children, nr_cpus), nr_cpus, "and end");
}

/* All begin on one CPU by their affinity; once that is lifted they are pulled to the others. */
static void test_pull(int nr_cpus)
{
	pid_t children[MAX_SPINNERS];
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	set_cpu(nr_cpus - 1);
	start_spinners(children, nr_cpus);
	comes_true(least_rounds(nr_cpus) > 100, 20000);
	tap_is(cpus_used(nr_cpus), 1l << (nr_cpus - 1), "they run where they are told to");
	sched_setaffinity(0, sizeof(all), &all);
	for (int i = 0; i < nr_cpus; i++)
		sched_setaffinity(children[i], sizeof(all), &all);
	tap_ok(comes_true(nr_busy_now(nr_cpus) == nr_cpus, 20000), "and everywhere when they may");
	tap_is(end_spinners(children, nr_cpus), nr_cpus, "until they end");
}

int main(void)
{
	int nr_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

	tap_plan(0);
	if (nr_cpus > MAX_SPINNERS)
		nr_cpus = MAX_SPINNERS;
	spinners = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test_preemption();
	test_balance(nr_cpus);
	test_pull(nr_cpus);
	return tap_done();
}
