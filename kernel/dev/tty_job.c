/* SPDX-License-Identifier: MIT */
/* tty_job.c - job control: controlling terminals, foreground groups, and who may read and write now. */
#include "dev/tty.h"
#include "proc/cred.h"
#include "proc/fork.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/uaccess.h"

struct pid *tty_get_pgrp(struct tty *tty)
{
	struct pid *pgrp;
	unsigned long flags;

	spin_lock_irqsave(&tty->lock, flags);
	pgrp = get_pid(tty->pgrp);
	spin_unlock_irqrestore(&tty->lock, flags);
	return pgrp;
}

struct tty *get_current_tty(void)
{
	struct tty *tty;

	spin_lock_irq(&tasklist_lock);
	tty = current->signal->tty;
	if (tty && (tty->session != task_session(current) || !tty_get(tty)))
		tty = NULL;
	spin_unlock_irq(&tasklist_lock);
	return tty;
}

/* Puts new ones (references consumed) and returns the old ones to be dropped. tasklist_lock held. */
static void swap_owner(struct tty *tty, struct pid **session, struct pid **pgrp)
{
	struct pid *old_session, *old_pgrp;

	spin_lock(&tty->lock);
	old_session = tty->session;
	old_pgrp = tty->pgrp;
	tty->session = *session;
	tty->pgrp = *pgrp;
	spin_unlock(&tty->lock);
	*session = old_session;
	*pgrp = old_pgrp;
}

/* ---- getting one ---- */

static void forget_tty_locked(struct pid *session)
{
	struct task *p;

	for_each_pid_task(p, session, PIDTYPE_SID)
		p->signal->tty = NULL;
}

/* steal: takes it from another session (root may). 0 or -EPERM. */
static int take_tty(struct tty *tty, bool steal)
{
	struct pid *session, *pgrp;
	int err = 0;

	spin_lock_irq(&tasklist_lock);
	session = get_pid(task_session(current));
	pgrp = get_pid(task_pgrp(current));
	if (!current->signal->leader || current->signal->tty) {
		err = current->signal->tty == tty && tty->session == session ? 0 : -EPERM;
	} else if (tty->session && tty->session != session && !steal) {
		err = -EPERM;
	} else {
		if (tty->session)
			forget_tty_locked(tty->session);
		swap_owner(tty, &session, &pgrp);
		current->signal->tty = tty;
	}
	spin_unlock_irq(&tasklist_lock);
	put_pid(session);
	put_pid(pgrp);
	return err;
}

/* At open: only a session leader without a terminal takes a terminal without a session. */
void tty_acquire(struct tty *tty)
{
	if (current->signal->leader && !current->signal->tty && !tty->session)
		take_tty(tty, false);
}

/* ---- losing it ---- */

static void signal_group(struct pid *pgrp, int sig)
{
	if (pgrp)
		kill_pgrp(pgrp, sig, SEND_SIG_PRIV);
}

void tty_clear_session(struct tty *tty, bool hup)
{
	struct pid *session = NULL, *pgrp = NULL;

	spin_lock_irq(&tasklist_lock);
	swap_owner(tty, &session, &pgrp);
	if (session) {
		struct task *p;

		for_each_pid_task(p, session, PIDTYPE_SID)
			p->signal->tty = NULL;
	}
	spin_unlock_irq(&tasklist_lock);
	if (hup && session) {
		kill_pid(session, SIGHUP, SEND_SIG_PRIV);
		kill_pid(session, SIGCONT, SEND_SIG_PRIV);
	}
	if (hup) {
		signal_group(pgrp, SIGHUP);
		signal_group(pgrp, SIGCONT);
	}
	put_pid(session);
	put_pid(pgrp);
}

void disassociate_ctty(bool on_exit)
{
	struct tty *tty = get_current_tty();
	struct pid *pgrp;

	if (!tty)
		return;
	pgrp = tty_get_pgrp(tty);
	tty_clear_session(tty, false);
	signal_group(pgrp, SIGHUP);
	signal_group(pgrp, SIGCONT);
	put_pid(pgrp);
	tty_put(tty);
}

/* ---- who may do what ---- */

