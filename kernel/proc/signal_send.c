/* SPDX-License-Identifier: MIT */
/* signal_send.c - sending: who may ignore it, whom it wakes, what it kills. */
#include "proc/cred.h"
#include "proc/sigqueue.h"

#define SIG_KERNEL_STOP (sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_KERNEL_IGNORE \
	(sigmask(SIGCONT) | sigmask(SIGCHLD) | sigmask(SIGWINCH) | sigmask(SIGURG))

struct sighand *lock_task_sighand(struct task *p, unsigned long *flags)
{
	struct sighand *sighand;

	for (;;) {
		*flags = irq_save();
		sighand = READ_ONCE(p->sighand);
		if (!sighand)
			break;
		spin_lock(&sighand->lock);
		if (sighand == p->sighand && !p->reaped)
			return sighand;
		spin_unlock(&sighand->lock);
		if (p->reaped)
			break;
		irq_restore(*flags);
	}
	irq_restore(*flags);
	return NULL;
}

/* ---- ignored? ---- */

static bool default_ignored(int sig)
{
	return sigmask(sig) & SIG_KERNEL_IGNORE;
}

static bool handler_ignores(struct task *t, int sig)
{
	unsigned long handler = t->sighand->action[sig - 1].handler;

	return handler == SIG_IGN || (handler == SIG_DFL && default_ignored(sig));
}

static bool sig_ignored(struct task *t, int sig, bool forced)
{
	/* Blocked ones are kept: their handler may change before they are let in. */
	if ((t->blocked | t->real_blocked) & sigmask(sig))
		return false;
	if (t->flags & PF_KTHREAD)
		return true;
	if (t->signal->flags & SIGNAL_UNKILLABLE &&
	    t->sighand->action[sig - 1].handler == SIG_DFL && !forced)
		return true;
	return handler_ignores(t, sig);
}

bool sig_ignored_or_blocked(struct task *p, int sig)
{
	return p->blocked & sigmask(sig) || p->sighand->action[sig - 1].handler == SIG_IGN;
}

/* ---- waking ---- */

void signal_wake_up(struct task *p, bool fatal)
{
	set_thread_flag(&p->thread, TIF_SIGPENDING);
	if (!try_to_wake_up(p, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL | TASK_STOPPED : 0)))
		kick_process(p);
}

static bool wants_signal(int sig, struct task *p)
{
	if (p->blocked & sigmask(sig) || p->flags & PF_EXITING)
		return false;
	if (sig == SIGKILL)
		return true;
	return !(p->state & TASK_STOPPED);
}

static struct task *choose_thread(int sig, struct task *p, bool group)
{
	struct signal *signal = p->signal;
	struct task *t;

	if (wants_signal(sig, p))
		return p;
	if (!group || list_is_singular(&signal->threads))
		return NULL;
	t = signal->curr_target;
	if (t && wants_signal(sig, t))
		return t;
	for_each_thread(signal, t) {
		if (wants_signal(sig, t)) {
			signal->curr_target = t;
			return t;
		}
	}
	return NULL;
}

static bool is_fatal(struct task *p, int sig)
{
	if (sig == SIGKILL)
		return true;
	return p->sighand->action[sig - 1].handler == SIG_DFL &&
	       !(sigmask(sig) & (SIG_KERNEL_STOP | SIG_KERNEL_IGNORE));
}

static void kill_group(struct task *p, int sig)
{
	struct task *t;

	p->signal->flags = SIGNAL_GROUP_EXIT | (p->signal->flags & SIGNAL_UNKILLABLE);
	p->signal->group_exit_code = sig;
	p->signal->group_stop_count = 0;
	for_each_thread(p->signal, t) {
		t->jobctl = 0;
		t->pending.signal |= sigmask(SIGKILL);
		signal_wake_up(t, true);
	}
}

static void complete_signal(int sig, struct task *p, bool group)
{
	struct task *t = choose_thread(sig, p, group);

	if (!t)
		return;
	if (is_fatal(p, sig) && !(p->signal->flags & (SIGNAL_GROUP_EXIT | SIGNAL_UNKILLABLE)) &&
	    !(t->real_blocked & sigmask(sig))) {
		kill_group(p, sig);
		return;
	}
	signal_wake_up(t, sig == SIGKILL);
}

