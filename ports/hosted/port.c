/* SPDX-License-Identifier: MIT */
/* port.c - the port table of hosted machines: log, panic, threads; the rest is in cpu.c. */
#include "hosted/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/rcu.h"

void host_log(int level, const char *text, size_t len)
{
	struct hosted_machine *m = hosted_this_machine();

	if (!m || !m->config.log || (m->config.log_level && level > m->config.log_level))
		return;
	fprintf(m->config.log, "# <%d> %.*s\n", level, (int)len, text);
}

void host_panic(const char *text)
{
	fflush(stdout);
	fprintf(stderr, "panic: %s\n", text);
	fflush(stderr);
	abort();
}

/* Whoever offers to wait also frees what RCU has kept. */
static void hosted_cond_resched(void)
{
	hosted_poll();
	if (this_quire()->sync)
		rcu_process(this_cpu());
}

struct thread_start {
	struct hosted_machine *machine;
	unsigned int cpu;
	void (*fn)(void *arg);
	void *arg;
};

static void *thread_main(void *data)
{
	struct thread_start start = *(struct thread_start *)data;

	free(data);
	if (hosted_cpu_enter(start.machine, start.cpu))
		abort();
	start.fn(start.arg);
	hosted_cpu_leave();
	return NULL;
}

static int start_on(struct hosted_machine *m, unsigned int cpu, pthread_t *thread,
		    void (*fn)(void *arg), void *arg)
{
	struct thread_start *start = malloc(sizeof(*start));

	if (!start)
		return -ENOMEM;
	*start = (struct thread_start){ .machine = m, .cpu = cpu, .fn = fn, .arg = arg };
	if (pthread_create(thread, NULL, thread_main, start)) {
		free(start);
		return -ENOMEM;
	}
	return 0;
}

void hosted_run(struct hosted_machine *m, unsigned int cpus, void (*fn)(void *arg), void *arg)
{
	pthread_t threads[QUIRE_MAX_CPUS];

	for (unsigned int i = 1; i < cpus; i++)
		if (start_on(m, i, &threads[i], fn, arg))
			abort();
	fn(arg);
	for (unsigned int i = 1; i < cpus; i++) {
		/* The caller stays a CPU that answers while it waits. */
		while (__atomic_load_n(&m->cpus[i].online, __ATOMIC_ACQUIRE))
			quire_host_relax();
		pthread_join(threads[i], NULL);
	}
}

/* A thread that Quire starts for itself becomes a spare CPU, each used once. */
static int hosted_start_thread(const char *name, void (*fn)(void *arg), void *arg)
{
	struct hosted_machine *m = hosted_this_machine();
	unsigned int cpu = m->config.cpus +
			   (unsigned int)__atomic_fetch_add(&m->spares_used, 1, __ATOMIC_RELAXED);
	pthread_t thread;
	int err;

	(void)name;
	if (cpu >= m->nr_cpus)
		return -ENOMEM;
	err = start_on(m, cpu, &thread, fn, arg);
	if (!err)
		pthread_detach(thread);
	return err;
}

bool hosted_fatal_signal_pending(void)
{
	return false;
}

bool hosted_capable(enum quire_capability capability)
{
	(void)capability;
	return true;
}

unsigned long hosted_rlimit(enum quire_rlimit which)
{
	(void)which;
	return ~0UL;
}

/* Repeatable on purpose: hosted machines exist for tests (Steele and others' SplitMix64). */
static void hosted_random(void *buf, size_t len)
{
	static u64 state = 0x5eed;
	unsigned char *p = buf;

	for (; len; len--) {
		u64 z = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ULL, __ATOMIC_RELAXED);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
		*p++ = (unsigned char)(z >> 32);
	}
}

void hosted_oom_kill(struct mm_struct *mm, const char *text)
{
	(void)mm;
	host_log(QUIRE_LOG_ERR, text, strlen(text));
}

const struct quire_port hosted_port = {
	.log = host_log,
	.panic = host_panic,
	.now_ns = hosted_now_ns,
	.call_cpus = hosted_call_cpus,
	.park = hosted_park,
	.unpark = hosted_unpark,
	.cond_resched = hosted_cond_resched,
	.start_thread = hosted_start_thread,
	.oom_kill = hosted_oom_kill,
	.fatal_signal_pending = hosted_fatal_signal_pending,
	.capable = hosted_capable,
	.rlimit = hosted_rlimit,
	.random = hosted_random,
};
