/* SPDX-License-Identifier: MIT */
/* prctl.c - odds and ends of a process: prctl, limits, personality. */
#include "arch/switch.h"
#include "base/string.h"
#include "proc/cred.h"
#include "proc/pid.h"
#include "proc/securebits.h"
#include "proc/signal.h"
#include "proc/utsname.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "syscall/prctl_mm.h"
#include "syscall/syscall.h"

enum prctl_option {
	PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_KEEPCAPS = 7, PR_SET_KEEPCAPS = 8, PR_SET_NAME = 15,
	PR_GET_NAME = 16, PR_GET_SECCOMP = 21, PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24, PR_GET_SECUREBITS = 27,
	PR_SET_SECUREBITS = 28, PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK = 30, PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40,
	PR_CAP_AMBIENT = 47,
};
enum {
	PR_CAP_AMBIENT_IS_SET = 1,
	PR_CAP_AMBIENT_RAISE,
	PR_CAP_AMBIENT_LOWER,
	PR_CAP_AMBIENT_CLEAR_ALL
};

#define DEFAULT_SLACK_NS 50000

static long set_name(const char *from)
{
	char name[TASK_COMM_LEN];
	long len = strncpy_from_user(name, from, sizeof(name) - 1);

	if (len < 0)
		return len;
	name[len < (long)sizeof(name) ? len : (long)sizeof(name) - 1] = '\0';
	set_task_comm(current, name);
	return 0;
}

static long get_name(char *to)
{
	char name[TASK_COMM_LEN];

	get_task_comm(name, current);
	return copy_to_user(to, name, sizeof(name)) ? -EFAULT : 0;
}

static long change_securebits(unsigned int bits)
{
	struct cred *c;

	if (bits & ~SECBITS_ALL || !capable(CAP_SETPCAP))
		return -EPERM;
	c = prepare_creds();
	if (!c)
		return -ENOMEM;
	c->securebits = bits;
	commit_creds(c);
	return 0;
}

static long set_keepcaps(unsigned long on)
{
	struct cred *c;

	if (on > 1)
		return -EINVAL;
	if (current_cred()->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c = prepare_creds();
	if (!c)
		return -ENOMEM;
	c->securebits = on ? c->securebits | SECBIT_KEEP_CAPS : c->securebits & ~SECBIT_KEEP_CAPS;
	commit_creds(c);
	return 0;
}

static long drop_bounding(unsigned long cap)
{
	struct cred *c;

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	c = prepare_creds();
	if (!c)
		return -ENOMEM;
	c->cap_bset &= ~(1ULL << cap);
	commit_creds(c);
	return 0;
}

static long ambient(unsigned long op, unsigned long cap)
{
	const struct cred *old = current_cred();
	struct cred *c;
	u64 bit = cap <= CAP_LAST_CAP ? 1ULL << cap : 0;

	if (op == PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : !bit)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_IS_SET)
		return !!(old->cap_ambient & bit);
	if (op == PR_CAP_AMBIENT_RAISE && (!(old->cap_permitted & old->cap_inheritable & bit) ||
					   old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
		return -EPERM;
	if (op < PR_CAP_AMBIENT_RAISE || op > PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	c = prepare_creds();
	if (!c)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_RAISE)
		c->cap_ambient |= bit;
	else
		c->cap_ambient &= op == PR_CAP_AMBIENT_LOWER ? ~bit : 0;
	commit_creds(c);
	return 0;
}

static long prctl_process(int option, unsigned long a2)
{
	struct task *p = current;

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		p->pdeath_signal = (int)a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user(p->pdeath_signal, (int *)a2);
	case PR_SET_TIMERSLACK:
		p->timer_slack_ns = a2 ? a2 : DEFAULT_SLACK_NS;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)p->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER:
		p->signal->is_child_subreaper = a2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)p->signal->is_child_subreaper, (int *)a2);
	case PR_GET_TID_ADDRESS:
		return put_user(p->clear_child_tid, (int **)a2);
	}
	return -EINVAL;
}

