/* SPDX-License-Identifier: MIT */
/* calls_file.c - calls on files and mappings with positions of 64 bits in two words, or of 32 bits. */
#include "arch/i386/calls.h"

#include "fs/uapi.h"
#include "syscall/file_rw.h"


/* The handlers (SYSCALL_WIDEn). */
long ksys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags, int fd, u64 offset);
long ksys_truncate(const char *path, s64 length);
long ksys_ftruncate(unsigned int fd, s64 length);
long ksys_fallocate(unsigned int fd, int mode, s64 offset, s64 len);
long ksys_fadvise64(unsigned int fd, s64 offset, s64 len, int advice);
long ksys_readahead(unsigned int fd, s64 offset, size_t count);
long ksys_pread64(unsigned int fd, void *buf, size_t count, s64 pos);
long ksys_pwrite64(unsigned int fd, const void *buf, size_t count, s64 pos);
long ksys_preadv(unsigned int fd, const struct iovec *vec, unsigned long nr, s64 pos);
long ksys_pwritev(unsigned int fd, const struct iovec *vec, unsigned long nr, s64 pos);
long ksys_preadv2(unsigned int fd, const struct iovec *vec, unsigned long nr, s64 pos, long unused, unsigned int flags);
long ksys_pwritev2(unsigned int fd, const struct iovec *vec, unsigned long nr, s64 pos, long unused, unsigned int flags);

/* ---- two words, the lower first ---- */

SYSCALL_DEFINE5(i386_pread64, unsigned int, fd, void *, buf, size_t, count, u32, low, u32, high)
{
	return ksys_pread64(fd, buf, count, (s64)u64_of(low, high));
}

SYSCALL_DEFINE5(i386_pwrite64, unsigned int, fd, const void *, buf, size_t, count, u32, low, u32, high)
{
	return ksys_pwrite64(fd, buf, count, (s64)u64_of(low, high));
}

SYSCALL_DEFINE5(i386_preadv, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, u32, low, u32, high)
{
	return ksys_preadv(fd, vec, nr, (s64)u64_of(low, high));
}

SYSCALL_DEFINE5(i386_pwritev, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, u32, low, u32, high)
{
	return ksys_pwritev(fd, vec, nr, (s64)u64_of(low, high));
}

SYSCALL_DEFINE6(i386_preadv2, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, u32, low, u32, high,
		unsigned int, flags)
{
	return ksys_preadv2(fd, vec, nr, (s64)u64_of(low, high), 0, flags);
}

SYSCALL_DEFINE6(i386_pwritev2, unsigned int, fd, const struct iovec *, vec, unsigned long, nr, u32, low, u32, high,
		unsigned int, flags)
{
	return ksys_pwritev2(fd, vec, nr, (s64)u64_of(low, high), 0, flags);
}

SYSCALL_DEFINE3(i386_truncate64, const char *, path, u32, low, u32, high)
{
	return ksys_truncate(path, (s64)u64_of(low, high));
}

SYSCALL_DEFINE3(i386_ftruncate64, unsigned int, fd, u32, low, u32, high)
{
	return ksys_ftruncate(fd, (s64)u64_of(low, high));
}

SYSCALL_DEFINE4(i386_readahead, unsigned int, fd, u32, low, u32, high, size_t, count)
{
	return ksys_readahead(fd, (s64)u64_of(low, high), count);
}

SYSCALL_DEFINE5(i386_fadvise64, unsigned int, fd, u32, low, u32, high, u32, len, int, advice)
{
	return ksys_fadvise64(fd, (s64)u64_of(low, high), len, advice);
}

SYSCALL_DEFINE6(i386_fadvise64_64, unsigned int, fd, u32, low, u32, high, u32, len_low, u32, len_high, int, advice)
{
	return ksys_fadvise64(fd, (s64)u64_of(low, high), (s64)u64_of(len_low, len_high), advice);
}

SYSCALL_DEFINE6(i386_fallocate, unsigned int, fd, int, mode, u32, low, u32, high, u32, len_low, u32, len_high)
{
	return ksys_fallocate(fd, mode, (s64)u64_of(low, high), (s64)u64_of(len_low, len_high));
}

/* The upper word comes first, and the result is written. */
SYSCALL_DEFINE5(i386_llseek, unsigned int, fd, u32, high, u32, low, s64 *, result, unsigned int, whence)
{
	loff_t pos = file_seek(fd, (loff_t)u64_of(low, high), whence);

	if (pos < 0)
		return (long)pos;
	return copy_to_user(result, &pos, sizeof(pos)) ? -EFAULT : 0;
}

/* ---- one word ---- */

SYSCALL_DEFINE3(i386_lseek, unsigned int, fd, s32, offset, unsigned int, whence)
{
	loff_t pos = file_seek(fd, offset, whence);

	return pos > INT32_MAX ? -EOVERFLOW : (long)pos;
}

