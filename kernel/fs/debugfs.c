/* SPDX-License-Identifier: MIT */
/* debugfs.c - /sys/kernel/debug: what only debugging wants to know; here the owners of page frames, and pins. */
#include "fs/proc.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/stats.h"

static struct super_block *debugfs_sb;

static struct super_block *debugfs_mount(struct file_system_type *type, const char *source, const char *options)
{
	if (!debugfs_sb)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&debugfs_sb->s_count);
	return debugfs_sb;
}

static struct file_system_type debugfs_type = { .name = "debugfs", .mount = debugfs_mount };

/* As much as one allocation's paragraph may take. */
#define PARAGRAPH_BYTES 4096u

/* The file's position is a frame number, and one read gives one allocation. */
static long page_owner_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	size_t size = to->count < PARAGRAPH_BYTES ? to->count : PARAGRAPH_BYTES;
	char *text = kmalloc(PARAGRAPH_BYTES, GFP_KERNEL);
	long len;

	if (!text)
		return -ENOMEM;
	len = quire_page_owner_read(pos, text, size);
	if (len > 0 && copy_to_iter(text, (size_t)len, to) != (size_t)len)
		len = -EFAULT;
	kfree(text);
	return len;
}

/* A position that counts frames is nothing to copy bytes by: sendfile refuses, and who copies goes on reading. */
static int page_owner_open(struct inode *inode, struct file *file)
{
	file->f_mode &= ~FMODE_PREAD;
	return 0;
}

static const struct file_operations page_owner_fops = {
	.open = page_owner_open, .read_iter = page_owner_read, .llseek = text_llseek,
};

void debugfs_init(void)
{
	struct pseudo_entry *root = pseudo_add(NULL, "/", S_IFDIR | 0700), *e;

	register_filesystem(&debugfs_type);
	if (!root)
		return;
	e = quire_page_owner_on() ? pseudo_add(root, "page_owner", S_IFREG | 0400) : NULL;
	if (e)
		e->fops = &page_owner_fops;
	e = pseudo_add(root, "gup_test", S_IFREG | 0600);
	if (e)
		e->fops = &gup_test_fops;
	debugfs_sb = pseudo_super(&debugfs_type, root, DEBUGFS_MAGIC);
}
