/* SPDX-License-Identifier: MIT */
/* fork.c - making a task: what is copied, what is shared, and how a failure half-way is undone. */
#include "proc/fork.h"

#include "arch/fpu.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "lib/printk.h"
#include "proc/cred.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/pidfd.h"
#include "quire/mm.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "quire/vmalloc.h"

static struct kmem_cache *task_cache, *signal_cache, *sighand_cache, *fpu_cache;
static unsigned long forks;	/* (a) */
LIST_HEAD(task_list);

unsigned long sched_nr_forks(void)
{
	return __atomic_load_n(&forks, __ATOMIC_RELAXED);
}

/* ---- the parts ---- */

static int copy_fpu(struct task *p, bool user)
{
	p->thread.fpu = NULL;
	p->thread.fpu_cpu = -1;
	if (!user)
		return 0;
	p->thread.fpu = kmem_cache_alloc(fpu_cache, GFP_KERNEL);
	if (!p->thread.fpu)
		return -ENOMEM;
	fpu_fork(&p->thread);
	return 0;
}

int task_alloc_fpu(struct task *p)
{
	if (p->thread.fpu)
		return 0;
	p->thread.fpu = kmem_cache_alloc(fpu_cache, GFP_KERNEL);
	if (!p->thread.fpu)
		return -ENOMEM;
	fpu_state_init(p->thread.fpu);
	return 0;
}

static int copy_files(struct task *p, u64 flags)
{
	if (!p->files)
		return 0;
	p->files = flags & CLONE_FILES ? files_get(p->files) : files_dup(p->files);
	return p->files ? 0 : -ENOMEM;
}

static int copy_fs(struct task *p, u64 flags)
{
	if (!p->fs)
		return 0;
	p->fs = flags & CLONE_FS ? fs_get(p->fs) : fs_dup(p->fs);
	return p->fs ? 0 : -ENOMEM;
}

struct sighand *sighand_alloc(void)
{
	struct sighand *sighand = kmem_cache_alloc(sighand_cache, GFP_KERNEL);

	if (!sighand)
		return NULL;
	refcount_set(&sighand->refs, 1);
	spin_lock_init(&sighand->lock, LOCK_HOST_SPIN2);
	waitq_init(&sighand->wait);
	return sighand;
}

static void sighand_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(sighand_cache, container_of(head, struct sighand, rcu));
}

void sighand_put(struct sighand *sighand)
{
	if (refcount_dec_and_test(&sighand->refs))
		kmem_cache_free(sighand_cache, sighand);
}

void sighand_put_rcu(struct sighand *sighand)
{
	if (refcount_dec_and_test(&sighand->refs))
		call_rcu(&sighand->rcu, sighand_free_rcu);
}

static int copy_sighand(struct task *p, u64 flags)
{
	struct sighand *old = current->sighand;

	if (flags & CLONE_SIGHAND) {
		refcount_inc(&old->refs);
		return 0;
	}
	p->sighand = sighand_alloc();
	if (!p->sighand)
		return -ENOMEM;
	spin_lock_irq(&old->lock);
	memcpy(p->sighand->action, old->action, sizeof(old->action));
	spin_unlock_irq(&old->lock);
	if (flags & CLONE_CLEAR_SIGHAND)
		flush_signal_handlers(p->sighand, false);
	return 0;
}

static void init_signal(struct signal *sig)
{
	refcount_set(&sig->refs, 1);
	atomic_set(&sig->live, 1);
	sig->nr_threads = 1;
	INIT_LIST_HEAD(&sig->threads);
	INIT_LIST_HEAD(&sig->shared_pending.list);
	INIT_LIST_HEAD(&sig->posix_timers);
	waitq_init(&sig->wait_chldexit);
	spin_lock_init(&sig->limits_lock, LOCK_LEAF);
	ktimer_init(&sig->real_timer, real_timer_expired);
}

