/* SPDX-License-Identifier: MIT */
/* file.c - open files: their life, and the common part of reading, writing, seeking and mapping them. */
#include "fs/dcache.h"
#include "fs/poll.h"
#include "fs/special.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"

static struct kmem_cache *file_cache;

void file_cache_init(void)
{
	/* fget_from() relies on the memory staying files. */
	file_cache = KMEM_CACHE(file, SLAB_PANIC | SLAB_TYPESAFE_BY_RCU);
}

static struct file *file_new(int flags)
{
	struct file *file = kmem_cache_alloc(file_cache, GFP_KERNEL);

	if (!file)
		return NULL;
	file->f_flags = (unsigned int)flags & ~(unsigned int)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	file->f_mode = ((unsigned int)flags + 1) & O_ACCMODE; /* RDONLY 0 -> READ, WRONLY 1 -> WRITE, RDWR 2 -> both */
	file->f_pos = 0;
	file->f_version = 0;
	file->private_data = NULL;
	mutex_init(&file->f_pos_lock, LOCK_HOST_OUTER);
	INIT_LIST_HEAD(&file->f_ep);
	/* Release: a look-up that counts this file sees it whole, or finds that it is not in its slot. */
	atomic_set_release(&file->f_count, 1);
	return file;
}

/* ---- writers against programs that run ---- */

static int get_write_access(struct inode *inode)
{
	int now = atomic_read(&inode->i_writecount);

	do {
		if (now < 0)
			return -ETXTBSY;
	} while (!atomic_try_cmpxchg(&inode->i_writecount, &now, now + 1));
	return 0;
}

static void put_write_access(struct inode *inode)
{
	atomic_dec(&inode->i_writecount);
}

int exec_deny_write(struct file *file)
{
	struct inode *inode = file->f_inode;
	int now = atomic_read(&inode->i_writecount);

	do {
		if (now > 0)
			return -ETXTBSY;
	} while (!atomic_try_cmpxchg(&inode->i_writecount, &now, now - 1));
	return 0;
}

void exec_allow_write(struct file *file)
{
	atomic_inc(&file->f_inode->i_writecount);
}

/* ---- opening ---- */

static unsigned int mode_from_ops(const struct file *file)
{
	const struct file_operations *op = file->f_op;
	unsigned int mode = 0;

	if (op->llseek)
		mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	if (S_ISREG(file->f_inode->i_mode) || S_ISDIR(file->f_inode->i_mode))
		mode |= FMODE_ATOMIC_POS;
	return mode;
}

static const struct file_operations path_fops; /* an O_PATH file does nothing */

static int file_open_inode(struct file *file)
{
	struct inode *inode = file->f_inode;
	int err;

	file->f_op = inode->i_fop;
	if (!file->f_op)
		return -ENXIO;
	if ((file->f_mode & FMODE_WRITE) && S_ISREG(inode->i_mode)) {
		err = get_write_access(inode);
		if (err)
			return err;
		file->f_mode |= FMODE_WRITER;
	}
	file->f_mode |= mode_from_ops(file);
	if (!file->f_op->open)
		return 0;
	err = file->f_op->open(inode, file);
	if (err && (file->f_mode & FMODE_WRITER))
		put_write_access(inode);
	return err;
}

struct file *dentry_open(const struct path *path, int flags)
{
	struct file *file = file_new(flags);
	int err = 0;

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->f_path = *path;
	path_get(&file->f_path);
	file->f_inode = path->dentry->d_inode;
	if (unlikely(flags & O_PATH)) {
		file->f_mode = FMODE_PATH;
		file->f_flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
		file->f_op = &path_fops;
	} else {
		err = file_open_inode(file);
	}
	if (err) {
		path_put(&file->f_path);
		atomic_set(&file->f_count, 0);
		kmem_cache_free(file_cache, file);
		return ERR_PTR(err);
	}
	return file;
}

void fput_last(struct file *file)
{
	struct path path = file->f_path;

	if (unlikely(!list_empty(&file->f_ep)))
		eventpoll_release(file);
	if (unlikely(file->f_inode->i_flctx != NULL))
		locks_remove_file(file);
	if (file->f_op->release && !(file->f_mode & FMODE_PATH))
		file->f_op->release(file);
	if (file->f_mode & FMODE_WRITER)
		put_write_access(file->f_inode);
	kmem_cache_free(file_cache, file);
	path_put(&path);
}

/* ---- files without a name ---- */

