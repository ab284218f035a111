/* SPDX-License-Identifier: MIT */
/* tmpfs_dir.c - directories, links and special files of file systems whose names live in memory. */
#include "base/string.h"
#include "fs/fs_struct.h"
#include "fs/special.h"
#include "fs/tmpfs.h"
#include "proc/cred.h"
#include "quire/errno.h"
#include "quire/slab.h"

/* What a name counts for in its directory's size, as programs find it on Linux. */
#define DIRENT_BYTES 20u

static int add_entry(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	if (dir->i_mode & S_ISGID) {
		inode->i_gid = dir->i_gid;
		if (S_ISDIR(inode->i_mode))
			inode->i_mode |= S_ISGID;
	}
	if (S_ISDIR(inode->i_mode))
		dir->i_nlink++;
	dir->i_size += DIRENT_BYTES;
	inode_touch(dir);
	d_instantiate(dentry, inode);
	return 0;
}

static int tmpfs_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	struct inode *inode = tmpfs_new_inode(dir->i_sb, mode, rdev);

	return IS_ERR(inode) ? (int)PTR_ERR(inode) : add_entry(dir, dentry, inode);
}

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	struct inode *inode = tmpfs_new_inode(dir->i_sb, S_IFLNK | S_IRWXUGO, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->i_private = kstrdup(target, GFP_KERNEL);
	if (!inode->i_private) {
		iput(inode);
		return -ENOMEM;
	}
	inode->i_size = strlen(target);
	return add_entry(dir, dentry, inode);
}

static int tmpfs_link(struct inode *inode, struct inode *dir, struct dentry *dentry)
{
	if (inode->i_nlink >= 0x7fffffff)
		return -EMLINK;
	inode->i_nlink++;
	inode->i_ctime = current_time_ns();
	dir->i_size += DIRENT_BYTES;
	inode_touch(dir);
	d_instantiate(dentry, igrab(inode));
	return 0;
}

static struct inode *tmpfs_tmpfile(struct inode *dir, umode_t mode)
{
	struct inode *inode = tmpfs_new_inode(dir->i_sb, mode, 0);

	if (!IS_ERR(inode))
		inode->i_nlink = 0;
	return inode;
}

static void drop_link(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	if (S_ISDIR(inode->i_mode)) {
		inode->i_nlink--;
		dir->i_nlink--;
	}
	inode->i_nlink--;
	inode->i_ctime = current_time_ns();
	dir->i_size -= DIRENT_BYTES;
	d_remove(dentry);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
	if (S_ISDIR(dentry->d_inode->i_mode) && !list_empty(&dentry->d_children))
		return -ENOTEMPTY;
	drop_link(dir, dentry);
	inode_touch(dir);
	return 0;
}

static int tmpfs_rename(struct inode *old_dir, struct dentry *dentry, struct inode *new_dir, struct dentry *victim,
			unsigned int flags)
{
	bool dir = S_ISDIR(dentry->d_inode->i_mode);
	bool victim_dir = victim && S_ISDIR(victim->d_inode->i_mode);

	if (victim && !(flags & RENAME_EXCHANGE)) {
		int err = tmpfs_unlink(new_dir, victim);

		if (err)
			return err;
		victim_dir = false;
	}
	if (dir && old_dir != new_dir) {
		old_dir->i_nlink--;
		new_dir->i_nlink++;
	}
	if (victim_dir && old_dir != new_dir) {
		new_dir->i_nlink--;
		old_dir->i_nlink++;
	}
	if (!(flags & RENAME_EXCHANGE)) {
		old_dir->i_size -= DIRENT_BYTES;
		new_dir->i_size += DIRENT_BYTES;
	}
	inode_touch(old_dir);
	inode_touch(new_dir);
	dentry->d_inode->i_ctime = old_dir->i_ctime;
	return 0;
}

static const char *tmpfs_get_text(struct inode *inode)
{
	return inode->i_private;
}

const struct inode_operations tmpfs_dir_iops = {
	.mknod = tmpfs_mknod,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
};
const struct inode_operations tmpfs_link_iops = { .get_text = tmpfs_get_text };
const struct inode_operations tmpfs_special_iops = { .get_text = NULL };

/* ---- listing ---- */

static unsigned int dirent_type(const struct inode *inode)
{
	return (inode->i_mode & S_IFMT) >> 12;
}

static int emit_dots(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->f_path.dentry;

	if (ctx->pos == 0) {
		if (ctx->actor(ctx, ".", 1, 1, dir->d_inode->i_ino, DT_DIR))
			return 1;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (ctx->actor(ctx, "..", 2, 2, dir->d_parent->d_inode->i_ino, DT_DIR))
			return 1;
		ctx->pos = 2;
	}
	return 0;
}

int dcache_iterate(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->f_path.dentry, *child;
	struct super_block *sb = dir->d_sb;

	mutex_lock(&sb->s_lock);
	if (!emit_dots(file, ctx)) {
		list_for_each_entry(child, &dir->d_children, d_child) {
			if (child->d_off < ctx->pos)
				continue;
			if (ctx->actor(ctx, child->d_name, child->d_len, child->d_off + 1, child->d_inode->i_ino,
				       dirent_type(child->d_inode)))
				break;
			ctx->pos = child->d_off + 1;
		}
	}
	mutex_unlock(&sb->s_lock);
	return 0;
}

static const struct file_operations tmpfs_dir_fops = {
	.llseek = generic_file_llseek,
	.iterate = dcache_iterate,
};

void tmpfs_dir_init(struct inode *dir)
{
	dir->i_fop = &tmpfs_dir_fops;
	dir->i_nlink = 2;
	dir->i_size = 2 * DIRENT_BYTES;
}
