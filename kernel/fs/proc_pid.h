/* SPDX-License-Identifier: MIT */
/*
 * proc_pid.h - /proc/PID: inodes that have a task behind them, and the tables of what is in such a directory.
 *
 * [I1] An inode of this kind holds a reference on its task; when the task is gone for good, its files say -ESRCH.
 * Lock: none of its own. Sleeps: showing.
 */
#ifndef KERNEL_FS_PROC_PID_H
#define KERNEL_FS_PROC_PID_H

#include "fs/proc.h"
#include "proc/cred.h"
#include "quire/errno.h"

struct pid_entry {
	const char *name;
	umode_t mode;
	int (*show)(struct text_sink *sink, struct task *task);
	int (*show_part)(struct text_sink *sink, struct task *task, unsigned long *cursor); /* instead: a long text */
	int (*store)(struct task *task, const char *text, size_t len);
	const struct file_operations *fops;
	const struct inode_operations *iops;
	bool secret;	/* only for the owner and who may trace */
	bool process;	/* in /proc/PID only, not in its task/TID */
	bool debug;	/* in debug builds only */
};

struct proc_inode {
	struct inode inode;
	struct task *task;
	const struct pid_entry *entry;
	unsigned int fd;	/* of entries in fd and fdinfo */
	bool is_thread;		/* in task/TID */
	unsigned long range_start, range_end; /* of entries in map_files */
	char text[32];		/* of self and thread-self */
};

#define S_PROC_TASK 8u	/* i_flags: is a struct proc_inode */

static inline struct proc_inode *proc_i(struct inode *inode)
{
	return container_of(inode, struct proc_inode, inode);
}

static inline struct task *proc_task(struct inode *inode)
{
	return proc_i(inode)->task;
}

/* An inode for an entry of a task's directory; takes a reference on task. ERR_PTR(-ENOMEM). */
struct inode *proc_task_inode(struct super_block *sb, struct task *task, const struct pid_entry *entry, bool is_thread);
void proc_evict(struct inode *inode);
void proc_pid_init(void);

bool task_gone(const struct task *task);
/* May the current task look into that one (ptrace's rule)? */
bool may_inspect(struct task *task);
/* The fields of the entry tables. */
bool emit_dots(struct file *file, struct dir_context *ctx); /* the first two entries; false: no room for them */
int emit_number(struct dir_context *ctx, unsigned long nr, u64 pos, u64 ino, unsigned int type);
int parse_number(const char *name, size_t len, unsigned int *nr); /* no leading zeros; 0 or -ENOENT */

/* proc_fail_nth.c */
extern const struct file_operations proc_fail_nth_fops;
/* proc_fd.c */
extern const struct inode_operations proc_fd_iops, proc_fdinfo_iops;
extern const struct file_operations proc_fd_fops, proc_fdinfo_fops;
/* proc_map_files.c */
extern const struct inode_operations proc_map_files_iops;
extern const struct file_operations proc_map_files_fops;
/* proc_mem.c */
extern const struct file_operations proc_mem_fops, proc_pagemap_fops;
int proc_show_maps(struct text_sink *sink, struct task *task, unsigned long *cursor);
int proc_show_smaps(struct text_sink *sink, struct task *task, unsigned long *cursor);
int proc_show_numa_maps(struct text_sink *sink, struct task *task, unsigned long *cursor);
int proc_show_smaps_rollup(struct text_sink *sink, struct task *task);
int proc_show_cmdline(struct text_sink *sink, struct task *task);
int proc_show_environ(struct text_sink *sink, struct task *task);
int proc_store_clear_refs(struct task *task, const char *text, size_t len);
int proc_show_auxv(struct text_sink *sink, struct task *task);
/* proc_stat.c */
int proc_show_stat(struct text_sink *sink, struct task *task);
int proc_show_statm(struct text_sink *sink, struct task *task);
int proc_show_status(struct text_sink *sink, struct task *task);
int proc_show_limits(struct text_sink *sink, struct task *task);
int proc_show_io(struct text_sink *sink, struct task *task);

#endif
