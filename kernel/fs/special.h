/* SPDX-License-Identifier: MIT */
/*
 * special.h - inodes that are not files of a file system: devices, FIFOs, and the locks that files carry.
 *
 * Lock: the objects' own. Sleeps: opening and locking may.
 */
#ifndef KERNEL_FS_SPECIAL_H
#define KERNEL_FS_SPECIAL_H

#include "fs/vfs.h"

/* Sets i_fop by the type in i_mode (devices by i_rdev). */
void init_special_inode(struct inode *inode);

/* ---- pipes (pipe.c) ---- */
extern const struct file_operations fifo_fops;
int do_pipe2(int *fds, unsigned int flags); /* two new descriptors: read end, write end */
long pipe_fcntl(struct file *file, unsigned int cmd, unsigned long arg);

/* ---- advisory locks (locks.c) ---- */
void file_locks_free(struct inode *inode);
/* close(2): drops the record locks of `owner` (a files_struct); the last fput: those of the open file. */
void locks_remove_posix(struct file *file, const void *owner);
void locks_remove_file(struct file *file);
int do_flock(struct file *file, unsigned int how);
int fcntl_getlk(struct file *file, unsigned int cmd, struct flock *flock);
int fcntl_setlk(struct file *file, unsigned int cmd, const struct flock *flock);
int locks_show(struct text_sink *sink);

/* ---- userfaultfd ---- */
void userfaultfd_init(void);

/* ---- memfd ---- */
struct file *memfd_file(const char *name, unsigned int flags);
long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg);

#endif
