/* SPDX-License-Identifier: MIT */
/* signal_deliver.c - at the return to user mode: stop, die, or run a handler; restart what was
 * interrupted. */
#include "arch/syscall_list.h"
#include "lib/printk.h"
#include "proc/fork.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "sched/wait.h"

#define SIG_STOP_TTY (sigmask(SIGTSTP) | sigmask(SIGTTIN) | sigmask(SIGTTOU))
#define SIG_STOP (sigmask(SIGSTOP) | SIG_STOP_TTY)
#define SIG_IGNORED (sigmask(SIGCONT) | sigmask(SIGCHLD) | sigmask(SIGWINCH) | sigmask(SIGURG))

#define JOBCTL_STOP_PENDING 1u	/* take part in the group stop */

/* sighand->lock held. True: all threads have stopped now, the parent is to be told. */
static bool stop_take_part(struct task *p)
{
	struct signal *sig = p->signal;

	if (!(p->jobctl & JOBCTL_STOP_PENDING))
		return false;
	p->jobctl = 0;
	if (sig->group_stop_count > 0)
		sig->group_stop_count--;
	if (sig->group_stop_count || sig->flags & SIGNAL_STOP_STOPPED)
		return false;
	sig->flags = (sig->flags & SIGNAL_UNKILLABLE) | SIGNAL_STOP_STOPPED;
	return true;
}

void stop_leave_group(struct task *p)
{
	if (!(p->jobctl & JOBCTL_STOP_PENDING))
		return;
	if (stop_take_part(p))
		p->signal->flags |= SIGNAL_CLD_STOPPED;
}

/* sighand->lock held, released: this thread and all others stop until SIGCONT or SIGKILL. */
static void do_signal_stop(int signr)
{
	struct task *p = current, *t;
	struct signal *sig = p->signal;
	bool last;

	if (signr) {
		if (!(sig->flags & SIGNAL_STOP_STOPPED))
			sig->group_exit_code = signr;
		sig->group_stop_count = 0;
		for_each_thread(sig, t) {
			if (t->flags & PF_EXITING || t->state & TASK_STOPPED)
				continue;
			t->jobctl = JOBCTL_STOP_PENDING;
			sig->group_stop_count++;
			if (t != p)
				signal_wake_up(t, false);
		}
	}
	last = stop_take_part(p);
	set_current_state(TASK_STOPPED);
	spin_unlock_irq(&p->sighand->lock);
	if (last)
		notify_parent_stopped(p, CLD_STOPPED);
	schedule();
	__set_current_state(TASK_RUNNING);
}

/* A stop or a continuation that the parent has not heard of. sighand->lock held; true: was
 * released. */
static bool tell_parent(struct signal *sig)
{
	unsigned int flags = sig->flags & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED);

	if (!flags)
		return false;
	sig->flags &= ~flags;
	spin_unlock_irq(&current->sighand->lock);
	notify_parent_stopped(current, flags & SIGNAL_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED);
	return true;
}

static void __attribute__((noreturn)) die_of(int sig)
{
	do_group_exit(sig);
}

/* sighand->lock held. What the default action of @sig means: 0 next, else the lock was released. */
static bool default_action(int sig)
{
	struct signal *signal = current->signal;

	if (sigmask(sig) & SIG_IGNORED)
		return false;
	if (signal->flags & SIGNAL_UNKILLABLE && sig != SIGSTOP &&
	    !(signal->flags & SIGNAL_GROUP_EXIT))
		return false;
	if (sigmask(sig) & SIG_STOP) {
		if (signal->flags & SIGNAL_UNKILLABLE)
			return false;
		if (sig != SIGSTOP) {
			spin_unlock_irq(&current->sighand->lock);
			if (is_current_pgrp_orphaned())
				return true;
			spin_lock_irq(&current->sighand->lock);
		}
		do_signal_stop(sig);
		return true;
	}
	spin_unlock_irq(&current->sighand->lock);
	die_of(sig);
}

