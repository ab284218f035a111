/* SPDX-License-Identifier: MIT */
/* file_attr.c - system calls that change what a file is: mode, owner, times, size; extended attributes; syncing; ioctl. */
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "proc/cred.h"
#include "sched/wait.h"
#include "syscall/syscall.h"

static long change_path(int dfd, const char *user, unsigned int lookup, struct iattr *attr)
{
	struct path p;
	long err = user_path_at(dfd, user, lookup, &p);

	if (err)
		return err;
	err = notify_change(&p, attr);
	path_put(&p);
	return err;
}

static long change_fd(unsigned int fd, struct iattr *attr)
{
	struct fd f = fdget(fd);
	long err = fd_file(f) ? notify_change(&fd_file(f)->f_path, attr) : -EBADF;

	fdput(f);
	return err;
}

static long chmod_user(int dfd, const char *path, umode_t mode, int flags)
{
	struct iattr attr = { .valid = ATTR_MODE, .mode = mode & S_IALLUGO };

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_path(dfd, path, ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			   ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0), &attr);
}

SYSCALL_DEFINE2(chmod, const char *, path, umode_t, mode)
{
	return chmod_user(AT_FDCWD, path, mode, 0);
}

SYSCALL_DEFINE3(fchmodat, int, dfd, const char *, path, umode_t, mode)
{
	return chmod_user(dfd, path, mode, 0);
}

SYSCALL_DEFINE4(fchmodat2, int, dfd, const char *, path, umode_t, mode, int, flags)
{
	return chmod_user(dfd, path, mode, flags);
}

SYSCALL_DEFINE2(fchmod, unsigned int, fd, umode_t, mode)
{
	struct iattr attr = { .valid = ATTR_MODE, .mode = mode & S_IALLUGO };

	return change_fd(fd, &attr);
}

static struct iattr owner_attr(u32 uid, u32 gid)
{
	struct iattr attr = { .uid = uid, .gid = gid };

	if (uid != ~0u)
		attr.valid |= ATTR_UID;
	if (gid != ~0u)
		attr.valid |= ATTR_GID;
	return attr;
}

static long chown_user(int dfd, const char *path, u32 uid, u32 gid, int flags)
{
	struct iattr attr = owner_attr(uid, gid);

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_path(dfd, path, ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			   ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0), &attr);
}

SYSCALL_DEFINE5(fchownat, int, dfd, const char *, path, u32, uid, u32, gid, int, flags)
{
	return chown_user(dfd, path, uid, gid, flags);
}

SYSCALL_DEFINE3(chown, const char *, path, u32, uid, u32, gid)
{
	return chown_user(AT_FDCWD, path, uid, gid, 0);
}

SYSCALL_DEFINE3(lchown, const char *, path, u32, uid, u32, gid)
{
	return chown_user(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

SYSCALL_DEFINE3(fchown, unsigned int, fd, u32, uid, u32, gid)
{
	struct iattr attr = owner_attr(uid, gid);

	return change_fd(fd, &attr);
}

/* ---- times ---- */

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define NSEC 1000000000

static int one_time(const struct timespec64 *ts, u64 *time, unsigned int bit, unsigned int *valid, bool *explicit)
{
	if (ts->tv_nsec == UTIME_OMIT)
		return 0;
	*valid |= bit;
	if (ts->tv_nsec == UTIME_NOW) {
		*time = current_time_ns();
		return 0;
	}
	if (ts->tv_nsec < 0 || ts->tv_nsec >= NSEC)
		return -EINVAL;
	*explicit = true;
	*time = ts->tv_sec < 0 ? 0 : (u64)ts->tv_sec * NSEC + (u64)ts->tv_nsec;
	return 0;
}

/* The owner may set any time; who may write may set the present. */
static long set_times(const struct path *path, const struct timespec64 *times)
{
	struct iattr attr = { .valid = 0 };
	bool explicit = false;
	int err = 0;

	if (!times) {
		attr.atime = attr.mtime = current_time_ns();
		attr.valid = ATTR_ATIME | ATTR_MTIME;
	} else {
		err = one_time(&times[0], &attr.atime, ATTR_ATIME, &attr.valid, &explicit);
		if (!err)
			err = one_time(&times[1], &attr.mtime, ATTR_MTIME, &attr.valid, &explicit);
	}
	if (err || !attr.valid)
		return err;
	if (!inode_owner_or_capable(path->dentry->d_inode)) {
		if (explicit)
			return -EPERM;
		err = path_permission(path, MAY_WRITE);
	}
	return err ? err : notify_change(path, &attr);
}

static long do_utimes(int dfd, const char *user, const struct timespec64 *times, int flags)
{
	unsigned int lookup = ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			      ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0);
	struct path p;
	long err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!user && dfd != AT_FDCWD) {
		struct fd f = fdget((unsigned int)dfd);

		err = flags ? -EINVAL : fd_file(f) ? set_times(&fd_file(f)->f_path, times) : -EBADF;
		fdput(f);
		return err;
	}
	err = user_path_at(dfd, user, lookup, &p);
	if (err)
		return err;
	err = set_times(&p, times);
	path_put(&p);
	return err;
}

