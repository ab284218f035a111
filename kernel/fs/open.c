/* SPDX-License-Identifier: MIT */
/* open.c - open(2): finds or makes the file, checks what may be done with it, opens it. */
#include "base/format.h"
#include "base/string.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "proc/cred.h"
#include "quire/errno.h"

static int access_mask(int flags)
{
	static const unsigned char masks[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };

	return masks[flags & O_ACCMODE] | ((flags & O_TRUNC) ? MAY_WRITE : 0);
}

static int may_open(const struct path *path, int flags, int mask)
{
	struct inode *inode = path->dentry->d_inode;

	switch (inode->i_mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (path->mnt->mnt_flags & MS_NODEV)
			return -EACCES;
		break;
	case S_IFSOCK:
		return -ENXIO;
	}
	if ((flags & O_NOATIME) && !inode_owner_or_capable(inode))
		return -EPERM;
	return path_permission(path, mask);
}

/* `made`: the file is new, so its mode does not matter to who made it. */
static struct file *open_found(const struct path *path, int flags, bool made)
{
	struct inode *inode = path->dentry->d_inode;
	struct file *file;
	int err = 0;

	if ((flags & O_DIRECTORY) && !S_ISDIR(inode->i_mode))
		return ERR_PTR(-ENOTDIR);
	if (unlikely(flags & O_PATH))
		return dentry_open(path, flags);
	if (!made)
		err = may_open(path, flags, access_mask(flags));
	if (err)
		return ERR_PTR(err);
	file = dentry_open(path, flags);
	if (!IS_ERR(file) && (flags & O_TRUNC) && !made && S_ISREG(inode->i_mode)) {
		err = do_truncate(path, file, 0);
		if (err) {
			fput(file);
			return ERR_PTR(err);
		}
	}
	return file;
}

/* The entry that the walk's last component names; made when it is not there. Result with a reference. */
static struct dentry *find_or_make(struct nameidata *nd, int flags, umode_t mode, bool *made)
{
	struct dentry *parent = nd->path.dentry, *child = lookup_one(parent, nd->last, nd->last_len);
	struct super_block *sb = parent->d_sb;
	int err;

	if (!IS_ERR(child) || PTR_ERR(child) != -ENOENT)
		return child;
	mutex_lock(&sb->s_lock);
	child = lookup_one(parent, nd->last, nd->last_len);
	if (!IS_ERR(child) || PTR_ERR(child) != -ENOENT)
		goto out;
	err = nd->last_len > NAME_MAX ? -ENAMETOOLONG : may_create(&nd->path);
	if (!err && !parent->d_inode->i_op->mknod)
		err = -ENOENT; /* names here are the kernel's */
	child = err ? ERR_PTR(err) : d_alloc(parent, nd->last, nd->last_len);
	if (!child)
		child = ERR_PTR(-ENOMEM);
	if (IS_ERR(child))
		goto out;
	mode = S_IFREG | (mode & S_IALLUGO & ~(umode_t)current->fs->umask);
	err = parent->d_inode->i_op->mknod(parent->d_inode, child, mode, 0);
	if (err) {
		dput(child);
		child = ERR_PTR(err);
	}
	*made = !err;
out:
	mutex_unlock(&sb->s_lock);
	return child;
}

/* One round at the last component: a file, or NULL after a link was followed to another last component. */
static struct file *open_last(struct nameidata *nd, int flags, umode_t mode)
{
	bool made = false;
	struct dentry *child;
	struct path path;
	struct file *file;
	int err;

	if (nd->last_type != LAST_NORM || nd->trailing_slash)
		return ERR_PTR(-EISDIR);
	if (!S_ISDIR(nd->path.dentry->d_inode->i_mode))
		return ERR_PTR(-ENOTDIR);
	child = find_or_make(nd, flags, mode, &made);
	if (IS_ERR(child))
		return (struct file *)child;
	if (!made && (flags & O_EXCL)) {
		dput(child);
		return ERR_PTR(-EEXIST);
	}
	if (S_ISLNK(child->d_inode->i_mode)) {
		if ((flags & O_NOFOLLOW) && !(flags & O_PATH)) {
			dput(child);
			return ERR_PTR(-ELOOP);
		}
		err = nd_follow(nd, child);
		return err ? ERR_PTR(err) : NULL;
	}
	path = (struct path){ mntget(nd->path.mnt), child };
	follow_mounts(&path);
	if (S_ISDIR(path.dentry->d_inode->i_mode))
		file = ERR_PTR(-EISDIR);
	else
		file = open_found(&path, flags, made);
	path_put(&path);
	return file;
}

