/* SPDX-License-Identifier: MIT */
/* port.c - the library's wishes, answered by the log, the clock, the CPUs and the scheduler. */
#include "boot/port.h"

#include "arch/clock.h"
#include "arch/fpu.h"
#include "arch/smp.h"
#include "arch/stacktrace.h"
#include "base/string.h"
#include "lib/printk.h"
#include "proc/cred.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "proc/va_random.h"
#include "quire/errno.h"
#include "sched/sched.h"

static void __attribute__((noreturn)) port_panic(const char *text)
{
	panic("%s", text);
}

static void port_task_id(struct quire_task_id *id)
{
	if (!this_percpu.idle)
		return; /* too early for tasks */
	id->pid = current->pid;
	id->tgid = current->tgid;
	memcpy(id->comm, current->comm, sizeof(id->comm) - 1);
}

/* The permit makes a wake-up that comes before the sleep count; the state is set before it is looked at. */
static int port_park(u64 deadline_ns)
{
	bool in_time = true;

	set_current_state(TASK_PARKED);
	if (__atomic_load_n(&current->park_permit, __ATOMIC_SEQ_CST))
		__set_current_state(TASK_RUNNING);
	else
		in_time = schedule_until(deadline_ns ? deadline_ns : MAX_SCHEDULE_TIMEOUT);
	if (__atomic_exchange_n(&current->park_permit, false, __ATOMIC_SEQ_CST) || in_time)
		return 0;
	return -ETIMEDOUT;
}

static void port_unpark(struct quire_ctx *ctx)
{
	struct task *p = ctx->host;

	__atomic_store_n(&p->park_permit, true, __ATOMIC_SEQ_CST);
	try_to_wake_up(p, TASK_PARKED);
}

static void port_cond_resched(void)
{
	cond_resched();
}

static int port_start_thread(const char *name, void (*fn)(void *arg), void *arg)
{
	return kthread_run(fn, arg, name) ? 0 : -ENOMEM;
}

/* All who share it: as long as one of them lives, nothing comes back. */
static void port_oom_kill(struct mm_struct *mm, const char *text)
{
	unsigned long flags;
	struct task *p;

	pr_warn("%s invoked oom-killer", current->comm);
	spin_lock_irqsave(&tasklist_lock, flags);
	list_for_each_entry(p, &task_list, tasks) {
		if (p->thread.mm != mm || p->flags & PF_KTHREAD)
			continue;
		pr_err("Out of memory: Killed process %d (%s) %s", p->tgid, p->comm, text);
		kill_process(p);
	}
	spin_unlock_irqrestore(&tasklist_lock, flags);
}

static bool port_fatal_signal_pending(void)
{
	return fatal_signal_pending(current);
}

static struct mm_struct *port_current_mm(void)
{
	return current->thread.mm;
}

static bool port_capable(enum quire_capability capability)
{
	static const int numbers[] = {
		[QUIRE_CAP_IPC_LOCK] = CAP_IPC_LOCK,
		[QUIRE_CAP_SYS_ADMIN] = CAP_SYS_ADMIN,
		[QUIRE_CAP_SYS_RESOURCE] = CAP_SYS_RESOURCE,
		[QUIRE_CAP_SYS_RAWIO] = CAP_SYS_RAWIO,
	};

	return capable(numbers[capability]);
}

static unsigned long port_rlimit(enum quire_rlimit which)
{
	static const enum rlimit_resource numbers[] = {
		[QUIRE_RLIMIT_AS] = RLIMIT_AS,
		[QUIRE_RLIMIT_DATA] = RLIMIT_DATA,
		[QUIRE_RLIMIT_STACK] = RLIMIT_STACK,
		[QUIRE_RLIMIT_MEMLOCK] = RLIMIT_MEMLOCK,
	};

	if (which == QUIRE_RLIMIT_DATA_MAX)
		return READ_ONCE(current->signal->rlim[RLIMIT_DATA].rlim_max);
	return READ_ONCE(current->signal->rlim[numbers[which]].rlim_cur);
}

const struct quire_port kernel_port = {
	.log = printk_text,
	.panic = port_panic,
	.now_ns = ktime_get_ns,
	.task_id = port_task_id,
	.stack_trace = stack_trace_save,
	.symbol = symbol_text,
	.call_cpus = smp_call_function_many,
	.park = port_park,
	.unpark = port_unpark,
	.cond_resched = port_cond_resched,
	.start_thread = port_start_thread,
	.oom_kill = port_oom_kill,
	.fatal_signal_pending = port_fatal_signal_pending,
	.capable = port_capable,
	.current_mm = port_current_mm,
	.rlimit = port_rlimit,
	.deny_pkey = pkru_deny_key,
	.random = va_random_bytes,
};
