/* SPDX-License-Identifier: MIT */
/* devtmpfs.c - the file system for /dev: one tree in memory, however often it is mounted, with a node for each device. */
#include "base/string.h"
#include "dev/chrdev.h"
#include "fs/tmpfs.h"
#include "quire/errno.h"

static struct super_block *dev_sb;

static struct super_block *devtmpfs_mount(struct file_system_type *type, const char *source, const char *options)
{
	if (!dev_sb)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&dev_sb->s_count);
	return dev_sb;
}

static struct file_system_type devtmpfs_type = { .name = "devtmpfs", .mount = devtmpfs_mount };

static struct dentry *make(struct dentry *parent, const char *name, size_t len, umode_t mode, dev_t dev,
			   const char *target)
{
	struct inode *dir = parent->d_inode;
	struct dentry *child = d_alloc(parent, name, len);
	int err;

	if (!child)
		return ERR_PTR(-ENOMEM);
	err = target ? dir->i_op->symlink(dir, child, target) : dir->i_op->mknod(dir, child, mode, dev);
	if (err) {
		dput(child);
		return ERR_PTR(err);
	}
	return child;
}

/* Walks to the last component's parent, making directories. Reference to the caller. */
static struct dentry *parent_of(const char **path)
{
	struct dentry *dir = dget(dev_sb->s_root), *child;
	const char *slash;

	while ((slash = strchr(*path, '/'))) {
		size_t len = (size_t)(slash - *path);

		child = d_lookup(dir, *path, len);
		if (!child)
			child = make(dir, *path, len, S_IFDIR | 0755, 0, NULL);
		dput(dir);
		if (IS_ERR(child))
			return child;
		dir = child;
		*path = slash + 1;
	}
	return dir;
}

static int add(const char *path, umode_t mode, dev_t dev, const char *target)
{
	struct dentry *dir, *child;

	if (!dev_sb)
		return -ENOMEM;
	mutex_lock(&dev_sb->s_lock);
	dir = parent_of(&path);
	child = IS_ERR(dir) ? dir : make(dir, path, strlen(path), mode, dev, target);
	if (!IS_ERR(dir))
		dput(dir);
	mutex_unlock(&dev_sb->s_lock);
	if (IS_ERR(child))
		return (int)PTR_ERR(child);
	dput(child);
	return 0;
}

int devtmpfs_add(const struct devnode *node)
{
	return add(node->path, node->mode, node->dev, NULL);
}

int devtmpfs_link(const char *path, const char *target)
{
	return add(path, 0, 0, target);
}

void devtmpfs_init(void)
{
	register_filesystem(&devtmpfs_type);
	dev_sb = tmpfs_fill(&devtmpfs_type, TMPFS_MAGIC, "mode=0755", false);
	if (IS_ERR(dev_sb)) {
		dev_sb = NULL;
		return;
	}
	devtmpfs_add(&(struct devnode){ "pts", S_IFDIR | 0755, 0 });
	devtmpfs_add(&(struct devnode){ "shm", S_IFDIR | S_ISVTX | 0777, 0 });
	devtmpfs_link("fd", "/proc/self/fd");
	devtmpfs_link("stdin", "/proc/self/fd/0");
	devtmpfs_link("stdout", "/proc/self/fd/1");
	devtmpfs_link("stderr", "/proc/self/fd/2");
}
