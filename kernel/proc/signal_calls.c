/* SPDX-License-Identifier: MIT */
/* signal_calls.c - the system calls about signals. */
#include "base/string.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "proc/sigqueue.h"
#include "proc/timespec.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define SA_KNOWN                                                                           \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
	 SA_RESETHAND | SA_RESTORER | 0x800ul)

/* ---- masks ---- */

/* Signals that this thread stops taking may wake another. sighand->lock held. */
static void retarget(u64 newly_blocked)
{
	struct task *t;
	u64 shared = current->signal->shared_pending.signal & newly_blocked;

	if (!shared)
		return;
	for_each_thread(current->signal, t)
		if (t != current && !(t->flags & PF_EXITING) && (shared & ~t->blocked))
			signal_wake_up(t, false);
}

void set_current_blocked(u64 mask)
{
	struct task *p = current;

	mask &= ~UNBLOCKABLE;
	if (mask == p->blocked)
		return;
	spin_lock_irq(&p->sighand->lock);
	if (signal_pending(p))
		retarget(mask & ~p->blocked);
	p->blocked = mask;
	recalc_sigpending();
	spin_unlock_irq(&p->sighand->lock);
}

int set_user_sigmask(const u64 *umask, size_t sigsetsize)
{
	u64 mask;

	if (!umask)
		return 0;
	if (sigsetsize != sizeof(u64))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	current->did_sigmask = true;
	set_current_blocked(mask);
	return 0;
}

/* The call ends: unless a handler is about to run (which restores the mask itself), put it back
 * now. */
void restore_saved_sigmask_unless(bool interrupted)
{
	if (interrupted || !current->did_sigmask)
		return;
	current->did_sigmask = false;
	set_current_blocked(current->saved_sigmask);
}

SYSCALL_DEFINE4(rt_sigprocmask, int, how, const u64 *, uset, u64 *, uold, size_t, size)
{
	u64 old = current->blocked, set;

	if (size != sizeof(u64))
		return -EINVAL;
	if (uset) {
		if (copy_from_user(&set, uset, sizeof(set)))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		set_current_blocked(set);
	}
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(rt_sigpending, u64 *, uset, size_t, size)
{
	u64 set;

	if (size > sizeof(u64))
		return -EINVAL;
	spin_lock_irq(&current->sighand->lock);
	set = (current->pending.signal | current->signal->shared_pending.signal) & current->blocked;
	spin_unlock_irq(&current->sighand->lock);
	return copy_to_user(uset, &set, size) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(rt_sigsuspend, const u64 *, umask, size_t, size)
{
	int error = umask ? set_user_sigmask(umask, size) : -EFAULT;

	if (error)
		return error;
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!signal_pending(current))
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return -ERESTARTNOHAND;
}

SYSCALL_DEFINE0(pause)
{
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!signal_pending(current))
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return -ERESTARTNOHAND;
}

/* ---- actions ---- */

static void drop_ignored(int sig)
{
	struct task *t;

	flush_pending_signal(&current->signal->shared_pending, sig);
	for_each_thread(current->signal, t)
		flush_pending_signal(&t->pending, sig);
}

SYSCALL_DEFINE4(rt_sigaction, int, sig, const struct k_sigaction *, uact, struct k_sigaction *,
		uold, size_t, size)
{
	struct k_sigaction act, old, *slot;
	bool ignored;

	if (size != sizeof(u64))
		return -EINVAL;
	if (uact && copy_from_user(&act, uact, sizeof(act)))
		return -EFAULT;
	if (sig < 1 || sig > NSIG || (uact && (sigmask(sig) & UNBLOCKABLE)))
		return -EINVAL;
	slot = &current->sighand->action[sig - 1];
	spin_lock_irq(&current->sighand->lock);
	old = *slot;
	if (uact) {
		act.flags &= SA_KNOWN;
		act.mask &= ~UNBLOCKABLE;
		*slot = act;
		ignored = act.handler == SIG_IGN ||
			  (act.handler == SIG_DFL &&
			   (sig == SIGCONT || sig == SIGCHLD || sig == SIGWINCH || sig == SIGURG));
		if (ignored)
			drop_ignored(sig);
	}
	spin_unlock_irq(&current->sighand->lock);
	return uold && copy_to_user(uold, &old, sizeof(old)) ? -EFAULT : 0;
}