SYSCALL_DEFINE2(i386_truncate, const char *, path, s32, length)
{
	return ksys_truncate(path, length);
}

SYSCALL_DEFINE2(i386_ftruncate, unsigned int, fd, s32, length)
{
	return ksys_ftruncate(fd, length);
}

SYSCALL_DEFINE4(i386_sendfile, unsigned int, out, unsigned int, in, s32 *, user, size_t, count)
{
	s64 offset = 0, *at = user_scratch(sizeof(offset));
	long result;
	s32 pos;

	if (!user)
		return sys_sendfile(out, in, 0, count);
	if (get_user(pos, user))
		return -EFAULT;
	offset = pos;
	if (copy_to_user(at, &offset, sizeof(offset)))
		return -EFAULT;
	result = sys_sendfile(out, in, WORD(at), count);
	if (copy_from_user(&offset, at, sizeof(offset)))
		return -EFAULT;
	pos = (s32)offset;
	return put_user(pos, user) ? -EFAULT : result;
}

/* ---- mappings: the offset in pages, or all parameters in memory ---- */

SYSCALL_DEFINE6(i386_mmap2, unsigned long, addr, unsigned long, len, unsigned long, prot, unsigned long, flags, int, fd,
		unsigned long, pgoff)
{
	return ksys_mmap(addr, len, prot, flags, fd, (u64)pgoff << 12);
}

SYSCALL_DEFINE1(i386_mmap, const u32 *, args)
{
	u32 a[6];

	if (copy_from_user(a, args, sizeof(a)))
		return -EFAULT;
	return ksys_mmap(a[0], a[1], a[2], a[3], (int)a[4], a[5]);
}

/* ---- locks ---- */

struct flock32 {
	s16 type, whence;
	s32 start, len, pid;
};

struct flock64 {
	s16 type, whence;
	s64 start, len;
	s32 pid;
};
_Static_assert(sizeof(struct flock64) == 24, "user space's layout");

#define F_GETLK64 12
#define F_SETLK64 13
#define F_SETLKW64 14

static int read_lock(struct flock *to, const void *user, bool wide)
{
	struct flock64 l;
	struct flock32 s;

	if (wide ? copy_from_user(&l, user, sizeof(l)) : copy_from_user(&s, user, sizeof(s)))
		return -EFAULT;
	if (wide)
		*to = (struct flock){ .l_type = l.type, .l_whence = l.whence, .l_start = l.start, .l_len = l.len, .l_pid = l.pid };
	else
		*to = (struct flock){ .l_type = s.type, .l_whence = s.whence, .l_start = s.start, .l_len = s.len, .l_pid = s.pid };
	return 0;
}

static int write_lock(void *user, const struct flock *from, bool wide)
{
	struct flock64 l = { from->l_type, from->l_whence, from->l_start, from->l_len, from->l_pid };
	struct flock32 s = { from->l_type, from->l_whence, (s32)from->l_start, (s32)from->l_len, from->l_pid };

	if (!wide && from->l_type != F_UNLCK && (s.start != from->l_start || s.len != from->l_len))
		return -EOVERFLOW;
	return (wide ? copy_to_user(user, &l, sizeof(l)) : copy_to_user(user, &s, sizeof(s))) ? -EFAULT : 0;
}

static long lock_call(unsigned int fd, unsigned int cmd, void *user, bool wide)
{
	struct flock lock, *at = user_scratch(sizeof(lock));
	long result = read_lock(&lock, user, wide);

	if (result)
		return result;
	if (copy_to_user(at, &lock, sizeof(lock)))
		return -EFAULT;
	result = sys_fcntl(fd, cmd, WORD(at));
	if (result || (cmd != F_GETLK && cmd != F_OFD_GETLK))
		return result;
	return copy_from_user(&lock, at, sizeof(lock)) ? -EFAULT : write_lock(user, &lock, wide);
}

/* The call that knows no long locks. */
SYSCALL_DEFINE3(i386_fcntl, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	switch (cmd) {
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return lock_call(fd, cmd, (void *)arg, false);
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return -EINVAL;
	}
	return sys_fcntl(fd, cmd, arg);
}

SYSCALL_DEFINE3(i386_fcntl64, unsigned int, fd, unsigned int, cmd, unsigned long, arg)
{
	switch (cmd) {
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return lock_call(fd, cmd, (void *)arg, false);
	case F_GETLK64:
	case F_SETLK64:
	case F_SETLKW64:
		return lock_call(fd, cmd - F_GETLK64 + F_GETLK, (void *)arg, true);
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_call(fd, cmd, (void *)arg, true);
	}
	return sys_fcntl(fd, cmd, arg);
}