static int copy_signal(struct task *p, u64 flags)
{
	struct signal *old = current->signal, *sig;

	if (flags & CLONE_THREAD) {
		refcount_inc(&old->refs);
		return 0;
	}
	p->signal = sig = kmem_cache_zalloc(signal_cache, GFP_KERNEL);
	if (!sig)
		return -ENOMEM;
	init_signal(sig);
	memcpy(sig->rlim, old->rlim, sizeof(sig->rlim));
	sig->oom_score_adj = old->oom_score_adj;
	sig->oom_score_adj_min = old->oom_score_adj_min;
	sig->has_child_subreaper = old->has_child_subreaper || old->is_child_subreaper;
	sig->membarrier = old->membarrier;
	sig->tty = old->tty;
	return 0;
}

static void signal_put(struct signal *sig)
{
	if (refcount_dec_and_test(&sig->refs))
		kmem_cache_free(signal_cache, sig);
}

static int copy_mm(struct task *p, u64 flags)
{
	struct mm_struct *mm = current->thread.mm;
	int error;

	if (!mm || p->flags & PF_KTHREAD)
		return 0;
	if (flags & CLONE_VM) {
		mm = mmget(mm);
	} else {
		error = dup_mm(mm, &mm);
		if (error)
			return error;
		mm_set_oom_score_adj(mm, p->signal->oom_score_adj);
	}
	p->thread.mm = p->active_mm = mm;
	return 0;
}

static int copy_thread(struct task *p, const struct clone_request *rq)
{
	struct pt_regs *regs = task_pt_regs(&p->thread);

	thread_fork_tls(&p->thread);
	if (rq->kernel_fn) {
		thread_start_kernel(&p->thread, rq->kernel_fn, rq->kernel_arg);
		return 0;
	}
	*regs = *current_pt_regs();
	regs->ax = 0;
	if (rq->stack)
		regs->sp = rq->stack;
	thread_start_user(&p->thread);
	return rq->flags & CLONE_SETTLS ? thread_set_tls(&p->thread, rq->tls) : 0;
}

/* ---- the whole ---- */

void put_task_slow(struct task *p)
{
	unsigned long flags;

	if (p->stack) {
		flags = irq_save();
		task_stack_retire(p->stack);
		irq_restore(flags);
	}
	if (p->thread.fpu)
		kmem_cache_free(fpu_cache, p->thread.fpu);
	if (p->cred)
		put_cred(p->cred);
	if (p->sighand)
		sighand_put(p->sighand);
	if (p->signal)
		signal_put(p->signal);
	kmem_cache_free(task_cache, p);
}

static void reset_task(struct task *p)
{
	struct task *parent = current;
	int i;

	refcount_set(&p->refs, 2);
	p->ctx = (struct quire_ctx){ .host = p };
	p->thread.ctx = &p->ctx;
	p->thread.flags = 0;
	p->stack = NULL;
	p->thread.fpu = NULL;
	p->cred = NULL;
	p->signal = NULL;
	p->sighand = NULL;
	p->thread.mm = p->active_mm = NULL;
	p->files = parent->files;
	p->fs = parent->fs;
	p->flags = (parent->flags &
		    ~(unsigned int)(PF_IDLE | PF_SIGNALED | PF_OOM_VICTIM | PF_EXITING)) |
		   PF_FORKNOEXEC;
	p->exit_state = EXIT_NONE;
	p->exit_code = 0;
	p->pdeath_signal = 0;
	p->in_execve = p->did_sigmask = false;
	p->nvcsw = p->nivcsw = 0;
	for (i = 0; i < PIDTYPE_MAX; i++)
		INIT_HLIST_NODE(&p->pid_links[i]);
	INIT_LIST_HEAD(&p->children);
	INIT_LIST_HEAD(&p->sibling);
	INIT_LIST_HEAD(&p->thread_node);
	INIT_LIST_HEAD(&p->tasks);
	p->vfork_done = NULL;
	p->thread_pid = NULL;
	spin_lock_init(&p->lock, LOCK_LEAF);
	INIT_LIST_HEAD(&p->pending.list);
	p->pending.signal = 0;
	p->real_blocked = 0;
	p->jobctl = 0;
	p->reaped = false;
	p->restart_block.fn = NULL;
	p->start_time = ktime_get_ns();
	p->utime_ticks = p->stime_ticks = 0;
	p->rchar = p->wchar = p->inblock = p->oublock = 0;
	p->robust_list = NULL;
	p->set_child_tid = p->clear_child_tid = NULL;
}

