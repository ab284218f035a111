/* SPDX-License-Identifier: MIT */
/*
 * fs_struct.h - where a task stands in the tree: root directory, current directory, umask.
 *
 * Lock: fs->lock (LOCK_HOST_SPIN). Sleeps: fs_put. Allocates: fs_dup.
 */
#ifndef KERNEL_FS_FS_STRUCT_H
#define KERNEL_FS_FS_STRUCT_H

#include "fs/vfs.h"
#include "sched/task.h"

struct fs_struct {
	atomic_t count;		/* tasks */
	unsigned int umask;
	spinlock_t lock;
	struct path root, pwd;	/* (lock) */
};

/* fork without CLONE_FS. NULL: no memory. */
struct fs_struct *fs_dup(struct fs_struct *fs);
static inline struct fs_struct *fs_get(struct fs_struct *fs)
{
	atomic_inc(&fs->count);
	return fs;
}
void fs_put(struct fs_struct *fs);
/* For the first task: at the root of the root file system. NULL: no memory. */
struct fs_struct *fs_init_task(void);
/* exit: takes p->fs away. */
void exit_fs(struct task *p);
/* A copy of its own for the current task (unshare). 0 or -ENOMEM. */
int unshare_fs(void);

/* Another task's with a reference, or NULL. */
struct fs_struct *get_task_fs(struct task *p);

/* Copies with references. */
void get_fs_root(struct fs_struct *fs, struct path *root);
void get_fs_pwd(struct fs_struct *fs, struct path *pwd);
void set_fs_root(struct fs_struct *fs, const struct path *root);
void set_fs_pwd(struct fs_struct *fs, const struct path *pwd);

#endif
