/* SPDX-License-Identifier: MIT */
/* namei.c - walks from a path to the entry that it names: components, "..", mounts, symbolic links. */
#include "fs/namei.h"
#include "base/string.h"
#include "fs/dcache.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "quire/errno.h"
#include "quire/slab.h"

/* ---- names from user space ---- */

int getname(struct filename *name, const char *user, unsigned int flags)
{
	long len = strncpy_from_user(name->inline_text, user, FILENAME_INLINE);

	name->text = name->inline_text;
	if (unlikely(len == FILENAME_INLINE)) {
		name->text = kmalloc(PATH_MAX, GFP_KERNEL);
		if (!name->text)
			return -ENOMEM;
		len = strncpy_from_user(name->text, user, PATH_MAX);
		if (len == PATH_MAX)
			len = -ENAMETOOLONG;
	}
	if (likely(len > 0 || (len == 0 && (flags & LOOKUP_EMPTY)))) {
		name->len = (size_t)len;
		return 0;
	}
	putname(name);
	return len ? (int)len : -ENOENT;
}

void putname(struct filename *name)
{
	if (unlikely(name->text != name->inline_text))
		kfree(name->text);
}

void path_put(const struct path *path)
{
	dput(path->dentry);
	mntput(path->mnt);
}

/* ---- mounts on the way ---- */

void follow_mounts(struct path *path)
{
	while (unlikely(READ_ONCE(path->dentry->d_flags) & DCACHE_MOUNTED)) {
		struct mount *mnt = lookup_mount(path->mnt, path->dentry);

		if (!mnt)
			return;
		path_put(path);
		path->mnt = mnt;
		path->dentry = dget(mnt->mnt_root);
	}
}

/* The parent directory with a reference; renames may be under way. */
static struct dentry *dget_parent(struct dentry *dentry)
{
	struct dentry *parent;

	rcu_read_lock();
	do {
		parent = READ_ONCE(dentry->d_parent);
	} while (!refcount_inc_not_zero(&parent->d_count));
	rcu_read_unlock();
	return parent;
}

/* From the root of a mount to the directory that it is mounted on. False at the very top. */
static bool follow_up(struct path *path)
{
	struct path up;

	spin_lock(&dcache_lock);
	if (!path->mnt->mnt_parent || path->mnt->mnt_parent == path->mnt) {
		spin_unlock(&dcache_lock);
		return false;
	}
	up.mnt = mntget(path->mnt->mnt_parent);
	up.dentry = dget(path->mnt->mnt_mountpoint);
	spin_unlock(&dcache_lock);
	path_put(path);
	*path = up;
	return true;
}

static bool at_root(const struct nameidata *nd)
{
	return nd->path.dentry == nd->root.dentry && nd->path.mnt == nd->root.mnt;
}

static int step_up(struct nameidata *nd)
{
	while (!at_root(nd)) {
		struct dentry *parent;

		if (nd->path.dentry == nd->path.mnt->mnt_root) {
			if (nd->flags & LOOKUP_NO_XDEV)
				return -EXDEV;
			if (!follow_up(&nd->path))
				return 0;
			continue;
		}
		parent = dget_parent(nd->path.dentry);
		dput(nd->path.dentry);
		nd->path.dentry = parent;
		follow_mounts(&nd->path);
		return 0;
	}
	return (nd->flags & LOOKUP_BENEATH) ? -EXDEV : 0;
}

/* ---- links ---- */

static struct pending_link *new_link(struct nameidata *nd, struct inode *inode)
{
	struct pending_link *link;

	if (nd->nr_links < ARRAY_SIZE(nd->first))
		link = &nd->first[nd->nr_links];
	else
		link = kmalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		return NULL;
	nd->nr_links++;
	link->inode = igrab(inode);
	link->rest = NULL;
	link->all = nd->all;
	nd->all = link;
	return link;
}

