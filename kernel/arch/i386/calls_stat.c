/* SPDX-License-Identifier: MIT */
/* calls_stat.c - what files and file systems are, in the structures of 32-bit programs. */
#include "arch/i386/calls.h"

#include "fs/uapi.h"


/* stat64(2) */
struct i386_stat64 {
	u64 dev;
	u32 pad0, ino32, mode, nlink, uid, gid;
	u64 rdev;
	u32 pad1;
	s64 size;
	u32 blksize;
	u64 blocks;
	u32 atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
	u64 ino;
};
_Static_assert(sizeof(struct i386_stat64) == 96, "user space's layout");

/* stat(2) with numbers of 32 and 16 bits. */
struct i386_stat {
	u32 dev, ino;
	u16 mode, nlink, uid, gid;
	u32 rdev, size, blksize, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, unused[2];
};
_Static_assert(sizeof(struct i386_stat) == 64, "user space's layout");

#define ID_OVERFLOW 65534

static u16 id16(u32 id)
{
	return id > UINT16_MAX ? ID_OVERFLOW : (u16)id;
}

static long give_stat64(long result, const struct stat64 *at, struct i386_stat64 *user)
{
	struct stat64 st;
	struct i386_stat64 out;

	if (result)
		return result;
	if (copy_from_user(&st, at, sizeof(st)))
		return -EFAULT;
	out = (struct i386_stat64){
		.dev = st.st_dev, .ino32 = (u32)st.st_ino, .mode = st.st_mode, .nlink = (u32)st.st_nlink, .uid = st.st_uid,
		.gid = st.st_gid, .rdev = st.st_rdev, .size = st.st_size, .blksize = (u32)st.st_blksize,
		.blocks = (u64)st.st_blocks, .atime = (u32)st.st_atim.tv_sec, .atime_ns = (u32)st.st_atim.tv_nsec,
		.mtime = (u32)st.st_mtim.tv_sec, .mtime_ns = (u32)st.st_mtim.tv_nsec, .ctime = (u32)st.st_ctim.tv_sec,
		.ctime_ns = (u32)st.st_ctim.tv_nsec, .ino = st.st_ino,
	};
	return copy_to_user(user, &out, sizeof(out)) ? -EFAULT : 0;
}

static long give_stat(long result, const struct stat64 *at, struct i386_stat *user)
{
	struct stat64 st;
	struct i386_stat out;

	if (result)
		return result;
	if (copy_from_user(&st, at, sizeof(st)))
		return -EFAULT;
	if (st.st_size > INT32_MAX || st.st_ino > UINT32_MAX || st.st_nlink > UINT16_MAX)
		return -EOVERFLOW;
	out = (struct i386_stat){
		.dev = (u32)st.st_dev, .ino = (u32)st.st_ino, .mode = (u16)st.st_mode, .nlink = (u16)st.st_nlink,
		.uid = id16(st.st_uid), .gid = id16(st.st_gid), .rdev = (u32)st.st_rdev, .size = (u32)st.st_size,
		.blksize = (u32)st.st_blksize, .blocks = (u32)st.st_blocks, .atime = (u32)st.st_atim.tv_sec,
		.atime_ns = (u32)st.st_atim.tv_nsec, .mtime = (u32)st.st_mtim.tv_sec, .mtime_ns = (u32)st.st_mtim.tv_nsec,
		.ctime = (u32)st.st_ctim.tv_sec, .ctime_ns = (u32)st.st_ctim.tv_nsec,
	};
	return copy_to_user(user, &out, sizeof(out)) ? -EFAULT : 0;
}

static struct stat64 *scratch_stat(void)
{
	return user_scratch(sizeof(struct stat64));
}

SYSCALL_DEFINE2(i386_stat64, const char *, path, struct i386_stat64 *, to)
{
	struct stat64 *at = scratch_stat();

	return give_stat64(sys_stat(WORD(path), WORD(at)), at, to);
}

SYSCALL_DEFINE2(i386_lstat64, const char *, path, struct i386_stat64 *, to)
{
	struct stat64 *at = scratch_stat();

	return give_stat64(sys_lstat(WORD(path), WORD(at)), at, to);
}

SYSCALL_DEFINE2(i386_fstat64, unsigned int, fd, struct i386_stat64 *, to)
{
	struct stat64 *at = scratch_stat();

	return give_stat64(sys_fstat(fd, WORD(at)), at, to);
}