static struct file *open_create(int dfd, const char *text, int flags, umode_t mode, unsigned int resolve)
{
	struct nameidata nd;
	struct file *file = NULL;
	int err = nd_start(&nd, dfd, text, LOOKUP_PARENT | resolve);

	if (err)
		return ERR_PTR(err);
	err = nd_walk(&nd, text);
	if (err)
		file = ERR_PTR(err);
	while (!file) {
		/* A link that led to an object has no last component: the object itself is meant. */
		if (nd.last_type == LAST_ROOT && nd.nr_links)
			file = (flags & O_EXCL) ? ERR_PTR(-EEXIST) : open_found(&nd.path, flags, false);
		else
			file = open_last(&nd, flags, mode);
	}
	nd_end(&nd);
	return file;
}

static struct file *open_tmpfile(const struct path *dir, int flags, umode_t mode)
{
	struct inode *parent = dir->dentry->d_inode, *inode;
	struct dentry *dentry;
	struct file *file;
	char name[24];
	int err = path_permission(dir, MAY_WRITE | MAY_EXEC);

	if (err)
		return ERR_PTR(err);
	if (!parent->i_op->tmpfile)
		return ERR_PTR(-EOPNOTSUPP);
	inode = parent->i_op->tmpfile(parent, S_IFREG | (mode & S_IALLUGO & ~(umode_t)current->fs->umask));
	if (IS_ERR(inode))
		return (struct file *)inode;
	quire_snprintf(name, sizeof(name), "#%llu", (unsigned long long)inode->i_ino);
	dentry = d_alloc(dir->dentry, name, strlen(name));
	if (!dentry) {
		iput(inode);
		return ERR_PTR(-ENOMEM);
	}
	dentry->d_inode = inode;
	dentry->d_flags |= DCACHE_UNLINKED;
	file = dentry_open(&(struct path){ dir->mnt, dentry }, flags);
	dput(dentry);
	return file;
}

struct file *do_file_open(int dfd, const char *text, int flags, umode_t mode, unsigned int resolve)
{
	unsigned int lookup = resolve | ((flags & O_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			      ((flags & O_DIRECTORY) ? LOOKUP_DIRECTORY : 0);
	struct path path;
	struct file *file;
	int err;

	if (unlikely((flags & O_TMPFILE) == O_TMPFILE && !(flags & O_ACCMODE)))
		return ERR_PTR(-EINVAL);
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (unlikely(flags & O_CREAT)) {
		if (flags & O_DIRECTORY)
			return ERR_PTR(-EINVAL);
		return open_create(dfd, text, flags, mode, resolve);
	}
	err = path_lookup(dfd, text, lookup, &path);
	if (err)
		return ERR_PTR(err);
	if (unlikely((flags & O_TMPFILE) == O_TMPFILE))
		file = open_tmpfile(&path, flags, mode);
	else
		file = open_found(&path, flags, false);
	path_put(&path);
	return file;
}

struct file *filp_open(const char *path, int flags, umode_t mode)
{
	return do_file_open(AT_FDCWD, path, flags, mode, 0);
}

/* ---- programs ---- */

static struct file *open_program(const struct path *path)
{
	struct inode *inode = path->dentry->d_inode;
	struct file *file;
	int err;

	if (!S_ISREG(inode->i_mode))
		return ERR_PTR(-EACCES);
	err = path_permission(path, MAY_EXEC);
	if (err)
		return ERR_PTR(err);
	file = dentry_open(path, O_RDONLY | O_LARGEFILE);
	if (IS_ERR(file))
		return file;
	file->f_mode |= FMODE_EXEC;
	err = exec_deny_write(file);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	return file;
}

struct file *open_exec(const char *name)
{
	struct path path;
	struct file *file;
	int err = kern_path(name, LOOKUP_FOLLOW, &path);

	if (err)
		return ERR_PTR(err);
	file = open_program(&path);
	path_put(&path);
	return file;
}

struct file *open_exec_at(int dfd, const char *user_path, int flags)
{
	unsigned int lookup = ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			      ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0);
	struct path path;
	struct file *file;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return ERR_PTR(-EINVAL);
	err = user_path_at(dfd, user_path, lookup, &path);
	if (err)
		return ERR_PTR(err);
	if (S_ISLNK(path.dentry->d_inode->i_mode))
		file = ERR_PTR(-ELOOP);
	else
		file = open_program(&path);
	path_put(&path);
	return file;
}
