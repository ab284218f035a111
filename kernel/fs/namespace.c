/* SPDX-License-Identifier: MIT */
/* namespace.c - file system types, super blocks, and the tree of mounts. */
#include "base/string.h"
#include "fs/dcache.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "proc/cred.h"
#include "quire/errno.h"
#include "quire/slab.h"

static struct file_system_type *file_systems;	/* (dcache_lock) to add; never removed */
static LIST_HEAD(mounts);			/* (dcache_lock), RCU; oldest first */
static DEFINE_MUTEX(mount_mutex, LOCK_HOST_OUTER); /* one change of the tree of mounts at a time */
static int next_mount_id = 20;			/* (a) */
static u32 next_anon_dev;			/* (a) */

void register_filesystem(struct file_system_type *type)
{
	struct file_system_type **at = &file_systems;

	while (*at)
		at = &(*at)->next;
	*at = type;
}

struct file_system_type *find_filesystem(const char *name)
{
	struct file_system_type *type;

	for (type = file_systems; type; type = type->next)
		if (!strcmp(type->name, name))
			return type;
	return NULL;
}

/* ---- super blocks ---- */

struct super_block *sb_alloc(struct file_system_type *type, const struct super_operations *ops, u64 magic, u32 flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	refcount_set(&sb->s_count, 1);
	sb->s_flags = flags;
	sb->s_type = type;
	sb->s_op = ops;
	mutex_init(&sb->s_lock, LOCK_HOST_FILES);
	sb->s_dev = MKDEV(0, __atomic_add_fetch(&next_anon_dev, 1, __ATOMIC_RELAXED));
	sb->s_magic = magic;
	return sb;
}

/* No lock is needed: nobody can reach the tree any more. */
void sb_put(struct super_block *sb)
{
	if (!refcount_dec_and_test(&sb->s_count))
		return;
	if (sb->s_root) {
		if (sb->s_flags & SB_TREE_IN_MEMORY)
			d_destroy_tree(sb->s_root);
		dput(sb->s_root);
	}
	if (sb->s_op->put_super)
		sb->s_op->put_super(sb);
	kfree(sb);
}

/* ---- mounts ---- */

static void mount_free_rcu(struct rcu_head *head)
{
	struct mount *mnt = container_of(head, struct mount, mnt_rcu);

	kfree(mnt->mnt_devname);
	kfree(mnt);
}

void mntput(struct mount *mnt)
{
	if (!mnt || !refcount_dec_and_test(&mnt->mnt_count))
		return;
	dput(mnt->mnt_root);
	sb_put(mnt->mnt_sb);
	call_rcu(&mnt->mnt_rcu, mount_free_rcu);
}

/* Consumes the reference on sb. */
static struct mount *mount_alloc(struct super_block *sb, struct dentry *root, const char *devname, unsigned int flags)
{
	struct mount *mnt = kzalloc(sizeof(*mnt), GFP_KERNEL);

	if (mnt)
		mnt->mnt_devname = kstrdup(devname, GFP_KERNEL);
	if (!mnt || !mnt->mnt_devname) {
		kfree(mnt);
		sb_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&mnt->mnt_count, 1);
	mnt->mnt_flags = flags;
	mnt->mnt_id = __atomic_add_fetch(&next_mount_id, 1, __ATOMIC_RELAXED);
	mnt->mnt_sb = sb;
	mnt->mnt_root = dget(root);
	INIT_LIST_HEAD(&mnt->mnt_list);
	return mnt;
}

struct mount *kern_mount(struct file_system_type *type, const char *source, const char *options, unsigned int flags)
{
	struct super_block *sb = type->mount(type, source, options ? options : "");

	if (IS_ERR(sb))
		return ERR_PTR(PTR_ERR(sb));
	return mount_alloc(sb, sb->s_root, source && *source ? source : "none", flags);
}

struct mount *lookup_mount(struct mount *parent, struct dentry *dentry)
{
	struct mount *mnt, *found = NULL;