static struct task *dup_task(const struct clone_request *rq)
{
	struct task *p = kmem_cache_alloc(task_cache, GFP_KERNEL);

	if (!p)
		return NULL;
	*p = *current;
	reset_task(p);
	if (rq->kernel_fn) {
		p->flags |= PF_KTHREAD;
		p->files = NULL;
		p->fs = NULL;
	}
	p->stack = task_stack_alloc();
	if (!p->stack || copy_fpu(p, !rq->kernel_fn)) {
		put_task_slow(p);
		return NULL;
	}
	p->thread.stack_top = (unsigned long)p->stack + THREAD_SIZE;
	p->cred = get_cred(rq->kernel_fn ? percpu_of(0)->idle->cred : current_cred());
	atomic_inc(&p->cred->user->processes);
	sched_fork(p);
	return p;
}

static void drop_task(struct task *p)
{
	atomic_dec(&p->cred->user->processes);
	put_task_slow(p);
}

static int check_flags(const struct clone_request *rq)
{
	u64 flags = rq->flags;

	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && (current->signal->flags & SIGNAL_UNKILLABLE))
		return -EINVAL;
	if (flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		     CLONE_NEWPID | CLONE_NEWNET | CLONE_INTO_CGROUP))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED))
		return -EINVAL;
	if ((flags & CLONE_SETTLS) && !access_ok((void *)rq->tls, 1))
		return -EPERM;
	return 0;
}

static int check_limits(void)
{
	const struct cred *cred = current_cred();
	bool privileged = cred->uid == 0 || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);

	if (!privileged && (u64)atomic_read(&cred->user->processes) >= rlimit(RLIMIT_NPROC))
		return -EAGAIN;
	if (nr_threads_now() >= threads_max)
		return -EAGAIN;
	return 0;
}

/* tasklist_lock held: the task takes its place in the family. */
static void link_task(struct task *p, const struct clone_request *rq, struct pid *pid)
{
	struct signal *sig = p->signal;

	p->pid = pid->nr;
	attach_pid(p, PIDTYPE_PID, pid);
	if (rq->flags & CLONE_THREAD) {
		p->tgid = current->tgid;
		p->group_leader = current->group_leader;
		p->exit_signal = -1;
		p->real_parent = current->real_parent;
		atomic_inc(&sig->live);
		sig->nr_threads++;
		list_add_tail(&p->thread_node, &sig->threads);
		return;
	}
	p->tgid = p->pid;
	p->group_leader = p;
	p->exit_signal =
		rq->flags & CLONE_PARENT ? current->group_leader->exit_signal : rq->exit_signal;
	p->real_parent = rq->flags & CLONE_PARENT ? current->real_parent : current;
	if (rq->kernel_fn)
		p->real_parent = percpu_of(0)->idle;
	list_add_tail(&p->thread_node, &sig->threads);
	attach_pid(p, PIDTYPE_TGID, pid);
	/* Kernel threads, and programs before the first setsid, are in no group. */
	if (!rq->kernel_fn && task_pgrp(current)) {
		attach_pid(p, PIDTYPE_PGID, task_pgrp(current));
		attach_pid(p, PIDTYPE_SID, task_session(current));
	}
	list_add_tail(&p->sibling, &p->real_parent->children);
	list_add_tail(&p->tasks, &task_list);
}

