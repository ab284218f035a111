/* SPDX-License-Identifier: MIT */
/* exec.c - execve: from the call to the loader, and what a new program keeps of the old one. */
#include "proc/exec.h"

#include "arch/fpu.h"
#include "base/format.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/vfs.h"
#include "lib/printk.h"
#include "lib/random.h"
#include "proc/cred.h"
#include "proc/exec_args.h"
#include "proc/fork.h"
#include "proc/itimer.h"
#include "proc/utsname.h"
#include "quire/slab.h"
#include "quire/uaccess.h"
#include "syscall/syscall.h"

/* Interpreters of interpreters: as many as Linux follows. */
#define SCRIPT_DEPTH_MAX 5

int bprm_read_head(struct binprm *bprm)
{
	long got = kernel_read(bprm->file, bprm->buf, BINPRM_BUF_SIZE, 0);

	if (got < 0)
		return (int)got;
	memset(bprm->buf + got, 0, BINPRM_BUF_SIZE - (size_t)got);
	return 0;
}

static int bprm_creds(struct binprm *bprm)
{
	const struct inode *inode = bprm->file->f_inode;
	bool nosuid = bprm->file->f_path.mnt->mnt_flags & MS_NOSUID;

	if (bprm->cred)
		abort_creds(bprm->cred);
	bprm->cred =
		exec_creds(inode->i_uid, inode->i_gid, nosuid ? 0 : inode->i_mode, &bprm->secure);
	return bprm->cred ? 0 : -ENOMEM;
}

/* ---- the point of no return ---- */

static bool others_gone(void)
{
	struct signal *sig = current->signal;
	bool gone;

	spin_lock_irq(&tasklist_lock);
	if (current->group_leader == current)
		gone = list_is_singular(&sig->threads);
	else	/* the leader stays as a zombie until its place is taken */
		gone = sig->nr_threads == 2 && current->group_leader->exit_state == EXIT_ZOMBIE;
	spin_unlock_irq(&tasklist_lock);
	return gone;
}

static void swap_pid(struct task *a, struct task *b)
{
	struct pid *pa = get_pid(a->thread_pid), *pb = get_pid(b->thread_pid);
	pid_t nr = a->pid;

	detach_pid(a, PIDTYPE_PID);
	detach_pid(b, PIDTYPE_PID);
	attach_pid(a, PIDTYPE_PID, pb);
	attach_pid(b, PIDTYPE_PID, pa);
	a->pid = b->pid;
	b->pid = nr;
	put_pid(pa);
	put_pid(pb);
}

static void replace_link(struct hlist_node *old, struct hlist_node *fresh)
{
	if (hlist_unhashed(old))
		return;
	*fresh = *old;
	*fresh->pprev = fresh;
	if (fresh->next)
		fresh->next->pprev = &fresh->next;
	INIT_HLIST_NODE(old);
}

/* The process keeps its number: the thread that calls exec takes the place of the dead leader. */
static void become_leader(void)
{
	struct task *p = current, *leader = p->group_leader;
	int type;

	spin_lock_irq(&tasklist_lock);
	swap_pid(p, leader);
	for (type = PIDTYPE_TGID; type < PIDTYPE_MAX; type++)
		replace_link(&leader->pid_links[type], &p->pid_links[type]);
	list_replace(&leader->tasks, &p->tasks);
	list_replace(&leader->sibling, &p->sibling);
	INIT_LIST_HEAD(&leader->tasks);
	INIT_LIST_HEAD(&leader->sibling);
	p->start_time = leader->start_time;
	p->exit_signal = leader->exit_signal;
	leader->exit_signal = -1;
	p->group_leader = leader->group_leader = p;
	p->signal->timer_owner = p;
	leader->exit_state = EXIT_DEAD;
	spin_unlock_irq(&tasklist_lock);
	release_task(leader);
}

