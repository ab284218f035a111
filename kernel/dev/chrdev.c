/* SPDX-License-Identifier: MIT */
/* chrdev.c - from a device number to its driver. */
#include "dev/chrdev.h"
#include "base/format.h"
#include "quire/errno.h"

static struct chrdev *chrdevs;

void register_chrdev(struct chrdev *dev)
{
	struct chrdev **at = &chrdevs;

	while (*at && (*at)->first < dev->first)
		at = &(*at)->next;
	dev->next = *at;
	*at = dev;
}

void file_set_ops(struct file *file, const struct file_operations *fops)
{
	file->f_op = fops;
	file->f_mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	if (fops->llseek)
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
}

static int chrdev_open(struct inode *inode, struct file *file)
{
	struct chrdev *dev;

	for (dev = chrdevs; dev; dev = dev->next)
		if (inode->i_rdev >= dev->first && inode->i_rdev - dev->first < dev->nr)
			break;
	if (!dev)
		return -ENXIO;
	file_set_ops(file, dev->fops);
	return dev->fops->open ? dev->fops->open(inode, file) : 0;
}

const struct file_operations chrdev_fops = { .open = chrdev_open };

int devices_show(struct text_sink *sink)
{
	char line[64];
	struct chrdev *dev;
	int err = sink->write(sink, "Character devices:\n", 19);

	for (dev = chrdevs; dev && !err; dev = dev->next) {
		int len = quire_scnprintf(line, sizeof(line), "%3u %s\n", MAJOR(dev->first), dev->name);

		err = sink->write(sink, line, (size_t)len);
	}
	return err ? err : sink->write(sink, "\nBlock devices:\n", 16);
}
