/* SPDX-License-Identifier: MIT */
/* signal_send.c - sending: what is queued, whom it wakes, what it kills. */
#include "lib/printk.h"
#include "proc/cred.h"
#include "proc/fork.h"
#include "proc/sigqueue.h"
#include "quire/slab.h"

#define SIG_KERNEL_STOP (sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_KERNEL_IGNORE (sigmask(SIGCONT) | sigmask(SIGCHLD) | sigmask(SIGWINCH) | sigmask(SIGURG))
/* Caused by the current instruction: delivered before all others. */
#define SIG_SYNCHRONOUS (sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGTRAP) | \
			 sigmask(SIGFPE) | sigmask(SIGSYS))

static struct kmem_cache *sigqueue_cache;

void signal_init(void)
{
	sigqueue_cache = KMEM_CACHE(sigqueue, SLAB_PANIC);
}

struct sigqueue *sigqueue_alloc(struct task *t, bool must)
{
	struct user_struct *user = t->cred->user;
	struct sigqueue *q;

	if ((u64)atomic_inc_return(&user->sigpending) > t->signal->rlim[RLIMIT_SIGPENDING].rlim_cur && !must) {
		atomic_dec(&user->sigpending);
		return NULL;
	}
	q = kmem_cache_alloc(sigqueue_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!q) {
		atomic_dec(&user->sigpending);
		return NULL;
	}
	INIT_LIST_HEAD(&q->list);
	refcount_inc(&user->refs);
	q->user = user;
	q->preallocated = false;
	return q;
}

void sigqueue_free(struct sigqueue *q)
{
	atomic_dec(&q->user->sigpending);
	user_put(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

void flush_sigqueue(struct sigpending *pending)
{
	struct sigqueue *q;

	pending->signal = 0;
	while (!list_empty(&pending->list)) {
		q = list_first_entry(&pending->list, struct sigqueue, list);
		list_del_init(&q->list);
		if (!q->preallocated)
			sigqueue_free(q);
	}
}

static void flush_mask(struct sigpending *pending, u64 mask)
{
	struct sigqueue *q, *next;

	if (!(pending->signal & mask))
		return;
	pending->signal &= ~mask;
	list_for_each_entry_safe(q, next, &pending->list, list) {
		if (!(sigmask(q->info.si_signo) & mask))
			continue;
		list_del_init(&q->list);
		if (!q->preallocated)
			sigqueue_free(q);
	}
}

void flush_pending_signal(struct sigpending *pending, int sig)
{
	flush_mask(pending, sigmask(sig));
}

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
	if (t->signal->flags & SIGNAL_UNKILLABLE && t->sighand->action[sig - 1].handler == SIG_DFL && !forced)
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
	return p->sighand->action[sig - 1].handler == SIG_DFL && !(sigmask(sig) & (SIG_KERNEL_STOP | SIG_KERNEL_IGNORE));
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

	flush_mask(&signal->shared_pending, SIG_KERNEL_STOP);
	for_each_thread(signal, t) {
		flush_mask(&t->pending, SIG_KERNEL_STOP);
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
		flush_mask(&p->signal->shared_pending, sigmask(SIGCONT));
		for_each_thread(p->signal, t)
			flush_mask(&t->pending, sigmask(SIGCONT));
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

/* Files outlive the process whose signals they show, so their pollers do not wait in its sighand. */
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

void force_sig_fault(int sig, int code, unsigned long addr)
{
	struct kernel_siginfo info = { .si_signo = sig, .si_code = code, .fault = { .addr = addr } };

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

/* ---- to the parent ---- */

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
	if (psig->action[SIGCHLD - 1].handler != SIG_IGN && !(psig->action[SIGCHLD - 1].flags & SA_NOCLDSTOP) &&
	    !parent->reaped)
		send_signal_locked(SIGCHLD, &info, parent, true);
	spin_unlock(&psig->lock);
	waitq_wake_all(&parent->signal->wait_chldexit);
	spin_unlock_irqrestore(&tasklist_lock, flags);
}

/* ---- taking ---- */

static int next_signal(u64 pending)
{
	if (!pending)
		return 0;
	if (pending & SIG_SYNCHRONOUS)
		pending &= SIG_SYNCHRONOUS;
	return __builtin_ctzll(pending) + 1;
}

static void collect(int sig, struct sigpending *pending, struct kernel_siginfo *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry(q, &pending->list, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		pending->signal &= ~sigmask(sig);
	if (!first) {
		*info = (struct kernel_siginfo){ .si_signo = sig, .si_code = SI_USER };
		return;
	}
	*info = first->info;
	list_del_init(&first->list);
	if (!first->preallocated)
		sigqueue_free(first);
}

int dequeue_signal(u64 mask, struct kernel_siginfo *info)
{
	struct sigpending *pending = &current->pending;
	int sig = next_signal(pending->signal & ~mask);

	if (!sig) {
		pending = &current->signal->shared_pending;
		sig = next_signal(pending->signal & ~mask);
	}
	if (sig) {
		collect(sig, pending, info);
		if (info->si_code == SI_TIMER)
			posix_timer_delivered(info);
	}
	recalc_sigpending();
	return sig;
}

void recalc_sigpending(void)
{
	struct task *t = current;

	if (((t->pending.signal | t->signal->shared_pending.signal) & ~t->blocked) || t->jobctl ||
	    t->signal->flags & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED))
		set_thread_flag(&t->thread, TIF_SIGPENDING);
	else
		clear_thread_flag(&t->thread, TIF_SIGPENDING);
}

void task_signal_sets(struct task *p, u64 *pending, u64 *shared, u64 *blocked, u64 *ignored, u64 *caught)
{
	unsigned long flags, handler;
	struct sighand *sighand = lock_task_sighand(p, &flags);
	int i;

	*pending = *shared = *blocked = *ignored = *caught = 0;
	if (!sighand)
		return;
	*pending = p->pending.signal;
	*shared = p->signal->shared_pending.signal;
	*blocked = p->blocked;
	for (i = 1; i <= NSIG; i++) {
		handler = sighand->action[i - 1].handler;
		if (handler == SIG_IGN)
			*ignored |= sigmask(i);
		else if (handler != SIG_DFL)
			*caught |= sigmask(i);
	}
	unlock_task_sighand(sighand, flags);
}

void flush_signal_handlers(struct sighand *sighand, bool force_default)
{
	int i;

	for (i = 0; i < NSIG; i++) {
		struct k_sigaction *ka = &sighand->action[i];

		if (force_default || ka->handler != SIG_IGN)
			ka->handler = SIG_DFL;
		ka->flags = 0;
		ka->restorer = 0;
		ka->mask = 0;
	}
}