/* 0, or -ERESTARTNOINTR when a signal came first: fork is atomic against signals to the group. */
static int publish_task(struct task *p, const struct clone_request *rq, struct pid *pid)
{
	struct sighand *sighand = current->sighand;
	int error = 0;

	spin_lock_irq(&tasklist_lock);
	spin_lock(&sighand->lock);
	recalc_sigpending();
	if (!rq->kernel_fn &&
	    (signal_pending(current) || current->signal->flags & SIGNAL_GROUP_EXIT))
		error = -ERESTARTNOINTR;
	else
		link_task(p, rq, pid);
	spin_unlock(&sighand->lock);
	spin_unlock_irq(&tasklist_lock);
	return error;
}

static void undo_parts(struct task *p)
{
	if (p->thread.mm)
		mmput(p->thread.mm);
	p->thread.mm = NULL;
	if (p->fs)
		fs_put(p->fs);
	if (p->files)
		files_put(p->files);
}

/* Shares or copies each part; on failure what was done is undone. */
static int copy_parts(struct task *p, u64 flags)
{
	struct fs_struct *fs = p->fs;
	int error;

	p->sighand = current->sighand;
	p->signal = current->signal;
	error = copy_sighand(p, flags);
	if (error) {
		p->signal = NULL;
		p->sighand = NULL;
		return error;
	}
	error = copy_signal(p, flags);
	if (error)
		return error;
	p->fs = NULL;
	error = copy_files(p, flags);
	if (error)
		return error;
	p->fs = fs;
	error = copy_fs(p, flags);
	if (!error)
		error = copy_mm(p, flags);
	if (error)
		undo_parts(p);
	return error;
}

static struct task *copy_process(const struct clone_request *rq)
{
	struct task *p;
	struct pid *pid;
	int error = check_flags(rq);

	if (!error && !rq->kernel_fn)
		error = check_limits();
	if (error)
		return ERR_PTR(error);
	p = dup_task(rq);
	if (!p)
		return ERR_PTR(-ENOMEM);
	error = copy_parts(p, rq->flags);
	if (error)
		goto drop;
	error = copy_thread(p, rq);
	if (error)
		goto parts;
	if (!(rq->flags & CLONE_VM) || (rq->flags & CLONE_VFORK))
		p->sas_ss_flags = current->sas_ss_flags;
	else
		p->sas_ss_sp = p->sas_ss_size = p->sas_ss_flags = 0;
	if (rq->flags & CLONE_VM)
		p->rseq = NULL;
	p->set_child_tid = rq->flags & CLONE_CHILD_SETTID ? rq->child_tid : NULL;
	p->clear_child_tid = rq->flags & CLONE_CHILD_CLEARTID ? rq->child_tid : NULL;
	pid = alloc_pid();
	error = (int)PTR_ERR(pid);
	if (IS_ERR(pid))
		goto parts;
	error = rq->flags & CLONE_PIDFD ? pidfd_for_clone(pid, rq->pidfd) : 0;
	if (!error)
		error = publish_task(p, rq, pid);
	put_pid(pid);
	if (error)
		goto parts;
	__atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
	return p;
parts:
	undo_parts(p);
drop:
	drop_task(p);
	return ERR_PTR(error);
}

static void vfork_put(struct vfork_wait *wait)
{
	if (refcount_dec_and_test(&wait->refs))
		kfree(wait);
}

void vfork_release(struct task *p)
{
	struct vfork_wait *wait = p->vfork_done;

	if (!wait)
		return;
	p->vfork_done = NULL;
	WRITE_ONCE(wait->done, true);
	waitq_wake_key(&wait->wait, TASK_NORMAL, 0, 0);
	vfork_put(wait);
}

static struct vfork_wait *vfork_new(void)
{
	struct vfork_wait *wait = kmalloc(sizeof(*wait), GFP_KERNEL);

