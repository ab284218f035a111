/* SPDX-License-Identifier: MIT */
/* proc_pid.c - directories of processes and threads in /proc: their names, links and small files. */
#include "base/format.h"
#include "base/string.h"
#include "fs/fs_struct.h"
#include "fs/proc_pid.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "quire/mm.h"
#include "quire/oom.h"
#include "quire/slab.h"

static struct kmem_cache *proc_inode_cache;

/* ---- inodes ---- */

void proc_evict(struct inode *inode)
{
	struct proc_inode *pi;

	if (!(inode->i_flags & S_PROC_TASK)) {
		inode_free(inode);
		return;
	}
	pi = proc_i(inode);
	if (pi->task)
		put_task(pi->task);
	kmem_cache_free(proc_inode_cache, pi);
}

bool task_gone(const struct task *task)
{
	return READ_ONCE(task->exit_state) == EXIT_DEAD;
}

bool may_inspect(struct task *task)
{
	return may_access_process(task, ACCESS_FSCREDS);
}

/* Files belong to whom the task acts as now; those of one that hides its memory or has none to nobody but root, where others cannot only list. */
static void proc_refresh(struct inode *inode)
{
	const struct cred *cred = get_task_cred(proc_task(inode));
	bool hidden = inode->i_mode != (S_IFDIR | 0555) && (task_mm_traits(proc_task(inode)) & MM_HIDDEN);

	inode->i_uid = hidden ? 0 : cred->euid;
	inode->i_gid = hidden ? 0 : cred->egid;
	put_cred(cred);
}

static int pid_file_open(struct inode *inode, struct file *file);
static const struct file_operations pid_text_fops = { .open = pid_file_open, .llseek = generic_file_llseek };
static const struct inode_operations pid_file_iops;

struct inode *proc_task_inode(struct super_block *sb, struct task *task, const struct pid_entry *entry, bool is_thread)
{
	struct proc_inode *pi = kmem_cache_alloc(proc_inode_cache, GFP_KERNEL);

	if (!pi)
		return ERR_PTR(-ENOMEM);
	inode_init(&pi->inode, sb, entry->mode);
	pi->inode.i_flags = S_PROC_TASK;
	pi->task = task ? get_task(task) : NULL;
	pi->entry = entry;
	pi->fd = 0;
	pi->is_thread = is_thread;
	pi->inode.i_op = entry->iops ? entry->iops : &pid_file_iops;
	pi->inode.i_fop = entry->fops ? entry->fops : &pid_text_fops;
	if (S_ISDIR(entry->mode))
		pi->inode.i_nlink = 2;
	if (task)
		proc_refresh(&pi->inode);
	return &pi->inode;
}

/* ---- texts ---- */

static int pid_show(struct text_sink *sink, void *arg)
{
	struct inode *inode = arg;
	struct task *task = proc_task(inode);

	if (!proc_i(inode)->entry->show)
		return -EINVAL;
	return task_gone(task) ? -ESRCH : proc_i(inode)->entry->show(sink, task);
}

static int pid_show_part(struct text_sink *sink, void *arg, unsigned long *cursor)
{
	struct inode *inode = arg;
	struct task *task = proc_task(inode);

	return task_gone(task) ? -ESRCH : proc_i(inode)->entry->show_part(sink, task, cursor);
}

static int pid_store(const char *text, size_t len, void *arg)
{
	struct inode *inode = arg;
	const struct pid_entry *entry = proc_i(inode)->entry;

	if (!entry->store)
		return -EIO;
	return task_gone(proc_task(inode)) ? -ESRCH : entry->store(proc_task(inode), text, len);
}

static const struct text_ops pid_text_ops = { .show = pid_show, .store = pid_store };
static const struct text_ops pid_parts_ops = { .show_part = pid_show_part };

/* The file holds its path, which holds the inode: no reference is needed. */
static int pid_file_open(struct inode *inode, struct file *file)
{
	struct proc_inode *pi = proc_i(inode);

	if (!pi->entry->show && !pi->entry->show_part && !pi->entry->store)
		return -EACCES;
	if (pi->entry->secret && !may_inspect(pi->task))
		return -EACCES;
	file->f_op = &text_fops;
	return text_open(file, pi->entry->show_part ? &pid_parts_ops : &pid_text_ops, inode, NULL);
}

static int refuse_setattr(struct inode *inode, const struct iattr *attr)
{
	return (attr->valid & ~ATTR_SIZE) ? -EPERM : 0;
}

static const struct inode_operations pid_file_iops = { .setattr = refuse_setattr, .refresh = proc_refresh };

