/* SPDX-License-Identifier: MIT */
/* tmpfs_file.c - regular files in the page cache: read, write, truncate, holes, seals, and memfds. */
#include "base/string.h"
#include "fs/special.h"
#include "fs/tmpfs.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"

#define FILE_PAGE 4096ull

static long tmpfs_read_iter(struct file *file, struct iov_iter *to, u64 *pos)
{
	long done = page_cache_read(file->f_inode->i_mapping, *pos, to->count, iter_cache_read, to);

	if (likely(done > 0))
		*pos += (u64)done;
	return done;
}

/* How much of a write may be done: RLIMIT_FSIZE, the largest file, seals. i_rwsem held. */
static long write_checks(struct inode *inode, u64 pos, size_t count)
{
	unsigned int seals = tmpfs_i(inode)->seals;
	u64 limit = rlimit(RLIMIT_FSIZE);

	if (unlikely(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (unlikely(pos >= limit)) {
		send_sig(SIGXFSZ, current, SEND_SIG_PRIV);
		return -EFBIG;
	}
	if (limit > (u64)MAX_LFS_FILESIZE)
		limit = (u64)MAX_LFS_FILESIZE;
	if (unlikely(pos >= limit))
		return -EFBIG;
	if (count > limit - pos)
		count = (size_t)(limit - pos);
	if (unlikely(seals & F_SEAL_GROW) && pos + count > inode->i_size) {
		if (pos >= inode->i_size)
			return -EPERM;
		count = (size_t)(inode->i_size - pos);
	}
	return (long)count;
}

static long tmpfs_write_iter(struct file *file, struct iov_iter *from, u64 *pos)
{
	struct inode *inode = file->f_inode;
	long done;

	if (unlikely(!from->count))
		return 0;
	down_write(&inode->i_rwsem);
	if (file->f_flags & O_APPEND)
		*pos = inode->i_size;
	done = write_checks(inode, *pos, from->count);
	if (likely(done > 0))
		done = page_cache_write(inode->i_mapping, *pos, (size_t)done, iter_cache_write, from);
	if (likely(done > 0)) {
		*pos += (u64)done;
		if (*pos > inode->i_size)
			WRITE_ONCE(inode->i_size, *pos);
		if (unlikely(inode->i_mode & (S_ISUID | S_ISGID)))
			inode->i_mode &= ~(umode_t)(S_ISUID | ((inode->i_mode & S_IXGRP) ? S_ISGID : 0));
		inode_touch(inode);
	}
	up_write(&inode->i_rwsem);
	return done;
}

static int tmpfs_resize(struct inode *inode, u64 size)
{
	unsigned int seals = tmpfs_i(inode)->seals;
	u64 old = inode->i_size;

	if ((size < old && (seals & F_SEAL_SHRINK)) || (size > old && (seals & F_SEAL_GROW)))
		return -EPERM;
	if (size > (u64)MAX_LFS_FILESIZE)
		return -EFBIG;
	WRITE_ONCE(inode->i_size, size);
	if (size < old)
		truncate_inode_pages_range(inode->i_mapping, size, ~0ull);
	inode_touch(inode);
	return 0;
}

static int tmpfs_setattr(struct inode *inode, const struct iattr *attr)
{
	if ((attr->valid & ATTR_MODE) && (tmpfs_i(inode)->seals & F_SEAL_EXEC) && ((inode->i_mode ^ attr->mode) & 0111))
		return -EPERM;
	if (attr->valid & ATTR_SIZE) {
		int err = tmpfs_resize(inode, attr->size);

		if (err)
			return err;
	}
	return simple_setattr(inode, attr);
}

static u64 tmpfs_blocks(struct inode *inode)
{
	return (u64)READ_ONCE(inode->i_mapping->nrpages) * (FILE_PAGE / 512);
}

const struct inode_operations tmpfs_file_iops = {
	.setattr = tmpfs_setattr,
	.blocks = tmpfs_blocks,
};

/* ---- holes ---- */

/* First cached byte at or after `from`; the size when there is none. */
static u64 next_data(struct inode *inode, u64 from)
{
	pgoff_t index = (pgoff_t)(from / FILE_PAGE);
	struct page *page;
	u64 at;

	if (!find_get_pages(inode->i_mapping, &index, (pgoff_t)((inode->i_size + FILE_PAGE - 1) / FILE_PAGE), 1, &page))
		return inode->i_size;
	at = (u64)page_index(page) * FILE_PAGE;
	put_page(page);
	return at > from ? at : from;
}

static u64 next_hole(struct inode *inode, u64 from)
{
	while (from < inode->i_size) {
		struct page *page = find_get_page(inode->i_mapping, (pgoff_t)(from / FILE_PAGE));

		if (!page)
			return from;
		put_page(page);
		from = (from / FILE_PAGE + 1) * FILE_PAGE;
	}
	return inode->i_size;
}

static loff_t tmpfs_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file->f_inode;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_file_llseek(file, offset, whence);
	down_read(&inode->i_rwsem);
	if (offset < 0 || (u64)offset >= inode->i_size) {
		offset = -ENXIO;
	} else {
		u64 at = whence == SEEK_DATA ? next_data(inode, (u64)offset) : next_hole(inode, (u64)offset);

		offset = (whence == SEEK_DATA && at >= inode->i_size) ? -ENXIO : (loff_t)at;
	}
	up_read(&inode->i_rwsem);
	if (offset >= 0)
		file->f_pos = (u64)offset;
	return offset;
}

/* Pages that one call has made, for the case that it fails. */
struct fresh_run {
	struct list_head link;
	pgoff_t from, to; /* [from, to) */
};

/* The page at `index` is new: kept in mind. 0 or -ENOMEM. */
static long note_fresh(struct list_head *fresh, pgoff_t index)
{
	struct fresh_run *run = list_empty(fresh) ? NULL : list_last_entry(fresh, struct fresh_run, link);

	if (!run || run->to != index) {
		run = kmalloc(sizeof(*run), GFP_KERNEL);
		if (!run)
			return -ENOMEM;
		run->from = index;
		list_add_tail(&run->link, fresh);
	}
	run->to = index + 1;
	return 0;
}

/* Nothing is kept in mind any more; after a failure what was made is gone, too. */
static void end_fresh(struct inode *inode, struct list_head *fresh, bool failed)
{
	struct fresh_run *run, *next;

	list_for_each_entry_safe(run, next, fresh, link) {
		if (failed)
			truncate_inode_pages_range(inode->i_mapping, (u64)run->from * FILE_PAGE, (u64)run->to * FILE_PAGE);
		kfree(run);
	}
}

static long fill_page(struct inode *inode, pgoff_t index, struct list_head *fresh)
{
	struct page *page = find_get_page(inode->i_mapping, index);
	long err = 0;

	if (!page) {
		err = note_fresh(fresh, index);
		if (err)
			return err;
		page = read_cache_page(inode->i_mapping, index);
	}
	if (IS_ERR(page))
		return PTR_ERR(page);
	set_page_dirty(page);
	put_page(page);
	return 0;
}

/* Every page of the range, or, when memory or space runs out or a signal comes, none that was not there before. */
static long fill_range(struct inode *inode, u64 offset, u64 len)
{
	u64 end = offset + len;
	LIST_HEAD(fresh);
	long err = 0;

	for (u64 at = offset / FILE_PAGE * FILE_PAGE; at < end && !err; at += FILE_PAGE) {
		err = fill_page(inode, (pgoff_t)(at / FILE_PAGE), &fresh);
		if (!err && signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	end_fresh(inode, &fresh, err);
	return err;
}

static long tmpfs_fallocate(struct file *file, int mode, u64 offset, u64 len)
{
	struct inode *inode = file->f_inode;
	u64 end = offset + len;
	unsigned int seals;
	long err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	down_write(&inode->i_rwsem);
	seals = tmpfs_i(inode)->seals;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			err = -EPERM;
		else
			truncate_inode_pages_range(inode->i_mapping, offset, end);
	} else if ((seals & F_SEAL_GROW) && end > inode->i_size) {
		err = -EPERM;
	} else if (end > rlimit(RLIMIT_FSIZE)) {
		err = -EFBIG;
	} else {
		/* The size comes first, so that pages are within it when they are filled. */
		u64 old = inode->i_size;

		if (end > old)
			WRITE_ONCE(inode->i_size, end);
		err = fill_range(inode, offset, len);
		if (err || (mode & FALLOC_FL_KEEP_SIZE))
			WRITE_ONCE(inode->i_size, old);
	}
	inode_touch(inode);
	up_write(&inode->i_rwsem);
	return err;
}

static int tmpfs_fsync(struct file *file)
{
	return 0;
}

static int tmpfs_mmap(struct file *file, unsigned long prot, unsigned long flags, struct mmap_file *backing)
{
	unsigned int seals = tmpfs_i(file->f_inode)->seals;

	backing->write_sealed = seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	file->f_inode->i_atime = current_time_ns();
	return 0;
}

const struct file_operations tmpfs_file_fops = {
	.llseek = tmpfs_llseek,
	.read_iter = tmpfs_read_iter,
	.write_iter = tmpfs_write_iter,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};

/* ---- memfd ---- */

#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u

static struct mount *shm_mount;

void memfd_init(void)
{
	shm_mount = kern_mount(&tmpfs_type, "tmpfs", "size=0,nr_inodes=0", 0);
}

struct file *memfd_file(const char *name, unsigned int flags)
{
	struct inode *inode;
	struct dentry *dentry;
	struct file *file;

	if (IS_ERR(shm_mount))
		return ERR_PTR(-ENOMEM);
	inode = tmpfs_new_inode(shm_mount->mnt_sb, S_IFREG | ((flags & MFD_NOEXEC_SEAL) ? 0666 : 0777), 0);
	if (IS_ERR(inode))
		return (struct file *)inode;
	inode->i_nlink = 0;
	if (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL))
		tmpfs_i(inode)->seals = (flags & MFD_NOEXEC_SEAL) ? F_SEAL_EXEC : 0;
	dentry = d_alloc_anon(shm_mount->mnt_sb, inode, name);
	if (!dentry)
		return ERR_PTR(-ENOMEM);
	file = dentry_open(&(struct path){ shm_mount, dentry }, O_RDWR | O_LARGEFILE);
	dput(dentry);
	return file;
}

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

static long add_seals(struct file *file, unsigned int seals)
{
	struct tmpfs_inode *ti = tmpfs_i(file->f_inode);
	long err = 0;

	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(unsigned int)ALL_SEALS)
		return -EINVAL;
	down_write(&ti->inode.i_rwsem);
	/* What can be run must not change any more. */
	if ((seals & F_SEAL_EXEC) && (ti->inode.i_mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if (ti->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & ~ti->seals & F_SEAL_WRITE) && atomic_load(&ti->mapping.i_mmap_writable) > 0)
		err = -EBUSY;
	else
		ti->seals |= seals;
	up_write(&ti->inode.i_rwsem);
	return err;
}

long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (file->f_op != &tmpfs_file_fops)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return tmpfs_i(file->f_inode)->seals;
	return add_seals(file, (unsigned int)arg);
}
