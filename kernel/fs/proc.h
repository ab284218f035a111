/* SPDX-License-Identifier: MIT */
/*
 * proc.h - pseudo file systems: trees of names whose files are texts made when they are read.
 *
 *	pseudo_entry { name, mode, show | fops | ... } -children-> ...      /proc's fixed part, /sys
 *	pid directories: entries of the same kind, looked up in tables, with a task behind them
 *
 * [P1] A text is made as a whole when it is read from its beginning, so that one pass over a file is consistent; a
 *      long one is made in parts as it is read, so that a look at its beginning costs no more than that.
 * [P2] Fixed entries are made at boot and stay.
 * Lock: none for fixed entries. Sleeps: showing.
 */
#ifndef KERNEL_FS_PROC_H
#define KERNEL_FS_PROC_H

#include "fs/vfs.h"
#include "quire/types.h"
#include "sched/task.h"

/* ---- texts ---- */

struct text_file; /* what an open text file keeps */

/* A text's maker and (may be NULL) reader of what is written to it. */
struct text_ops {
	int (*show)(struct text_sink *sink, void *arg);
	/* Instead: one part, from *cursor on (0: the beginning), which it moves. 0, 1: there is no more, or -errno. */
	int (*show_part)(struct text_sink *sink, void *arg, unsigned long *cursor);
	/* The whole of one write, NUL-terminated; 0 or -errno. */
	int (*store)(const char *text, size_t len, void *arg);
};

__attribute__((format(printf, 2, 3))) int sink_printf(struct text_sink *sink, const char *fmt, ...);
int sink_puts(struct text_sink *sink, const char *text);

/* Opens `file` as a text; release(arg) is called when it is closed (NULL: nothing to do). 0 or -ENOMEM. */
int text_open(struct file *file, const struct text_ops *ops, void *arg, void (*release)(void *arg));
extern const struct file_operations text_fops;
/* Seeks in what has no known end: SEEK_SET and SEEK_CUR. */
loff_t text_llseek(struct file *file, loff_t offset, int whence);

/* Numbers in texts that are written: decimal or 0x; 0 or -EINVAL. */
int parse_long(const char *text, long *value);

/* ---- fixed trees ---- */

struct pseudo_entry {
	const char *name;
	umode_t mode;
	struct text_ops text;			/* regular files */
	void *arg;				/* of text */
	const struct file_operations *fops;	/* instead of a text */
	const char *target;			/* links with a fixed text */
	const struct inode_operations *iops;	/* entries with a mind of their own */
	u64 size;
	struct pseudo_entry *parent, *children, *next;
	u64 ino;
};

/* An entry below parent, or NULL when out of memory. The name is copied; the rest is filled in by the caller. */
struct pseudo_entry *pseudo_add(struct pseudo_entry *parent, const char *name, umode_t mode);
struct pseudo_entry *pseudo_dir(struct pseudo_entry *parent, const char *name);
struct pseudo_entry *pseudo_text(struct pseudo_entry *parent, const char *name, umode_t mode,
				 int (*show)(struct text_sink *sink, void *arg), void *arg);
struct pseudo_entry *pseudo_link(struct pseudo_entry *parent, const char *name, const char *target);
/* A file system whose root is `root`, or NULL. */
struct super_block *pseudo_super(struct file_system_type *type, struct pseudo_entry *root, u64 magic);
struct inode *pseudo_inode(struct super_block *sb, struct pseudo_entry *entry);
struct pseudo_entry *pseudo_find(struct pseudo_entry *dir, const char *name, size_t len);
/* Lists dir's children from position pos (2 is the first) on; false: no room. */
bool pseudo_emit(struct pseudo_entry *dir, struct dir_context *ctx, u64 first);
extern const struct inode_operations pseudo_dir_iops;
extern const struct file_operations pseudo_dir_fops;

/* ---- /proc ---- */

extern struct pseudo_entry *proc_root;
/* Inode numbers of tasks' directories and files do not meet the fixed ones. */
struct inode *proc_pid_lookup(struct super_block *sb, const char *name, size_t len);
struct inode *proc_self_inode(struct super_block *sb, bool thread);
/* Next directory of a process for the listing of /proc; false: no room. */
bool proc_pid_emit(struct dir_context *ctx, u64 first);

void proc_init(void);
void proc_memory_init(void);	/* meminfo and its kin, from the library */
void proc_system_init(void);	/* the rest of the machine */
void proc_cpuinfo_init(void);
void proc_sys_init(void);	/* /proc/sys */
void sysfs_init(void);
void debugfs_init(void);
extern const struct file_operations gup_test_fops; /* of debugfs */

#endif