SYSCALL_DEFINE4(utimensat, int, dfd, const char *, path, const struct timespec64 *, user, int, flags)
{
	struct timespec64 times[2];

	if (user && copy_from_user(times, user, sizeof(times)))
		return -EFAULT;
	return do_utimes(dfd, path, user ? times : NULL, flags);
}

/* struct timeval: microseconds. */
static long utimes_user(int dfd, const char *path, const struct timespec64 *user)
{
	struct timespec64 times[2];

	if (!user)
		return do_utimes(dfd, path, NULL, 0);
	if (copy_from_user(times, user, sizeof(times)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (times[i].tv_nsec < 0 || times[i].tv_nsec >= 1000000)
			return -EINVAL;
		times[i].tv_nsec *= 1000;
	}
	return do_utimes(dfd, path, times, 0);
}

SYSCALL_DEFINE2(utimes, const char *, path, const struct timespec64 *, times)
{
	return utimes_user(AT_FDCWD, path, times);
}

SYSCALL_DEFINE3(futimesat, int, dfd, const char *, path, const struct timespec64 *, times)
{
	return utimes_user(dfd, path, times);
}

SYSCALL_DEFINE2(utime, const char *, path, const s64 *, user)
{
	struct timespec64 times[2] = { { 0, 0 }, { 0, 0 } };
	s64 seconds[2];

	if (!user)
		return do_utimes(AT_FDCWD, path, NULL, 0);
	if (copy_from_user(seconds, user, sizeof(seconds)))
		return -EFAULT;
	times[0].tv_sec = seconds[0];
	times[1].tv_sec = seconds[1];
	return do_utimes(AT_FDCWD, path, times, 0);
}

/* ---- size ---- */

SYSCALL_WIDE2(truncate, const char *, path, s64, length)
{
	struct path p;
	long err;

	if (length < 0)
		return -EINVAL;
	err = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = S_ISDIR(p.dentry->d_inode->i_mode) ? -EISDIR : path_permission(&p, MAY_WRITE);
	if (!err && atomic_read(&p.dentry->d_inode->i_writecount) < 0)
		err = -ETXTBSY;
	if (!err)
		err = do_truncate(&p, NULL, (u64)length);
	path_put(&p);
	return err;
}

SYSCALL_WIDE2(ftruncate, unsigned int, fd, s64, length)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	long err = -EBADF;

	if (file) {
		if (length < 0 || !S_ISREG(file->f_inode->i_mode) || !(file->f_mode & FMODE_WRITE))
			err = -EINVAL;
		else
			err = do_truncate(&file->f_path, file, (u64)length);
	}
	fdput(f);
	return err;
}

SYSCALL_WIDE4(fallocate, unsigned int, fd, int, mode, s64, offset, s64, len)
{
	struct fd f;
	struct file *file;
	long err;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (offset > MAX_LFS_FILESIZE - len)
		return -EFBIG;
	f = fdget(fd);
	file = fd_file(f);
	if (!file || !(file->f_mode & FMODE_WRITE))
		err = -EBADF;
	else if (S_ISFIFO(file->f_inode->i_mode))
		err = -ESPIPE;
	else if (!S_ISREG(file->f_inode->i_mode))
		err = -ENODEV;
	else
		err = file->f_op->fallocate ? file->f_op->fallocate(file, mode, (u64)offset, (u64)len) : -EOPNOTSUPP;
	fdput(f);
	return err;
}

