/* SPDX-License-Identifier: MIT */
/* file_stat.c - system calls that tell about files: stat and its kin, statx, access, readlink, statfs. */
#include "base/math.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "proc/cred.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

#define NSEC 1000000000ull

static struct timespec64 to_timespec(u64 ns)
{
	return (struct timespec64){ (s64)(ns / NSEC), (s64)(ns % NSEC) };
}

static u64 inode_blocks(struct inode *inode)
{
	return inode->i_op->blocks ? inode->i_op->blocks(inode) : 0;
}

static void refresh(struct inode *inode)
{
	if (inode->i_op->refresh)
		inode->i_op->refresh(inode);
}

static long copy_stat(struct inode *inode, struct stat64 *user)
{
	struct stat64 st;

	refresh(inode);
	st = (struct stat64){
		.st_dev = new_encode_dev(inode->i_sb->s_dev), .st_ino = inode->i_ino, .st_nlink = inode->i_nlink,
		.st_mode = inode->i_mode, .st_uid = inode->i_uid, .st_gid = inode->i_gid,
		.st_rdev = new_encode_dev(inode->i_rdev), .st_size = (s64)inode->i_size, .st_blksize = 4096,
		.st_blocks = (s64)inode_blocks(inode), .st_atim = to_timespec(inode->i_atime),
		.st_mtim = to_timespec(inode->i_mtime), .st_ctim = to_timespec(inode->i_ctime),
	};
	return copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

static long stat_path(int dfd, const char *path, unsigned int lookup, struct stat64 *user)
{
	struct path p;
	long err = user_path_at(dfd, path, lookup, &p);

	if (err)
		return err;
	err = copy_stat(p.dentry->d_inode, user);
	path_put(&p);
	return err;
}

static long stat_fd(unsigned int fd, struct stat64 *user)
{
	struct fd f = fdget_raw(fd);
	long err = fd_file(f) ? copy_stat(fd_file(f)->f_inode, user) : -EBADF;

	fdput(f);
	return err;
}

SYSCALL_DEFINE2(stat, const char *, path, struct stat64 *, st)
{
	return stat_path(AT_FDCWD, path, LOOKUP_FOLLOW, st);
}

SYSCALL_DEFINE2(lstat, const char *, path, struct stat64 *, st)
{
	return stat_path(AT_FDCWD, path, 0, st);
}

SYSCALL_DEFINE2(fstat, unsigned int, fd, struct stat64 *, st)
{
	return stat_fd(fd, st);
}

static bool is_empty_path(const char *user)
{
	char c;

	return !user || (!get_user(c, (char *)user) && !c);
}

SYSCALL_DEFINE4(newfstatat, int, dfd, const char *, path, struct stat64 *, st, int, flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && dfd >= 0 && is_empty_path(path))
		return stat_fd((unsigned int)dfd, st);
	return stat_path(dfd, path, ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			 ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0), st);
}

static struct statx_timestamp to_statx_time(u64 ns)
{
	return (struct statx_timestamp){ .tv_sec = (s64)(ns / NSEC), .tv_nsec = (u32)(ns % NSEC) };
}

static long copy_statx(const struct path *path, struct statx *user)
{
	struct inode *inode = path->dentry->d_inode;
	struct statx st;

	refresh(inode);
	st = (struct statx){
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, .stx_blksize = 4096,
		.stx_nlink = inode->i_nlink, .stx_uid = inode->i_uid, .stx_gid = inode->i_gid,
		.stx_mode = (u16)inode->i_mode, .stx_ino = inode->i_ino, .stx_size = inode->i_size,
		.stx_blocks = inode_blocks(inode), .stx_atime = to_statx_time(inode->i_atime),
		.stx_btime = to_statx_time(inode->i_btime), .stx_ctime = to_statx_time(inode->i_ctime),
		.stx_mtime = to_statx_time(inode->i_mtime), .stx_rdev_major = MAJOR(inode->i_rdev),
		.stx_rdev_minor = MINOR(inode->i_rdev), .stx_dev_major = MAJOR(inode->i_sb->s_dev),
		.stx_dev_minor = MINOR(inode->i_sb->s_dev), .stx_mnt_id = (u64)path->mnt->mnt_id,
		.stx_attributes_mask = 0x2000,
	};
	if (path->dentry == path->mnt->mnt_root)
		st.stx_attributes |= 0x2000; /* STATX_ATTR_MOUNT_ROOT */
	return copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

SYSCALL_DEFINE5(statx, int, dfd, const char *, path, unsigned int, flags, unsigned int, mask, struct statx *, user)
{
	struct path p;
	long err;

	if ((mask & 0x80000000u) || (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
							      AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && is_empty_path(path)) {
		err = path_lookup(dfd, "", LOOKUP_EMPTY, &p);
	} else {
		err = user_path_at(dfd, path, (flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW, &p);
	}
	if (err)
		return err;
	err = copy_statx(&p, user);
	path_put(&p);
	return err;
}

/* ---- access ---- */

/* Asks with the real ids: as a set-uid program asks for the sake of who started it. */
static const struct cred *use_real_ids(void)
{
	const struct cred *old = get_cred(current_cred());
	struct cred *cred;

	if (old->fsuid == old->uid && old->fsgid == old->gid)
		return old;
	cred = prepare_creds();
	if (!cred) {
		put_cred(old);
		return NULL;
	}
	cred->fsuid = cred->uid;
	cred->fsgid = cred->gid;
	cred->cap_effective = cred->uid ? 0 : cred->cap_permitted;
	commit_creds(cred);
	return old;
}

static long access_path(int dfd, const char *user, int mode, int flags)
{
	unsigned int lookup = ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW) |
			      ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0);
	struct path p;
	long err = user_path_at(dfd, user, lookup, &p);

	if (err)
		return err;
	if (mode)
		err = path_permission(&p, mode);
	path_put(&p);
	return err;
}

static long do_access(int dfd, const char *user, int mode, int flags)
{
	const struct cred *old = NULL;
	long err;

	if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		old = use_real_ids();
		if (!old)
			return -ENOMEM;
	}
	err = access_path(dfd, user, mode, flags);
	if (old) {
		if (old != current_cred())
			commit_creds((struct cred *)old);
		else
			put_cred(old);
	}
	return err;
}

