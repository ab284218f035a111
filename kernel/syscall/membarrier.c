/* SPDX-License-Identifier: MIT */
/*
 * membarrier.c - a barrier that other CPUs pay for: what a process has registered, and the rounds.
 *
 * A round interrupts every other CPU: the handler is a full barrier, and its return to what it
 * interrupted is an instruction that serialises, so that code which was changed before is fetched
 * anew. CPUs that run other programs are interrupted too; a machine that minds has few of them.
 */
#include "arch/smp.h"
#include "arch/switch.h"
#include "base/compiler.h"
#include "proc/signal.h"
#include "syscall/syscall.h"

enum membarrier_command {
	MEMBARRIER_QUERY = 0,
	MEMBARRIER_GLOBAL = 1 << 0,
	MEMBARRIER_GLOBAL_EXPEDITED = 1 << 1,
	MEMBARRIER_REGISTER_GLOBAL_EXPEDITED = 1 << 2,
	MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4,
	MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6,
	MEMBARRIER_PRIVATE_EXPEDITED_RSEQ = 1 << 7,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_RSEQ = 1 << 8,
	MEMBARRIER_GET_REGISTRATIONS = 1 << 9,
	MEMBARRIER_ALL = (1 << 10) - 1,
};
#define MEMBARRIER_FLAG_CPU 1u

static void full_barrier(void *unused)
{
	smp_mb();
}

/* Critical sections start over when what was interrupted goes on. */
static void restart_rseq(void *unused)
{
	struct task *p = current;

	smp_mb();
	if (p->rseq)
		set_thread_flag(&p->thread, TIF_NOTIFY_RESUME);
}

static long barrier_round(void (*fn)(void *unused), int cpu)
{
	struct quire_cpumask mask = cpu_online_mask;

	smp_mb();
	if (cpu >= 0) {
		if ((unsigned int)cpu >= nr_online_cpus)
			return 0;
		mask = (struct quire_cpumask){ 0 };
		mask.bits[cpu / 64] = 1ULL << cpu % 64;
	}
	if (nr_online_cpus > 1)
		smp_call_function_many(&mask, fn, NULL);
	if (fn == restart_rseq)
		restart_rseq(NULL);
	smp_mb();
	return 0;
}

static bool registered(u32 command)
{
	return __atomic_load_n(&current->signal->membarrier, __ATOMIC_ACQUIRE) & command;
}

static long registration(u32 command)
{
	__atomic_fetch_or(&current->signal->membarrier, command, __ATOMIC_RELEASE);
	return 0;
}

/* What was registered; a special kind of private round counts as the plain one here, though it
 * does not allow it. */
static long registrations(void)
{
	u32 all = __atomic_load_n(&current->signal->membarrier, __ATOMIC_ACQUIRE);

	if (all & (MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
		   MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_RSEQ))
		all |= MEMBARRIER_REGISTER_PRIVATE_EXPEDITED;
	return all;
}

SYSCALL_DEFINE3(membarrier, int, cmd, unsigned int, flags, int, cpu)
{
	if (flags && (cmd != MEMBARRIER_PRIVATE_EXPEDITED_RSEQ || flags != MEMBARRIER_FLAG_CPU))
		return -EINVAL;
	if (!flags)
		cpu = -1;
	switch (cmd) {
	case MEMBARRIER_QUERY:
		return MEMBARRIER_ALL;
	case MEMBARRIER_GET_REGISTRATIONS:
		return registrations();
	case MEMBARRIER_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		return registration((u32)cmd);
	case MEMBARRIER_GLOBAL:
	case MEMBARRIER_GLOBAL_EXPEDITED:
		return barrier_round(full_barrier, -1);
	case MEMBARRIER_PRIVATE_EXPEDITED:
	case MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_PRIVATE_EXPEDITED_RSEQ:
		/* Each registration is the bit above its command. */
		if (!registered((u32)cmd << 1))
			return -EPERM;
		return barrier_round(cmd == MEMBARRIER_PRIVATE_EXPEDITED_RSEQ ? restart_rseq :
										 full_barrier, cpu);
	}
	return -EINVAL;
}
