/* SPDX-License-Identifier: MIT */
/* exit.c - the end of a task: what it gives back, who inherits its children, who is told. */
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "lib/printk.h"
#include "proc/cred.h"
#include "proc/fork.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "quire/mm.h"
#include "quire/uaccess.h"

static bool thread_group_empty(const struct task *p)
{
	return list_is_singular(&p->signal->threads);
}

void mm_release(struct task *p)
{
	futex_exit(p);
	p->rseq = NULL;
	if (p->clear_child_tid) {
		int *tid = p->clear_child_tid;

		p->clear_child_tid = NULL;
		/* Nobody can wait for it when nobody else has this memory. */
		if (atomic_read(&p->signal->live) > 0 || p->vfork_done ||
		    p->signal->nr_threads > 1) {
			(void)put_user(0, tid);
			futex_wake_user((u32 *)tid, 1);
		}
	}
	vfork_release(p);
}

static void exit_mm(struct task *p)
{
	struct mm_struct *mm = p->thread.mm;
	unsigned long flags;
	struct mm_usage usage;

	mm_release(p);
	if (!mm)
		return;
	mm_usage(mm, &usage);
	if (usage.hiwater_rss * 4 > p->signal->maxrss)
		p->signal->maxrss = usage.hiwater_rss * 4;
	mmgrab(mm);	/* active_mm: its table stays loaded */
	flags = irq_save();
	spin_lock(&p->lock);
	p->thread.mm = NULL;
	spin_unlock(&p->lock);
	switch_mm(mm, NULL);
	irq_restore(flags);
	mmput(mm);
}

/* ---- orphans; tasklist_lock held ---- */

static struct task *live_thread(struct signal *sig)
{
	struct task *t;

	for_each_thread(sig, t)
		if (!(t->flags & PF_EXITING))
			return t;
	return NULL;
}

static struct task *find_reaper(struct task *father)
{
	struct task *t = live_thread(father->signal), *p;

	if (t)
		return t;
	if (father->signal->has_child_subreaper) {
		for (p = father->real_parent; p && p->pid > 1; p = p->real_parent) {
			if (!p->signal->is_child_subreaper)
				continue;
			t = live_thread(p->signal);
			if (t)
				return t;
		}
	}
	return init_task_ptr;
}

static bool will_become_orphan(struct pid *pgrp, const struct task *except)
{
	struct task *p;

	for_each_pid_task(p, pgrp, PIDTYPE_PGID) {
		if (p == except || (p->exit_state && thread_group_empty(p)) ||
		    p->real_parent->pid <= 1)
			continue;
		if (task_pgrp(p->real_parent) != pgrp &&
		    task_session(p->real_parent) == task_session(p))
			return false;
	}
	return true;
}

static bool has_stopped_jobs(struct pid *pgrp)
{
	struct task *p;

	for_each_pid_task(p, pgrp, PIDTYPE_PGID)
		if (p->signal->flags & SIGNAL_STOP_STOPPED)
			return true;
	return false;
}

bool is_current_pgrp_orphaned(void)
{
	unsigned long flags;
	bool orphaned = true;

	spin_lock_irqsave(&tasklist_lock, flags);
	if (task_pgrp(current))
		orphaned = will_become_orphan(task_pgrp(current), NULL);
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return orphaned;
}

/* @p ends (parent NULL) or its parent does: a group that nobody can continue any more is sent on
 * its way. */
static void kill_orphaned_pgrp(struct task *p, struct task *parent)
{
	struct pid *pgrp = task_pgrp(p);
	const struct task *except = parent ? NULL : p;

	if (!parent)
		parent = p->real_parent;
	if (!pgrp || !task_pgrp(parent) || task_pgrp(parent) == pgrp ||
	    task_session(parent) != task_session(p))
		return;
	if (!will_become_orphan(pgrp, except) || !has_stopped_jobs(pgrp))
		return;
	kill_pgrp_locked(pgrp, SIGHUP, SEND_SIG_PRIV);
	kill_pgrp_locked(pgrp, SIGCONT, SEND_SIG_PRIV);
}