SYSCALL_WIDE4(fadvise64, unsigned int, fd, s64, offset, s64, len, int, advice)
{
	struct fd f = fdget(fd);
	long err = !fd_file(f) ? -EBADF : S_ISFIFO(fd_file(f)->f_inode->i_mode) ? -ESPIPE : 0;

	fdput(f);
	return err ? err : (len < 0 || advice < 0 || advice > 5) ? -EINVAL : 0;
}

SYSCALL_WIDE3(readahead, unsigned int, fd, s64, offset, size_t, count)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	long err = !file || !(file->f_mode & FMODE_READ) ? -EBADF : S_ISREG(file->f_inode->i_mode) ? 0 : -EINVAL;

	fdput(f);
	return err;
}

/* ---- syncing: what is in memory is where it belongs ---- */

static long do_fsync(unsigned int fd)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	long err = -EBADF;

	if (file) {
		if (file->f_op->fsync)
			err = file->f_op->fsync(file);
		else
			err = S_ISREG(file->f_inode->i_mode) || S_ISDIR(file->f_inode->i_mode) ? 0 : -EINVAL;
	}
	fdput(f);
	return err;
}

SYSCALL_DEFINE1(fsync, unsigned int, fd)
{
	return do_fsync(fd);
}

SYSCALL_DEFINE1(fdatasync, unsigned int, fd)
{
	return do_fsync(fd);
}

SYSCALL_DEFINE1(syncfs, unsigned int, fd)
{
	struct fd f = fdget(fd);
	long err = fd_file(f) ? 0 : -EBADF;

	fdput(f);
	return err;
}

SYSCALL_DEFINE0(sync)
{
	return 0;
}

/* ---- ioctl ---- */

#define FIOCLEX 0x5451
#define FIONCLEX 0x5450
#define FIONBIO 0x5421
#define FIONREAD 0x541b

static long set_nonblock(struct file *file, int *user)
{
	int on;

	if (get_user(on, user))
		return -EFAULT;
	file->f_flags = on ? file->f_flags | O_NONBLOCK : file->f_flags & ~(unsigned int)O_NONBLOCK;
	return 0;
}

static long regular_unread(struct file *file, int *user)
{
	u64 left = file->f_inode->i_size - file->f_pos;

	return put_user((int)(file->f_pos > file->f_inode->i_size ? 0 : left), user);
}

SYSCALL_DEFINE3(ioctl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	long ret = -ENOIOCTLCMD;

	if (!file)
		return -EBADF;
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		set_close_on_exec(fd, cmd == FIOCLEX);
		ret = 0;
		break;
	case FIONBIO:
		ret = set_nonblock(file, (int *)arg);
		break;
	default:
		if (cmd == FIONREAD && S_ISREG(file->f_inode->i_mode))
			ret = regular_unread(file, (int *)arg);
		else if (file->f_op->ioctl)
			ret = file->f_op->ioctl(file, cmd, arg);
	}
	fdput(f);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}

/* ---- extended attributes: no file system here keeps any ---- */

static long xattr_path(const char *path, unsigned int lookup, long result)
{
	struct path p;
	long err = user_path_at(AT_FDCWD, path, lookup, &p);

	if (err)
		return err;
	path_put(&p);
	return result;
}

static long xattr_fd(unsigned int fd, long result)
{
	struct fd f = fdget(fd);

	if (!fd_file(f))
		return -EBADF;
	fdput(f);
	return result;
}

#define XATTR_CALLS(name, result)								\
	SYSCALL_DEFINE1(name, const char *, path) { return xattr_path(path, LOOKUP_FOLLOW, result); } \
	SYSCALL_DEFINE1(l##name, const char *, path) { return xattr_path(path, 0, result); }	\
	SYSCALL_DEFINE1(f##name, unsigned int, fd) { return xattr_fd(fd, result); }

XATTR_CALLS(setxattr, -EOPNOTSUPP)
XATTR_CALLS(getxattr, -EOPNOTSUPP)
XATTR_CALLS(removexattr, -EOPNOTSUPP)
XATTR_CALLS(listxattr, 0)