static void jump_to_root(struct nameidata *nd)
{
	path_get(&nd->root);
	path_put(&nd->path);
	nd->path = nd->root;
}

static int follow_object(struct nameidata *nd, struct inode *inode)
{
	struct path target;
	int err;

	if (nd->flags & (LOOKUP_NO_MAGIC | LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -ELOOP;
	err = inode->i_op->get_path(inode, &target);
	if (err)
		return err;
	path_put(&nd->path);
	nd->path = target;
	nd->last_type = LAST_ROOT;
	return 0;
}

/* Text to walk next, NULL when the link has led to an object. `rest` is walked afterwards. */
static const char *link_text(struct nameidata *nd, struct dentry *dentry, const char *rest)
{
	struct inode *inode = dentry->d_inode;
	struct pending_link *link;
	const char *text;
	int err;

	if (nd->nr_links >= MAXSYMLINKS || (nd->flags & LOOKUP_NO_SYMLINKS))
		return ERR_PTR(-ELOOP);
	link = new_link(nd, inode);
	if (!link)
		return ERR_PTR(-ENOMEM);
	if (inode->i_op->get_path) {
		err = follow_object(nd, inode);
		return err ? ERR_PTR(err) : rest;
	}
	text = inode->i_op->get_text ? inode->i_op->get_text(inode) : ERR_PTR(-EINVAL);
	if (IS_ERR(text))
		return text;
	if (*rest) {
		link->rest = rest;
		link->below = nd->pending;
		nd->pending = link;
	}
	if (*text == '/') {
		if (nd->flags & LOOKUP_BENEATH)
			return ERR_PTR(-EXDEV);
		jump_to_root(nd);
	}
	return *text ? text : ERR_PTR(-ENOENT);
}

/* ---- the walk ---- */

static inline enum last_type classify(const char *name, size_t len)
{
	if (likely(name[0] != '.' || len > 2))
		return LAST_NORM;
	if (len == 1)
		return LAST_DOT;
	return name[1] == '.' ? LAST_DOTDOT : LAST_NORM;
}

static inline int may_walk(const struct nameidata *nd)
{
	struct inode *inode = nd->path.dentry->d_inode;

	if (unlikely(!S_ISDIR(inode->i_mode)))
		return -ENOTDIR;
	return inode_permission(inode, MAY_EXEC);
}

static void step_into(struct nameidata *nd, struct dentry *child)
{
	dput(nd->path.dentry);
	nd->path.dentry = child;
	follow_mounts(&nd->path);
}

/* One named component. *text: what is to be walked next (the rest, or a link's text). */
static int step_name(struct nameidata *nd, const char *name, size_t len, const char **text, bool follow)
{
	struct dentry *child = lookup_one(nd->path.dentry, name, len);
	const char *next;

	if (IS_ERR(child))
		return (int)PTR_ERR(child);
	if (likely(!S_ISLNK(child->d_inode->i_mode) || !follow)) {
		struct mount *mnt = nd->path.mnt;

		step_into(nd, child);
		return (nd->path.mnt != mnt && (nd->flags & LOOKUP_NO_XDEV)) ? -EXDEV : 0;
	}
	next = link_text(nd, child, *text);
	dput(child);
	if (IS_ERR(next))
		return (int)PTR_ERR(next);
	*text = next;
	return 0;
}

static int step(struct nameidata *nd, const char *name, size_t len, const char **text, bool follow)
{
	switch (classify(name, len)) {
	case LAST_NORM:
		return step_name(nd, name, len, text, follow);
	case LAST_DOTDOT:
		return step_up(nd);
	default:
		return 0;
	}
}

static const char *skip_slashes(const char *text)
{
	while (*text == '/')
		text++;
	return text;
}

static const char *next_text(struct nameidata *nd, const char *text)
{
	while (!*text && nd->pending) {
		text = nd->pending->rest;
		nd->pending = nd->pending->below;
	}
	return text;
}

int nd_walk(struct nameidata *nd, const char *text)
{
	nd->last_type = LAST_ROOT;
	nd->trailing_slash = false;
	for (;;) {
		const char *name, *end;
		bool is_last;
		int err;

		name = next_text(nd, skip_slashes(text));
		if (!*name)
			return 0;
		err = may_walk(nd);
		if (err)
			return err;
		for (end = name; *end && *end != '/'; end++)
			;
		text = skip_slashes(end);
		is_last = !*text && !nd->pending;
		if (is_last && *end) {
			nd->trailing_slash = true;
			nd->flags |= LOOKUP_DIRECTORY | LOOKUP_FOLLOW;
		}
		if (is_last && (nd->flags & LOOKUP_PARENT)) {
			nd->last_type = classify(name, (size_t)(end - name));
			nd->last = name;
			nd->last_len = (size_t)(end - name);
			return 0;
		}
		err = step(nd, name, (size_t)(end - name), &text, !is_last || (nd->flags & LOOKUP_FOLLOW));
		if (err)
			return err;
	}
}

int nd_follow(struct nameidata *nd, struct dentry *dentry)
{
	const char *text = link_text(nd, dentry, "");

	dput(dentry);
	if (IS_ERR(text))
		return (int)PTR_ERR(text);
	return nd_walk(nd, text);
}

static int start_at_fd(struct nameidata *nd, int dfd, const char *text)
{
	struct fd f = fdget_raw((unsigned int)dfd);

	if (!fd_file(f))
		return -EBADF;
	if (*text && !S_ISDIR(fd_file(f)->f_inode->i_mode)) {
		fdput(f);
		return -ENOTDIR;
	}
	nd->path = fd_file(f)->f_path;
	path_get(&nd->path);
	fdput(f);
	return 0;
}

int nd_start(struct nameidata *nd, int dfd, const char *text, unsigned int flags)
{
	int err = 0;

	nd->flags = flags;
	nd->nr_links = 0;
	nd->all = nd->pending = NULL;
	get_fs_root(current->fs, &nd->root);
	if (*text == '/' && !(flags & LOOKUP_IN_ROOT)) {
		nd->path = nd->root;
		path_get(&nd->path);
		if (flags & LOOKUP_BENEATH)
			err = -EXDEV;
	} else if (dfd == AT_FDCWD) {
		get_fs_pwd(current->fs, &nd->path);
	} else {
		err = start_at_fd(nd, dfd, text);
		if (err)
			nd->path = (struct path){ NULL, NULL };
	}
	if (!err && (flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))) {
		path_put(&nd->root);
		nd->root = nd->path;
		path_get(&nd->root);
	}
	if (err) {
		if (nd->path.dentry)
			path_put(&nd->path);
		path_put(&nd->root);
	}
	return err;
}

void nd_end(struct nameidata *nd)
{
	struct pending_link *link = nd->all, *next;

	for (; link; link = next) {
		next = link->all;
		iput(link->inode);
		if (link < nd->first || link >= nd->first + ARRAY_SIZE(nd->first))
			kfree(link);
	}
	path_put(&nd->path);
	path_put(&nd->root);
}

int path_lookup(int dfd, const char *text, unsigned int flags, struct path *path)
{
	struct nameidata nd;
	int err;

	err = nd_start(&nd, dfd, text, flags);
	if (err)
		return err;
	err = nd_walk(&nd, text);
	if (!err && (nd.flags & LOOKUP_DIRECTORY) && !S_ISDIR(nd.path.dentry->d_inode->i_mode))
		err = -ENOTDIR;
	if (!err) {
		*path = nd.path;
		path_get(path);
	}
	nd_end(&nd);
	return err;
}

int user_path_at(int dfd, const char *user, unsigned int flags, struct path *path)
{
	struct filename name;
	int err = getname(&name, user, flags);

	if (err)
		return err;
	err = path_lookup(dfd, name.text, flags, path);
	putname(&name);
	return err;
}
