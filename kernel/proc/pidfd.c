/* SPDX-License-Identifier: MIT */
/* pidfd.c - descriptors that stand for a process. */
#include "proc/pidfd.h"

#include "base/format.h"
#include "fs/fdtable.h"
#include "fs/poll.h"
#include "fs/vfs.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

#define PIDFD_NONBLOCK O_NONBLOCK
#define PIDFD_THREAD O_EXCL

static unsigned int pidfd_poll(struct file *file, struct poll_table *pt)
{
	struct pid *pid = file->private_data;
	unsigned int events = 0;
	unsigned long flags;
	struct task *p;

	poll_wait(&pid->wait_pidfd, pt);
	spin_lock_irqsave(&tasklist_lock, flags);
	p = pid_task_locked(pid, PIDTYPE_TGID);
	if (!p)
		events = EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	else if (p->exit_state && list_is_singular(&p->signal->threads))
		events = EPOLLIN | EPOLLRDNORM;
	spin_unlock_irqrestore(&tasklist_lock, flags);
	return events;
}

static void pidfd_release(struct file *file)
{
	put_pid(file->private_data);
}

static const struct file_operations pidfd_fops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
};

static struct file *pidfd_file(struct pid *pid, unsigned int flags)
{
	struct file *file = anon_file("[pidfd]", &pidfd_fops, get_pid(pid), O_RDWR | (int)flags, 0);

	if (IS_ERR(file))
		put_pid(pid);
	return file;
}

int pidfd_for_clone(struct pid *pid, int *to)
{
	struct file *file = pidfd_file(pid, 0);
	int fd;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0 || put_user(fd, to)) {
		if (fd >= 0)
			put_unused_fd((unsigned int)fd);
		fput(file);
		return fd < 0 ? fd : -EFAULT;
	}
	fd_install((unsigned int)fd, file);
	return 0;
}

struct pid *pidfd_get_pid(unsigned int fd, bool *nonblock)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	struct pid *pid = ERR_PTR(-EBADF);

	if (file && file->f_op == &pidfd_fops) {
		pid = get_pid(file->private_data);
		*nonblock = file->f_flags & PIDFD_NONBLOCK;
	}
	fdput(f);
	return pid;
}

SYSCALL_DEFINE2(pidfd_open, pid_t, nr, unsigned int, flags)
{
	struct task *p;
	struct file *file;
	bool leader;

	if (flags & ~(unsigned int)PIDFD_NONBLOCK || nr <= 0)
		return -EINVAL;
	p = find_get_task(nr);
	if (!p)
		return -ESRCH;
	leader = thread_group_leader(p);
	file = leader ? pidfd_file(p->thread_pid, flags) : ERR_PTR(-ENOENT);
	put_task(p);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, O_CLOEXEC);
}

SYSCALL_DEFINE4(pidfd_send_signal, unsigned int, fd, int, sig, const struct kernel_siginfo *, uinfo,
		unsigned int, flags)
{
	struct kernel_siginfo info;
	bool nonblock;
	struct pid *pid;
	long result;

	if (flags)
		return -EINVAL;
	pid = pidfd_get_pid(fd, &nonblock);
	if (IS_ERR(pid))
		return PTR_ERR(pid);
	if (uinfo && copy_from_user(&info, uinfo, sizeof(info)))
		result = -EFAULT;
	else if (uinfo &&
		 (info.si_signo != sig || ((info.si_code >= 0 || info.si_code == SI_TKILL) &&
					   pid != current->signal->pids[PIDTYPE_TGID])))
		result = info.si_signo != sig ? -EINVAL : -EPERM;
	else
		result = kill_pid_checked(pid, sig, uinfo ? &info : SEND_SIG_NOINFO);
	put_pid(pid);
	return result;
}

/* What no descriptor can be: the caller itself. */
#define PIDFD_SELF_THREAD (-10000)
#define PIDFD_SELF_THREAD_GROUP (-10001)

struct task *pidfd_get_task(unsigned int fd)
{
	if ((int)fd == PIDFD_SELF_THREAD || (int)fd == PIDFD_SELF_THREAD_GROUP)
		return get_task(current);
	return pidfd_get_process(fd);
}

struct task *pidfd_get_process(unsigned int fd)
{
	bool nonblock;
	struct pid *pid = pidfd_get_pid(fd, &nonblock);
	struct task *p;

	if (IS_ERR(pid))
		return ERR_PTR(PTR_ERR(pid));
	p = find_get_process(pid->nr);
	put_pid(pid);
	return p ? p : ERR_PTR(-ESRCH);
}

SYSCALL_DEFINE3(pidfd_getfd, unsigned int, fd, int, target_fd, unsigned int, flags)
{
	struct task *p;
	struct files_struct *files;
	struct file *file = NULL;

	if (flags)
		return -EINVAL;
	p = pidfd_get_process(fd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (!may_access_process(p, ACCESS_REALCREDS)) {
		put_task(p);
		return -EPERM;
	}
	files = get_files_struct(p);
	put_task(p);
	if (!files)
		return -ESRCH;
	file = fget_from(files, (unsigned int)target_fd);
	files_put(files);
	return file ? fd_install_new(file, O_CLOEXEC) : -EBADF;
}