/* ---- sending ---- */

static bool may_kill(int sig, struct task *t)
{
	const struct cred *mine = current_cred(), *theirs;
	bool ok;

	if (same_thread_group(t, current))
		return true;
	theirs = get_task_cred(t);
	ok = mine->euid == theirs->suid || mine->euid == theirs->uid || mine->uid == theirs->suid ||
	     mine->uid == theirs->uid || capable(CAP_KILL) ||
	     (sig == SIGCONT && task_session(t) == task_session(current));
	put_cred(theirs);
	return ok;
}

bool may_access_process(struct task *p, enum access_as as)
{
	const struct cred *mine = current_cred(), *theirs;
	uid_t uid = as == ACCESS_FSCREDS ? mine->fsuid : mine->uid;
	gid_t gid = as == ACCESS_FSCREDS ? mine->fsgid : mine->gid;
	u64 caps = as == ACCESS_FSCREDS ? mine->cap_effective : mine->cap_permitted;
	int traits;
	bool ok;

	if (same_thread_group(p, current))
		return true;
	theirs = get_task_cred(p);
	traits = task_mm_traits(p);
	/* The same user, who does not hide, and has no more rights. */
	ok = (uid == theirs->euid && uid == theirs->suid && uid == theirs->uid && gid == theirs->egid &&
	      gid == theirs->sgid && gid == theirs->gid && (traits < 0 || !(traits & MM_HIDDEN)) && !(theirs->cap_permitted & ~caps)) ||
	     capable(CAP_SYS_PTRACE);
	put_cred(theirs);
	return ok;
}

/* tasklist_lock held. */
static int send_checked(int sig, struct task *p, struct kernel_siginfo *info, bool group)
{
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (!may_kill(sig, p))
		return -EPERM;
	if (!sig)
		return 0;
	return group ? group_send_sig(sig, p, info) : send_sig(sig, p, info);
}

static int kill_group_checked(struct pid *pgrp, int sig)
{
	struct task *p;
	int error, result = -ESRCH;

	if (!pgrp)
		return -ESRCH;
	for_each_pid_task(p, pgrp, PIDTYPE_PGID) {
		error = send_checked(sig, p, SEND_SIG_NOINFO, true);
		if (result)
			result = error;
	}
	return result;
}

static int kill_everybody(int sig)
{
	struct task *p;
	int error, result = -ESRCH;

	list_for_each_entry(p, &task_list, tasks) {
		if (p->pid <= 1 || same_thread_group(p, current) || p->flags & PF_KTHREAD)
			continue;
		error = send_checked(sig, p, SEND_SIG_NOINFO, true);
		if (error != -EPERM)
			result = error;
	}
	return result;
}

int kill_pid_checked(struct pid *pid, int sig, struct kernel_siginfo *info)
{
	struct task *p;
	int result = -ESRCH;

	spin_lock_irq(&tasklist_lock);
	p = pid_task_locked(pid, PIDTYPE_PID);
	if (p)
		result = send_checked(sig, p, info, true);
	spin_unlock_irq(&tasklist_lock);
	return result;
}

SYSCALL_DEFINE2(kill, pid_t, nr, int, sig)
{
	int result;

	if (nr == INT32_MIN)
		return -ESRCH;
	if (nr > 0) {
		struct pid *pid = find_get_pid(nr);

		result = pid ? kill_pid_checked(pid, sig, SEND_SIG_NOINFO) : -ESRCH;
		put_pid(pid);
		return result;
	}
	spin_lock_irq(&tasklist_lock);
	if (nr == -1)
		result = kill_everybody(sig);
	else
		result = kill_group_checked(nr ? find_pid_locked(-nr) : task_pgrp(current), sig);
	spin_unlock_irq(&tasklist_lock);
	return result;
}

static long send_to_thread(pid_t tgid, pid_t tid, int sig, struct kernel_siginfo *info)
{
	struct task *p;
	long result = -ESRCH;

	spin_lock_irq(&tasklist_lock);
	p = pid_task_locked(find_pid_locked(tid), PIDTYPE_PID);
	if (p && (tgid <= 0 || p->tgid == tgid)) {
		result = send_checked(sig, p, info, false);
		/* It has just ended: as good as delivered. */
		if (result == -ESRCH && p->exit_state)
			result = 0;
	}
	spin_unlock_irq(&tasklist_lock);
	return result;
}

