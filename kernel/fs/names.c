/* SPDX-License-Identifier: MIT */
/* names.c - making, linking, removing and renaming entries of directories. */
#include "base/string.h"
#include "fs/dcache.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "proc/cred.h"
#include "quire/errno.h"
#include "quire/slab.h"

/* ---- may it be done? ---- */

int may_create(const struct path *parent)
{
	if (parent->dentry->d_flags & DCACHE_UNLINKED)
		return -ENOENT;
	return path_permission(parent, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct path *parent, const struct dentry *victim, bool want_dir)
{
	struct inode *dir = parent->dentry->d_inode, *inode = victim->d_inode;
	int err = path_permission(parent, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if ((dir->i_mode & S_ISVTX) && inode->i_uid != current_fsuid() && dir->i_uid != current_fsuid() &&
	    !capable(CAP_FOWNER))
		return -EPERM;
	if (want_dir && !S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (!want_dir && S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (victim->d_flags & DCACHE_MOUNTED) {
		struct mount *mnt = lookup_mount(parent->mnt, (struct dentry *)victim);

		if (mnt) {
			mntput(mnt);
			return -EBUSY;
		}
	}
	return 0;
}

/* ---- the parent of a path ---- */

static void lock_parent(struct parent_walk *w)
{
	w->locked = w->nd.path.dentry->d_sb;
	mutex_lock(&w->locked->s_lock);
}

int parent_start(struct parent_walk *w, int dfd, const char *text, bool user)
{
	int err;

	w->name.text = NULL;
	w->locked = NULL;
	if (user) {
		err = getname(&w->name, text, 0);
		if (err)
			return err;
		text = w->name.text;
	}
	err = nd_start(&w->nd, dfd, text, LOOKUP_PARENT);
	if (err) {
		if (w->name.text)
			putname(&w->name);
		return err;
	}
	err = nd_walk(&w->nd, text);
	if (err) {
		parent_end(w);
		return err;
	}
	lock_parent(w);
	return 0;
}

void parent_end(struct parent_walk *w)
{
	if (w->locked)
		mutex_unlock(&w->locked->s_lock);
	nd_end(&w->nd);
	if (w->name.text)
		putname(&w->name);
}

struct dentry *parent_child(struct parent_walk *w)
{
	struct dentry *child = lookup_one(w->nd.path.dentry, w->nd.last, w->nd.last_len);

	return (IS_ERR(child) && PTR_ERR(child) == -ENOENT) ? NULL : child;
}

/* A new, empty entry at the end of the walk; ERR_PTR(-EEXIST...). is_dir: "name/" is allowed. */
static struct dentry *start_create(struct parent_walk *w, bool is_dir)
{
	struct dentry *child;
	int err;

	if (w->nd.last_type != LAST_NORM)
		return ERR_PTR(-EEXIST);
	child = parent_child(w);
	if (IS_ERR(child))
		return child;
	if (child) {
		dput(child);
		return ERR_PTR(-EEXIST);
	}
	if (w->nd.last_len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	if (w->nd.trailing_slash && !is_dir)
		return ERR_PTR(-ENOENT);
	if (!w->nd.path.dentry->d_inode->i_op->mknod)
		return ERR_PTR(-ENOENT); /* names here are the kernel's */
	err = may_create(&w->nd.path);
	if (err)
		return ERR_PTR(err);
	child = d_alloc(w->nd.path.dentry, w->nd.last, w->nd.last_len);
	return child ? child : ERR_PTR(-ENOMEM);
}

/* ---- making ---- */

int do_mknodat(int dfd, const char *path, bool user, umode_t mode, dev_t dev)
{
	struct parent_walk w;
	struct dentry *child;
	struct inode *dir;
	int err;

	if ((S_ISCHR(mode) || S_ISBLK(mode)) && user && !capable(CAP_MKNOD))
		return -EPERM;
	err = parent_start(&w, dfd, path, user);
	if (err)
		return err;
	child = start_create(&w, S_ISDIR(mode));
	if (IS_ERR(child)) {
		parent_end(&w);
		return (int)PTR_ERR(child);
	}
	dir = w.nd.path.dentry->d_inode;
	if (user)
		mode &= ~(umode_t)current->fs->umask;
	err = dir->i_op->mknod(dir, child, mode, dev);
	dput(child);
	parent_end(&w);
	return err;
}

int do_symlinkat(const char *target, int dfd, const char *path, bool user)
{
	struct parent_walk w;
	struct dentry *child;
	struct inode *dir;
	int err = parent_start(&w, dfd, path, user);

	if (err)
		return err;
	child = start_create(&w, false);
	if (IS_ERR(child)) {
		parent_end(&w);
		return (int)PTR_ERR(child);
	}
	dir = w.nd.path.dentry->d_inode;
	err = dir->i_op->symlink ? dir->i_op->symlink(dir, child, target) : -EPERM;
	dput(child);
	parent_end(&w);
	return err;
}

static int link_to(struct parent_walk *w, const struct path *old)
{
	struct inode *inode = old->dentry->d_inode, *dir = w->nd.path.dentry->d_inode;
	struct dentry *child = start_create(w, false);
	int err;

	if (IS_ERR(child))
		return (int)PTR_ERR(child);
	if (old->mnt != w->nd.path.mnt)
		err = -EXDEV;
	else if (S_ISDIR(inode->i_mode) || !dir->i_op->link)
		err = -EPERM;
	else if (!inode->i_nlink && (old->dentry->d_flags & DCACHE_UNLINKED))
		err = -ENOENT;
	else
		err = dir->i_op->link(inode, dir, child);
	dput(child);
	return err;
}

int do_linkat(int old_dfd, const char *old_path, int new_dfd, const char *new_path, bool user, int flags)
{
	unsigned int lookup = ((flags & AT_SYMLINK_FOLLOW) ? LOOKUP_FOLLOW : 0) |
			      ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0);
	struct parent_walk w;
	struct path old;
	int err;

	if (user)
		err = user_path_at(old_dfd, old_path, lookup, &old);
	else
		err = path_lookup(old_dfd, old_path, lookup, &old);
	if (err)
		return err;
	err = parent_start(&w, new_dfd, new_path, user);
	if (!err) {
		err = link_to(&w, &old);
		parent_end(&w);
	}
	path_put(&old);
	return err;
}

/* ---- removing ---- */

static int unlink_last(struct parent_walk *w, bool dir)
{
	struct inode *parent = w->nd.path.dentry->d_inode;
	struct dentry *child;
	int err;

	if (w->nd.last_type != LAST_NORM) {
		if (!dir)
			return -EISDIR;
		return w->nd.last_type == LAST_DOTDOT ? -ENOTEMPTY : w->nd.last_type == LAST_DOT ? -EINVAL : -EBUSY;
	}
	child = parent_child(w);
	if (!child)
		return -ENOENT;
	if (IS_ERR(child))
		return (int)PTR_ERR(child);
	err = may_delete(&w->nd.path, child, dir);
	if (!err && w->nd.trailing_slash && !dir)
		err = -ENOTDIR;
	if (!err)
		err = parent->i_op->unlink ? parent->i_op->unlink(parent, child) : -EPERM;
	dput(child);
	return err;
}

int do_unlinkat(int dfd, const char *path, bool user, bool dir)
{
	struct parent_walk w;
	int err = parent_start(&w, dfd, path, user);

	if (err)
		return err;
	err = unlink_last(&w, dir);
	parent_end(&w);
	return err;
}

/* ---- renaming ---- */

static bool is_below(const struct dentry *dentry, const struct dentry *ancestor)
{
	for (; dentry != dentry->d_parent; dentry = dentry->d_parent)
		if (dentry == ancestor)
			return true;
	return dentry == ancestor;
}

static int may_replace(struct parent_walk *to, const struct dentry *source, const struct dentry *victim,
		       unsigned int flags)
{
	bool dir = S_ISDIR(source->d_inode->i_mode);

	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE)
		return may_delete(&to->nd.path, victim, S_ISDIR(victim->d_inode->i_mode));
	return may_delete(&to->nd.path, victim, dir);
}

/* What needs memory comes first, so that nothing fails half-way. */
static int rename_prepared(struct parent_walk *from, struct parent_walk *to, struct dentry *source,
			   struct dentry *victim, unsigned int flags)
{
	struct inode *old_dir = from->nd.path.dentry->d_inode, *new_dir = to->nd.path.dentry->d_inode;
	struct qstr *to_name = qstr_alloc(to->nd.last, to->nd.last_len);
	struct qstr *from_name = NULL;
	int err = to_name ? 0 : -ENOMEM;

	if (!err && (flags & RENAME_EXCHANGE)) {
		from_name = qstr_alloc(from->nd.last, from->nd.last_len);
		err = from_name ? 0 : -ENOMEM;
	}
	if (!err)
		err = old_dir->i_op->rename(old_dir, source, new_dir, victim, flags);
	if (err) {
		kfree(to_name);
		kfree(from_name);
		return err;
	}
	if (from_name)
		d_exchange(source, victim, from_name, to_name);
	else
		d_move(source, to->nd.path.dentry, to_name);
	return 0;
}

static int rename_checked(struct parent_walk *from, struct parent_walk *to, struct dentry *source,
			  struct dentry *victim, unsigned int flags)
{
	struct inode *old_dir = from->nd.path.dentry->d_inode;
	bool dir = S_ISDIR(source->d_inode->i_mode);
	int err = may_delete(&from->nd.path, source, dir);

	if (err)
		return err;
	if (is_below(to->nd.path.dentry, source))
		return -EINVAL;
	if (victim && is_below(from->nd.path.dentry, victim))
		return (flags & RENAME_EXCHANGE) ? -EINVAL : -ENOTEMPTY;
	err = victim ? may_replace(to, source, victim, flags) : may_create(&to->nd.path);
	if (err)
		return err;
	if (!victim && (flags & RENAME_EXCHANGE))
		return -ENOENT;
	if (!dir && (from->nd.trailing_slash || (to->nd.trailing_slash && !(flags & RENAME_EXCHANGE))))
		return -ENOTDIR;
	if (victim && victim->d_inode == source->d_inode)
		return 0;
	if (!old_dir->i_op->rename)
		return -EPERM;
	return rename_prepared(from, to, source, victim, flags);
}

static int rename_locked(struct parent_walk *from, struct parent_walk *to, unsigned int flags)
{
	struct dentry *source, *victim;
	int err;

	if (from->nd.last_type != LAST_NORM || to->nd.last_type != LAST_NORM)
		return (flags & RENAME_NOREPLACE) && to->nd.last_type != LAST_NORM ? -EEXIST : -EBUSY;
	if (to->nd.last_len > NAME_MAX)
		return -ENAMETOOLONG;
	source = parent_child(from);
	if (!source)
		return -ENOENT;
	if (IS_ERR(source))
		return (int)PTR_ERR(source);
	victim = parent_child(to);
	if (IS_ERR(victim)) {
		dput(source);
		return (int)PTR_ERR(victim);
	}
	err = rename_checked(from, to, source, victim, flags);
	dput(victim);
	dput(source);
	return err;
}

int do_renameat(int old_dfd, const char *old_path, int new_dfd, const char *new_path, unsigned int flags)
{
	struct parent_walk from, to;
	int err;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = parent_start(&from, old_dfd, old_path, true);
	if (err)
		return err;
	/* Both ends are found before either is locked: the walk to the second must not hold the first's lock. */
	mutex_unlock(&from.locked->s_lock);
	from.locked = NULL;
	err = parent_start(&to, new_dfd, new_path, true);
	if (!err) {
		err = from.nd.path.mnt != to.nd.path.mnt ? -EXDEV : rename_locked(&from, &to, flags);
		parent_end(&to);
	}
	parent_end(&from);
	return err;
}

/* ---- the kernel's own ---- */

int kern_mkdir(const char *path, umode_t mode)
{
	return do_mknodat(AT_FDCWD, path, false, (mode & S_IALLUGO) | S_IFDIR, 0);
}

int kern_mknod(const char *path, umode_t mode, dev_t dev)
{
	return do_mknodat(AT_FDCWD, path, false, mode, dev);
}

int kern_symlink(const char *target, const char *path)
{
	return do_symlinkat(target, AT_FDCWD, path, false);
}

int kern_link(const char *old_path, const char *new_path)
{
	return do_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, false, 0);
}

int kern_unlink(const char *path)
{
	return do_unlinkat(AT_FDCWD, path, false, false);
}
