/* SPDX-License-Identifier: MIT */
/*
 * namei.h - one walk along a path, step by step.
 *
 *	"/a/link/b"   path = root; step "a"; step "link": its text is walked first, "b" waits in a struct pending_link
 *
 * [W1] nd->path always has references; an inode whose text is being walked is pinned until the walk ends.
 * Lock: none held between steps. Sleeps: file systems' look-ups may. Allocates: from the third link on.
 */
#ifndef KERNEL_FS_NAMEI_H
#define KERNEL_FS_NAMEI_H

#include "fs/vfs.h"

#define MAXSYMLINKS 40

enum last_type { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct pending_link {
	struct pending_link *all;	/* every link of this walk */
	struct pending_link *below;	/* the one whose rest is walked after this one's */
	struct inode *inode;
	const char *rest;
};

struct nameidata {
	struct path path;
	struct path root;
	unsigned int flags;		/* LOOKUP_* */
	unsigned int nr_links;
	struct pending_link *all, *pending;
	/* LOOKUP_PARENT: where the walk stopped. */
	enum last_type last_type;
	const char *last;
	size_t last_len;
	bool trailing_slash;
	struct pending_link first[2];
};

/* Starts at dfd, or at the root when text begins with a slash. 0 or -errno; then nd_end() is not called. */
int nd_start(struct nameidata *nd, int dfd, const char *text, unsigned int flags);
/* Walks text. On failure nd_end() is still to be called. */
int nd_walk(struct nameidata *nd, const char *text);
/* Follows the link `dentry` (its reference is consumed) whose directory is nd->path, and walks its text. */
int nd_follow(struct nameidata *nd, struct dentry *dentry);
void nd_end(struct nameidata *nd);
/* Moves to whatever is mounted on the path. */
void follow_mounts(struct path *path);

/* A walk to the parent of the last component, with the parent's s_lock held and the right to change it checked. */
struct parent_walk {
	struct nameidata nd;
	struct filename name;
	struct super_block *locked;
};
/* name: a user's path when user is set, else the kernel's. */
int parent_start(struct parent_walk *w, int dfd, const char *text, bool user);
void parent_end(struct parent_walk *w);
/* The entry under the parent (with a reference), or NULL when there is none. */
struct dentry *parent_child(struct parent_walk *w);
/* May an entry be made here / may this one be taken away? */
int may_create(const struct path *parent);
int may_delete(const struct path *parent, const struct dentry *victim, bool want_dir);

int do_mknodat(int dfd, const char *path, bool user, umode_t mode, dev_t dev);
int do_symlinkat(const char *target, int dfd, const char *path, bool user);
int do_linkat(int old_dfd, const char *old_path, int new_dfd, const char *new_path, bool user, int flags);
int do_unlinkat(int dfd, const char *path, bool user, bool dir);
int do_renameat(int old_dfd, const char *old_path, int new_dfd, const char *new_path, unsigned int flags);

/* open(2): the file, or ERR_PTR. text is the kernel's. resolve: LOOKUP_NO_* of openat2. */
struct file *do_file_open(int dfd, const char *text, int flags, umode_t mode, unsigned int resolve);

#endif