	spin_lock(&dcache_lock);
	list_for_each_entry(mnt, &mounts, mnt_list)
		if (mnt->mnt_parent == parent && mnt->mnt_mountpoint == dentry && mnt->mnt_parent != mnt)
			found = mnt;
	if (found)
		mntget(found);
	spin_unlock(&dcache_lock);
	return found;
}

/* Consumes the references on mnt and on the path. */
static void attach(struct mount *mnt, const struct path *where)
{
	names_write_begin();
	mnt->mnt_parent = where->mnt;
	mnt->mnt_mountpoint = where->dentry;
	where->dentry->d_flags |= DCACHE_MOUNTED;
	list_add_tail(&mnt->mnt_list, &mounts);
	names_write_end();
}

/* Leaves the tree; gives the mount point's references to *old. */
static void detach(struct mount *mnt, struct path *old)
{
	struct mount *other;
	bool last = true;

	names_write_begin();
	*old = (struct path){ mnt->mnt_parent, mnt->mnt_mountpoint };
	mnt->mnt_parent = NULL;
	list_del_init(&mnt->mnt_list);
	list_for_each_entry(other, &mounts, mnt_list)
		if (other->mnt_mountpoint == old->dentry)
			last = false;
	if (last)
		old->dentry->d_flags &= ~DCACHE_MOUNTED;
	names_write_end();
}

/* The first mount of all is its own parent and is never taken away. */
void mount_root(struct mount *mnt)
{
	spin_lock(&dcache_lock);
	mnt->mnt_parent = mnt;
	mnt->mnt_mountpoint = mnt->mnt_root;
	list_add_tail(&mnt->mnt_list, &mounts);
	spin_unlock(&dcache_lock);
}

static bool has_submounts(struct mount *parent)
{
	struct mount *mnt;
	bool has = false;

	spin_lock(&dcache_lock);
	list_for_each_entry(mnt, &mounts, mnt_list)
		has |= mnt->mnt_parent == parent && mnt != parent;
	spin_unlock(&dcache_lock);
	return has;
}

/* ---- mount(2) ---- */

#define MNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

static int remount(const struct path *where, unsigned long flags, const char *options)
{
	struct super_block *sb = where->mnt->mnt_sb;
	int err = 0;

	if (where->dentry != where->mnt->mnt_root)
		return -EINVAL;
	if (sb->s_op->remount && options && *options && !(flags & MS_BIND))
		err = sb->s_op->remount(sb, options);
	if (!err)
		where->mnt->mnt_flags = flags & MNT_FLAGS;
	return err;
}

static struct mount *new_bind(const char *source)
{
	struct path from;
	struct mount *mnt;
	int err = kern_path(source, LOOKUP_FOLLOW, &from);

	if (err)
		return ERR_PTR(err);
	refcount_inc(&from.mnt->mnt_sb->s_count);
	mnt = mount_alloc(from.mnt->mnt_sb, from.dentry, from.mnt->mnt_devname, from.mnt->mnt_flags);
	path_put(&from);
	return mnt;
}

static struct mount *new_mount(const char *source, const char *type, unsigned long flags, const char *options)
{
	struct file_system_type *fs = type ? find_filesystem(type) : NULL;

	if (!type)
		return ERR_PTR(-EINVAL);
	if (!fs)
		return ERR_PTR(-ENODEV);
	return kern_mount(fs, source, options, flags & MNT_FLAGS);
}

static int move_mount(const char *source, const struct path *where)
{
	struct path from, old;
	struct mount *up;
	int err = kern_path(source, LOOKUP_FOLLOW, &from);

	if (err)
		return err;
	if (from.dentry != from.mnt->mnt_root || !from.mnt->mnt_parent || from.mnt->mnt_parent == from.mnt)
		err = -EINVAL;
	for (up = where->mnt; !err && up && up != up->mnt_parent; up = up->mnt_parent)
		if (up == from.mnt)
			err = -ELOOP;
	if (!err) {
		detach(from.mnt, &old);
		path_get(where);
		attach(from.mnt, where);
		path_put(&old);
	}
	path_put(&from);
	return err;
}