/* A signal with a handler: copied to *ka, lock released; 0: none left. */
static int get_signal(struct kernel_siginfo *info, struct k_sigaction *ka)
{
	struct sighand *sighand = current->sighand;
	struct signal *signal = current->signal;
	struct k_sigaction *action;
	int sig;

	for (;;) {
		spin_lock_irq(&sighand->lock);
		if (signal->flags & SIGNAL_GROUP_EXIT || signal->group_exec_task) {
			if (signal->group_exec_task != current) {
				spin_unlock_irq(&sighand->lock);
				do_group_exit(signal->group_exit_code);
			}
		}
		if (tell_parent(signal))
			continue;
		if (current->jobctl & JOBCTL_STOP_PENDING) {
			do_signal_stop(0);
			continue;
		}
		while ((sig = dequeue_signal(current->blocked, info))) {
			action = &sighand->action[sig - 1];
			if (action->handler == SIG_IGN && sig != SIGKILL)
				continue;
			if (action->handler != SIG_DFL && sig != SIGKILL) {
				*ka = *action;
				if (action->flags & SA_RESETHAND)
					action->handler = SIG_DFL;
				spin_unlock_irq(&sighand->lock);
				return sig;
			}
			if (default_action(sig))
				break;
		}
		if (sig)
			continue;
		spin_unlock_irq(&sighand->lock);
		return 0;
	}
}

/* The call goes on as if it had just begun. */
static void restart_call(struct pt_regs *regs, unsigned long nr)
{
	regs->ax = nr;
	regs->ip -= 2;	/* the SYSCALL instruction */
}

/* A handler will run: does the interrupted call return EINTR, or start again after it? */
static void settle_call_for_handler(struct pt_regs *regs, const struct k_sigaction *ka)
{
	switch (-(long)regs->ax) {
	case ERESTARTSYS:
		if (ka->flags & SA_RESTART) {
			restart_call(regs, regs->orig_ax);
			break;
		}
		fallthrough;
	case ERESTART_RESTARTBLOCK:
	case ERESTARTNOHAND:
		regs->ax = (unsigned long)-EINTR;
		break;
	case ERESTARTNOINTR:
		restart_call(regs, regs->orig_ax);
		break;
	}
}

static void settle_call(struct pt_regs *regs)
{
	switch (-(long)regs->ax) {
	case ERESTARTSYS:
	case ERESTARTNOHAND:
	case ERESTARTNOINTR:
		restart_call(regs, regs->orig_ax);
		break;
	case ERESTART_RESTARTBLOCK:
		restart_call(regs, NR_restart_syscall);
		break;
	}
}

static void handle_signal(struct pt_regs *regs, int sig, const struct k_sigaction *ka,
			  const struct kernel_siginfo *info)
{
	u64 oldmask = current->did_sigmask ? current->saved_sigmask : current->blocked;
	u64 blocked = current->blocked | ka->mask;

	if ((long)regs->orig_ax >= 0)
		settle_call_for_handler(regs, ka);
	if (!setup_rt_frame(regs, sig, ka, info, oldmask)) {
		force_fatal_sig(SIGSEGV);
		return;
	}
	current->did_sigmask = false;
	if (!(ka->flags & SA_NODEFER))
		blocked |= sigmask(sig);
	set_current_blocked(blocked);
}

void do_signal(struct pt_regs *regs)
{
	struct kernel_siginfo info;
	struct k_sigaction ka;
	int sig;

	if (test_thread_flag(&current->thread, TIF_NOTIFY_RESUME)) {
		clear_thread_flag(&current->thread, TIF_NOTIFY_RESUME);
		rseq_resume(regs);
	}
	if (!signal_pending(current))
		return;
	if (current->rseq)
		rseq_resume(regs);
	sig = get_signal(&info, &ka);
	if (sig) {
		handle_signal(regs, sig, &ka, &info);
		regs->orig_ax = (unsigned long)-1;
		return;
	}
	if ((long)regs->orig_ax >= 0)
		settle_call(regs);
	regs->orig_ax = (unsigned long)-1;
	if (current->did_sigmask) {
		current->did_sigmask = false;
		set_current_blocked(current->saved_sigmask);
	}
}