static int show_comm(struct text_sink *sink, struct task *task)
{
	char comm[TASK_COMM_LEN];

	get_task_comm(comm, task);
	return sink_printf(sink, "%s\n", comm);
}

static int store_comm(struct task *task, const char *text, size_t len)
{
	char comm[TASK_COMM_LEN];

	if (!same_thread_group(task, current))
		return -EINVAL;
	strscpy(comm, text, sizeof(comm));
	if (strchr(comm, '\n'))
		*strchr(comm, '\n') = 0;
	set_task_comm(task, comm);
	return 0;
}

static int show_mounts(struct text_sink *sink, struct task *task, int (*render)(struct text_sink *, const struct path *))
{
	struct fs_struct *fs = get_task_fs(task);
	struct path root;
	int err;

	if (!fs)
		return -EINVAL;
	get_fs_root(fs, &root);
	fs_put(fs);
	err = render(sink, &root);
	path_put(&root);
	return err;
}

static int show_mount_table(struct text_sink *sink, struct task *task)
{
	return show_mounts(sink, task, mounts_show);
}

static int show_mountinfo(struct text_sink *sink, struct task *task)
{
	return show_mounts(sink, task, mountinfo_show);
}

static int show_oom_score_adj(struct text_sink *sink, struct task *task)
{
	return sink_printf(sink, "%d\n", task->signal->oom_score_adj);
}

static int store_oom_score_adj(struct task *task, const char *text, size_t len)
{
	struct mm_struct *mm;
	long value;
	int err = parse_long(text, &value);

	if (err)
		return err;
	if (value < -1000 || value > 1000)
		return -EINVAL;
	if (value < task->signal->oom_score_adj_min && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	task->signal->oom_score_adj = (short)value;
	mm = task->tgid == 1 ? NULL : get_task_mm(task);
	if (mm) {
		mm_set_oom_score_adj(mm, (int)value);
		mmput(mm);
	}
	if (capable(CAP_SYS_RESOURCE))
		task->signal->oom_score_adj_min = (short)value;
	return 0;
}

static int show_oom_score(struct text_sink *sink, struct task *task)
{
	struct mm_struct *mm = get_task_mm(task);
	unsigned int score = 0;

	if (mm) {
		score = mm_oom_score(mm);
		mmput(mm);
	}
	return sink_printf(sink, "%u\n", score);
}

static int show_personality(struct text_sink *sink, struct task *task)
{
	return sink_printf(sink, "%08x\n", task->personality);
}

static int show_wchan(struct text_sink *sink, struct task *task)
{
	return sink_puts(sink, "0"); /* as to those who may not see kernel addresses */
}

/* ---- links ---- */

/* A path of a task's fs_struct, with references. */
static int get_fs_path(struct inode *inode, struct path *path, bool root)
{
	struct task *task = proc_task(inode);
	struct fs_struct *fs;

	if (!may_inspect(task))
		return -EACCES;
	fs = get_task_fs(task);
	if (!fs)
		return -ENOENT;
	if (root)
		get_fs_root(fs, path);
	else
		get_fs_pwd(fs, path);
	fs_put(fs);
	return 0;
}

static int get_cwd(struct inode *inode, struct path *path)
{
	return get_fs_path(inode, path, false);
}

static int get_root(struct inode *inode, struct path *path)
{
	return get_fs_path(inode, path, true);
}

static int get_exe(struct inode *inode, struct path *path)
{
	struct task *task = proc_task(inode);
	struct mm_struct *mm;
	struct file *file;

	if (!may_inspect(task))
		return -EACCES;
	mm = get_task_mm(task);
	if (!mm)
		return -ENOENT;
	file = mm_get_exe(mm);
	mmput(mm);
	if (!file)
		return -ENOENT;
	*path = file->f_path;
	path_get(path);
	fput(file);
	return 0;
}

static int read_link(struct inode *inode, char *buf, size_t size)
{
	struct path path;
	char *text;
	int err = inode->i_op->get_path(inode, &path);
	size_t len;

	if (err)
		return err;
	text = d_path(&path, buf, size);
	path_put(&path);
	if (IS_ERR(text))
		return (int)PTR_ERR(text);
	len = strlen(text);
	memmove(buf, text, len + 1);
	return (int)len;
}

#define LINK_OPS(getter) { .get_path = getter, .read_text = read_link, .setattr = refuse_setattr, .refresh = proc_refresh }
static const struct inode_operations cwd_iops = LINK_OPS(get_cwd);
static const struct inode_operations root_iops = LINK_OPS(get_root);
static const struct inode_operations exe_iops = LINK_OPS(get_exe);

/* ---- what is in a directory ---- */

static const struct inode_operations task_dir_iops;
static const struct file_operations task_dir_fops;

#define LINK(n, ops) { .name = n, .mode = S_IFLNK | 0777, .iops = &(ops) }
#define TEXT(n, m, fn) { .name = n, .mode = S_IFREG | (m), .show = fn }
#define PARTS(n, m, fn) { .name = n, .mode = S_IFREG | (m), .show_part = fn, .secret = true }
#define SECRET(n, m, fn) { .name = n, .mode = S_IFREG | (m), .show = fn, .secret = true }

static const struct pid_entry entries[] = {
	{ .name = "task", .mode = S_IFDIR | 0555, .iops = &task_dir_iops, .fops = &task_dir_fops, .process = true },
	{ .name = "fd", .mode = S_IFDIR | 0500, .iops = &proc_fd_iops, .fops = &proc_fd_fops },
	{ .name = "map_files", .mode = S_IFDIR | 0500, .iops = &proc_map_files_iops, .fops = &proc_map_files_fops,
	  .process = true },
	{ .name = "fdinfo", .mode = S_IFDIR | 0555, .iops = &proc_fdinfo_iops, .fops = &proc_fdinfo_fops },
	SECRET("environ", 0400, proc_show_environ),
	SECRET("auxv", 0400, proc_show_auxv),
	TEXT("status", 0444, proc_show_status),
	TEXT("personality", 0400, show_personality),
	TEXT("limits", 0444, proc_show_limits),
	{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm },
	TEXT("cmdline", 0444, proc_show_cmdline),
	TEXT("stat", 0444, proc_show_stat),
	TEXT("statm", 0444, proc_show_statm),
	PARTS("maps", 0444, proc_show_maps),
	PARTS("numa_maps", 0444, proc_show_numa_maps),
	{ .name = "mem", .mode = S_IFREG | 0600, .fops = &proc_mem_fops },
	LINK("cwd", cwd_iops),
	LINK("root", root_iops),
	LINK("exe", exe_iops),
	TEXT("mounts", 0444, show_mount_table),
	TEXT("mountinfo", 0444, show_mountinfo),
	PARTS("smaps", 0444, proc_show_smaps),
	SECRET("smaps_rollup", 0444, proc_show_smaps_rollup),
	{ .name = "clear_refs", .mode = S_IFREG | 0200, .store = proc_store_clear_refs },
	{ .name = "pagemap", .mode = S_IFREG | 0400, .fops = &proc_pagemap_fops },
	TEXT("wchan", 0444, show_wchan),
	TEXT("oom_score", 0444, show_oom_score),
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, .show = show_oom_score_adj, .store = store_oom_score_adj },
	SECRET("io", 0400, proc_show_io),
	{ .name = "fail-nth", .mode = S_IFREG | 0644, .fops = &proc_fail_nth_fops, .debug = true },
};

