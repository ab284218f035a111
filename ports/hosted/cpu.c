/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - threads as CPUs: entering and leaving, interrupts as signals, parking on a futex.
 *
 * The signal only says "look into your mailbox". A CPU also looks whenever it waits, so that a
 * sanitizer that holds signals back delays nothing for long.
 */
#include "hosted/machine.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"

/* Ignored by default, so that a late one to a thread that is no CPU any more does no harm. */
#define IRQ_SIGNAL	SIGURG

_Thread_local struct host_self host_self;

static void hosted_relax(void);

const struct host_world hosted_world = {
	.relax = hosted_relax,
	.irq_deliver = hosted_irq_deliver,
};

static struct hosted_cpu *this_hosted_cpu(void)
{
	return &hosted_this_machine()->cpus[host_self.cpu];
}

void host_self_become(struct hosted_machine *m, unsigned int cpu, const struct host_world *world)
{
	host_self.quire = &m->quire;
	host_self.ctx = &m->cpus[cpu].task.ctx;
	host_self.cpu = cpu;
	host_self.phys_base = m->phys_base;
	host_self.vmemmap_base = m->vmemmap_base;
	host_self.vmemmap_bytes = m->vmemmap_bytes;
	host_self.phys_bytes = m->phys_bytes;
	host_self.vmalloc_base = m->vmalloc_base;
	host_self.vmalloc_bytes = m->vmalloc_bytes;
	host_self.pgtable_l5 = m->config.pgtable_l5;
	host_self.world = world;
	host_self.slot = (void *)(uintptr_t)&quire_slot_none;
}

/* Oldest first, the way they were sent. */
static struct ipi_request *take_mail(struct hosted_cpu *cpu)
{
	struct ipi_request *last = xchg(&cpu->mailbox, NULL), *first = NULL, *next;

	for (; last; last = next) {
		next = last->next;
		last->next = first;
		first = last;
	}
	return first;
}

static void serve_mail(struct hosted_cpu *cpu)
{
	struct quire_ctx *interrupted = host_self.ctx;
	struct ipi_request *request, *next;

	host_self.ctx = &cpu->irq.ctx;
	for (request = take_mail(cpu); request; request = next) {
		next = request->next;
		request->fn(request->arg);
		/* The asker may be gone with its stack after this. */
		(void)atomic_dec_return(request->left);
	}
	host_self.ctx = interrupted;
}

/* The last look comes after interrupts are on again, or a signal just before that would be lost. */
void hosted_irq_deliver(void)
{
	do {
		quire_host_irq_off();
		host_self.irq_pending = false;
		serve_mail(this_hosted_cpu());
		barrier();
		host_self.irq_off = false;
		barrier();
	} while (host_self.irq_pending);
}

static void on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	if (host_self.quire && host_self.world == &hosted_world) {
		if (host_self.irq_off)
			host_self.irq_pending = true;
		else
			hosted_irq_deliver();
	}
	errno = saved;
}

static void install_handler(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(IRQ_SIGNAL, &action, NULL);
}

void hosted_irq_setup(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install_handler);
}

/* Looks into the mailbox without waiting for the signal. */
void hosted_poll(void)
{
	if (!host_self.irq_off && __atomic_load_n(&this_hosted_cpu()->mailbox, __ATOMIC_RELAXED))
		hosted_irq_deliver();
}

/* More threads than cores is usual here, and the holder may be one that does not run. */
static void hosted_relax(void)
{
	hosted_poll();
	sched_yield();
}

int hosted_cpu_enter(struct hosted_machine *m, unsigned int nr)
{
	struct hosted_cpu *cpu = &m->cpus[nr];
	int err = 0;

	pthread_mutex_lock(&cpu->gate);
	if (cpu->online) {
		err = -EBUSY;
	} else {
		host_self.irq_off = host_self.irq_pending = false;
		host_self_become(m, nr, &hosted_world);
		cpu->thread = pthread_self();
		__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&cpu->gate);
	return err;
}

