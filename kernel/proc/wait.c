/* SPDX-License-Identifier: MIT */
/* wait.c - wait4 and waitid: which children have ended, stopped or gone on. */
#include "proc/cred.h"
#include "proc/fork.h"
#include "proc/pidfd.h"
#include "proc/rusage.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define WNOHANG 1
#define WUNTRACED 2
#define WSTOPPED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE (int)0x80000000

enum wait_which { P_ALL, P_PID, P_PGID, P_PIDFD };

struct wait_request {
	enum pid_type type;	/* PIDTYPE_MAX: any child */
	struct pid *pid;
	int options;
	/* what was found */
	pid_t child;
	uid_t uid;
	int status, code;	/* of wait4; cause and value of waitid */
	int value;
	struct rusage usage;
	bool want_usage;
	struct task *release;	/* to be dropped after the lock */
};

static bool eligible(const struct wait_request *rq, struct task *p)
{
	bool clone_child = p->exit_signal != SIGCHLD;

	if (rq->type == PIDTYPE_PGID && task_pgrp(p) != rq->pid)
		return false;
	if ((rq->type == PIDTYPE_PID || rq->type == PIDTYPE_TGID) && p->thread_pid != rq->pid)
		return false;
	return rq->options & __WALL || clone_child == !!(rq->options & __WCLONE);
}

static void describe(struct wait_request *rq, struct task *p)
{
	rq->child = p->pid;
	rq->uid = p->cred->uid;
	if (rq->want_usage)
		task_rusage(p, RUSAGE_BOTH, &rq->usage);
}

static void add_child_figures(struct signal *to, struct task *p)
{
	struct signal *sig = p->signal;
	u64 utime, stime;

	task_cputime(p, &utime, &stime);
	spin_lock(&current->sighand->lock);
	to->cutime += utime + sig->utime + sig->cutime;
	to->cstime += stime + sig->stime + sig->cstime;
	to->cmin_flt += p->ctx.min_flt + sig->min_flt + sig->cmin_flt;
	to->cmaj_flt += p->ctx.maj_flt + sig->maj_flt + sig->cmaj_flt;
	to->cnvcsw += p->nvcsw + sig->nvcsw + sig->cnvcsw;
	to->cnivcsw += p->nivcsw + sig->nivcsw + sig->cnivcsw;
	to->cinblock += p->inblock + sig->inblock + sig->cinblock;
	to->coublock += p->oublock + sig->oublock + sig->coublock;
	if (sig->maxrss > to->cmaxrss)
		to->cmaxrss = sig->maxrss;
	if (sig->cmaxrss > to->cmaxrss)
		to->cmaxrss = sig->cmaxrss;
	spin_unlock(&current->sighand->lock);
}

/* tasklist_lock held. True: *rq tells about the zombie, which is gone unless WNOWAIT. */
static bool wait_zombie(struct wait_request *rq, struct task *p)
{
	int code = p->signal->flags & SIGNAL_GROUP_EXIT ? p->signal->group_exit_code : p->exit_code;

	describe(rq, p);
	rq->status = code;
	if ((code & 0x7f) == 0) {
		rq->code = CLD_EXITED;
		rq->value = code >> 8;
	} else {
		rq->code = code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		rq->value = code & 0x7f;
	}
	if (rq->options & WNOWAIT)
		return true;
	p->exit_state = EXIT_DEAD;
	add_child_figures(current->signal, p);
	(void)release_task_locked(p);
	rq->release = p;
	return true;
}

static bool wait_stopped(struct wait_request *rq, struct task *p)
{
	struct signal *sig = p->signal;
	int code;

	if (!(sig->flags & SIGNAL_STOP_STOPPED) || sig->flags & SIGNAL_GROUP_EXIT ||
	    !sig->group_exit_code)
		return false;
	spin_lock(&p->sighand->lock);
	code = sig->group_exit_code;
	if (code && !(rq->options & WNOWAIT))
		sig->group_exit_code = 0;
	spin_unlock(&p->sighand->lock);
	if (!code)
		return false;
	describe(rq, p);
	rq->status = code << 8 | 0x7f;
	rq->code = CLD_STOPPED;
	rq->value = code;
	return true;
}

static bool wait_continued(struct wait_request *rq, struct task *p)
{
	struct signal *sig = p->signal;

	spin_lock(&p->sighand->lock);
	if (!(sig->flags & SIGNAL_STOP_CONTINUED)) {
		spin_unlock(&p->sighand->lock);
		return false;
	}
	if (!(rq->options & WNOWAIT))
		sig->flags &= ~(unsigned int)SIGNAL_STOP_CONTINUED;
	spin_unlock(&p->sighand->lock);
	describe(rq, p);
	rq->status = 0xffff;
	rq->code = CLD_CONTINUED;
	rq->value = SIGCONT;
	return true;
}

