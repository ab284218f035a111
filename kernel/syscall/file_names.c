/* SPDX-License-Identifier: MIT */
/* file_names.c - system calls that make, remove, rename and list names, and that move a task about among them. */
#include "base/math.h"
#include "base/string.h"
#include "fs/fdtable.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "proc/cred.h"
#include "quire/slab.h"
#include "syscall/syscall.h"

SYSCALL_DEFINE3(mkdirat, int, dfd, const char *, path, umode_t, mode)
{
	return do_mknodat(dfd, path, true, S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX)), 0);
}

SYSCALL_DEFINE2(mkdir, const char *, path, umode_t, mode)
{
	return do_mknodat(AT_FDCWD, path, true, S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX)), 0);
}

static long mknod_user(int dfd, const char *path, umode_t mode, unsigned int dev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return do_mknodat(dfd, path, true, mode & (S_IFMT | S_IALLUGO), new_decode_dev(dev));
}

SYSCALL_DEFINE4(mknodat, int, dfd, const char *, path, umode_t, mode, unsigned int, dev)
{
	return mknod_user(dfd, path, mode, dev);
}

SYSCALL_DEFINE3(mknod, const char *, path, umode_t, mode, unsigned int, dev)
{
	return mknod_user(AT_FDCWD, path, mode, dev);
}

SYSCALL_DEFINE1(rmdir, const char *, path)
{
	return do_unlinkat(AT_FDCWD, path, true, true);
}

SYSCALL_DEFINE1(unlink, const char *, path)
{
	return do_unlinkat(AT_FDCWD, path, true, false);
}

SYSCALL_DEFINE3(unlinkat, int, dfd, const char *, path, int, flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return do_unlinkat(dfd, path, true, flags & AT_REMOVEDIR);
}

static long symlink_user(const char *target, int dfd, const char *path)
{
	struct filename name;
	long err = getname(&name, target, 0);

	if (err)
		return err;
	err = do_symlinkat(name.text, dfd, path, true);
	putname(&name);
	return err;
}

SYSCALL_DEFINE2(symlink, const char *, target, const char *, path)
{
	return symlink_user(target, AT_FDCWD, path);
}

SYSCALL_DEFINE3(symlinkat, const char *, target, int, dfd, const char *, path)
{
	return symlink_user(target, dfd, path);
}

SYSCALL_DEFINE2(link, const char *, old_path, const char *, new_path)
{
	return do_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, true, 0);
}

SYSCALL_DEFINE5(linkat, int, old_dfd, const char *, old_path, int, new_dfd, const char *, new_path, int, flags)
{
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return do_linkat(old_dfd, old_path, new_dfd, new_path, true, flags);
}

SYSCALL_DEFINE2(rename, const char *, old_path, const char *, new_path)
{
	return do_renameat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

SYSCALL_DEFINE4(renameat, int, old_dfd, const char *, old_path, int, new_dfd, const char *, new_path)
{
	return do_renameat(old_dfd, old_path, new_dfd, new_path, 0);
}

SYSCALL_DEFINE5(renameat2, int, old_dfd, const char *, old_path, int, new_dfd, const char *, new_path, unsigned int,
		flags)
{
	return do_renameat(old_dfd, old_path, new_dfd, new_path, flags);
}

/* ---- listing ---- */

struct getdents {
	struct dir_context ctx;
	char *user;
	size_t room;
	bool old_format;
	int err;
};

struct dirent_head { /* both formats */
	u64 ino, off;
	u16 reclen;
};
#define DIRENT_HEAD_BYTES 18

/* One record: linux_dirent64 has the type before the name, linux_dirent in the record's last byte. */
static int emit(struct dir_context *ctx, const char *name, size_t len, u64 off, u64 ino, unsigned int type)
{
	struct getdents *g = container_of(ctx, struct getdents, ctx);
	size_t name_at = g->old_format ? 18 : 19;
	size_t reclen = (name_at + len + (g->old_format ? 2 : 1) + 7) & ~7ul;
	struct dirent_head head = { ino, off, (u16)reclen };
	char record[19 + NAME_MAX + 16];

	if (reclen > g->room || len > NAME_MAX) {
		g->err = -EINVAL;
		return 1;
	}
	memset(record, 0, reclen);
	memcpy(record, &head, DIRENT_HEAD_BYTES);
	if (g->old_format)
		record[reclen - 1] = (char)type;
	else
		record[18] = (char)type;
	memcpy(record + name_at, name, len);
	if (copy_to_user(g->user, record, reclen)) {
		g->err = -EFAULT;
		return 1;
	}
	g->user += reclen;
	g->room -= reclen;
	return 0;
}

static long list_dir(unsigned int fd, char *user, unsigned int count, bool old_format)
{
	struct fd f = fdget(fd);
	struct file *file = fd_file(f);
	struct getdents g = { .ctx.actor = emit, .user = user, .room = count, .old_format = old_format };
	int err = -ENOTDIR;

	if (!file)
		return -EBADF;
	if (file->f_op->iterate) {
		mutex_lock(&file->f_pos_lock);
		g.ctx.pos = file->f_pos;
		if (file->f_path.dentry->d_flags & DCACHE_UNLINKED)
			err = -ENOENT;
		else
			err = file->f_op->iterate(file, &g.ctx);
		file->f_pos = g.ctx.pos;
		mutex_unlock(&file->f_pos_lock);
	}
	fdput(f);
	if (err)
		return err;
	if (g.room < count)
		return (long)(count - g.room);
	return g.err;
}

SYSCALL_DEFINE3(getdents64, unsigned int, fd, char *, buf, unsigned int, count)
{
	return list_dir(fd, buf, count, false);
}

SYSCALL_DEFINE3(getdents, unsigned int, fd, char *, buf, unsigned int, count)
{
	return list_dir(fd, buf, count, true);
}

/* ---- where the task stands ---- */

SYSCALL_DEFINE2(getcwd, char *, user, unsigned long, size)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text;
	struct path pwd;
	long len;

	if (!buf)
		return -ENOMEM;
	get_fs_pwd(current->fs, &pwd);
	text = (pwd.dentry->d_flags & DCACHE_UNLINKED) ? ERR_PTR(-ENOENT) : d_path(&pwd, buf, PATH_MAX);
	path_put(&pwd);
	if (IS_ERR(text)) {
		len = PTR_ERR(text);
	} else {
		len = (long)strlen(text) + 1;
		if ((unsigned long)len > size)
			len = -ERANGE;
		else if (copy_to_user(user, text, (size_t)len))
			len = -EFAULT;
	}
	kfree(buf);
	return len;
}