static bool listed(const struct pid_entry *entry, bool is_thread)
{
	return (!is_thread || !entry->process) && (QUIRE_DEBUG || !entry->debug);
}

static struct inode *pid_dir_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	struct proc_inode *pi = proc_i(dir);

	if (task_gone(pi->task))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (!strncmp(entries[i].name, name, len) && !entries[i].name[len] && listed(&entries[i], pi->is_thread))
			return proc_task_inode(dir->i_sb, pi->task, &entries[i], pi->is_thread);
	return NULL;
}

bool emit_dots(struct file *file, struct dir_context *ctx)
{
	for (; ctx->pos < 2; ctx->pos++)
		if (ctx->actor(ctx, "..", (size_t)ctx->pos + 1, ctx->pos + 1, file->f_inode->i_ino, DT_DIR))
			return false;
	return true;
}

static int pid_dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct proc_inode *pi = proc_i(file->f_inode);

	if (task_gone(pi->task))
		return -ENOENT;
	if (!emit_dots(file, ctx))
		return 0;
	for (; ctx->pos - 2 < ARRAY_SIZE(entries); ctx->pos++) {
		const struct pid_entry *e = &entries[ctx->pos - 2];

		if (listed(e, pi->is_thread) && ctx->actor(ctx, e->name, strlen(e->name), ctx->pos + 1,
							   file->f_inode->i_ino + ctx->pos, (e->mode & S_IFMT) >> 12))
			return 0;
	}
	return 0;
}