int tty_check_change(struct tty *tty, int sig)
{
	struct pid *pgrp, *mine;
	int err = 0;

	if (current->signal->tty != tty)
		return 0;
	spin_lock_irq(&tasklist_lock);
	mine = get_pid(task_pgrp(current));
	spin_unlock_irq(&tasklist_lock);
	pgrp = tty_get_pgrp(tty);
	if (pgrp && mine != pgrp) {
		if (sig_ignored_or_blocked(current, sig)) {
			err = sig == SIGTTIN ? -EIO : 0;
		} else if (is_current_pgrp_orphaned()) {
			err = -EIO;
		} else {
			kill_pgrp(mine, sig, SEND_SIG_PRIV);
			set_thread_flag(current_thread(), TIF_SIGPENDING);
			err = -ERESTARTSYS;
		}
	}
	put_pid(mine);
	put_pid(pgrp);
	return err;
}

/* ---- requests ---- */

static long get_pgrp(struct tty *tty, int *user)
{
	struct pid *pgrp;
	int nr;

	if (current->signal->tty != tty && !tty->ops->is_pty)
		return -ENOTTY;
	pgrp = tty_get_pgrp(tty);
	nr = pid_nr(pgrp);
	put_pid(pgrp);
	return put_user(nr, user);
}

/* The group must exist in the caller's session. */
static long set_pgrp_locked(struct tty *tty, int nr, struct pid **drop)
{
	struct pid *pgrp = find_pid_locked(nr);
	struct task *p;

	if (!pgrp)
		return -ESRCH;
	p = pid_task_locked(pgrp, PIDTYPE_PGID);
	if (!p)
		return -ESRCH;
	if (task_session(p) != task_session(current))
		return -EPERM;
	get_pid(pgrp);
	spin_lock(&tty->lock);
	*drop = tty->pgrp;
	tty->pgrp = pgrp;
	spin_unlock(&tty->lock);
	return 0;
}

static long set_pgrp(struct tty *tty, const int *user)
{
	struct pid *drop = NULL;
	long err = tty_check_change(tty, SIGTTOU);
	int nr;

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (current->signal->tty != tty || tty->session != task_session(current))
		return -ENOTTY;
	if (get_user(nr, (int *)user))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	spin_lock_irq(&tasklist_lock);
	err = set_pgrp_locked(tty, nr, &drop);
	spin_unlock_irq(&tasklist_lock);
	put_pid(drop);
	return err;
}

static long get_sid(struct tty *tty, int *user)
{
	unsigned long flags;
	int nr;

	spin_lock_irqsave(&tty->lock, flags);
	nr = pid_nr(tty->session);
	spin_unlock_irqrestore(&tty->lock, flags);
	if (!nr || (current->signal->tty != tty && !tty->ops->is_pty))
		return -ENOTTY;
	return put_user(nr, user);
}

static long give_up(struct tty *tty)
{
	if (current->signal->tty != tty)
		return -ENOTTY;
	if (current->signal->leader) {
		disassociate_ctty(false);
		return 0;
	}
	spin_lock_irq(&tasklist_lock);
	current->signal->tty = NULL;
	spin_unlock_irq(&tasklist_lock);
	return 0;
}

long tty_job_ioctl(struct tty *tty, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case TIOCGPGRP:
		return get_pgrp(tty, (int *)arg);
	case TIOCSPGRP:
		return set_pgrp(tty, (const int *)arg);
	case TIOCGSID:
		return get_sid(tty, (int *)arg);
	case TIOCSCTTY:
		return take_tty(tty, arg == 1 && capable(CAP_SYS_ADMIN));
	case TIOCNOTTY:
		return give_up(tty);
	default:
		return -ENOIOCTLCMD;
	}
}

void task_tty_info(struct task *p, dev_t *dev, int *pgrp)
{
	struct tty *tty;

	*dev = 0;
	*pgrp = -1;
	spin_lock_irq(&tasklist_lock);
	tty = p->signal->tty;
	if (tty) {
		*dev = tty->dev;
		*pgrp = pid_nr(tty->pgrp);
	}
	spin_unlock_irq(&tasklist_lock);
}