/* SIGCONT ends a stop and a stop signal takes back SIGCONT, whether or not they are delivered. */
static void wake_stopped(struct task *p)
{
	struct signal *signal = p->signal;
	struct task *t;
	unsigned int why = 0;

	flush_signal_mask(&signal->shared_pending, SIG_KERNEL_STOP);
	for_each_thread(signal, t) {
		flush_signal_mask(&t->pending, SIG_KERNEL_STOP);
		t->jobctl = 0;
		try_to_wake_up(t, TASK_STOPPED);
	}
	if (signal->flags & SIGNAL_STOP_STOPPED)
		why = SIGNAL_CLD_CONTINUED;
	else if (signal->group_stop_count)
		why = SIGNAL_CLD_STOPPED;
	signal->group_stop_count = 0;
	if (!why)
		return;
	signal->flags = (signal->flags & SIGNAL_UNKILLABLE) | why | SIGNAL_STOP_CONTINUED;
	signal->group_exit_code = 0;
	/* A thread tells the parent on its way back to user mode. */
	set_thread_flag(&p->thread, TIF_SIGPENDING);
}

/* True: the signal is to be queued. */
static bool prepare_signal(int sig, struct task *p, bool forced)
{
	struct task *t;

	if (p->signal->flags & SIGNAL_GROUP_EXIT)
		return sig == SIGKILL;
	if (sigmask(sig) & SIG_KERNEL_STOP) {
		flush_signal_mask(&p->signal->shared_pending, sigmask(SIGCONT));
		for_each_thread(p->signal, t)
			flush_signal_mask(&t->pending, sigmask(SIGCONT));
	} else if (sig == SIGCONT) {
		wake_stopped(p);
	}
	return !sig_ignored(p, sig, forced);
}

static void fill_info(struct kernel_siginfo *to, int sig, struct kernel_siginfo *from)
{
	if (from != SEND_SIG_NOINFO && from != SEND_SIG_PRIV) {
		*to = *from;
		return;
	}
	*to = (struct kernel_siginfo){ .si_signo = sig };
	if (from == SEND_SIG_PRIV) {
		to->si_code = SI_KERNEL;
	} else {
		to->si_code = SI_USER;
		to->rt.pid = current->tgid;
		to->rt.uid = current_uid();
	}
}

static bool from_kernel(struct kernel_siginfo *info)
{
	return info == SEND_SIG_PRIV || (info != SEND_SIG_NOINFO && info->si_code > 0);
}

/* Files outlive the process whose signals they show, so their pollers do not wait in its
 * sighand. */
DEFINE_WAITQ(signalfd_wait);

static void tell_watchers(struct task *t)
{
	waitq_wake_all(&t->sighand->wait);
	waitq_wake_all(&signalfd_wait);
}

int send_signal_locked(int sig, struct kernel_siginfo *info, struct task *t, bool group)
{
	struct sigpending *pending = group ? &t->signal->shared_pending : &t->pending;
	struct sigqueue *q;

	assert_spin_locked(&t->sighand->lock);
	if (!prepare_signal(sig, t, from_kernel(info)))
		return 0;
	if (sig < SIGRTMIN && pending->signal & sigmask(sig))
		return 0;
	/* SIGKILL needs no explanation. */
	if (sig != SIGKILL && !(t->flags & PF_KTHREAD)) {
		q = sigqueue_alloc(t, sig < SIGRTMIN && from_kernel(info));
		if (q) {
			fill_info(&q->info, sig, info);
			list_add_tail(&q->list, &pending->list);
		} else if (sig >= SIGRTMIN && info != SEND_SIG_NOINFO && info != SEND_SIG_PRIV &&
			   info->si_code != SI_USER) {
			return -EAGAIN;
		}
	}
	pending->signal |= sigmask(sig);
	tell_watchers(t);
	complete_signal(sig, t, group);
	return 0;
}

