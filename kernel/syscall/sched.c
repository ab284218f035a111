/* SPDX-License-Identifier: MIT */
/* sched.c - priorities, policies and affinity as programs set them. */
#include "sched/sched.h"

#include "arch/acpi.h"
#include "arch/smp.h"
#include "base/string.h"
#include "proc/cred.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "proc/timespec.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define SCHED_RESET_ON_FORK 0x40000000
#define RR_SLICE_NS 100000000ull

SYSCALL_DEFINE0(sched_yield)
{
	sched_yield();
	return 0;
}

/* 0: the caller. With a reference. */
static struct task *find_target(pid_t nr)
{
	return nr ? find_get_task(nr) : get_task(current);
}

static bool owns(struct task *p)
{
	const struct cred *c = get_task_cred(p);
	bool same = current_euid() == c->euid || current_euid() == c->uid;

	put_cred(c);
	return same || capable(CAP_SYS_NICE);
}

/* ---- nice ---- */

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

struct prio_visit {
	int nice, best, error;
	bool set;
};

static bool may_raise(struct task *p, int nice)
{
	return nice >= p->se.nice || (u64)(20 - nice) <= task_rlimit(p, RLIMIT_NICE) ||
	       capable(CAP_SYS_NICE);
}

static void visit_prio(struct prio_visit *v, struct task *p)
{
	if (!v->set) {
		if (20 - p->se.nice > v->best)
			v->best = 20 - p->se.nice;
		return;
	}
	if (!owns(p)) {
		v->error = -EPERM;
	} else if (!may_raise(p, v->nice)) {
		v->error = -EACCES;
	} else {
		if (v->error == -ESRCH)
			v->error = 0;
		sched_set_nice(p, v->nice);
	}
}

static void visit_group(struct prio_visit *v, struct pid *pgrp)
{
	struct task *leader, *t;

	if (!pgrp)
		return;
	for_each_pid_task(leader, pgrp, PIDTYPE_PGID)
		for_each_thread(leader->signal, t)
			visit_prio(v, t);
}

static void visit_user(struct prio_visit *v, uid_t uid)
{
	struct task *leader, *t;

	list_for_each_entry(leader, &task_list, tasks)
		for_each_thread(leader->signal, t)
			if (t->cred->uid == uid)
				visit_prio(v, t);
}

static int visit_targets(struct prio_visit *v, int which, int who)
{
	struct task *p;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	if (which == PRIO_PROCESS) {
		p = find_target(who);
		if (p) {
			visit_prio(v, p);
			put_task(p);
		}
		return 0;
	}
	spin_lock_irq(&tasklist_lock);
	if (which == PRIO_PGRP)
		visit_group(v, who ? find_pid_locked(who) : task_pgrp(current));
	else
		visit_user(v, who ? (uid_t)who : current_uid());
	spin_unlock_irq(&tasklist_lock);
	return 0;
}

SYSCALL_DEFINE2(getpriority, int, which, int, who)
{
	struct prio_visit v = { .best = -ESRCH };
	int error = visit_targets(&v, which, who);

	return error ? error : v.best;
}

SYSCALL_DEFINE3(setpriority, int, which, int, who, int, nice)
{
	struct prio_visit v = { .set = true,
				.error = -ESRCH,
				.nice = nice < -20  ? -20
					: nice > 19 ? 19
						    : nice };
	int error = visit_targets(&v, which, who);

	return error ? error : v.error;
}

/* ---- policies ---- */

