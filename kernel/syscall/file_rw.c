/* SPDX-License-Identifier: MIT */
/* file_rw.c - system calls that move bytes: read, write and their many forms, sendfile, copy_file_range. */
#include "base/math.h"
#include "fs/fdtable.h"
#include "fs/iov.h"
#include "quire/slab.h"
#include "sched/wait.h"
#include "syscall/file_rw.h"
#include "syscall/syscall.h"

/*
 * The position of a seekable file is shared by all who have it open: two reads at once must not return
 * the same bytes. One user needs no lock.
 */
static inline bool pos_lock(struct file *file)
{
	if (!(file->f_mode & FMODE_ATOMIC_POS) || atomic_read(&file->f_count) == 1)
		return false;
	mutex_lock(&file->f_pos_lock);
	return true;
}

static inline void pos_unlock(struct file *file, bool locked)
{
	if (locked)
		mutex_unlock(&file->f_pos_lock);
}

static __always_inline void account_io(long done, bool write)
{
	if (done > 0)
		*(write ? &current->wchar : &current->rchar) += (unsigned long)done;
}

static __always_inline long file_io(struct file *file, struct iov_iter *it, u64 *pos, bool write)
{
	long done = write ? vfs_write_iter(file, it, pos) : vfs_read_iter(file, it, pos);

	account_io(done, write);
	return done;
}

/* At the file's own place. Made twice, so that the direction is not asked for at run time. */
static __always_inline long io_at_pos(unsigned int fd, struct iov_iter *it, bool write)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	bool locked;
	long done;

	if (unlikely(!file))
		return -EBADF;
	locked = pos_lock(file);
	done = file_io(file, it, &file->f_pos, write);
	pos_unlock(file, locked);
	fdput(f);
	return done;
}

static __noinline long read_at_pos(unsigned int fd, struct iov_iter *it)
{
	return io_at_pos(fd, it, false);
}

static __noinline long write_at_pos(unsigned int fd, struct iov_iter *it)
{
	return io_at_pos(fd, it, true);
}

static inline size_t clamp_count(size_t count)
{
	return count > MAX_RW_COUNT ? MAX_RW_COUNT : count;
}

SYSCALL_DEFINE3(read, unsigned int, fd, void *, buf, size_t, count)
{
	struct iov_iter it;

	if (unlikely(!access_ok(buf, count)))
		return -EFAULT;
	iov_iter_ubuf(&it, buf, clamp_count(count));
	return read_at_pos(fd, &it);
}

SYSCALL_DEFINE3(write, unsigned int, fd, const void *, buf, size_t, count)
{
	struct iov_iter it;

	if (unlikely(!access_ok(buf, count)))
		return -EFAULT;
	iov_iter_ubuf(&it, (void *)buf, clamp_count(count));
	return write_at_pos(fd, &it);
}

/* Reads or writes at a place of its own. */
static long io_at(unsigned int fd, struct iov_iter *it, s64 pos, bool write)
{
	struct fd f;
	struct file *file;
	long done;
	u64 at = (u64)pos;

	if (pos < 0)
		return -EINVAL;
	f = fdget(fd);
	file = fd_file(f);
	if (!file)
		return -EBADF;
	if (!(file->f_mode & (write ? FMODE_PWRITE : FMODE_PREAD)))
		done = -ESPIPE;
	else
		done = file_io(file, it, &at, write);
	fdput(f);
	return done;
}

SYSCALL_WIDE4(pread64, unsigned int, fd, void *, buf, size_t, count, s64, pos)
{
	struct iov_iter it;

	if (!access_ok(buf, count))
		return -EFAULT;
	iov_iter_ubuf(&it, buf, clamp_count(count));
	return io_at(fd, &it, pos, false);
}

SYSCALL_WIDE4(pwrite64, unsigned int, fd, const void *, buf, size_t, count, s64, pos)
{
	struct iov_iter it;

	if (!access_ok(buf, count))
		return -EFAULT;
	iov_iter_ubuf(&it, (void *)buf, clamp_count(count));
	return io_at(fd, &it, pos, true);
}

/* pos -1: the file's own position. */
static long vector_io(unsigned int fd, const struct iovec *vec, unsigned long nr, s64 pos, bool write)
{
	struct iovec fast[UIO_FASTIOV], *to_free;
	struct iov_iter it;
	long done = import_iovec(vec, nr, fast, &to_free, &it);

	if (done < 0)
		return done;
	if (pos != -1)
		done = io_at(fd, &it, pos, write);
	else
		done = write ? write_at_pos(fd, &it) : read_at_pos(fd, &it);
	kfree(to_free);
	return done;
}

SYSCALL_DEFINE3(readv, unsigned int, fd, const struct iovec *, vec, unsigned long, nr)
{
	return vector_io(fd, vec, nr, -1, false);
}

SYSCALL_DEFINE3(writev, unsigned int, fd, const struct iovec *, vec, unsigned long, nr)
{
	return vector_io(fd, vec, nr, -1, true);
}

SYSCALL_WIDE4(preadv, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, s64, pos)
{
	return pos < 0 ? -EINVAL : vector_io(fd, vec, nr, pos, false);
}