/* 1: found; 0: children, but none with news; -ECHILD. tasklist_lock held. */
static int scan_children(struct wait_request *rq, struct task *parent)
{
	struct task *p;
	int result = -ECHILD;

	list_for_each_entry(p, &parent->children, sibling) {
		if (p->exit_state == EXIT_DEAD || !eligible(rq, p))
			continue;
		result = 0;
		if (p->exit_state == EXIT_ZOMBIE && list_is_singular(&p->signal->threads)) {
			if (rq->options & WEXITED && wait_zombie(rq, p))
				return 1;
			continue;
		}
		if (rq->options & WSTOPPED && wait_stopped(rq, p))
			return 1;
		if (rq->options & WCONTINUED && wait_continued(rq, p))
			return 1;
	}
	return result;
}

static int scan_family(struct wait_request *rq)
{
	struct task *t;
	int result, best = -ECHILD;

	if (rq->type != PIDTYPE_MAX && !rq->pid)
		return -ECHILD;
	if (rq->options & __WNOTHREAD)
		return scan_children(rq, current);
	for_each_thread(current->signal, t) {
		result = scan_children(rq, t);
		if (result == 1)
			return 1;
		if (!result)
			best = 0;
	}
	return best;
}

static int scan_once(struct wait_request *rq)
{
	int result;

	spin_lock_irq(&tasklist_lock);
	result = scan_family(rq);
	spin_unlock_irq(&tasklist_lock);
	if (rq->release) {
		put_task(rq->release);
		task_stacks_drain();
		rq->release = NULL;
	}
	return result;
}

/* The child's number, 0 (WNOHANG), -ECHILD, -ERESTARTSYS. */
static long do_wait(struct wait_request *rq)
{
	struct waitq_entry entry;
	long result;

	rq->release = NULL;
	rq->child = 0;
	result = scan_once(rq);
	if (result == 1)
		return rq->child;
	if (result || rq->options & WNOHANG)
		return result;
	waitq_entry_init(&entry);
	for (;;) {
		waitq_prepare(&current->signal->wait_chldexit, &entry, TASK_INTERRUPTIBLE);
		result = scan_once(rq);
		if (result)
			break;
		if (signal_pending(current)) {
			result = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	waitq_finish(&current->signal->wait_chldexit, &entry);
	return result == 1 ? rq->child : result;
}

SYSCALL_DEFINE4(wait4, pid_t, nr, int *, status, int, options, struct rusage *, usage)
{
	struct wait_request rq = { .type = PIDTYPE_MAX,
				   .options = options | WEXITED,
				   .want_usage = usage };
	long result;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (nr == INT32_MIN)
		return -ESRCH;
	if (nr > 0) {
		rq.type = PIDTYPE_PID;
		rq.pid = find_get_pid(nr);
	} else if (nr < -1) {
		rq.type = PIDTYPE_PGID;
		rq.pid = find_get_pid(-nr);
	} else if (nr == 0) {
		rq.type = PIDTYPE_PGID;
		rq.pid = get_pid(task_pgrp(current));
	}
	result = do_wait(&rq);
	put_pid(rq.pid);
	if (result <= 0)
		return result;
	if (status && put_user(rq.status, status))
		return -EFAULT;
	if (usage && copy_to_user(usage, &rq.usage, sizeof(rq.usage)))
		return -EFAULT;
	return result;
}

static int waitid_target(struct wait_request *rq, int which, pid_t nr)
{
	bool nonblock = false;

	switch (which) {
	case P_ALL:
		return 0;
	case P_PID:
		if (nr <= 0)
			return -EINVAL;
		rq->type = PIDTYPE_PID;
		rq->pid = find_get_pid(nr);
		return 0;
	case P_PGID:
		if (nr < 0)
			return -EINVAL;
		rq->type = PIDTYPE_PGID;
		rq->pid = nr ? find_get_pid(nr) : get_pid(task_pgrp(current));
		return 0;
	case P_PIDFD:
		if (nr < 0)
			return -EINVAL;
		rq->type = PIDTYPE_PID;
		rq->pid = pidfd_get_pid((unsigned int)nr, &nonblock);
		if (IS_ERR(rq->pid))
			return (int)PTR_ERR(rq->pid);
		return nonblock ? 1 : 0;
	}
	return -EINVAL;
}

SYSCALL_DEFINE5(waitid, int, which, pid_t, nr, struct kernel_siginfo *, uinfo, int, options,
		struct rusage *, usage)
{
	struct wait_request rq = { .type = PIDTYPE_MAX, .options = options, .want_usage = usage };
	struct kernel_siginfo info = { 0 };
	long result;
	int nonblock;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	nonblock = waitid_target(&rq, which, nr);
	if (nonblock < 0)
		return nonblock;
	if (nonblock)
		rq.options |= WNOHANG;
	result = do_wait(&rq);
	put_pid(rq.pid);
	if (!result && nonblock && !(options & WNOHANG))
		return -EAGAIN;
	if (result < 0)
		return result;
	if (result > 0) {
		info.si_signo = SIGCHLD;
		info.si_code = rq.code;
		info.chld.pid = (int)result;
		info.chld.uid = rq.uid;
		info.chld.status = rq.value;
		if (usage && copy_to_user(usage, &rq.usage, sizeof(rq.usage)))
			return -EFAULT;
	}
	if (uinfo && copy_to_user(uinfo, &info, 40))
		return -EFAULT;
	return 0;
}
