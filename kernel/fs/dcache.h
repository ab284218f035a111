/* SPDX-License-Identifier: MIT */
/*
 * dcache.h - what the parts of the name tree share among themselves.
 *
 * [N1] names_seq is odd while entries or mounts are being moved, and different after; who walks the tree under RCU
 *      and finds it changed walks again.
 * Lock: dcache_lock (LOCK_HOST_SPIN): hash chains, the list of mounts, names_seq. Sleeps: never while held.
 */
#ifndef KERNEL_FS_DCACHE_H
#define KERNEL_FS_DCACHE_H

#include "base/format.h"
#include "fs/vfs.h"

extern spinlock_t dcache_lock;
extern unsigned int names_seq;

static inline bool names_seq_changed(unsigned int seq)
{
	smp_rmb();
	return READ_ONCE(names_seq) != seq;
}

void names_write_begin(void);
void names_write_end(void);
/* Takes everything below root out of an in-memory tree that nobody can reach any more. */
void d_destroy_tree(struct dentry *root);

void dcache_init(void);
void inode_cache_init(void);
void file_cache_init(void);
void anon_init(void);
void files_cache_init(void);
extern struct mount *rootfs_mount;
/* Makes the first mount. */
void mount_root(struct mount *mnt);

#endif