static bool is_rt_policy(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_policy(struct task *p, int policy, int priority)
{
	if (policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE &&
	    !is_rt_policy(policy))
		return -EINVAL;
	if (is_rt_policy(policy) ? priority < 1 || priority > 99 : priority != 0)
		return -EINVAL;
	if (capable(CAP_SYS_NICE))
		return 0;
	if (!owns(p))
		return -EPERM;
	if (is_rt_policy(policy) && (u64)priority > task_rlimit(p, RLIMIT_RTPRIO) &&
	    !(is_rt_policy(p->se.policy) && priority <= p->se.rt_priority))
		return -EPERM;
	return 0;
}

static long set_scheduler(pid_t nr, int policy, int priority)
{
	bool reset = policy >= 0 && policy & SCHED_RESET_ON_FORK;
	struct task *p;
	long error;

	if (nr < 0)
		return -EINVAL;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	if (policy < 0) {	/* sched_setparam: the policy stays */
		policy = p->se.policy;
		reset = p->se.reset_on_fork;
	}
	policy &= ~SCHED_RESET_ON_FORK;
	error = check_policy(p, policy, priority);
	if (!error)
		error = sched_set_policy(p, policy, priority, reset);
	put_task(p);
	return error;
}

SYSCALL_DEFINE3(sched_setscheduler, pid_t, nr, int, policy, const struct sched_param *, uparam)
{
	struct sched_param param;

	if (policy < 0 || !uparam)
		return -EINVAL;
	if (copy_from_user(&param, uparam, sizeof(param)))
		return -EFAULT;
	return set_scheduler(nr, policy, param.sched_priority);
}

SYSCALL_DEFINE2(sched_setparam, pid_t, nr, const struct sched_param *, uparam)
{
	struct sched_param param;

	if (!uparam)
		return -EINVAL;
	if (copy_from_user(&param, uparam, sizeof(param)))
		return -EFAULT;
	return set_scheduler(nr, -1, param.sched_priority);
}

SYSCALL_DEFINE1(sched_getscheduler, pid_t, nr)
{
	struct task *p;
	long policy;

	if (nr < 0)
		return -EINVAL;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	policy = p->se.policy | (p->se.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	put_task(p);
	return policy;
}

SYSCALL_DEFINE2(sched_getparam, pid_t, nr, struct sched_param *, uparam)
{
	struct sched_param param;
	struct task *p;

	if (nr < 0 || !uparam)
		return -EINVAL;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	param.sched_priority = p->se.rt_priority;
	put_task(p);
	return copy_to_user(uparam, &param, sizeof(param)) ? -EFAULT : 0;
}

struct sched_attr {
	u32 size, sched_policy;
	u64 sched_flags;
	s32 sched_nice;
	u32 sched_priority;
	u64 sched_runtime, sched_deadline, sched_period;
	u32 util_min, util_max;
};
#define SCHED_ATTR_SIZE_VER0 48

SYSCALL_DEFINE3(sched_setattr, pid_t, nr, const struct sched_attr *, uattr, unsigned int, flags)
{
	struct sched_attr attr;
	struct task *p;
	u32 size;
	long error;

	if (!uattr || nr < 0 || flags)
		return -EINVAL;
	if (get_user(size, (u32 *)&uattr->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > 4096)
		return -E2BIG;
	memset(&attr, 0, sizeof(attr));
	if (copy_from_user(&attr, uattr, size < sizeof(attr) ? size : sizeof(attr)))
		return -EFAULT;
	error = set_scheduler(nr, (int)(attr.sched_policy & 0xff), (int)attr.sched_priority);
	if (error || is_rt_policy((int)attr.sched_policy))
		return error;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	if (attr.sched_nice < -20 || attr.sched_nice > 19)
		error = -EINVAL;
	else if (!may_raise(p, attr.sched_nice))
		error = -EPERM;
	else
		sched_set_nice(p, attr.sched_nice);
	put_task(p);
	return error;
}

SYSCALL_DEFINE4(sched_getattr, pid_t, nr, struct sched_attr *, uattr, unsigned int, size,
		unsigned int, flags)
{
	struct sched_attr attr = { .size = sizeof(attr) };
	struct task *p;

	if (!uattr || nr < 0 || size < SCHED_ATTR_SIZE_VER0 || size > 4096 || flags)
		return -EINVAL;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	attr.sched_policy = p->se.policy;
	attr.sched_flags = p->se.reset_on_fork;
	attr.sched_nice = is_rt_policy(p->se.policy) ? 0 : p->se.nice;
	attr.sched_priority = p->se.rt_priority;
	put_task(p);
	if (size < sizeof(attr))
		attr.size = size;
	return copy_to_user(uattr, &attr, attr.size) ? -EFAULT : 0;
}

SYSCALL_DEFINE1(sched_get_priority_max, int, policy)
{
	if (is_rt_policy(policy))
		return 99;
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0
										       : -EINVAL;
}

SYSCALL_DEFINE1(sched_get_priority_min, int, policy)
{
	if (is_rt_policy(policy))
		return 1;
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0
										       : -EINVAL;
}

SYSCALL_DEFINE2(sched_rr_get_interval, pid_t, nr, struct timespec64 *, to)
{
	struct timespec64 ts = { 0, 0 };
	struct task *p;

	if (nr < 0)
		return -EINVAL;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	if (p->se.policy == SCHED_RR)
		ts = ns_to_timespec(RR_SLICE_NS);
	else if (p->se.policy != SCHED_FIFO)
		ts = ns_to_timespec(TICK_NS);
	put_task(p);
	return copy_to_user(to, &ts, sizeof(ts)) ? -EFAULT : 0;
}

/* ---- affinity ---- */

SYSCALL_DEFINE3(sched_setaffinity, pid_t, nr, unsigned int, len, const void *, umask)
{
	struct quire_cpumask mask = { { 0 } };
	struct task *p;
	long error;

	if (copy_from_user(&mask, umask, len < sizeof(mask) ? len : sizeof(mask)))
		return -EFAULT;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	error = owns(p) ? sched_set_affinity(p, &mask) : -EPERM;
	put_task(p);
	return error;
}

SYSCALL_DEFINE3(sched_getaffinity, pid_t, nr, unsigned int, len, void *, umask)
{
	struct quire_cpumask mask;
	unsigned int i, bytes = (nr_cpu_ids + 63) / 64 * 8;
	struct task *p;

	if (len * 8ull < nr_cpu_ids || len % sizeof(long))
		return -EINVAL;
	p = find_target(nr);
	if (!p)
		return -ESRCH;
	for (i = 0; i < ARRAY_SIZE(mask.bits); i++)
		mask.bits[i] = p->cpus_allowed.bits[i] & cpu_online_mask.bits[i];
	put_task(p);
	if (bytes > len)
		bytes = len;
	return copy_to_user(umask, &mask, bytes) ? -EFAULT : (long)bytes;
}

SYSCALL_DEFINE3(getcpu, unsigned int *, cpu, unsigned int *, node, void *, unused)
{
	if (cpu && put_user(this_percpu.cpu, cpu))
		return -EFAULT;
	return node && put_user(acpi.cpu_to_node[this_percpu.cpu], node) ? -EFAULT : 0;
}
