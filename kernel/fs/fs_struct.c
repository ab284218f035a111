/* SPDX-License-Identifier: MIT */
/* fs_struct.c - root and current directory of tasks. */
#include "fs/fs_struct.h"
#include "fs/dcache.h"
#include "quire/errno.h"
#include "quire/slab.h"

static struct fs_struct *fs_new(void)
{
	struct fs_struct *fs = kmalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return NULL;
	atomic_set(&fs->count, 1);
	fs->umask = 022;
	spin_lock_init(&fs->lock, LOCK_HOST_SPIN);
	return fs;
}

void get_fs_root(struct fs_struct *fs, struct path *root)
{
	spin_lock(&fs->lock);
	*root = fs->root;
	path_get(root);
	spin_unlock(&fs->lock);
}

void get_fs_pwd(struct fs_struct *fs, struct path *pwd)
{
	spin_lock(&fs->lock);
	*pwd = fs->pwd;
	path_get(pwd);
	spin_unlock(&fs->lock);
}

static void set_path(struct fs_struct *fs, struct path *which, const struct path *path)
{
	struct path old;

	path_get(path);
	spin_lock(&fs->lock);
	old = *which;
	*which = *path;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void set_fs_root(struct fs_struct *fs, const struct path *root)
{
	set_path(fs, &fs->root, root);
}

void set_fs_pwd(struct fs_struct *fs, const struct path *pwd)
{
	set_path(fs, &fs->pwd, pwd);
}

struct fs_struct *fs_dup(struct fs_struct *old)
{
	struct fs_struct *fs = fs_new();

	if (fs) {
		fs->umask = old->umask;
		get_fs_root(old, &fs->root);
		get_fs_pwd(old, &fs->pwd);
	}
	return fs;
}

struct fs_struct *fs_init_task(void)
{
	struct fs_struct *fs = fs_new();

	if (fs) {
		fs->root = fs->pwd = (struct path){ rootfs_mount, rootfs_mount->mnt_root };
		path_get(&fs->root);
		path_get(&fs->pwd);
	}
	return fs;
}

void fs_put(struct fs_struct *fs)
{
	if (!atomic_dec_and_test(&fs->count))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kfree(fs);
}

struct fs_struct *get_task_fs(struct task *p)
{
	struct fs_struct *fs;

	spin_lock(&p->lock);
	fs = p->fs;
	if (fs)
		fs_get(fs);
	spin_unlock(&p->lock);
	return fs;
}

void exit_fs(struct task *p)
{
	struct fs_struct *fs = p->fs;

	if (!fs)
		return;
	spin_lock(&p->lock);
	p->fs = NULL;
	spin_unlock(&p->lock);
	fs_put(fs);
}

int unshare_fs(void)
{
	struct fs_struct *old = current->fs, *fs;

	if (atomic_read(&old->count) == 1)
		return 0;
	fs = fs_dup(old);
	if (!fs)
		return -ENOMEM;
	spin_lock(&current->lock);
	current->fs = fs;
	spin_unlock(&current->lock);
	fs_put(old);
	return 0;
}