/* True: the child is a zombie that its new parent does not want. */
static bool adopt(struct task *child, struct task *reaper, struct task *father)
{
	struct task *t;
	bool dead = false;

	for_each_thread(child->signal, t) {
		t->real_parent = reaper;
		if (t->pdeath_signal)
			group_send_sig(t->pdeath_signal, t, SEND_SIG_NOINFO);
	}
	list_move_tail(&child->sibling, &reaper->children);
	if (same_thread_group(reaper, father))
		return false;
	child->exit_signal = SIGCHLD;
	if (child->exit_state == EXIT_ZOMBIE && thread_group_empty(child)) {
		dead = do_notify_parent(child, child->exit_signal);
		if (dead)
			child->exit_state = EXIT_DEAD;
	}
	kill_orphaned_pgrp(child, father);
	return dead;
}

static void forget_children(struct task *father, struct list_head *dead)
{
	struct task *child, *next, *reaper;

	if (list_empty(&father->children))
		return;
	reaper = find_reaper(father);
	list_for_each_entry_safe(child, next, &father->children, sibling)
		if (adopt(child, reaper, father))
			list_move(&child->sibling, dead);
}

/* Tells who must know. True: nobody will wait for this task, it reaps itself. */
static bool exit_notify(struct task *p, bool group_dead, struct list_head *dead)
{
	bool reap = true;

	spin_lock_irq(&tasklist_lock);
	forget_children(p, dead);
	if (group_dead)
		kill_orphaned_pgrp(p->group_leader, NULL);
	if (thread_group_leader(p)) {
		reap = false;
		p->exit_state = EXIT_ZOMBIE;
		if (thread_group_empty(p))
			reap = do_notify_parent(p, p->exit_signal);
	}
	if (reap)
		p->exit_state = EXIT_DEAD;
	else if (p->signal->group_exec_task)
		waitq_wake_all(&p->signal->wait_chldexit);
	spin_unlock_irq(&tasklist_lock);
	return reap;
}

/* ---- release ---- */

static void add_figures(struct signal *sig, struct task *p)
{
	u64 utime, stime;

	task_cputime(p, &utime, &stime);
	sig->utime += utime;
	sig->stime += stime;
	sig->sum_exec += p->se.sum_exec;
	sig->nvcsw += p->nvcsw;
	sig->nivcsw += p->nivcsw;
	sig->min_flt += p->ctx.min_flt;
	sig->maj_flt += p->ctx.maj_flt;
	sig->inblock += p->inblock;
	sig->oublock += p->oublock;
}

/* tasklist_lock held: nobody finds the task any more. */
static void unlink_task(struct task *p)
{
	struct signal *sig = p->signal;

	spin_lock(&p->sighand->lock);
	add_figures(sig, p);
	list_del_init(&p->thread_node);
	sig->nr_threads--;
	if (sig->curr_target == p)
		sig->curr_target = NULL;
	p->reaped = true;
	spin_unlock(&p->sighand->lock);
	flush_sigqueue(&p->pending);
	if (thread_group_leader(p)) {
		flush_sigqueue(&sig->shared_pending);
		detach_pid(p, PIDTYPE_PGID);
		detach_pid(p, PIDTYPE_SID);
		detach_pid(p, PIDTYPE_TGID);
		list_del_init(&p->tasks);
		list_del_init(&p->sibling);
	}
	detach_pid(p, PIDTYPE_PID);
	atomic_dec(&p->cred->user->processes);
	if (sig->group_exec_task)
		waitq_wake_all(&sig->wait_chldexit);
}

/* tasklist_lock held. Returns the leader when it has waited for this last thread and nobody waits
 * for it. */
struct task *release_task_locked(struct task *p)
{
	struct task *leader = p->group_leader;

