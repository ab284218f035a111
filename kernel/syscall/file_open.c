/* SPDX-License-Identifier: MIT */
/* file_open.c - system calls that give out, duplicate and take back descriptors. */
#include "base/math.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/special.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

#define VALID_OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | \
			  O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)

static long do_open(int dfd, const char *user, int flags, umode_t mode, unsigned int resolve)
{
	struct filename name;
	struct file *file;
	int fd, err = getname(&name, user, 0);

	if (unlikely(err))
		return err;
	fd = get_unused_fd_flags((unsigned int)flags);
	if (likely(fd >= 0)) {
		file = do_file_open(dfd, name.text, flags & VALID_OPEN_FLAGS, mode, resolve);
		if (IS_ERR(file)) {
			put_unused_fd((unsigned int)fd);
			fd = (int)PTR_ERR(file);
		} else {
			fd_install((unsigned int)fd, file);
		}
	}
	putname(&name);
	return fd;
}

SYSCALL_DEFINE3(open, const char *, path, int, flags, umode_t, mode)
{
	return do_open(AT_FDCWD, path, flags | O_LARGEFILE, mode, 0);
}

SYSCALL_DEFINE4(openat, int, dfd, const char *, path, int, flags, umode_t, mode)
{
	return do_open(dfd, path, flags | O_LARGEFILE, mode, 0);
}

SYSCALL_DEFINE2(creat, const char *, path, umode_t, mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, mode, 0);
}

struct open_how {
	u64 flags, mode, resolve;
};

/* RESOLVE_* bits of openat2(2), lowest first. */
static const unsigned short resolve_bits[] = {
	LOOKUP_NO_XDEV, LOOKUP_NO_MAGIC, LOOKUP_NO_SYMLINKS, LOOKUP_BENEATH, LOOKUP_IN_ROOT, 0,
};

SYSCALL_DEFINE4(openat2, int, dfd, const char *, path, const struct open_how *, user, size_t, size)
{
	struct open_how how;
	unsigned int resolve = 0;

	if (size < sizeof(how))
		return -EINVAL;
	if (size > sizeof(how))
		return -E2BIG;
	if (copy_from_user(&how, user, sizeof(how)))
		return -EFAULT;
	if ((how.flags & ~(u64)VALID_OPEN_FLAGS) || how.resolve >> ARRAY_SIZE(resolve_bits))
		return -EINVAL;
	if (how.mode & ~(u64)((how.flags & (O_CREAT | 020000000)) ? S_IALLUGO : 0))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(resolve_bits); i++)
		if (how.resolve >> i & 1)
			resolve |= resolve_bits[i];
	return do_open(dfd, path, (int)how.flags | O_LARGEFILE, (umode_t)how.mode, resolve);
}

SYSCALL_DEFINE1(close, unsigned int, fd)
{
	return close_fd(fd);
}

SYSCALL_DEFINE3(close_range, unsigned int, first, unsigned int, last, unsigned int, flags)
{
	return close_fd_range(first, last, flags);
}

static long dup_from(unsigned int fd, unsigned int start, unsigned int flags)
{
	struct file *file = fget(fd);
	int new_fd;

	if (!file)
		return -EBADF;
	new_fd = alloc_fd(start, flags);
	if (new_fd < 0)
		fput(file);
	else
		fd_install((unsigned int)new_fd, file);
	return new_fd;
}

SYSCALL_DEFINE1(dup, unsigned int, fd)
{
	return dup_from(fd, 0, 0);
}

static long dup_to(unsigned int old_fd, unsigned int new_fd, unsigned int flags)
{
	struct file *file = fget(old_fd);
	long ret;

	if (!file)
		return -EBADF;
	ret = replace_fd(new_fd, file, flags);
	fput(file);
	return ret;
}

SYSCALL_DEFINE2(dup2, unsigned int, old_fd, unsigned int, new_fd)
{
	if (old_fd == new_fd) {
		struct fd f = fdget_raw(old_fd);
		long ret = fd_file(f) ? (long)new_fd : -EBADF;

		fdput(f);
		return ret;
	}
	return dup_to(old_fd, new_fd, 0);
}