SYSCALL_DEFINE1(chdir, const char *, path)
{
	struct path p;
	long err = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = path_permission(&p, MAY_EXEC);
	if (!err)
		set_fs_pwd(current->fs, &p);
	path_put(&p);
	return err;
}

SYSCALL_DEFINE1(fchdir, unsigned int, fd)
{
	struct fd f = fdget_raw(fd);
	long err = -EBADF;

	if (fd_file(f)) {
		const struct path *path = &fd_file(f)->f_path;

		err = S_ISDIR(path->dentry->d_inode->i_mode) ? path_permission(path, MAY_EXEC) : -ENOTDIR;
		if (!err)
			set_fs_pwd(current->fs, path);
	}
	fdput(f);
	return err;
}

SYSCALL_DEFINE1(chroot, const char *, path)
{
	struct path p;
	long err = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = path_permission(&p, MAY_EXEC);
	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		set_fs_root(current->fs, &p);
	path_put(&p);
	return err;
}

SYSCALL_DEFINE1(umask, unsigned int, mask)
{
	return (long)__atomic_exchange_n(&current->fs->umask, mask & S_IRWXUGO, __ATOMIC_RELAXED);
}

/* ---- mounts ---- */

/* A copy of a user's string, or of its first page of option data; NULL for NULL. */
static char *copy_string(const char *user)
{
	char *text;
	long len;

	if (!user)
		return NULL;
	text = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!text)
		return ERR_PTR(-ENOMEM);
	len = strncpy_from_user(text, user, PATH_MAX);
	if (len < 0 || len == PATH_MAX) {
		kfree(text);
		return ERR_PTR(len < 0 ? len : -ENAMETOOLONG);
	}
	return text;
}

struct mount_strings {
	char *source, *target, *type, *options;
};

static long copy_mount_strings(struct mount_strings *s, const char *source, const char *target, const char *type,
			       const char *options)
{
	const char *const from[4] = { source, target, type, options };
	char **to[4] = { &s->source, &s->target, &s->type, &s->options };

	*s = (struct mount_strings){ NULL, NULL, NULL, NULL };
	for (int i = 0; i < 4; i++) {
		char *text = copy_string(from[i]);

		if (IS_ERR(text))
			return PTR_ERR(text);
		*to[i] = text;
	}
	return s->target ? 0 : -EFAULT;
}

SYSCALL_DEFINE5(mount, const char *, source, const char *, target, const char *, type, unsigned long, flags,
		const char *, options)
{
	struct mount_strings s;
	long err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* These kinds of mount take no options, and old programs pass anything. */
	if (flags & (MS_BIND | MS_MOVE) && !(flags & MS_REMOUNT))
		options = NULL;
	err = copy_mount_strings(&s, source, target, type, options);
	if (!err)
		err = do_mount(s.source ? s.source : "", s.target, s.type, flags, s.options);
	kfree(s.source);
	kfree(s.target);
	kfree(s.type);
	kfree(s.options);
	return err;
}

SYSCALL_DEFINE2(umount2, const char *, user, int, flags)
{
	struct filename name;
	long err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = getname(&name, user, 0);
	if (err)
		return err;
	err = do_umount(name.text, flags);
	putname(&name);
	return err;
}

SYSCALL_DEFINE2(pivot_root, const char *, new_root, const char *, put_old)
{
	struct path root, old;
	long err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &root);
	if (err)
		return err;
	err = user_path_at(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		err = do_pivot_root(&root, &old);
		path_put(&old);
	}
	path_put(&root);
	return err;
}