SYSCALL_WIDE4(pwritev, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, s64, pos)
{
	return pos < 0 ? -EINVAL : vector_io(fd, vec, nr, pos, true);
}

#define RWF_SUPPORTED 0x0fu /* HIPRI, DSYNC, SYNC, NOWAIT: all files are in memory */

SYSCALL_WIDE6(preadv2, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, s64, pos, long, unused,
		unsigned int, flags)
{
	if (flags & ~RWF_SUPPORTED)
		return -EOPNOTSUPP;
	return pos < -1 ? -EINVAL : vector_io(fd, vec, nr, pos, false);
}

SYSCALL_WIDE6(pwritev2, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, s64, pos, long, unused,
		unsigned int, flags)
{
	if (flags & ~RWF_SUPPORTED)
		return -EOPNOTSUPP;
	return pos < -1 ? -EINVAL : vector_io(fd, vec, nr, pos, true);
}

loff_t file_seek(unsigned int fd, loff_t offset, unsigned int whence)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	bool locked;
	loff_t pos;

	if (!file)
		return -EBADF;
	locked = pos_lock(file);
	pos = vfs_llseek(file, offset, (int)whence);
	pos_unlock(file, locked);
	fdput(f);
	return pos;
}

SYSCALL_WIDE3(lseek, unsigned int, fd, s64, offset, unsigned int, whence)
{
	return (long)file_seek(fd, offset, whence);
}

/* ---- from file to file ---- */

#define COPY_CHUNK ((size_t)16384)

/* Copies through a buffer. in_pos and out_pos may be the files' own. */
static long copy_between(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t count)
{
	char *buf = kmalloc(COPY_CHUNK, GFP_KERNEL);
	long total = 0, err = 0;

	if (!buf)
		return -ENOMEM;
	while (count) {
		long got = kernel_read(in, buf, min(count, COPY_CHUNK), *in_pos), put = 0;

		if (got <= 0) {
			err = got;
			break;
		}
		while (put < got) {
			long n = kernel_write(out, buf + put, (size_t)(got - put), out_pos);

			if (n <= 0) {
				err = n;
				break;
			}
			put += n;
		}
		*in_pos += (u64)put;
		total += put;
		count -= (size_t)put;
		if (put < got)
			break;
		if (signal_pending_state(TASK_INTERRUPTIBLE, current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
	kfree(buf);
	return total ? total : err;
}

static int get_offset(s64 *user, u64 *pos)
{
	s64 value;

	if (get_user(value, user))
		return -EFAULT;
	if (value < 0)
		return -EINVAL;
	*pos = (u64)value;
	return 0;
}

static long copy_files(struct file *in, s64 *in_user, struct file *out, s64 *out_user, size_t count)
{
	u64 in_at, out_at, *in_pos = &in->f_pos, *out_pos = &out->f_pos;
	long done;
	int err = 0;

	if (in_user) {
		err = get_offset(in_user, &in_at);
		in_pos = &in_at;
	}
	if (!err && out_user) {
		err = get_offset(out_user, &out_at);
		out_pos = &out_at;
	}
	if (err)
		return err;
	done = copy_between(in, in_pos, out, out_pos, clamp_count(count));
	account_io(done, false);
	account_io(done, true);
	if (done > 0 && in_user && put_user((s64)in_at, in_user))
		return -EFAULT;
	if (done > 0 && out_user && put_user((s64)out_at, out_user))
		return -EFAULT;
	return done;
}

SYSCALL_DEFINE4(sendfile, unsigned int, out_fd, unsigned int, in_fd, s64 *, offset, size_t, count)
{
	struct fd in = fdget(in_fd), out = fdget(out_fd);
	long done = -EBADF;

	if (fd_file(in) && fd_file(out)) {
		if (!(fd_file(in)->f_mode & FMODE_PREAD))
			done = -EINVAL;
		else if (fd_file(out)->f_flags & O_APPEND)
			done = -EINVAL;
		else
			done = copy_files(fd_file(in), offset, fd_file(out), NULL, count);
	}
	fdput(in);
	fdput(out);
	return done;
}

SYSCALL_DEFINE6(copy_file_range, unsigned int, in_fd, s64 *, in_off, unsigned int, out_fd, s64 *, out_off, size_t, len,
		unsigned int, flags)
{
	struct fd in = fdget(in_fd), out = fdget(out_fd);
	long done = -EBADF;

	if (flags)
		done = -EINVAL;
	else if (fd_file(in) && fd_file(out)) {
		struct inode *from = fd_file(in)->f_inode, *to = fd_file(out)->f_inode;

		if (S_ISDIR(from->i_mode) || S_ISDIR(to->i_mode))
			done = -EISDIR;
		else if (!S_ISREG(from->i_mode) || !S_ISREG(to->i_mode) || from == to)
			done = -EINVAL;
		else if (fd_file(out)->f_flags & O_APPEND)
			done = -EBADF;
		else
			done = copy_files(fd_file(in), in_off, fd_file(out), out_off, len);
	}
	fdput(in);
	fdput(out);
	return done;
}
