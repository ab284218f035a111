/* SPDX-License-Identifier: MIT */
/* mem.c - /dev/null, zero, full, random and urandom. */
#include "base/math.h"
#include "dev/chrdev.h"
#include "fs/poll.h"
#include "lib/random.h"
#include "proc/signal.h"
#include "quire/errno.h"

enum mem_minor { MINOR_NULL = 3, MINOR_ZERO = 5, MINOR_FULL = 7, MINOR_RANDOM = 8, MINOR_URANDOM = 9 };

static long null_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	return 0;
}

static long null_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	size_t count = from->count;

	iov_iter_advance(from, count);
	return (long)count;
}

static long full_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	return -ENOSPC;
}

/* Parts of this size are done between looks at signals and other tasks. */
#define CHUNK ((size_t)65536)

static long zero_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	long done = 0;

	while (to->count) {
		size_t part = min(to->count, CHUNK), did = iov_iter_zero(part, to);

		done += (long)did;
		if (did < part)
			return done ? done : -EFAULT;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done ? done : (to->count ? -ERESTARTSYS : 0);
}

static long random_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	long done = 0;
	u8 buf[256];

	while (to->count) {
		size_t part = min(to->count, sizeof(buf)), did;

		get_random_bytes(buf, part);
		did = copy_to_iter(buf, part, to);
		done += (long)did;
		if (did < part)
			return done ? done : -EFAULT;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

/* What is written is stirred in; it can make nothing worse. */
static long random_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	long done = 0;
	u8 buf[64];

	while (from->count) {
		size_t part = min(from->count, sizeof(buf)), did = copy_from_iter(buf, part, from);

		random_add(buf, did);
		done += (long)did;
		if (did < part)
			return done ? done : -EFAULT;
	}
	return done;
}

#define RNDGETENTCNT 0x80045200u

static long random_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == RNDGETENTCNT)
		return put_user(256, (int *)arg);
	return -EINVAL;
}

/* Private: plain anonymous memory. Shared: the same, by the caller's making it so. */
static int zero_mmap(struct file *file, unsigned long prot, unsigned long flags, struct mmap_file *backing)
{
	backing->mapping = NULL;
	return 0;
}

static const struct file_operations null_fops = {
	.llseek = no_llseek_zero, .read_iter = null_read, .write_iter = null_write,
};
static const struct file_operations zero_fops = {
	.llseek = no_llseek_zero, .read_iter = zero_read, .write_iter = null_write, .mmap = zero_mmap,
};
static const struct file_operations full_fops = {
	.llseek = no_llseek_zero, .read_iter = zero_read, .write_iter = full_write,
};
static const struct file_operations random_fops = {
	.llseek = no_llseek_zero, .read_iter = random_read, .write_iter = random_write, .ioctl = random_ioctl,
};

static int mem_open(struct inode *inode, struct file *file)
{
	switch (MINOR(inode->i_rdev)) {
	case MINOR_NULL:
		file_set_ops(file, &null_fops);
		return 0;
	case MINOR_ZERO:
		file_set_ops(file, &zero_fops);
		return 0;
	case MINOR_FULL:
		file_set_ops(file, &full_fops);
		return 0;
	case MINOR_RANDOM:
	case MINOR_URANDOM:
		file_set_ops(file, &random_fops);
		return 0;
	default:
		return -ENXIO;
	}
}

static const struct file_operations mem_fops = { .open = mem_open };
static struct chrdev mem_chrdev = { .first = MKDEV(1, 0), .nr = 11, .name = "mem", .fops = &mem_fops };

void mem_devices_init(void)
{
	static const struct devnode nodes[] = {
		{ "null", S_IFCHR | 0666, MKDEV(1, MINOR_NULL) }, { "zero", S_IFCHR | 0666, MKDEV(1, MINOR_ZERO) },
		{ "full", S_IFCHR | 0666, MKDEV(1, MINOR_FULL) }, { "random", S_IFCHR | 0666, MKDEV(1, MINOR_RANDOM) },
		{ "urandom", S_IFCHR | 0666, MKDEV(1, MINOR_URANDOM) },
	};

	register_chrdev(&mem_chrdev);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		devtmpfs_add(&nodes[i]);
}
