/* SPDX-License-Identifier: MIT */
/* proc_fd.c - /proc/PID/fd and fdinfo: a task's open files by number. */
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/proc_pid.h"

/* ---- one open file ---- */

static struct file *get_task_file(struct task *task, unsigned int fd)
{
	struct files_struct *files = get_files_struct(task);
	struct file *file = files ? fget_from(files, fd) : NULL;

	if (files)
		files_put(files);
	return file;
}

static int fd_get_path(struct inode *inode, struct path *path)
{
	struct task *task = proc_task(inode);
	struct file *file;

	if (!may_inspect(task))
		return -EACCES;
	file = get_task_file(task, proc_i(inode)->fd);
	if (!file)
		return -ENOENT;
	*path = file->f_path;
	path_get(path);
	fput(file);
	return 0;
}

static int fd_read_text(struct inode *inode, char *buf, size_t size)
{
	struct path path;
	char *text;
	int err = fd_get_path(inode, &path);
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

static const struct inode_operations fd_link_iops = { .get_path = fd_get_path, .read_text = fd_read_text };
static const struct pid_entry fd_link_entry = { .name = "fd", .mode = S_IFLNK | 0700, .iops = &fd_link_iops };

static int show_fdinfo(struct text_sink *sink, void *arg)
{
	struct inode *inode = arg;
	struct file *file = get_task_file(proc_task(inode), proc_i(inode)->fd);
	int err;

	if (!file)
		return -ENOENT;
	err = sink_printf(sink, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)file->f_pos,
			  file->f_flags, file->f_path.mnt->mnt_id, (unsigned long long)file->f_inode->i_ino);
	if (!err && file->f_op->show_fdinfo)
		err = file->f_op->show_fdinfo(file, sink);
	fput(file);
	return err;
}

static const struct text_ops fdinfo_text = { .show = show_fdinfo };

static int fdinfo_open(struct inode *inode, struct file *file)
{
	if (!may_inspect(proc_task(inode)))
		return -EACCES;
	file->f_op = &text_fops;
	return text_open(file, &fdinfo_text, inode, NULL);
}

static const struct file_operations fdinfo_file_fops = { .open = fdinfo_open, .llseek = generic_file_llseek };
static const struct pid_entry fdinfo_entry = { .name = "fdinfo", .mode = S_IFREG | 0400, .fops = &fdinfo_file_fops };

/* ---- the directories ---- */

static struct inode *lookup_number(struct inode *dir, const char *name, size_t len, const struct pid_entry *entry)
{
	struct task *task = proc_task(dir);
	struct inode *inode;
	struct file *file;
	unsigned int fd;

	if (parse_number(name, len, &fd))
		return NULL;
	file = get_task_file(task, fd);
	if (!file)
		return NULL;
	inode = proc_task_inode(dir->i_sb, task, entry, false);
	if (!IS_ERR(inode)) {
		proc_i(inode)->fd = fd;
		/* A link may be followed as the file was opened. */
		if (S_ISLNK(inode->i_mode))
			inode->i_mode = S_IFLNK | ((file->f_mode & FMODE_READ) ? 0500 : 0) |
					((file->f_mode & FMODE_WRITE) ? 0300 : 0);
	}
	fput(file);
	return inode;
}

static struct inode *fd_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	return lookup_number(dir, name, len, &fd_link_entry);
}

static struct inode *fdinfo_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	return lookup_number(dir, name, len, &fdinfo_entry);
}

static int list_numbers(struct file *file, struct dir_context *ctx, unsigned int type)
{
	struct task *task = proc_task(file->f_inode);
	struct files_struct *files;
	int fd;

	if (!may_inspect(task))
		return -EACCES;
	if (!emit_dots(file, ctx))
		return 0;
	files = get_files_struct(task);
	if (!files)
		return 0;
	while ((fd = next_open_fd(files, (unsigned int)(ctx->pos - 2))) >= 0)
		if (emit_number(ctx, (unsigned long)fd, (u64)fd + 2, file->f_inode->i_ino + 2 + (u64)fd, type))
			break;
	files_put(files);
	return 0;
}

static int fd_iterate(struct file *file, struct dir_context *ctx)
{
	return list_numbers(file, ctx, DT_LNK);
}

static int fdinfo_iterate(struct file *file, struct dir_context *ctx)
{
	return list_numbers(file, ctx, DT_REG);
}

/* One's own may always be reached, whatever the mode says (a program that changed its user id). */
static int fd_permission(struct inode *inode, int mask)
{
	return may_inspect(proc_task(inode)) ? 0 : -EACCES;
}

const struct inode_operations proc_fd_iops = { .lookup = fd_lookup, .permission = fd_permission };
const struct inode_operations proc_fdinfo_iops = { .lookup = fdinfo_lookup, .permission = fd_permission };
const struct file_operations proc_fd_fops = { .llseek = generic_file_llseek, .iterate = fd_iterate };
const struct file_operations proc_fdinfo_fops = { .llseek = generic_file_llseek, .iterate = fdinfo_iterate };
