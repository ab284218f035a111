/* SPDX-License-Identifier: MIT */
/*
 * tmpfs.h - the file system that lives in the page cache: the root, /tmp, /dev, /dev/shm, memfds.
 *
 * [T1] used_blocks counts the pages in the caches of all its files; used_inodes its inodes.
 * [T2] Limits of 0 mean none.
 * Locks: s_lock for names, i_rwsem for sizes, counters are atomic. Sleeps: all but counting.
 */
#ifndef KERNEL_FS_TMPFS_H
#define KERNEL_FS_TMPFS_H

#include "fs/vfs.h"

struct tmpfs_info {
	atomic_long_t used_blocks, used_inodes;
	long max_blocks, max_inodes;	/* (s_lock) */
	bool ramfs;			/* has no limits and shows no options */
	bool noswap;
};

struct tmpfs_inode { /* regular files */
	struct inode inode;
	struct address_space mapping;
	unsigned int seals;		/* (i_rwsem) F_SEAL_* */
};

static inline struct tmpfs_inode *tmpfs_i(struct inode *inode)
{
	return container_of(inode, struct tmpfs_inode, inode);
}

static inline struct tmpfs_info *tmpfs_sb(const struct super_block *sb)
{
	return sb->s_fs_info;
}

extern const struct inode_operations tmpfs_dir_iops, tmpfs_file_iops, tmpfs_link_iops, tmpfs_special_iops;
extern const struct file_operations tmpfs_file_fops;
/* Of mappings whose handle is a struct file. */
extern const struct address_space_operations tmpfs_mapping_ops;
extern struct file_system_type tmpfs_type, ramfs_type;

/* A new inode that counts against the limits. ERR_PTR(-ENOSPC, -ENOMEM). */
struct inode *tmpfs_new_inode(struct super_block *sb, umode_t mode, dev_t rdev);
void tmpfs_evict(struct inode *inode);
/* Makes a new inode an empty directory. */
void tmpfs_dir_init(struct inode *dir);
/* An in-memory tree with a root directory, for other file systems that keep their names the same way. */
struct super_block *tmpfs_fill(struct file_system_type *type, u64 magic, const char *options, bool limits);
/* Directory listing of a tree in memory. */
int dcache_iterate(struct file *file, struct dir_context *ctx);
void tmpfs_init(void);
void memfd_init(void);

#endif
