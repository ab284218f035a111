/* SPDX-License-Identifier: MIT */
/* inode.c - inodes: birth, death, attributes and permissions. */
#include "fs/dcache.h"
#include "fs/special.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"

static struct kmem_cache *inode_cache;

void inode_cache_init(void)
{
	inode_cache = KMEM_CACHE(inode, SLAB_PANIC | SLAB_RECLAIM_ACCOUNT);
}

u64 current_time_ns(void)
{
	return ktime_get_real_ns();
}

void inode_touch(struct inode *inode)
{
	inode->i_mtime = inode->i_ctime = current_time_ns();
}

void inode_init(struct inode *inode, struct super_block *sb, umode_t mode)
{
	*inode = (struct inode){ .i_mode = mode, .i_nlink = 1, .i_sb = sb };
	refcount_set(&inode->i_count, 1);
	init_rwsem(&inode->i_rwsem, LOCK_HOST_INODE);
	inode->i_uid = current_cred() ? current_fsuid() : 0;
	inode->i_gid = current_cred() ? current_fsgid() : 0;
	inode->i_ino = __atomic_add_fetch(&sb->s_next_ino, 1, __ATOMIC_RELAXED);
	inode->i_atime = inode->i_mtime = inode->i_ctime = inode->i_btime = current_time_ns();
	if (S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode))
		init_special_inode(inode);
}

struct inode *new_inode(struct super_block *sb, umode_t mode)
{
	struct inode *inode = kmem_cache_alloc(inode_cache, GFP_KERNEL);

	if (inode)
		inode_init(inode, sb, mode);
	return inode;
}

void inode_free(struct inode *inode)
{
	kmem_cache_free(inode_cache, inode);
}

void iput(struct inode *inode)
{
	if (!inode || !refcount_dec_and_test(&inode->i_count))
		return;
	if (inode->i_flctx)
		file_locks_free(inode);
	if (inode->i_sb->s_op->evict)
		inode->i_sb->s_op->evict(inode);
	else
		inode_free(inode);
}

/* ---- permissions ---- */

static int mode_permission(const struct inode *inode, int mask)
{
	umode_t mode = inode->i_mode;

	if (inode->i_uid == current_fsuid())
		mode >>= 6;
	else if (in_group_p(inode->i_gid))
		mode >>= 3;
	return (mask & ~mode & 7) ? -EACCES : 0;
}

/* Root reads and writes anything, enters any directory, and executes what anybody may execute. */
static bool overrides(const struct inode *inode, int mask)
{
	if (S_ISDIR(inode->i_mode)) {
		if (!(mask & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH))
			return true;
		return capable(CAP_DAC_OVERRIDE);
	}
	if (mask == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return true;
	return (!(mask & MAY_EXEC) || (inode->i_mode & S_IXUGO)) && capable(CAP_DAC_OVERRIDE);
}

int inode_permission(struct inode *inode, int mask)
{
	if (unlikely(inode->i_op->permission != NULL))
		return inode->i_op->permission(inode, mask);
	if (!mode_permission(inode, mask) || overrides(inode, mask))
		return 0;
	return -EACCES;
}

int path_permission(const struct path *path, int mask)
{
	struct inode *inode = path->dentry->d_inode;

	if ((mask & MAY_WRITE) && (path->mnt->mnt_flags & MS_RDONLY) &&
	    (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) || S_ISLNK(inode->i_mode)))
		return -EROFS;
	if ((mask & MAY_EXEC) && S_ISREG(inode->i_mode) && (path->mnt->mnt_flags & MS_NOEXEC))
		return -EACCES;
	return inode_permission(inode, mask);
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return inode->i_uid == current_fsuid() || capable(CAP_FOWNER);
}

/* ---- attributes ---- */

int simple_setattr(struct inode *inode, const struct iattr *attr)
{
	if (attr->valid & ATTR_UID)
		inode->i_uid = attr->uid;
	if (attr->valid & ATTR_GID)
		inode->i_gid = attr->gid;
	if (attr->valid & ATTR_MODE)
		inode->i_mode = (inode->i_mode & S_IFMT) | (attr->mode & S_IALLUGO);
	if (attr->valid & ATTR_ATIME)
		inode->i_atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		inode->i_mtime = attr->mtime;
	inode->i_ctime = current_time_ns();
	return 0;
}

static int owner_change_ok(const struct inode *inode, const struct iattr *attr)
{
	if ((attr->valid & ATTR_UID) && !capable(CAP_CHOWN) &&
	    (inode->i_uid != current_fsuid() || attr->uid != inode->i_uid))
		return -EPERM;
	if ((attr->valid & ATTR_GID) && !capable(CAP_CHOWN) &&
	    (inode->i_uid != current_fsuid() || (attr->gid != inode->i_gid && !in_group_p(attr->gid))))
		return -EPERM;
	return 0;
}

/* A new owner takes the set-id bits of a program away; so does writing by somebody else. */
static void kill_set_id(const struct inode *inode, struct iattr *attr)
{
	umode_t mode = (attr->valid & ATTR_MODE) ? attr->mode : inode->i_mode;
	umode_t kill = 0;

	if (S_ISDIR(inode->i_mode) || !(attr->valid & (ATTR_UID | ATTR_GID | ATTR_SIZE)))
		return;
	if (mode & S_ISUID)
		kill |= S_ISUID;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		kill |= S_ISGID;
	if (!kill || ((attr->valid & ATTR_SIZE) && capable(CAP_FSETID)))
		return;
	attr->mode = mode & ~kill;
	attr->valid |= ATTR_MODE;
}

static int change_ok(const struct inode *inode, struct iattr *attr)
{
	int err = owner_change_ok(inode, attr);

	if (err)
		return err;
	if (attr->valid & ATTR_MODE) {
		if (!inode_owner_or_capable(inode))
			return -EPERM;
		if (!in_group_p(inode->i_gid) && !capable(CAP_FSETID))
			attr->mode &= ~(umode_t)S_ISGID;
	}
	return 0;
}

int notify_change(const struct path *path, struct iattr *attr)
{
	struct inode *inode = path->dentry->d_inode;
	int err;

	if (path->mnt->mnt_flags & MS_RDONLY)
		return -EROFS;
	if (inode->i_flags & S_NOATTR_CHANGE)
		return -EPERM;
	down_write(&inode->i_rwsem);
	err = change_ok(inode, attr);
	if (!err) {
		kill_set_id(inode, attr);
		err = inode->i_op->setattr ? inode->i_op->setattr(inode, attr) : simple_setattr(inode, attr);
	}
	up_write(&inode->i_rwsem);
	return err;
}

int do_truncate(const struct path *path, struct file *file, u64 length)
{
	struct inode *inode = path->dentry->d_inode;
	struct iattr attr = { .valid = ATTR_SIZE, .size = length };

	if ((s64)length < 0)
		return -EINVAL;
	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	if (length > inode->i_size && length > rlimit(RLIMIT_FSIZE)) {
		send_sig(SIGXFSZ, current, SEND_SIG_PRIV);
		return -EFBIG;
	}
	return notify_change(path, &attr);
}