void hosted_cpu_leave(void)
{
	struct hosted_cpu *cpu = this_hosted_cpu();

	pthread_mutex_lock(&cpu->gate);
	__atomic_store_n(&cpu->online, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&cpu->gate);
	/* Nobody sends any more; what came before is served. */
	hosted_irq_deliver();
	memset(&host_self, 0, sizeof(host_self));
}

static struct hosted_ctx *hosted_ctx_of(struct quire_ctx *ctx)
{
	return container_of(ctx, struct hosted_ctx, ctx);
}

static void wake(struct hosted_ctx *ctx, u32 why)
{
	if (!(__atomic_fetch_or(&ctx->permit, why, __ATOMIC_SEQ_CST) & why))
		syscall(SYS_futex, &ctx->permit, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

/* False when the CPU is offline, and so runs nothing that fn could be wanted for. */
static bool send(struct hosted_cpu *cpu, struct ipi_request *request)
{
	bool online;

	pthread_mutex_lock(&cpu->gate);
	online = cpu->online;
	if (online) {
		request->next = __atomic_load_n(&cpu->mailbox, __ATOMIC_RELAXED);
		/* Release: pairs with the exchange in take_mail. */
		while (!try_cmpxchg(&cpu->mailbox, &request->next, request))
			;
		pthread_kill(cpu->thread, IRQ_SIGNAL);
		wake(&cpu->task, HOSTED_MAIL);
	}
	pthread_mutex_unlock(&cpu->gate);
	return online;
}

static void run_here(void (*fn)(void *arg), void *arg)
{
	struct hosted_cpu *cpu = this_hosted_cpu();
	struct quire_ctx *ctx = host_self.ctx;
	bool was_off = host_self.irq_off;

	quire_host_irq_off();
	host_self.ctx = &cpu->irq.ctx;
	fn(arg);
	host_self.ctx = ctx;
	if (!was_off)
		quire_host_irq_on();
}

void hosted_call_cpus(const struct quire_cpumask *mask, void (*fn)(void *arg), void *arg)
{
	struct hosted_machine *m = hosted_this_machine();
	struct ipi_request requests[QUIRE_MAX_CPUS];
	atomic_t left = ATOMIC_INIT(0);

	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		if (i == host_self.cpu || !(mask->bits[i / 64] >> (i % 64) & 1))
			continue;
		requests[i] = (struct ipi_request){ .fn = fn, .arg = arg, .left = &left };
		atomic_inc(&left);
		if (!send(&m->cpus[i], &requests[i]))
			atomic_dec(&left);
	}
	if (mask->bits[host_self.cpu / 64] >> (host_self.cpu % 64) & 1)
		run_here(fn, arg);
	/* Acquire: pairs with the decrement in hosted_irq_deliver: all that fn did is seen. */
	while (atomic_read_acquire(&left))
		hosted_relax();
}

u64 hosted_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000ULL + (u64)now.tv_nsec;
}

uint64_t quire_host_cycles(void)
{
	return hosted_now_ns();
}

/*
 * The permit is taken by exchange; the futex sleeps only while there is none. Calls wake it too,
 * for a sanitizer may hold their signal back.
 */
int hosted_park(u64 deadline_ns)
{
	struct hosted_ctx *me = hosted_ctx_of(host_self.ctx);
	struct timespec until = { .tv_sec = (time_t)(deadline_ns / 1000000000ULL),
				  .tv_nsec = (long)(deadline_ns % 1000000000ULL) };
	bool late = false;

	for (;;) {
		u32 got = xchg(&me->permit, 0U);

		hosted_poll();
		if (got & HOSTED_PERMIT)
			return 0;
		if (late)
			return -ETIMEDOUT;
		if (got)
			continue;
		late = syscall(SYS_futex, &me->permit, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0U,
			       deadline_ns ? &until : NULL, NULL, FUTEX_BITSET_MATCH_ANY) &&
		       errno == ETIMEDOUT;
	}
}

void hosted_unpark(struct quire_ctx *ctx)
{
	wake(hosted_ctx_of(ctx), HOSTED_PERMIT);
}
