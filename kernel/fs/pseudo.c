/* SPDX-License-Identifier: MIT */
/* pseudo.c - trees of fixed entries that are no files on any disk: the fixed part of /proc, and /sys. */
#include "base/string.h"
#include "fs/proc.h"
#include "quire/errno.h"
#include "quire/slab.h"

static u64 next_ino = 1;

struct pseudo_entry *pseudo_add(struct pseudo_entry *parent, const char *name, umode_t mode)
{
	struct pseudo_entry *e = kzalloc(sizeof(*e), GFP_KERNEL), **at;

	if (!e)
		return NULL;
	e->name = kstrdup(name, GFP_KERNEL);
	if (!e->name) {
		kfree(e);
		return NULL;
	}
	e->mode = mode;
	e->ino = ++next_ino;
	e->parent = parent ? parent : e;
	if (parent) {
		for (at = &parent->children; *at; at = &(*at)->next)
			;
		*at = e;
	}
	return e;
}

struct pseudo_entry *pseudo_dir(struct pseudo_entry *parent, const char *name)
{
	struct pseudo_entry *e = parent ? pseudo_find(parent, name, strlen(name)) : NULL;

	return e ? e : pseudo_add(parent, name, S_IFDIR | 0555);
}

struct pseudo_entry *pseudo_text(struct pseudo_entry *parent, const char *name, umode_t mode,
				 int (*show)(struct text_sink *sink, void *arg), void *arg)
{
	struct pseudo_entry *e = parent ? pseudo_add(parent, name, S_IFREG | mode) : NULL;

	if (e) {
		e->text.show = show;
		e->arg = arg;
	}
	return e;
}

struct pseudo_entry *pseudo_link(struct pseudo_entry *parent, const char *name, const char *target)
{
	struct pseudo_entry *e = parent ? pseudo_add(parent, name, S_IFLNK | 0777) : NULL;

	if (e)
		e->target = target;
	return e;
}

struct pseudo_entry *pseudo_find(struct pseudo_entry *dir, const char *name, size_t len)
{
	struct pseudo_entry *e;

	for (e = dir->children; e; e = e->next)
		if (!strncmp(e->name, name, len) && !e->name[len])
			return e;
	return NULL;
}

/* ---- inodes ---- */

static int text_file_open(struct inode *inode, struct file *file)
{
	struct pseudo_entry *e = inode->i_private;

	file->f_op = &text_fops;
	return text_open(file, &e->text, e->arg, NULL);
}

/* The seeking is what a text's file will have: it decides about pread before open replaces the rest. */
static const struct file_operations text_entry_fops = { .open = text_file_open, .llseek = generic_file_llseek };

static const char *link_text(struct inode *inode)
{
	const struct pseudo_entry *e = inode->i_private;

	return e->target;
}

static int refuse_setattr(struct inode *inode, const struct iattr *attr)
{
	/* Truncating on open("> file") means nothing here; the rest is not changeable. */
	return (attr->valid & ~ATTR_SIZE) ? -EPERM : 0;
}

static const struct inode_operations pseudo_link_iops = { .get_text = link_text };
static const struct inode_operations pseudo_file_iops = { .setattr = refuse_setattr };

struct inode *pseudo_inode(struct super_block *sb, struct pseudo_entry *e)
{
	struct inode *inode = new_inode(sb, e->mode);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_uid = inode->i_gid = 0;
	inode->i_ino = e->ino;
	inode->i_private = e;
	inode->i_size = e->size;
	if (S_ISDIR(e->mode)) {
		inode->i_nlink = 2;
		inode->i_op = &pseudo_dir_iops;
		inode->i_fop = &pseudo_dir_fops;
	} else if (S_ISLNK(e->mode)) {
		inode->i_op = &pseudo_link_iops;
	} else {
		inode->i_op = &pseudo_file_iops;
		inode->i_fop = &text_entry_fops;
	}
	if (e->fops)
		inode->i_fop = e->fops;
	if (e->iops)
		inode->i_op = e->iops;
	return inode;
}

static const struct super_operations pseudo_sops;

struct super_block *pseudo_super(struct file_system_type *type, struct pseudo_entry *root, u64 magic)
{
	struct super_block *sb = sb_alloc(type, &pseudo_sops, magic, 0);
	struct inode *inode = sb ? pseudo_inode(sb, root) : ERR_PTR(-ENOMEM);

	if (!IS_ERR(inode))
		sb->s_root = d_alloc_root(sb, inode);
	return sb && sb->s_root ? sb : NULL;
}

/* ---- directories ---- */

static struct inode *pseudo_lookup(struct inode *dir, const char *name, size_t len, bool *hash_it)
{
	struct pseudo_entry *e = pseudo_find(dir->i_private, name, len);

	if (!e)
		return NULL;
	*hash_it = true;
	return pseudo_inode(dir->i_sb, e);
}

bool pseudo_emit(struct pseudo_entry *dir, struct dir_context *ctx, u64 first)
{
	struct pseudo_entry *e = dir->children;

	for (u64 pos = first; e; pos++, e = e->next) {
		if (pos < ctx->pos)
			continue;
		if (ctx->actor(ctx, e->name, strlen(e->name), pos + 1, e->ino, (e->mode & S_IFMT) >> 12))
			return false;
		ctx->pos = pos + 1;
	}
	return true;
}

static bool emit_dots(const struct pseudo_entry *dir, struct dir_context *ctx)
{
	if (ctx->pos == 0) {
		if (ctx->actor(ctx, ".", 1, 1, dir->ino, DT_DIR))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (ctx->actor(ctx, "..", 2, 2, dir->parent->ino, DT_DIR))
			return false;
		ctx->pos = 2;
	}
	return true;
}

static int pseudo_iterate(struct file *file, struct dir_context *ctx)
{
	struct pseudo_entry *dir = file->f_inode->i_private;

	if (emit_dots(dir, ctx) && pseudo_emit(dir, ctx, 2) && dir == proc_root)
		proc_pid_emit(ctx, 256);
	return 0;
}

const struct inode_operations pseudo_dir_iops = { .lookup = pseudo_lookup };
const struct file_operations pseudo_dir_fops = { .llseek = generic_file_llseek, .iterate = pseudo_iterate };
