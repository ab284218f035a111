/* SPDX-License-Identifier: MIT */
/* init.c - file systems come up: caches, the root, devices; and what kind of file each special inode is. */
#include "dev/chrdev.h"
#include "fs/dcache.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/proc.h"
#include "fs/special.h"
#include "fs/tmpfs.h"
#include "lib/printk.h"
#include "quire/errno.h"

struct mount *rootfs_mount;

static struct super_block *rootfs_fill(struct file_system_type *type, const char *source, const char *options)
{
	struct super_block *sb = tmpfs_fill(type, TMPFS_MAGIC, options, false);

	if (!IS_ERR(sb))
		sb->s_root->d_inode->i_mode = S_IFDIR | 0755;
	return sb;
}

static struct file_system_type rootfs_type = { .name = "rootfs", .mount = rootfs_fill };

void init_special_inode(struct inode *inode)
{
	switch (inode->i_mode & S_IFMT) {
	case S_IFCHR:
		inode->i_fop = &chrdev_fops;
		break;
	case S_IFIFO:
		inode->i_fop = &fifo_fops;
		break;
	default: /* block devices and sockets by name: nothing answers */
		inode->i_fop = NULL;
	}
}

static void first_task(void)
{
	if (!current->fs)
		current->fs = fs_init_task();
	if (!current->files)
		current->files = files_alloc();
	if (!current->fs || !current->files)
		panic("no memory for the first task's files");
}

void vfs_init(void)
{
	dcache_init();
	inode_cache_init();
	file_cache_init();
	files_cache_init();
	anon_init();
	tmpfs_init();
	rootfs_mount = kern_mount(&rootfs_type, "rootfs", "", 0);
	if (IS_ERR(rootfs_mount))
		panic("no memory for the root file system");
	mount_root(rootfs_mount);
	first_task();
	memfd_init();
	devtmpfs_init();
	mem_devices_init();
	kmsg_init();
	tty_init();
	pty_init();
	proc_init();
	userfaultfd_init();
}