static const struct inode_operations pid_dir_iops = {
	.lookup = pid_dir_lookup, .setattr = refuse_setattr, .refresh = proc_refresh,
};
static const struct file_operations pid_dir_fops = { .llseek = generic_file_llseek, .iterate = pid_dir_iterate };
static const struct pid_entry pid_dir_entry = {
	.name = "", .mode = S_IFDIR | 0555, .iops = &pid_dir_iops, .fops = &pid_dir_fops,
};

/* ---- /proc/PID/task ---- */

static struct inode *task_dir_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	struct task *leader = proc_task(dir), *task;
	struct inode *inode = NULL;
	unsigned int tid;

	if (parse_number(name, len, &tid))
		return NULL;
	task = find_get_task((pid_t)tid);
	if (!task)
		return NULL;
	if (same_thread_group(task, leader))
		inode = proc_task_inode(dir->i_sb, task, &pid_dir_entry, true);
	put_task(task);
	return inode;
}

int emit_number(struct dir_context *ctx, unsigned long nr, u64 pos, u64 ino, unsigned int type)
{
	char name[24];
	int len = quire_scnprintf(name, sizeof(name), "%lu", nr);

	if (ctx->actor(ctx, name, (size_t)len, pos + 1, ino, type))
		return 1;
	ctx->pos = pos + 1;
	return 0;
}

static int task_dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct task *leader = proc_task(file->f_inode), *task;

	if (task_gone(leader))
		return -ENOENT;
	if (!emit_dots(file, ctx))
		return 0;
	while ((task = next_thread(leader, (pid_t)ctx->pos - 2))) {
		pid_t tid = task->pid;

		put_task(task);
		if (emit_number(ctx, (unsigned long)tid, (u64)tid + 2, (u64)tid << 16, DT_DIR))
			break;
	}
	return 0;
}

static const struct inode_operations task_dir_iops = {
	.lookup = task_dir_lookup, .setattr = refuse_setattr, .refresh = proc_refresh,
};
static const struct file_operations task_dir_fops = { .llseek = generic_file_llseek, .iterate = task_dir_iterate };

/* ---- in /proc ---- */

int parse_number(const char *name, size_t len, unsigned int *nr)
{
	unsigned int value = 0;

	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return -ENOENT;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -ENOENT;
		value = value * 10 + (unsigned int)(name[i] - '0');
	}
	*nr = value;
	return 0;
}

struct inode *proc_pid_lookup(struct super_block *sb, const char *name, size_t len)
{
	struct task *task;
	struct inode *inode;
	unsigned int pid;

	if (parse_number(name, len, &pid))
		return NULL;
	task = find_get_task((pid_t)pid);
	if (!task)
		return NULL;
	inode = proc_task_inode(sb, task, &pid_dir_entry, false);
	put_task(task);
	return inode;
}

bool proc_pid_emit(struct dir_context *ctx, u64 first)
{
	struct task *task;
	pid_t pid = ctx->pos > first ? (pid_t)(ctx->pos - first) : 1;

	while ((task = next_process(pid))) {
		pid = task->pid;
		put_task(task);
		if (emit_number(ctx, (unsigned long)pid, first + (u64)pid, (u64)pid << 16, DT_DIR))
			return false;
		pid++;
	}
	return true;
}

/* /proc/self and /proc/thread-self: the text depends on who reads it, so it is made anew for each walk. */
static const char *self_text(struct inode *inode)
{
	return inode->i_private;
}

static int self_read(struct inode *inode, char *buf, size_t size)
{
	return (int)strscpy(buf, inode->i_private, size);
}

static const struct inode_operations self_iops = { .get_text = self_text, .read_text = self_read };
static const struct pid_entry self_entry = { .name = "self", .mode = S_IFLNK | 0777, .iops = &self_iops };

struct inode *proc_self_inode(struct super_block *sb, bool thread)
{
	struct inode *inode = proc_task_inode(sb, NULL, &self_entry, thread);
	struct proc_inode *pi;

	if (IS_ERR(inode))
		return inode;
	pi = proc_i(inode);
	if (thread)
		quire_snprintf(pi->text, sizeof(pi->text), "%d/task/%d", current->tgid, current->pid);
	else
		quire_snprintf(pi->text, sizeof(pi->text), "%d", current->tgid);
	inode->i_uid = inode->i_gid = 0;
	inode->i_private = pi->text;
	return inode;
}

void proc_pid_init(void)
{
	proc_inode_cache = KMEM_CACHE(proc_inode, SLAB_PANIC | SLAB_RECLAIM_ACCOUNT);
}