/* Ends all other threads. 0, or -EAGAIN when the process is ending already. */
static int de_thread(void)
{
	struct signal *sig = current->signal;
	int error = 0;

	if (list_is_singular(&sig->threads))
		return 0;
	spin_lock_irq(&current->sighand->lock);
	if (sig->flags & SIGNAL_GROUP_EXIT || sig->group_exec_task) {
		error = -EAGAIN;
	} else {
		sig->group_exec_task = current;
		zap_other_threads();
	}
	spin_unlock_irq(&current->sighand->lock);
	if (error)
		return error;
	error = waitq_wait_killable(&sig->wait_chldexit, others_gone());
	if (!error && current->group_leader != current)
		become_leader();
	spin_lock_irq(&current->sighand->lock);
	sig->group_exec_task = NULL;
	spin_unlock_irq(&current->sighand->lock);
	return error ? -EAGAIN : 0;
}

static int unshare_sighand(void)
{
	struct sighand *old = current->sighand, *fresh;

	if (refcount_read(&old->refs) == 1)
		return 0;
	fresh = sighand_alloc();
	if (!fresh)
		return -ENOMEM;
	spin_lock_irq(&tasklist_lock);
	spin_lock(&old->lock);
	memcpy(fresh->action, old->action, sizeof(fresh->action));
	current->sighand = fresh;
	spin_unlock(&old->lock);
	spin_unlock_irq(&tasklist_lock);
	sighand_put_rcu(old);
	return 0;
}

static void install_mm(struct mm_struct *mm)
{
	struct task *p = current;
	struct mm_struct *old = p->thread.mm, *loaded = p->active_mm;

	mm_release(p);
	/* Without the first process there is no machine. */
	mm_set_oom_score_adj(mm, p->tgid == 1 ? OOM_SCORE_ADJ_MIN : p->signal->oom_score_adj);
	irq_disable();
	spin_lock(&p->lock);
	p->thread.mm = p->active_mm = mm;
	switch_mm(loaded, mm);
	spin_unlock(&p->lock);
	irq_enable();
	if (old)
		mmput(old);
	else if (loaded)
		mmdrop(loaded);
}

