/* SPDX-License-Identifier: MIT */
/* proc_root.c - /proc itself: one tree for all mounts, fixed entries and a directory for each process. */
#include "base/string.h"
#include "fs/proc.h"
#include "fs/proc_pid.h"
#include "quire/errno.h"

struct pseudo_entry *proc_root;
static struct super_block *proc_sb;

static struct inode *proc_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	struct pseudo_entry *e;

	if (len == 4 && !memcmp(name, "self", 4))
		return proc_self_inode(dir->i_sb, false);
	if (len == 11 && !memcmp(name, "thread-self", 11))
		return proc_self_inode(dir->i_sb, true);
	e = pseudo_find(proc_root, name, len);

	if (!e)
		return proc_pid_lookup(dir->i_sb, name, len);
	*hash_it = true;
	return pseudo_inode(dir->i_sb, e);
}

static const struct inode_operations proc_root_iops = { .lookup = proc_lookup };

static const struct super_operations proc_sops = { .evict = proc_evict };

static struct super_block *proc_mount(struct file_system_type *type, const char *source, const char *options)
{
	if (!proc_sb)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&proc_sb->s_count);
	return proc_sb;
}

static struct file_system_type proc_type = { .name = "proc", .mount = proc_mount };

void proc_init(void)
{
	struct inode *root;

	register_filesystem(&proc_type);
	proc_root = pseudo_add(NULL, "/", S_IFDIR | 0555);
	proc_sb = sb_alloc(&proc_type, &proc_sops, PROC_SUPER_MAGIC, 0);
	if (!proc_root || !proc_sb)
		return;
	proc_root->iops = &proc_root_iops;
	proc_pid_init();
	proc_memory_init();
	proc_system_init();
	proc_sys_init();
	sysfs_init();
	debugfs_init();
	root = pseudo_inode(proc_sb, proc_root);
	if (!IS_ERR(root))
		proc_sb->s_root = d_alloc_root(proc_sb, root);
	if (!proc_sb->s_root)
		proc_sb = NULL;
}