void send_sigqueue_locked(struct sigqueue *q, struct task *t, bool group)
{
	struct sigpending *pending = group ? &t->signal->shared_pending : &t->pending;
	int sig = q->info.si_signo;

	assert_spin_locked(&t->sighand->lock);
	if (!prepare_signal(sig, t, false))
		return;
	list_add_tail(&q->list, &pending->list);
	pending->signal |= sigmask(sig);
	tell_watchers(t);
	complete_signal(sig, t, group);
}

static int send_to(int sig, struct task *p, struct kernel_siginfo *info, bool group)
{
	unsigned long flags;
	struct sighand *sighand = lock_task_sighand(p, &flags);
	int error;

	if (!sighand)
		return -ESRCH;
	error = send_signal_locked(sig, info, p, group);
	unlock_task_sighand(sighand, flags);
	return error;
}

int send_sig(int sig, struct task *p, struct kernel_siginfo *info)
{
	return send_to(sig, p, info, false);
}

int group_send_sig(int sig, struct task *p, struct kernel_siginfo *info)
{
	return send_to(sig, p, info, true);
}

int kill_pgrp_locked(struct pid *pgrp, int sig, struct kernel_siginfo *info)
{
	struct task *p;
	int error, result = -ESRCH;

	if (!pgrp)
		return -ESRCH;
	for_each_pid_task(p, pgrp, PIDTYPE_PGID) {
		error = group_send_sig(sig, p, info);
		if (result)
			result = error;
	}
	return result;
}

int kill_pgrp(struct pid *pgrp, int sig, struct kernel_siginfo *info)
{
	unsigned long flags;
	int result;

	spin_lock_irqsave(&tasklist_lock, flags);
	result = kill_pgrp_locked(pgrp, sig, info);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return result;
}

int kill_pid(struct pid *pid, int sig, struct kernel_siginfo *info)
{
	unsigned long flags;
	struct task *p;
	int result = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, flags);
	p = pid_task_locked(pid, PIDTYPE_TGID);
	if (!p)
		p = pid_task_locked(pid, PIDTYPE_PID);
	if (p)
		result = group_send_sig(sig, p, info);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return result;
}

void kill_process(struct task *p)
{
	group_send_sig(SIGKILL, p, SEND_SIG_PRIV);
}

/* A signal that the current task cannot escape: if it blocks or ignores it, it dies of it. */
static void force_info(struct kernel_siginfo *info, bool fatal)
{
	struct task *t = current;
	struct k_sigaction *action = &t->sighand->action[info->si_signo - 1];
	unsigned long flags;
	bool blocked;

	spin_lock_irqsave(&t->sighand->lock, flags);
	blocked = t->blocked & sigmask(info->si_signo);
	if (blocked || fatal || action->handler == SIG_IGN) {
		action->handler = SIG_DFL;
		t->blocked &= ~sigmask(info->si_signo);
	}
	if (action->handler == SIG_DFL)
		t->signal->flags &= ~(unsigned int)SIGNAL_UNKILLABLE;
	send_signal_locked(info->si_signo, info, t, false);
	recalc_sigpending();
	spin_unlock_irqrestore(&t->sighand->lock, flags);
}

/* A lost page is lost as a whole: the lowest bit of the address that counts. */
#define PAGE_LSB 12

void force_sig_fault(int sig, int code, unsigned long addr)
{
	struct kernel_siginfo info = { .si_signo = sig,
				       .si_code = code,
				       .fault = { .addr = addr } };

	force_info(&info, false);
}

void force_sig_mceerr(int code, unsigned long addr)
{
	struct kernel_siginfo info = { .si_signo = SIGBUS,
				       .si_code = code,
				       .fault = { .addr = addr, .addr_lsb = PAGE_LSB } };

	force_info(&info, false);
}

void force_sig_pkuerr(unsigned long addr, u32 pkey)
{
	struct kernel_siginfo info = { .si_signo = SIGSEGV,
				       .si_code = SEGV_PKUERR,
				       .fault = { .addr = addr, .pkey = pkey } };

	force_info(&info, false);
}

void force_sig(int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_KERNEL };

	force_info(&info, false);
}

void force_fatal_sig(int sig)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = SI_KERNEL };

	force_info(&info, true);
}