	if (!wait)
		return NULL;
	wait->done = false;
	waitq_init(&wait->wait);
	refcount_set(&wait->refs, 2);
	return wait;
}

long kernel_clone(const struct clone_request *rq)
{
	struct vfork_wait *wait = NULL;
	struct task *p;
	pid_t nr;

	if (rq->flags & CLONE_VFORK) {
		wait = vfork_new();
		if (!wait)
			return -ENOMEM;
	}
	p = copy_process(rq);
	if (IS_ERR(p)) {
		kfree(wait);
		return PTR_ERR(p);
	}
	nr = p->pid;
	if (rq->flags & CLONE_PARENT_SETTID)
		(void)put_user(nr, rq->parent_tid);
	if (p->set_child_tid) {
		/* Into the child's memory, before it runs. */
		if (rq->flags & CLONE_VM)
			(void)put_user(nr, p->set_child_tid);
		else
			access_remote_vm(p->thread.mm, (vaddr_t)p->set_child_tid, &nr, sizeof(nr),
					 FOLL_WRITE);
	}
	p->vfork_done = wait;
	wake_up_new_task(p);
	if (wait) {
		(void)waitq_wait_killable(&wait->wait, READ_ONCE(wait->done));
		vfork_put(wait);
	}
	return nr;
}

struct task *fork_kernel_thread(void (*fn)(void *arg), void *arg, const char *name)
{
	struct clone_request rq = {
		.exit_signal = 0, .kernel_fn = fn, .kernel_arg = arg,
	};
	struct task *p;

	p = copy_process(&rq);
	if (IS_ERR(p))
		return NULL;
	strscpy(p->comm, name, sizeof(p->comm));
	return p;
}

/* The boot context becomes the first task, so that there is something to copy. */
void fork_init(void)
{
	struct task *idle = current;
	struct signal *sig;
	int i;

	task_cache = kmem_cache_create("task_struct", sizeof(struct task), 64, SLAB_PANIC, NULL);
	signal_cache = KMEM_CACHE(signal, SLAB_HWCACHE_ALIGN | SLAB_PANIC);
	sighand_cache = KMEM_CACHE(sighand, SLAB_HWCACHE_ALIGN | SLAB_PANIC);
	fpu_cache = kmem_cache_create("fpu_state", (unsigned int)fpu_state_size(), 64, SLAB_PANIC,
				      NULL);
	idle->sighand = sighand_alloc();
	idle->signal = sig = kmem_cache_zalloc(signal_cache, GFP_KERNEL);
	if (!idle->sighand || !sig)
		panic("no memory for the first task");
	memset(idle->sighand->action, 0, sizeof(idle->sighand->action));
	init_signal(sig);
	for (i = 0; i < RLIM_NLIMITS; i++)
		sig->rlim[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	sig->rlim[RLIMIT_STACK].rlim_cur = 8 << 20;
	sig->rlim[RLIMIT_CORE].rlim_cur = 0;
	sig->rlim[RLIMIT_NPROC] = (struct rlimit){ threads_max / 2, threads_max / 2 };
	sig->rlim[RLIMIT_NOFILE] = (struct rlimit){ 1024, 4096 };
	sig->rlim[RLIMIT_MEMLOCK] = (struct rlimit){ 8 << 20, 8 << 20 };
	sig->rlim[RLIMIT_SIGPENDING] = sig->rlim[RLIMIT_NPROC];
	sig->rlim[RLIMIT_MSGQUEUE] = (struct rlimit){ 819200, 819200 };
	sig->rlim[RLIMIT_NICE] = sig->rlim[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
	idle->group_leader = idle;
	idle->real_parent = idle;
	INIT_LIST_HEAD(&idle->children);
	INIT_LIST_HEAD(&idle->pending.list);
	idle->timer_slack_ns = 50000;
	futex_init();
}