static struct kernel_siginfo tkill_info(int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_TKILL };

	info.rt.pid = current->tgid;
	info.rt.uid = current_uid();
	return info;
}

SYSCALL_DEFINE3(tgkill, pid_t, tgid, pid_t, tid, int, sig)
{
	struct kernel_siginfo info = tkill_info(sig);

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	return send_to_thread(tgid, tid, sig, &info);
}

SYSCALL_DEFINE2(tkill, pid_t, tid, int, sig)
{
	struct kernel_siginfo info = tkill_info(sig);

	if (tid <= 0)
		return -EINVAL;
	return send_to_thread(0, tid, sig, &info);
}

static int read_siginfo(struct kernel_siginfo *info, const struct kernel_siginfo *uinfo, int sig,
			pid_t target)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	info->si_signo = sig;
	/* Only the kernel may say that the kernel, or kill(2), sent it. */
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && target != current->tgid &&
	    target != current->pid)
		return -EPERM;
	return 0;
}

SYSCALL_DEFINE3(rt_sigqueueinfo, pid_t, nr, int, sig, const struct kernel_siginfo *, uinfo)
{
	struct kernel_siginfo info;
	struct pid *pid;
	int result = read_siginfo(&info, uinfo, sig, nr);

	if (result)
		return result;
	pid = find_get_pid(nr);
	result = pid ? kill_pid_checked(pid, sig, &info) : -ESRCH;
	put_pid(pid);
	return result;
}

SYSCALL_DEFINE4(rt_tgsigqueueinfo, pid_t, tgid, pid_t, tid, int, sig, const struct kernel_siginfo *,
		uinfo)
{
	struct kernel_siginfo info;
	int result = read_siginfo(&info, uinfo, sig, tid);

	if (result)
		return result;
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	return send_to_thread(tgid, tid, sig, &info);
}

/* ---- waiting ---- */

static int sig_wait(u64 set, struct kernel_siginfo *info, u64 deadline)
{
	struct task *p = current;
	int sig;

	spin_lock_irq(&p->sighand->lock);
	sig = dequeue_signal(~set, info);
	if (!sig && deadline) {
		/* The awaited ones wake this thread though they are blocked. */
		p->real_blocked = p->blocked;
		p->blocked &= ~set;
		recalc_sigpending();
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&p->sighand->lock);
		if (!signal_pending(p))
			(void)schedule_until(deadline);
		__set_current_state(TASK_RUNNING);
		spin_lock_irq(&p->sighand->lock);
		p->blocked = p->real_blocked;
		p->real_blocked = 0;
		sig = dequeue_signal(~set, info);
	}
	recalc_sigpending();
	spin_unlock_irq(&p->sighand->lock);
	return sig;
}

SYSCALL_DEFINE4(rt_sigtimedwait, const u64 *, uset, struct kernel_siginfo *, uinfo,
		const struct timespec64 *, utime, size_t, size)
{
	struct kernel_siginfo info;
	struct timespec64 ts;
	u64 set, deadline = MAX_SCHEDULE_TIMEOUT;
	char rest[SIGINFO_BYTES - sizeof(info)];
	int sig;

	if (size != sizeof(u64))
		return -EINVAL;
	if (copy_from_user(&set, uset, sizeof(set)))
		return -EFAULT;
	if (utime) {
		if (copy_from_user(&ts, utime, sizeof(ts)))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = timespec_to_ns(&ts) ? deadline_after(timespec_to_ns(&ts)) : 0;
	}
	sig = sig_wait(set & ~UNBLOCKABLE, &info, deadline);
	if (!sig)
		return signal_pending(current) ? -EINTR : -EAGAIN;
	if (!uinfo)
		return sig;
	memset(rest, 0, sizeof(rest));
	if (copy_to_user(uinfo, &info, sizeof(info)) ||
	    copy_to_user((char *)uinfo + sizeof(info), rest, sizeof(rest)))
		return -EFAULT;
	return sig;
}

SYSCALL_DEFINE0(restart_syscall)
{
	struct restart_block *block = &current->restart_block;

	return block->fn ? block->fn(block) : -EINTR;
}