	unlink_task(p);
	if (leader == p || !thread_group_empty(leader) || leader->exit_state != EXIT_ZOMBIE)
		return NULL;
	if (!do_notify_parent(leader, leader->exit_signal))
		return NULL;
	leader->exit_state = EXIT_DEAD;
	return leader;
}

void release_task(struct task *p)
{
	struct task *leader;

	while (p) {
		spin_lock_irq(&tasklist_lock);
		leader = release_task_locked(p);
		spin_unlock_irq(&tasklist_lock);
		put_task(p);
		p = leader;
	}
}

/* ---- the end ---- */

static void exit_group_parts(struct task *p)
{
	struct signal *sig = p->signal;

	ktimer_cancel(&sig->real_timer);
	posix_timers_drop(sig);
	if (sig->leader)
		disassociate_ctty(true);
}

static void check_may_exit(struct task *p, int code)
{
	if (in_interrupt())
		panic("Aiee, killing interrupt handler!");
	if (p->flags & PF_IDLE)
		panic("Attempted to kill the idle task!");
	if (p->flags & PF_EXITING)
		panic("Fixing recursive fault: task %s (%d) exits twice", p->comm, p->pid);
	if (init_task_ptr && p->signal == init_task_ptr->signal &&
	    atomic_read(&p->signal->live) == 1)
		panic("Attempted to kill init! exitcode=0x%08x",
		      (unsigned int)(p->signal->group_exit_code ? p->signal->group_exit_code
								: code));
}

/* From here on the task takes no signals meant for the group: another thread shall. */
static void exit_signals(struct task *p)
{
	struct task *t;
	u64 orphaned;

	spin_lock_irq(&p->sighand->lock);
	p->flags |= PF_EXITING;
	orphaned = p->signal->shared_pending.signal & ~p->blocked;
	if (orphaned && !(p->signal->flags & SIGNAL_GROUP_EXIT))
		for_each_thread(p->signal, t)
			if (t != p && !(t->flags & PF_EXITING) && (orphaned & ~t->blocked))
				signal_wake_up(t, false);
	stop_leave_group(p);
	spin_unlock_irq(&p->sighand->lock);
}

void do_exit(int code)
{
	struct task *p = current, *child, *next;
	LIST_HEAD(dead);
	bool group_dead;

	check_may_exit(p, code);
	exit_signals(p);
	group_dead = atomic_dec_and_test(&p->signal->live);
	p->exit_code = code;
	if (group_dead)
		exit_group_parts(p);
	exit_mm(p);
	exit_files(p);
	exit_fs(p);
	if (exit_notify(p, group_dead, &dead))
		release_task(p);
	list_for_each_entry_safe(child, next, &dead, sibling) {
		list_del_init(&child->sibling);
		release_task(child);
	}
	sched_exit();
}

/* sighand->lock held. */
int zap_other_threads(void)
{
	struct task *t;
	int count = 0;

	current->signal->group_stop_count = 0;
	for_each_thread(current->signal, t) {
		t->jobctl = 0;
		if (t == current)
			continue;
		count++;
		if (t->exit_state)
			continue;
		t->pending.signal |= sigmask(SIGKILL);
		signal_wake_up(t, true);
	}
	return count;
}

void do_group_exit(int code)
{
	struct signal *sig = current->signal;

	spin_lock_irq(&current->sighand->lock);
	if (sig->flags & SIGNAL_GROUP_EXIT) {
		code = sig->group_exit_code;
	} else if (sig->group_exec_task && sig->group_exec_task != current) {
		code = 0;	/* another thread is in exec and asked this one to go */
	} else {
		sig->group_exit_code = code;
		sig->flags = SIGNAL_GROUP_EXIT | (sig->flags & SIGNAL_UNKILLABLE);
		if (!list_is_singular(&sig->threads))
			zap_other_threads();
	}
	spin_unlock_irq(&current->sighand->lock);
	do_exit(code);
}
