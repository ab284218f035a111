/* SPDX-License-Identifier: MIT */
/* signal_notify.c - telling the parent that a process ended, stopped or went on. */
#include "proc/cred.h"
#include "proc/sigqueue.h"

static void child_info(struct kernel_siginfo *info, struct task *p, int sig)
{
	*info = (struct kernel_siginfo){ .si_signo = sig };
	info->chld.pid = p->pid;
	info->chld.uid = p->cred->uid;
}

/* tasklist_lock held. */
bool do_notify_parent(struct task *p, int sig)
{
	struct task *parent = p->real_parent;
	struct sighand *psig = parent->sighand;
	int code = p->signal->flags & SIGNAL_GROUP_EXIT ? p->signal->group_exit_code : p->exit_code;
	struct kernel_siginfo info;
	bool reap = false;

	waitq_wake_all(&p->thread_pid->wait_pidfd);
	if (parent->flags & PF_KTHREAD)
		return true;
	child_info(&info, p, sig);
	info.chld.status = code & 0x7f;
	if (code & 0x80)
		info.si_code = CLD_DUMPED;
	else if (code & 0x7f)
		info.si_code = CLD_KILLED;
	else {
		info.si_code = CLD_EXITED;
		info.chld.status = code >> 8;
	}
	spin_lock(&psig->lock);
	if (sig == SIGCHLD && (psig->action[SIGCHLD - 1].handler == SIG_IGN ||
			       psig->action[SIGCHLD - 1].flags & SA_NOCLDWAIT)) {
		reap = true;
		if (psig->action[SIGCHLD - 1].handler == SIG_IGN)
			sig = 0;
	}
	if (sig > 0 && !parent->reaped)
		send_signal_locked(sig, &info, parent, true);
	spin_unlock(&psig->lock);
	waitq_wake_all(&parent->signal->wait_chldexit);
	return reap;
}

/* No lock held: the process of @p has stopped or gone on. */
void notify_parent_stopped(struct task *p, int why)
{
	struct kernel_siginfo info;
	struct sighand *psig;
	struct task *parent;
	unsigned long flags;

	spin_lock_irqsave(&tasklist_lock, flags);
	p = p->group_leader;
	parent = p->real_parent;
	psig = parent->sighand;
	child_info(&info, p, SIGCHLD);
	info.si_code = why;
	info.chld.status = why == CLD_STOPPED ? p->signal->group_exit_code & 0x7f : SIGCONT;
	spin_lock(&psig->lock);
	if (psig->action[SIGCHLD - 1].handler != SIG_IGN &&
	    !(psig->action[SIGCHLD - 1].flags & SA_NOCLDSTOP) && !parent->reaped)
		send_signal_locked(SIGCHLD, &info, parent, true);
	spin_unlock(&psig->lock);
	waitq_wake_all(&parent->signal->wait_chldexit);
	spin_unlock_irqrestore(&tasklist_lock, flags);
}