static void set_exe(struct binprm *bprm)
{
	struct mmap_file backing;

	if (!file_mmap_backing(bprm->file, PROT_READ | PROT_EXEC, MAP_PRIVATE, &backing) &&
	    backing.mapping)
		mm_set_exe(bprm->mm, backing.mapping, backing.file);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void reset_task_state(struct binprm *bprm)
{
	struct task *p = current;

	set_task_comm(p, base_name(bprm->filename));
	p->flags &= ~(unsigned int)(PF_FORKNOEXEC | PF_KTHREAD);
	/* No 64-bit program starts with it, whatever its PT_GNU_STACK says. */
	p->personality &= ~READ_IMPLIES_EXEC;
	p->sas_ss_sp = p->sas_ss_size = 0;
	p->sas_ss_flags = 0;
	p->set_child_tid = p->clear_child_tid = NULL;
	p->robust_list = NULL;
	p->rseq = NULL;
	p->restart_block.fn = NULL;
	p->signal->membarrier = 0;
	posix_timers_drop(p->signal);
	flush_signal_handlers(p->sighand, false);
	thread_reset_tls();
	fpu_reset_current();
}

int begin_new_exec(struct binprm *bprm)
{
	int error = task_alloc_fpu(current);

	if (!error)
		error = de_thread();
	if (!error)
		error = unshare_files();
	if (!error)
		error = unshare_sighand();
	if (error)
		return error;
	bprm->no_return = true;
	set_exe(bprm);
	if (task_mm(current))
		mm_set_traits(bprm->mm, ~(unsigned int)MM_HIDDEN, mm_inherited_traits(task_mm(current)));
	install_mm(bprm->mm);
	bprm->mm = NULL;
	reset_task_state(bprm);
	do_close_on_exec();
	commit_creds(bprm->cred);
	bprm->cred = NULL;
	return 0;
}

void start_thread(unsigned long ip, unsigned long sp)
{
	pt_regs_init(current_pt_regs(), ip, sp);
	set_thread_flag(&current->thread, TIF_FULL_RETURN);
}

/* ---- the call ---- */

static int search_loader(struct binprm *bprm)
{
	int depth, error;

	for (depth = 0; depth <= SCRIPT_DEPTH_MAX; depth++) {
		error = bprm_read_head(bprm);
		if (!error)
			error = bprm_creds(bprm);
		if (error)
			return error;
		if (bprm->buf[0] == '#' && bprm->buf[1] == '!') {
			error = load_script(bprm);
			if (error)
				return error;
			continue;
		}
		error = bprm_flush(bprm);
		return error ? error : load_elf(bprm);
	}
	return -ELOOP;
}

static void free_bprm(struct binprm *bprm)
{
	if (bprm->cred)
		abort_creds(bprm->cred);
	if (bprm->mm)
		mmput(bprm->mm);
	if (!IS_ERR(bprm->file)) {
		exec_allow_write(bprm->file);
		fput(bprm->file);
	}
	kfree(bprm->page);
	kfree(bprm);
}

/* @file's reference is consumed. */
static int exec_file(struct file *file, const char *filename, const struct string_array *argv,
		     const struct string_array *envp)
{
	struct binprm *bprm;
	int error;

	bprm = kmalloc(sizeof(*bprm), GFP_KERNEL);
	if (!bprm) {
		exec_allow_write(file);
		fput(file);
		return -ENOMEM;
	}
	memset(bprm, 0, offsetof(struct binprm, buf));
	bprm->file = file;
	bprm->filename = filename;
	error = bprm_build_stack(bprm, argv, envp);
	if (!error)
		error = search_loader(bprm);
	if (error && bprm->no_return) {
		force_fatal_sig(SIGSEGV);
		error = 0;
	}
	free_bprm(bprm);
	return error;
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	struct string_array args = { .kernel = argv }, env = { .kernel = envp };
	struct file *file = open_exec(path);

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	return exec_file(file, path, &args, &env);
}

/* The name by which a script would be opened again: "/dev/fd/N/path" for a descriptor. */
static int exec_name(struct filename *name, int dfd, const char *upath, int flags, char **text)
{
	int error = getname(name, upath, flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);

	if (error)
		return error;
	*text = name->text;
	if (dfd == AT_FDCWD || name->text[0] == '/')
		return 0;
	*text = kmalloc(name->len + 32, GFP_KERNEL);
	if (!*text) {
		putname(name);
		return -ENOMEM;
	}
	quire_snprintf(*text, name->len + 32, name->len ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd,
		       name->text);
	return 0;
}

static long do_execveat(int dfd, const char *upath, const char *const *argv,
			const char *const *envp, int flags)
{
	struct string_array args = { .user = argv }, env = { .user = envp };
	struct filename name;
	struct file *file;
	char *text;
	int error;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (current_cred()->uid &&
	    (u64)atomic_read(&current_cred()->user->processes) > rlimit(RLIMIT_NPROC) &&
	    !capable(CAP_SYS_RESOURCE))
		return -EAGAIN;
	error = exec_name(&name, dfd, upath, flags, &text);
	if (error)
		return error;
	file = open_exec_at(dfd, upath, flags);
	error = IS_ERR(file) ? (int)PTR_ERR(file) : exec_file(file, text, &args, &env);
	if (text != name.text)
		kfree(text);
	putname(&name);
	return error;
}

SYSCALL_DEFINE3(execve, const char *, path, const char *const *, argv, const char *const *, envp)
{
	return do_execveat(AT_FDCWD, path, argv, envp, 0);
}

SYSCALL_DEFINE5(execveat, int, dfd, const char *, path, const char *const *, argv,
		const char *const *, envp, int, flags)
{
	return do_execveat(dfd, path, argv, envp, flags);
}