SYSCALL_DEFINE5(prctl, int, option, unsigned long, a2, unsigned long, a3, unsigned long, a4,
		unsigned long, a5)
{
	long result;

	switch (option) {
	case PR_SET_NAME:
		return set_name((const char *)a2);
	case PR_GET_NAME:
		return get_name((char *)a2);
	case PR_GET_KEEPCAPS:
		return !!(current_cred()->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(a2);
	case PR_GET_SECCOMP:
		return 0;
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST_CAP ? -EINVAL : (long)(current_cred()->cap_bset >> a2 & 1);
	case PR_CAPBSET_DROP:
		return drop_bounding(a2);
	case PR_GET_SECUREBITS:
		return current_cred()->securebits;
	case PR_SET_SECUREBITS:
		return change_securebits((unsigned int)a2);
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || a3 || a4 || a5)
			return -EINVAL;
		current->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : current->no_new_privs;
	case PR_CAP_AMBIENT:
		return ambient(a2, a3);
	}
	result = prctl_memory(option, a2, a3, a4, a5);
	return result == -ENOSYS ? prctl_process(option, a2) : result;
}

/* ---- limits ---- */

#define NR_OPEN_LIMIT 1048576

static int change_limit(struct task *p, unsigned int which, const struct rlimit *fresh,
			struct rlimit *old)
{
	struct rlimit *limit = &p->signal->rlim[which];
	unsigned long flags;
	int error = 0;

	if (fresh && fresh->rlim_cur > fresh->rlim_max)
		return -EINVAL;
	if (fresh && which == RLIMIT_NOFILE && fresh->rlim_max > NR_OPEN_LIMIT)
		return -EPERM;
	spin_lock_irqsave(&p->signal->limits_lock, flags);
	if (old)
		*old = *limit;
	if (fresh && fresh->rlim_max > limit->rlim_max && !capable(CAP_SYS_RESOURCE))
		error = -EPERM;
	else if (fresh)
		*limit = *fresh;
	spin_unlock_irqrestore(&p->signal->limits_lock, flags);
	return error;
}

static bool may_limit(struct task *p)
{
	const struct cred *mine = current_cred(), *theirs;
	bool ok;

	if (same_thread_group(p, current))
		return true;
	theirs = get_task_cred(p);
	ok = (mine->uid == theirs->euid && mine->uid == theirs->suid && mine->uid == theirs->uid &&
	      mine->gid == theirs->egid && mine->gid == theirs->sgid && mine->gid == theirs->gid) ||
	     capable(CAP_SYS_RESOURCE);
	put_cred(theirs);
	return ok;
}

SYSCALL_DEFINE4(prlimit64, pid_t, nr, unsigned int, which, const struct rlimit *, ufresh,
		struct rlimit *, uold)
{
	struct rlimit fresh, old;
	struct task *p;
	int error;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (ufresh && copy_from_user(&fresh, ufresh, sizeof(fresh)))
		return -EFAULT;
	p = nr ? find_get_task(nr) : get_task(current);
	if (!p)
		return -ESRCH;
	error = may_limit(p) ? change_limit(p, which, ufresh ? &fresh : NULL, &old) : -EPERM;
	put_task(p);
	if (!error && uold && copy_to_user(uold, &old, sizeof(old)))
		return -EFAULT;
	return error;
}

SYSCALL_DEFINE2(getrlimit, unsigned int, which, struct rlimit *, to)
{
	struct rlimit old;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	change_limit(current, which, NULL, &old);
	return copy_to_user(to, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(setrlimit, unsigned int, which, const struct rlimit *, from)
{
	struct rlimit fresh;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (copy_from_user(&fresh, from, sizeof(fresh)))
		return -EFAULT;
	return change_limit(current, which, &fresh, NULL);
}

SYSCALL_DEFINE1(personality, unsigned int, value)
{
	unsigned int old = current->personality;

	if (value == 0xffffffff)
		return old;
	current->personality = value;
	/* Of the address space, not of the thread as on Linux. */
	if ((old ^ value) & READ_IMPLIES_EXEC)
		mm_set_read_implies_exec(task_mm(current), value & READ_IMPLIES_EXEC);
	return old;
}