SYSCALL_DEFINE4(i386_fstatat64, int, dfd, const char *, path, struct i386_stat64 *, to, int, flags)
{
	struct stat64 *at = scratch_stat();

	return give_stat64(sys_newfstatat(WORD(dfd), WORD(path), WORD(at), WORD(flags)), at, to);
}

SYSCALL_DEFINE2(i386_stat, const char *, path, struct i386_stat *, to)
{
	struct stat64 *at = scratch_stat();

	return give_stat(sys_stat(WORD(path), WORD(at)), at, to);
}

SYSCALL_DEFINE2(i386_lstat, const char *, path, struct i386_stat *, to)
{
	struct stat64 *at = scratch_stat();

	return give_stat(sys_lstat(WORD(path), WORD(at)), at, to);
}

SYSCALL_DEFINE2(i386_fstat, unsigned int, fd, struct i386_stat *, to)
{
	struct stat64 *at = scratch_stat();

	return give_stat(sys_fstat(fd, WORD(at)), at, to);
}

/* ---- file systems ---- */

struct i386_statfs64 {
	u32 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	u32 namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct i386_statfs64) == 84, "user space's layout");

struct i386_statfs {
	u32 type, bsize, blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	u32 namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct i386_statfs) == 64, "user space's layout");

static long give_statfs64(long result, const struct statfs64 *at, struct i386_statfs64 *user)
{
	struct statfs64 st;
	struct i386_statfs64 out;

	if (result)
		return result;
	if (copy_from_user(&st, at, sizeof(st)))
		return -EFAULT;
	out = (struct i386_statfs64){
		.type = (u32)st.f_type, .bsize = (u32)st.f_bsize, .blocks = st.f_blocks, .bfree = st.f_bfree,
		.bavail = st.f_bavail, .files = st.f_files, .ffree = st.f_ffree, .fsid = { st.f_fsid[0], st.f_fsid[1] },
		.namelen = (u32)st.f_namelen, .frsize = (u32)st.f_frsize, .flags = (u32)st.f_flags,
	};
	return copy_to_user(user, &out, sizeof(out)) ? -EFAULT : 0;
}

static long give_statfs(long result, const struct statfs64 *at, struct i386_statfs *user)
{
	struct statfs64 st;
	struct i386_statfs out;

	if (result)
		return result;
	if (copy_from_user(&st, at, sizeof(st)))
		return -EFAULT;
	if ((st.f_blocks | st.f_bfree | st.f_bavail | st.f_files | st.f_ffree) >> 32)
		return -EOVERFLOW;
	out = (struct i386_statfs){
		.type = (u32)st.f_type, .bsize = (u32)st.f_bsize, .blocks = (u32)st.f_blocks, .bfree = (u32)st.f_bfree,
		.bavail = (u32)st.f_bavail, .files = (u32)st.f_files, .ffree = (u32)st.f_ffree,
		.fsid = { st.f_fsid[0], st.f_fsid[1] }, .namelen = (u32)st.f_namelen, .frsize = (u32)st.f_frsize,
		.flags = (u32)st.f_flags,
	};
	return copy_to_user(user, &out, sizeof(out)) ? -EFAULT : 0;
}

static struct statfs64 *scratch_statfs(void)
{
	return user_scratch(sizeof(struct statfs64));
}

SYSCALL_DEFINE3(i386_statfs64, const char *, path, size_t, size, struct i386_statfs64 *, to)
{
	struct statfs64 *at = scratch_statfs();

	if (size != sizeof(*to))
		return -EINVAL;
	return give_statfs64(sys_statfs(WORD(path), WORD(at)), at, to);
}

SYSCALL_DEFINE3(i386_fstatfs64, unsigned int, fd, size_t, size, struct i386_statfs64 *, to)
{
	struct statfs64 *at = scratch_statfs();

	if (size != sizeof(*to))
		return -EINVAL;
	return give_statfs64(sys_fstatfs(fd, WORD(at)), at, to);
}

SYSCALL_DEFINE2(i386_statfs, const char *, path, struct i386_statfs *, to)
{
	struct statfs64 *at = scratch_statfs();

	return give_statfs(sys_statfs(WORD(path), WORD(at)), at, to);
}

SYSCALL_DEFINE2(i386_fstatfs, unsigned int, fd, struct i386_statfs *, to)
{
	struct statfs64 *at = scratch_statfs();

	return give_statfs(sys_fstatfs(fd, WORD(at)), at, to);
}