SYSCALL_DEFINE3(dup3, unsigned int, old_fd, unsigned int, new_fd, unsigned int, flags)
{
	if ((flags & ~(unsigned int)O_CLOEXEC) || old_fd == new_fd)
		return -EINVAL;
	return dup_to(old_fd, new_fd, flags);
}

/* ---- fcntl ---- */

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_NOATIME | O_ASYNC | O_DIRECT)

static long set_flags(struct file *file, unsigned int flags)
{
	file->f_flags = (file->f_flags & ~(unsigned int)SETFL_MASK) | (flags & SETFL_MASK);
	return 0;
}

static long fcntl_lock(struct file *file, unsigned int cmd, struct flock *user)
{
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct flock flock;
	int err;

	if (copy_from_user(&flock, user, sizeof(flock)))
		return -EFAULT;
	err = get ? fcntl_getlk(file, cmd, &flock) : fcntl_setlk(file, cmd, &flock);
	if (!err && get && copy_to_user(user, &flock, sizeof(flock)))
		return -EFAULT;
	return err;
}

/* What may be asked of an O_PATH file too. */
static long fcntl_fd(unsigned int fd, struct file *file, unsigned int cmd, unsigned long arg, bool *done)
{
	*done = true;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= NR_OPEN_MAX)
			return -EINVAL;
		return dup_from(fd, (unsigned int)arg, cmd == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
	case F_GETFD:
		return get_close_on_exec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		set_close_on_exec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return file->f_flags;
	}
	*done = false;
	return (file->f_mode & FMODE_PATH) ? -EBADF : 0;
}

static long do_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case F_SETFL:
		return set_flags(file, (unsigned int)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(file, cmd, (struct flock *)arg);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_fcntl(file, cmd, arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return memfd_fcntl(file, cmd, arg);
	case F_GETOWN:
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL_DEFINE3(fcntl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	struct fd f = fdget_raw(fd);
	bool done;
	long ret;

	if (!fd_file(f))
		return -EBADF;
	ret = fcntl_fd(fd, fd_file(f), cmd, arg, &done);
	if (!done && !ret)
		ret = do_fcntl(fd_file(f), cmd, arg);
	fdput(f);
	return ret;
}

SYSCALL_DEFINE2(flock, unsigned int, fd, unsigned int, how)
{
	struct fd f = fdget(fd);
	long ret = fd_file(f) ? do_flock(fd_file(f), how) : -EBADF;

	fdput(f);
	return ret;
}

/* ---- descriptors of things without a path ---- */

static long do_pipe(int *user, unsigned int flags)
{
	int fds[2], err;

	if (flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = do_pipe2(fds, flags);
	if (err)
		return err;
	if (!copy_to_user(user, fds, sizeof(fds)))
		return 0;
	close_fd((unsigned int)fds[0]);
	close_fd((unsigned int)fds[1]);
	return -EFAULT;
}

SYSCALL_DEFINE1(pipe, int *, fds)
{
	return do_pipe(fds, 0);
}

SYSCALL_DEFINE2(pipe2, int *, fds, unsigned int, flags)
{
	return do_pipe(fds, flags);
}

#define MFD_CLOEXEC 1u
#define MFD_HUGETLB 4u
#define MFD_FLAGS 0x1fu
#define MFD_HUGE_SIZES (63u << 26)
#define MFD_NAME_MAX 249

SYSCALL_DEFINE2(memfd_create, const char *, user, unsigned int, flags)
{
	char name[MFD_NAME_MAX + 8] = "memfd:";
	struct file *file;
	long len;

	/* Huge pages, of which there are none, may be asked for by size. */
	if ((flags & ~(MFD_FLAGS | (flags & MFD_HUGETLB ? MFD_HUGE_SIZES : 0))) || (flags & 0x18) == 0x18)
		return -EINVAL;
	len = strncpy_from_user(name + 6, user, MFD_NAME_MAX + 1);
	if (len < 0)
		return len;
	if (len > MFD_NAME_MAX)
		return -EINVAL;
	if (flags & MFD_HUGETLB)
		return -ENODEV;
	file = memfd_file(name, flags);
	if (IS_ERR(file))
		return PTR_ERR(file);
	return fd_install_new(file, (flags & MFD_CLOEXEC) ? O_CLOEXEC : 0);
}