static int mount_at(struct path *where, const char *source, const char *type, unsigned long flags,
		    const char *options)
{
	struct mount *mnt;

	if (flags & MS_REMOUNT)
		return remount(where, flags, options);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return 0; /* there is one name space, so nothing is propagated anyway */
	if (flags & MS_MOVE)
		return move_mount(source, where);
	mnt = (flags & MS_BIND) ? new_bind(source) : new_mount(source, type, flags, options);
	if (IS_ERR(mnt))
		return (int)PTR_ERR(mnt);
	if (S_ISDIR(mnt->mnt_root->d_inode->i_mode) != S_ISDIR(where->dentry->d_inode->i_mode)) {
		mntput(mnt);
		return -ENOTDIR;
	}
	/* The same thing twice on one place is a mistake. */
	if (where->mnt->mnt_sb == mnt->mnt_sb && where->dentry == where->mnt->mnt_root && mnt->mnt_root == where->dentry) {
		mntput(mnt);
		return -EBUSY;
	}
	path_get(where);
	attach(mnt, where);
	return 0;
}

int do_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options)
{
	struct path where;
	int err;

	if ((flags & 0xffff0000ul) == 0xc0ed0000ul)
		flags &= 0xffff; /* the magic number of very old programs */
	err = kern_path(target, LOOKUP_FOLLOW, &where);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_at(&where, source, type, flags, options);
	mutex_unlock(&mount_mutex);
	path_put(&where);
	return err;
}

/* The reference of the tree and ours: anything more is a user. */
static int umount_locked(struct path *where, int flags)
{
	struct mount *mnt = where->mnt;
	struct path old;

	if (where->dentry != mnt->mnt_root || !mnt->mnt_parent)
		return -EINVAL;
	if (mnt->mnt_parent == mnt)
		return -EBUSY;
	if (!(flags & MNT_DETACH) && (refcount_read(&mnt->mnt_count) > 2 || has_submounts(mnt)))
		return -EBUSY;
	detach(mnt, &old);
	path_put(&old);
	mntput(mnt);
	return 0;
}

int do_umount(const char *target, int flags)
{
	struct path where;
	int err = kern_path(target, (flags & UMOUNT_NOFOLLOW) ? 0 : LOOKUP_FOLLOW, &where);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = umount_locked(&where, flags);
	mutex_unlock(&mount_mutex);
	path_put(&where);
	return err;
}

/* ---- texts ---- */

static int show_escaped(struct text_sink *sink, const char *text)
{
	int err = 0;

	for (; *text && !err; text++) {
		char octal[8];
		int len = 1;

		octal[0] = *text;
		if (strchr(" \t\n\\", *text))
			len = quire_scnprintf(octal, sizeof(octal), "\\%03o", (unsigned char)*text);
		err = sink->write(sink, octal, (size_t)len);
	}
	return err;
}

static int mount_flags_text(const struct mount *mnt, char *buf, size_t size)
{
	unsigned int f = mnt->mnt_flags;

	return quire_scnprintf(buf, size, "%s%s%s%s%s%s%s", (f & MS_RDONLY) ? "ro" : "rw", (f & MS_NOSUID) ? ",nosuid" : "",
			       (f & MS_NODEV) ? ",nodev" : "", (f & MS_NOEXEC) ? ",noexec" : "",
			       (f & MS_NOATIME) ? ",noatime" : "", (f & MS_NODIRATIME) ? ",nodiratime" : "",
			       (f & MS_RELATIME) ? ",relatime" : "");
}

