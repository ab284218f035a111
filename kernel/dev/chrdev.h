/* SPDX-License-Identifier: MIT */
/*
 * chrdev.h - character devices: which driver answers for which numbers, and their nodes in /dev.
 *
 * [C1] Ranges of one major do not overlap; a driver stays for ever.
 * Lock: drivers are added at boot only, so look-ups take none. Sleeps: opening. Allocates: never.
 */
#ifndef KERNEL_DEV_CHRDEV_H
#define KERNEL_DEV_CHRDEV_H

#include "fs/vfs.h"

struct chrdev {
	dev_t first;
	unsigned int nr;
	const char *name;		/* in /proc/devices */
	const struct file_operations *fops;
	struct chrdev *next;
};

void register_chrdev(struct chrdev *dev);
int devices_show(struct text_sink *sink);
/* Replaces a file's operations from within open: the file then behaves as if opened with them. */
void file_set_ops(struct file *file, const struct file_operations *fops);

extern const struct file_operations chrdev_fops;

/* A node that devtmpfs has from the start; path relative to /dev. */
struct devnode {
	const char *path;
	umode_t mode;
	dev_t dev;
};
/* 0 or -errno. */
int devtmpfs_add(const struct devnode *node);
/* Symbolic link in /dev. */
int devtmpfs_link(const char *path, const char *target);
void devtmpfs_init(void);

/* Drivers' own start. */
void mem_devices_init(void);
void kmsg_init(void);
void tty_init(void);
void pty_init(void);

#endif
