/* SPDX-License-Identifier: MIT */
/* process.c - clone and exit, numbers of processes, groups and sessions. */
#include "base/string.h"
#include "proc/cred.h"
#include "proc/fork.h"
#include "proc/pid.h"
#include "quire/mm.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#include "fs/fdtable.h"
#include "fs/fs_struct.h"

SYSCALL_DEFINE0(fork)
{
	struct clone_request rq = { .exit_signal = SIGCHLD };

	return kernel_clone(&rq);
}

SYSCALL_DEFINE0(vfork)
{
	struct clone_request rq = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return kernel_clone(&rq);
}

SYSCALL_DEFINE5(clone, unsigned long, flags, unsigned long, stack, int *, parent_tid, int *,
		child_tid, unsigned long, tls)
{
	struct clone_request rq = {
		.flags = (flags & 0xffffffff) & ~CSIGNAL,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = stack,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
		.tls = tls,
	};

	if (flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID)
		return -EINVAL;
	return kernel_clone(&rq);
}

struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};
#define CLONE_ARGS_SIZE_VER0 64
#define PAGE_BYTES 4096

/* The caller's struct may be older (shorter) or newer (longer, but zero) than ours. */
static int read_clone_args(struct clone_args *args, const void *uargs, size_t size)
{
	char rest[64];
	size_t done, part, i;

	if (size > PAGE_BYTES)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	memset(args, 0, sizeof(*args));
	if (copy_from_user(args, uargs, size < sizeof(*args) ? size : sizeof(*args)))
		return -EFAULT;
	for (done = sizeof(*args); done < size; done += part) {
		part = size - done < sizeof(rest) ? size - done : sizeof(rest);
		if (copy_from_user(rest, (const char *)uargs + done, part))
			return -EFAULT;
		for (i = 0; i < part; i++)
			if (rest[i])
				return -E2BIG;
	}
	return 0;
}

SYSCALL_DEFINE2(clone3, const struct clone_args *, uargs, size_t, size)
{
	struct clone_request rq = { 0 };
	struct clone_args args;
	int error = read_clone_args(&args, uargs, size);

	if (error)
		return error;
	if (args.set_tid || args.set_tid_size)
		return -EPERM;
	if (args.flags & ~(0xffffffffull | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) ||
	    args.flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)))
		return -EINVAL;
	if (args.flags & (CLONE_THREAD | CLONE_PARENT) && args.exit_signal)
		return -EINVAL;
	if (args.exit_signal > NSIG || !args.stack != !args.stack_size)
		return -EINVAL;
	if (args.stack && !access_ok((void *)(uintptr_t)args.stack, args.stack_size))
		return -EINVAL;
	rq.flags = args.flags;
	rq.exit_signal = (int)args.exit_signal;
	rq.stack = args.stack ? args.stack + args.stack_size : 0;
	rq.tls = args.tls;
	rq.parent_tid = (int *)(uintptr_t)args.parent_tid;
	rq.child_tid = (int *)(uintptr_t)args.child_tid;
	rq.pidfd = (int *)(uintptr_t)args.pidfd;
	return kernel_clone(&rq);
}

SYSCALL_DEFINE1(unshare, unsigned long, flags)
{
	int error = 0;

	if (flags &
	    ~(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM))
		return -EINVAL;
	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) &&
	    !list_is_singular(&current->signal->threads))
		return -EINVAL;
	if (flags & CLONE_FS)
		error = unshare_fs();
	if (!error && flags & CLONE_FILES)
		error = unshare_files();
	return error;
}

SYSCALL_DEFINE1(exit, int, code)
{
	do_exit((code & 0xff) << 8);
}

SYSCALL_DEFINE1(exit_group, int, code)
{
	do_group_exit((code & 0xff) << 8);
}

SYSCALL_DEFINE1(set_tid_address, int *, tid)
{
	current->clear_child_tid = tid;
	return current->pid;
}

/* ---- numbers ---- */

SYSCALL_DEFINE0(getpid)
{
	return current->tgid;
}

SYSCALL_DEFINE0(gettid)
{
	return current->pid;
}

SYSCALL_DEFINE0(getppid)
{
	/* Read without the lock: a parent that is going is replaced before it is freed, after a
	 * grace period of
	 * the lock; the number may be the old or the new one's, as it may be anyway. */
	return task_ppid_nr(current);
}

static long number_of(pid_t nr, enum pid_type type)
{
	struct task *p;
	long result = -ESRCH;

	spin_lock_irq(&tasklist_lock);
	p = nr ? pid_task_locked(find_pid_locked(nr), PIDTYPE_PID) : current;
	if (p)
		result = pid_nr(p->signal->pids[type]);
	spin_unlock_irq(&tasklist_lock);
	return result;
}

SYSCALL_DEFINE1(getpgid, pid_t, nr)
{
	return number_of(nr, PIDTYPE_PGID);
}

SYSCALL_DEFINE0(getpgrp)
{
	return number_of(0, PIDTYPE_PGID);
}

SYSCALL_DEFINE1(getsid, pid_t, nr)
{
	return number_of(nr, PIDTYPE_SID);
}

static void change_pid(struct task *p, enum pid_type type, struct pid *pid)
{
	if (p->signal->pids[type] == pid)
		return;
	get_pid(pid);
	detach_pid(p, type);
	attach_pid(p, type, pid);
	put_pid(pid);
}

/* tasklist_lock held. */
static int may_set_group(struct task *p)
{
	if (p->group_leader != p)
		return -EINVAL;
	if (same_thread_group(p->real_parent, current)) {
		if (task_session(p) != task_session(current))
			return -EPERM;
		if (!(p->flags & PF_FORKNOEXEC))
			return -EACCES;
	} else if (p != current->group_leader) {
		return -ESRCH;
	}
	return p->signal->leader ? -EPERM : 0;
}

static int do_setpgid(pid_t nr, pid_t pgid)
{
	struct task *p = pid_task_locked(find_pid_locked(nr), PIDTYPE_PID);
	struct pid *pgrp;
	struct task *member;
	int error;

	if (!p)
		return -ESRCH;
	error = may_set_group(p);
	if (error)
		return error;
	pgrp = p->thread_pid;
	if (pgid != nr) {
		pgrp = find_pid_locked(pgid);
		member = pid_task_locked(pgrp, PIDTYPE_PGID);
		if (!member || task_session(member) != task_session(current))
			return -EPERM;
	}
	change_pid(p, PIDTYPE_PGID, pgrp);
	return 0;
}

SYSCALL_DEFINE2(setpgid, pid_t, nr, pid_t, pgid)
{
	int error;

	if (!nr)
		nr = current->tgid;
	if (!pgid)
		pgid = nr;
	if (pgid < 0)
		return -EINVAL;
	spin_lock_irq(&tasklist_lock);
	error = do_setpgid(nr, pgid);
	spin_unlock_irq(&tasklist_lock);
	return error;
}

SYSCALL_DEFINE0(setsid)
{
	struct task *p = current->group_leader;
	struct pid *sid = p->thread_pid;
	long result = -EPERM;

	spin_lock_irq(&tasklist_lock);
	/* A group of that number that this process leads already would be split between two
	 * sessions. */
	if (!p->signal->leader && !pid_task_locked(sid, PIDTYPE_PGID)) {
		p->signal->leader = true;
		p->signal->tty = NULL;
		change_pid(p, PIDTYPE_SID, sid);
		change_pid(p, PIDTYPE_PGID, sid);
		result = sid->nr;
	}
	spin_unlock_irq(&tasklist_lock);
	return result;
}