static int show_one(struct text_sink *sink, struct mount *mnt, const struct path *root, bool info)
{
	struct path at = { mnt, mnt->mnt_root };
	struct super_block *sb = mnt->mnt_sb;
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text, flags[96], options[128] = "";
	int err, len;

	if (!buf)
		return -ENOMEM;
	text = d_path_from(&at, root, buf, PATH_MAX);
	if (IS_ERR(text) || *text != '/') {
		kfree(buf);
		return 0; /* lies outside of what the reader sees */
	}
	mount_flags_text(mnt, flags, sizeof(flags));
	if (sb->s_op->show_options)
		sb->s_op->show_options(sb, options, sizeof(options));
	if (info) {
		char head[80];

		len = quire_scnprintf(head, sizeof(head), "%d %d %u:%u / ", mnt->mnt_id,
				      mnt->mnt_parent ? mnt->mnt_parent->mnt_id : 0, MAJOR(sb->s_dev), MINOR(sb->s_dev));
		err = sink->write(sink, head, (size_t)len);
		err = err ? err : show_escaped(sink, text);
		len = quire_scnprintf(head, sizeof(head), " %s - %s ", flags, sb->s_type->name);
		err = err ? err : sink->write(sink, head, (size_t)len);
		err = err ? err : show_escaped(sink, mnt->mnt_devname);
		len = quire_scnprintf(flags, sizeof(flags), " %s", (mnt->mnt_flags & MS_RDONLY) ? "ro" : "rw");
	} else {
		err = show_escaped(sink, mnt->mnt_devname);
		err = err ? err : sink->write(sink, " ", 1);
		err = err ? err : show_escaped(sink, text);
		len = quire_scnprintf(buf, PATH_MAX, " %s ", sb->s_type->name);
		err = err ? err : sink->write(sink, buf, (size_t)len);
		len = (int)strlen(flags);
	}
	err = err ? err : sink->write(sink, flags, (size_t)len);
	err = err ? err : sink->write(sink, options, strlen(options));
	err = err ? err : sink->write(sink, info ? "\n" : " 0 0\n", info ? 1 : 5);
	kfree(buf);
	return err;
}

/* The next mount after `id`, with a reference: the list may change between lines. */
static struct mount *next_mount(unsigned int index)
{
	struct mount *mnt, *found = NULL;

	spin_lock(&dcache_lock);
	list_for_each_entry(mnt, &mounts, mnt_list)
		if (!index--) {
			found = mntget(mnt);
			break;
		}
	spin_unlock(&dcache_lock);
	return found;
}

static int show_all(struct text_sink *sink, const struct path *root, bool info)
{
	struct mount *mnt;
	int err = 0;

	for (unsigned int i = 0; !err && (mnt = next_mount(i)); i++) {
		err = show_one(sink, mnt, root, info);
		mntput(mnt);
	}
	return err;
}

int mounts_show(struct text_sink *sink, const struct path *root)
{
	return show_all(sink, root, false);
}

int mountinfo_show(struct text_sink *sink, const struct path *root)
{
	return show_all(sink, root, true);
}

int filesystems_show(struct text_sink *sink)
{
	struct file_system_type *type;
	char line[64];
	int err = 0;

	for (type = file_systems; type && !err; type = type->next) {
		int len = quire_scnprintf(line, sizeof(line), "%s\t%s\n", type->requires_dev ? "" : "nodev", type->name);

		err = sink->write(sink, line, (size_t)len);
	}
	return err;
}

/* ---- pivot_root(2) ---- */

static bool is_mount_root(const struct path *path)
{
	return path->dentry == path->mnt->mnt_root && path->mnt->mnt_parent;
}

int do_pivot_root(const struct path *new_root, const struct path *put_old)
{
	struct path root, old_place;
	int err = 0;

	get_fs_root(current->fs, &root);
	mutex_lock(&mount_mutex);
	if (new_root->mnt == root.mnt || put_old->mnt == root.mnt)
		err = -EBUSY;
	else if (!is_mount_root(new_root) || !is_mount_root(&root) || root.mnt->mnt_parent == root.mnt)
		err = -EINVAL;
	if (!err) {
		struct path new_place;

		detach(new_root->mnt, &old_place);
		detach(root.mnt, &new_place);
		attach(new_root->mnt, &new_place);
		path_get(put_old);
		attach(root.mnt, put_old);
		path_put(&old_place);
	}
	mutex_unlock(&mount_mutex);
	if (!err)
		set_fs_root(current->fs, new_root);
	path_put(&root);
	return err;
}