static const struct super_operations anon_sb_ops;
static struct file_system_type anon_fs = { .name = "anon_inodefs" };
static const struct inode_operations anon_iops;
static struct super_block *anon_sb;
static struct mount anon_mount;

void anon_init(void)
{
	anon_sb = sb_alloc(&anon_fs, &anon_sb_ops, ANON_INODE_FS_MAGIC, 0);
	refcount_set(&anon_mount.mnt_count, 1);
	anon_mount.mnt_sb = anon_sb;
	INIT_LIST_HEAD(&anon_mount.mnt_list);
}

struct file *anon_file(const char *name, const struct file_operations *fop, void *private_data, int flags, umode_t mode)
{
	struct inode *inode = new_inode(anon_sb, 0);
	struct dentry *dentry;
	struct file *file;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_mode = mode ? mode | 0600 : 0600;
	inode->i_op = &anon_iops;
	inode->i_fop = fop;
	dentry = d_alloc_anon(anon_sb, inode, name);
	if (!dentry)
		return ERR_PTR(-ENOMEM);
	file = dentry_open(&(struct path){ &anon_mount, dentry }, flags);
	dput(dentry);
	if (!IS_ERR(file)) {
		file->private_data = private_data;
		/* Opening it anew through /proc/self/fd would make a file that lacks its object. */
		inode->i_fop = NULL;
	}
	return file;
}

/* ---- reading and writing ---- */

long vfs_read_iter(struct file *file, struct iov_iter *to, u64 *pos)
{
	if (unlikely(!(file->f_mode & FMODE_READ)))
		return -EBADF;
	if (unlikely(!file->f_op->read_iter))
		return S_ISDIR(file->f_inode->i_mode) ? -EISDIR : -EINVAL;
	return file->f_op->read_iter(file, to, pos);
}

long vfs_write_iter(struct file *file, struct iov_iter *from, u64 *pos)
{
	if (unlikely(!(file->f_mode & FMODE_WRITE)))
		return -EBADF;
	if (unlikely(!file->f_op->write_iter))
		return -EINVAL;
	return file->f_op->write_iter(file, from, pos);
}

long kernel_read(struct file *file, void *buf, size_t count, u64 pos)
{
	struct iov_iter it;

	iov_iter_kvec(&it, buf, count);
	return vfs_read_iter(file, &it, &pos);
}

long kernel_write(struct file *file, const void *buf, size_t count, u64 *pos)
{
	struct iov_iter it;

	iov_iter_kvec(&it, (void *)buf, count);
	return vfs_write_iter(file, &it, pos);
}

unsigned int vfs_poll(struct file *file, struct poll_table *pt)
{
	if (!file->f_op->poll)
		return DEFAULT_POLLMASK;
	return file->f_op->poll(file, pt);
}

/* ---- seeking ---- */

loff_t generic_file_llseek(struct file *file, loff_t offset, int whence)
{
	u64 size = file->f_inode->i_size;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow(offset, (loff_t)file->f_pos, &offset))
			return -EOVERFLOW;
		break;
	case SEEK_END:
		if (__builtin_add_overflow(offset, (loff_t)size, &offset))
			return -EOVERFLOW;
		break;
	case SEEK_DATA:
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		offset = (loff_t)size;
		break;
	default:
		return -EINVAL;
	}
	if (offset < 0)
		return -EINVAL;
	file->f_pos = (u64)offset;
	return offset;
}

loff_t no_llseek_zero(struct file *file, loff_t offset, int whence)
{
	return 0;
}

loff_t vfs_llseek(struct file *file, loff_t offset, int whence)
{
	if (!file->f_op->llseek || !(file->f_mode & FMODE_LSEEK))
		return -ESPIPE;
	return file->f_op->llseek(file, offset, whence);
}

/* ---- mapping ---- */

int file_mmap_backing(struct file *file, unsigned long prot, unsigned long flags, struct mmap_file *backing)
{
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	bool noexec = file->f_path.mnt->mnt_flags & MS_NOEXEC;

	if (file->f_mode & FMODE_PATH)
		return -EBADF;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (shared && (prot & PROT_WRITE) && !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	if ((prot & PROT_EXEC) && noexec)
		return -EPERM;
	*backing = (struct mmap_file){
		.mapping = file->f_inode->i_mapping, .file = file, .may_read = true,
		.may_write = !shared || (file->f_mode & FMODE_WRITE), .may_exec = !noexec,
	};
	if (file->f_op->mmap)
		return file->f_op->mmap(file, prot, flags, backing);
	return backing->mapping ? 0 : -ENODEV;
}
