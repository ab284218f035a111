/* SPDX-License-Identifier: MIT */
/* proc_map_files.c - /proc/PID/map_files: a link START-END to the file of each mapping that has one. */
#include "arch/page.h"
#include "base/format.h"
#include "base/string.h"
#include "fs/proc_pid.h"
#include "fs/tmpfs.h"
#include "proc/signal.h"
#include "quire/page.h"

/* The object behind a link, if the very same range still is one; a reference on its file if it is one and wanted. Shared
 * memory of other kinds has a name, and nothing to be opened. */
static int find_range(struct inode *inode, const struct address_space_operations *files, struct mm_object *found,
		      char *name, size_t size)
{
	const struct proc_inode *pi = proc_i(inode);
	struct mm_struct *mm;
	bool there;

	if (!may_inspect(pi->task))
		return -EACCES;
	mm = get_task_mm(pi->task);
	if (!mm)
		return -ENOENT;
	there = mm_find_object(mm, pi->range_start, files, found, name, size);
	mmput(mm);
	if (!there)
		return -ENOENT;
	if (found->start == pi->range_start && found->end == pi->range_end)
		return 0;
	if (found->file)
		fput(found->file);
	return -ENOENT;
}

static int range_get_path(struct inode *inode, struct path *path)
{
	struct mm_object found;
	int err;

	/* A mapping outlives its descriptor: what it leads to may be out of the process's own reach. */
	if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	err = find_range(inode, &tmpfs_mapping_ops, &found, NULL, 0);
	if (err)
		return err;
	if (!found.file)
		return -ENOENT;
	*path = ((struct file *)found.file)->f_path;
	path_get(path);
	fput(found.file);
	return 0;
}

static int range_read_text(struct inode *inode, char *buf, size_t size)
{
	struct mm_object found;
	int err = find_range(inode, NULL, &found, buf, size);

	return err ? err : (int)strlen(buf);
}

static const struct inode_operations range_iops = { .get_path = range_get_path, .read_text = range_read_text };
static const struct pid_entry range_entry = { .name = "map_files", .mode = S_IFLNK | 0600, .iops = &range_iops };

/* Hexadecimal up to @end; 0 or -ENOENT. Without zeros in front, so that each range has one name. */
static int parse_address(const char *text, const char *end, unsigned long *value)
{
	*value = 0;
	if (text == end || end - text > 16 || (*text == '0' && end - text > 1))
		return -ENOENT;
	for (; text < end; text++) {
		char c = *text;

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return -ENOENT;
		*value = *value << 4 | (unsigned long)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return 0;
}

static struct inode *range_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	const char *dash = memchr(name, '-', len);
	struct mm_object found;
	unsigned long start, end;
	struct inode *inode;

	if (!dash || parse_address(name, dash, &start) || parse_address(dash + 1, name + len, &end))
		return NULL;
	inode = proc_task_inode(dir->i_sb, proc_task(dir), &range_entry, false);
	if (IS_ERR(inode))
		return inode;
	proc_i(inode)->range_start = start;
	proc_i(inode)->range_end = end;
	if (find_range(inode, &tmpfs_mapping_ops, &found, NULL, 0)) {
		iput(inode);
		return NULL;
	}
	if (found.file) {
		unsigned int mode = ((struct file *)found.file)->f_mode;

		inode->i_mode = S_IFLNK | (mode & FMODE_READ ? 0400 : 0) | (mode & FMODE_WRITE ? 0200 : 0);
		fput(found.file);
	}
	return inode;
}

/* Positions from 2 on are pages of the address space, so that a change meanwhile neither repeats nor skips others. */
static int range_iterate(struct file *file, struct dir_context *ctx)
{
	struct task *task = proc_task(file->f_inode);
	struct mm_object found;
	struct mm_struct *mm;
	char name[40];

	if (!may_inspect(task))
		return -EACCES;
	if (!emit_dots(file, ctx))
		return 0;
	mm = get_task_mm(task);
	if (!mm)
		return 0;
	while (mm_find_object(mm, (vaddr_t)(ctx->pos - 2) << PAGE_SHIFT, NULL, &found, NULL, 0)) {
		u64 next = (found.end >> PAGE_SHIFT) + 2;
		int len = quire_scnprintf(name, sizeof(name), "%lx-%lx", found.start, found.end);

		if (ctx->actor(ctx, name, (size_t)len, next, found.start >> PAGE_SHIFT, DT_LNK))
			break;
		ctx->pos = next;
	}
	mmput(mm);
	return 0;
}

static int range_permission(struct inode *inode, int mask)
{
	return may_inspect(proc_task(inode)) ? 0 : -EACCES;
}

const struct inode_operations proc_map_files_iops = { .lookup = range_lookup, .permission = range_permission };
const struct file_operations proc_map_files_fops = { .llseek = generic_file_llseek, .iterate = range_iterate };