SYSCALL_DEFINE2(access, const char *, path, int, mode)
{
	return do_access(AT_FDCWD, path, mode, 0);
}

SYSCALL_DEFINE3(faccessat, int, dfd, const char *, path, int, mode)
{
	return do_access(dfd, path, mode, 0);
}

SYSCALL_DEFINE4(faccessat2, int, dfd, const char *, path, int, mode, int, flags)
{
	return do_access(dfd, path, mode, flags);
}

/* ---- readlink ---- */

static long link_text(struct inode *inode, char *buf, size_t size)
{
	const char *text;

	if (inode->i_op->read_text)
		return inode->i_op->read_text(inode, buf, size);
	if (!S_ISLNK(inode->i_mode) || !inode->i_op->get_text)
		return -EINVAL;
	text = inode->i_op->get_text(inode);
	if (IS_ERR(text))
		return PTR_ERR(text);
	return strscpy(buf, text, size) < 0 ? (long)size - 1 : (long)strlen(text);
}

static long do_readlink(int dfd, const char *path, char *user, int size)
{
	struct path p;
	char *buf;
	long len;

	if (size <= 0)
		return -EINVAL;
	len = user_path_at(dfd, path, LOOKUP_EMPTY, &p);
	if (len)
		return len;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	len = buf ? link_text(p.dentry->d_inode, buf, PATH_MAX) : -ENOMEM;
	if (len > 0) {
		len = min(len, (long)size);
		if (copy_to_user(user, buf, (size_t)len))
			len = -EFAULT;
	}
	kfree(buf);
	path_put(&p);
	return len;
}

SYSCALL_DEFINE3(readlink, const char *, path, char *, buf, int, size)
{
	return is_empty_path(path) && path ? -ENOENT : do_readlink(AT_FDCWD, path, buf, size);
}

SYSCALL_DEFINE4(readlinkat, int, dfd, const char *, path, char *, buf, int, size)
{
	return do_readlink(dfd, path, buf, size);
}

/* ---- statfs ---- */

#define ST_VALID 0x20

static s64 statfs_flags(const struct mount *mnt)
{
	/* The low bits are those of mount(2); access times have moved. */
	return ST_VALID | (mnt->mnt_flags & 0xf) | ((mnt->mnt_flags & MS_NOATIME) ? 0x400 : 0) |
	       ((mnt->mnt_flags & MS_NODIRATIME) ? 0x800 : 0) | ((mnt->mnt_flags & MS_RELATIME) ? 0x1000 : 0);
}

static long copy_statfs(const struct path *path, struct statfs64 *user)
{
	struct super_block *sb = path->dentry->d_sb;
	struct statfs64 st = {
		.f_type = (s64)sb->s_magic, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = NAME_MAX,
		.f_fsid = { (s32)sb->s_dev, 0 }, .f_flags = statfs_flags(path->mnt),
	};
	int err = sb->s_op->statfs ? sb->s_op->statfs(sb, &st) : 0;

	if (err)
		return err;
	return copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

SYSCALL_DEFINE2(statfs, const char *, path, struct statfs64 *, st)
{
	struct path p;
	long err = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = copy_statfs(&p, st);
	path_put(&p);
	return err;
}

SYSCALL_DEFINE2(fstatfs, unsigned int, fd, struct statfs64 *, st)
{
	struct fd f = fdget_raw(fd);
	long err = fd_file(f) ? copy_statfs(&fd_file(f)->f_path, st) : -EBADF;

	fdput(f);
	return err;
}
