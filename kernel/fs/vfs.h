/* SPDX-License-Identifier: MIT */
/*
 * vfs.h - the tree of names and what hangs on it: super blocks, mounts, directory entries, inodes, open files.
 *
 *	mount { sb, root } --> dentry --parent--> dentry ...      the tree of one file system
 *	                         | d_inode                        mounted on (mnt_parent, mnt_mountpoint)
 *	file { path, pos } -->  inode { mode, size, i_op, i_fop, i_mapping }
 *
 * [F1] A hashed dentry has a parent, a name that is unique among its parent's hashed children, and an inode; there are no
 *      negative dentries.
 * [F2] A dentry holds a reference on its parent and on its inode, a file one on its path, a mount one on its root,
 *      its sb and its mount point.
 * [F3] File systems whose tree lives in memory keep one reference on each dentry that is linked; of others (/proc) a
 *      dentry goes with its last user.
 * [F4] d_parent and d_name change only under rename_seq; they are read under RCU and checked again.
 * [F5] i_size changes only under i_rwsem held for writing.
 * [F6] The last fput of a file that can be mapped takes no lock of a rank below LOCK_MMAP, because munmap does it.
 *
 * Locks: sb->s_lock (LOCK_HOST_FILES): every change of names in one file system. inode->i_rwsem (LOCK_HOST_INODE).
 * Hash buckets (LOCK_HOST_SPIN). Look-ups run under RCU. Sleeps: what is not marked otherwise.
 */
#ifndef KERNEL_FS_VFS_H
#define KERNEL_FS_VFS_H

#include "base/list.h"
#include "base/refcount.h"
#include "fs/iov.h"
#include "fs/uapi.h"
#include "quire/mapping.h"
#include "quire/mm.h"
#include "sync/mutex.h"
#include "sync/rcu.h"
#include "sync/rwsem.h"

struct dentry;
struct file;
struct inode;
struct mount;
struct super_block;
struct poll_table;
struct file_lock_context;

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* ---- inodes ---- */

struct iattr { /* what a setattr changes */
	unsigned int valid; /* ATTR_* */
	umode_t mode;
	u32 uid, gid;
	u64 size;
	u64 atime, mtime; /* nanoseconds since 1970 */
};
#define ATTR_MODE 1u
#define ATTR_UID 2u
#define ATTR_GID 4u
#define ATTR_SIZE 8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u

struct inode_operations {
	/* A child that is not in the hash: its inode with a reference, NULL when there is none, or ERR_PTR. *hash_it: may be
	 * found by name again as long as somebody uses it. NULL: all children are always hashed. */
	struct inode *(*lookup)(struct inode *dir, const char *name, size_t len, bool *hash_it);
	/* Make a child. The dentry has a name and no inode yet; success calls d_instantiate(). s_lock held. */
	int (*mknod)(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*link)(struct inode *inode, struct inode *dir, struct dentry *dentry);
	/* Also rmdir. s_lock held. */
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	/* The caller has checked types and loops, and moves the entries after success; this moves counts and times and takes
	 * victim (may be NULL) out of the tree unless RENAME_EXCHANGE. s_lock held. */
	int (*rename)(struct inode *old_dir, struct dentry *dentry, struct inode *new_dir, struct dentry *victim,
		      unsigned int flags);
	/* An unlinked file (O_TMPFILE). */
	struct inode *(*tmpfile)(struct inode *dir, umode_t mode);
	/* Text of a symbolic link, valid while the inode is. */
	const char *(*get_text)(struct inode *inode);
	/* Links that lead to an object, not to a name (/proc/self/fd/0): the path with references. */
	int (*get_path)(struct inode *inode, struct path *result);
	/* Text of such a link for readlink(2): length or -errno. buf is the kernel's. */
	int (*read_text)(struct inode *inode, char *buf, size_t size);
	/* Permissions checked. NULL: simple_setattr. i_rwsem held for writing. */
	int (*setattr)(struct inode *inode, const struct iattr *attr);
	/* 512-byte blocks in use. NULL: 0. */
	u64 (*blocks)(struct inode *inode);
	/* Brings mode, owner, times of an inode that mirrors something else up to date. */
	void (*refresh)(struct inode *inode);
	/* Access is decided by the file system: 0 or -errno. mask: MAY_*. NULL: mode bits. */
	int (*permission)(struct inode *inode, int mask);
};

enum inode_flag { S_NOATTR_CHANGE = 1, S_NOSEEK = 2 };

struct inode {
	umode_t i_mode;			/* (i_rwsem) */
	u32 i_uid, i_gid;		/* (i_rwsem) */
	u32 i_nlink;			/* (s_lock) */
	refcount_t i_count;
	u32 i_flags;
	u64 i_ino;			/* (c) */
	u64 i_size;			/* [F5] */
	u64 i_atime, i_mtime, i_ctime, i_btime; /* nanoseconds since 1970 */
	dev_t i_rdev;			/* (c) */
	atomic_t i_writecount;		/* opened for writing; negative: being executed */
	struct super_block *i_sb;	/* (c) */
	const struct inode_operations *i_op; /* (c) */
	const struct file_operations *i_fop; /* (c) */
	struct address_space *i_mapping; /* (c) NULL: has no cached pages */
	struct rw_semaphore i_rwsem;	/* LOCK_HOST_INODE */
	struct file_lock_context *i_flctx; /* flock and fcntl locks */
	void *i_private;		/* the file system's */
	void *i_pipe;			/* FIFOs: struct pipe, while open */
};

struct super_operations {
	/* The last reference went: gives back what the fs added, then the inode itself. Never takes a lock below
	 * LOCK_MMAP [F6]. NULL: inode_free(). */
	void (*evict)(struct inode *inode);
	int (*statfs)(struct super_block *sb, struct statfs64 *st);
	/* mount -o remount. NULL: nothing to change. */
	int (*remount)(struct super_block *sb, const char *options);
	/* Options for /proc/mounts: ",size=...": length. NULL: none. */
	int (*show_options)(struct super_block *sb, char *buf, size_t size);
	void (*put_super)(struct super_block *sb);
};

struct file_system_type {
	const char *name;
	bool requires_dev;
	/* A new super block (or an old one with a new reference) whose s_root is set, or ERR_PTR. */
	struct super_block *(*mount)(struct file_system_type *type, const char *source, const char *options);
	struct file_system_type *next;
};

#define SB_TREE_IN_MEMORY 1u	/* [F3] */
struct super_block {
	refcount_t s_count;		/* mounts */
	u32 s_flags;
	struct file_system_type *s_type;
	const struct super_operations *s_op;
	struct dentry *s_root;
	struct mutex s_lock;		/* LOCK_HOST_FILES */
	dev_t s_dev;
	u64 s_magic;
	u64 s_next_ino;			/* (a) */
	void *s_fs_info;
};

/* ---- names ---- */

struct qstr { /* an external name, replaced as a whole */
	struct rcu_head rcu;
	u32 len;
	char text[];
};

#define DNAME_INLINE 32
struct dentry {
	refcount_t d_count;
	u32 d_hash;			/* of parent and name */
	u32 d_flags;			/* DCACHE_*, (a) */
	u32 d_len;			/* of the name */
	const char *d_name;		/* d_iname or an external one; NUL-terminated */
	struct hlist_node d_link;	/* hash bucket */
	struct dentry *d_parent;	/* itself at the root */
	struct inode *d_inode;		/* (c) once set */
	struct super_block *d_sb;	/* (c) */
	struct list_head d_child;	/* (s_lock) in d_parent->d_children, rising d_off; in-memory trees only */
	struct list_head d_children;	/* (s_lock) */
	u64 d_off;			/* position in the directory */
	union {
		u64 d_next_off;		/* (s_lock) directories: for the next child */
		struct rcu_head d_rcu;	/* dying */
	};
	char d_iname[DNAME_INLINE];
};
#define DCACHE_HASHED 1u
#define DCACHE_MOUNTED 2u	/* something may be mounted here */
#define DCACHE_UNLINKED 4u	/* shown as "(deleted)" */
#define DCACHE_ANON 8u		/* has no place in any tree: its name is shown as it is */

static inline struct dentry *dget(struct dentry *dentry)
{
	refcount_inc(&dentry->d_count);
	return dentry;
}
void dput(struct dentry *dentry); /* NULL is fine */

static inline struct inode *igrab(struct inode *inode)
{
	refcount_inc(&inode->i_count);
	return inode;
}
void iput(struct inode *inode); /* NULL is fine */

/* A fresh inode with one reference, times set, owned by the current task. NULL: no memory. */
struct inode *new_inode(struct super_block *sb, umode_t mode);
/* Sets up memory that the caller allocated; evict gives it back. */
void inode_init(struct inode *inode, struct super_block *sb, umode_t mode);
void inode_free(struct inode *inode);

/* A dentry with a reference of the caller's, unhashed. Takes one on parent. NULL: no memory. */
struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len);
struct dentry *d_alloc_root(struct super_block *sb, struct inode *inode); /* consumes the inode's reference */
/* Nameless objects: pipes, sockets, memfds. Consumes the inode's reference, also on failure. */
struct dentry *d_alloc_anon(struct super_block *sb, struct inode *inode, const char *name);
/* Gives a new dentry its inode (consumes the reference), hashes it, links it among its parent's children and keeps a
 * reference for the tree. s_lock held. */
void d_instantiate(struct dentry *dentry, struct inode *inode);
/* Takes an in-memory dentry out of the tree, drops the tree's reference. s_lock held. */
void d_remove(struct dentry *dentry);
/* A name for d_move(). NULL: no memory. */
struct qstr *qstr_alloc(const char *name, size_t len);
/* Moves a dentry to a new place, where nothing is in the way, and keeps the name. s_lock held. */
void d_move(struct dentry *dentry, struct dentry *new_parent, struct qstr *name);
/* Two entries change places. s_lock held. */
void d_exchange(struct dentry *a, struct dentry *b, struct qstr *name_of_a, struct qstr *name_of_b);
/* The hashed child of that name with a reference, or NULL. Never sleeps. */
struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len);
/* As above; asks the file system when need be. ERR_PTR(-ENOENT...). */
struct dentry *lookup_one(struct dentry *parent, const char *name, size_t len);
bool d_unhashed(const struct dentry *dentry);

static inline void path_get(const struct path *path);
void path_put(const struct path *path);

/* Path as seen from `root` (NULL: the real root) into buf's end; returns where it starts, or ERR_PTR(-ENAMETOOLONG).
 * Never sleeps. Adds " (deleted)" when it is; "(unreachable)" is put in front when it lies outside of root. */
char *d_path_from(const struct path *path, const struct path *root, char *buf, size_t size);
/* As the current task sees it. */
char *d_path(const struct path *path, char *buf, size_t size);

/* ---- mounts ---- */

struct mount {
	refcount_t mnt_count;
	unsigned int mnt_flags;		/* MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_*ATIME */
	int mnt_id;
	struct super_block *mnt_sb;
	struct dentry *mnt_root;
	struct mount *mnt_parent;	/* itself for the first; NULL once detached */
	struct dentry *mnt_mountpoint;
	struct list_head mnt_list;	/* (mount_lock, RCU) */
	struct rcu_head mnt_rcu;
	char *mnt_devname;
};

static inline struct mount *mntget(struct mount *mnt)
{
	refcount_inc(&mnt->mnt_count);
	return mnt;
}
void mntput(struct mount *mnt);

static inline void path_get(const struct path *path)
{
	mntget(path->mnt);
	dget(path->dentry);
}

void register_filesystem(struct file_system_type *type);
struct file_system_type *find_filesystem(const char *name);
struct super_block *sb_alloc(struct file_system_type *type, const struct super_operations *ops, u64 magic, u32 flags);
void sb_put(struct super_block *sb);
/* A mount that is attached nowhere (the kernel's own, or before it is put into the tree). */
struct mount *kern_mount(struct file_system_type *type, const char *source, const char *options, unsigned int flags);
/* What is mounted on (mnt, dentry), with a reference, or NULL. Never sleeps. */
struct mount *lookup_mount(struct mount *mnt, struct dentry *dentry);
int do_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options);
int do_umount(const char *target, int flags);
int do_pivot_root(const struct path *new_root, const struct path *put_old);
/* Renders /proc/PID/mounts, mountinfo. */
int mounts_show(struct text_sink *sink, const struct path *root);
int mountinfo_show(struct text_sink *sink, const struct path *root);
int filesystems_show(struct text_sink *sink);

/* ---- open files ---- */

struct dir_context {
	/* 0 to go on; nonzero: no room, this entry was not taken. */
	int (*actor)(struct dir_context *ctx, const char *name, size_t len, u64 off, u64 ino, unsigned int type);
	u64 pos; /* of the entry that comes next */
};

struct file_operations {
	loff_t (*llseek)(struct file *file, loff_t offset, int whence); /* NULL: -ESPIPE */
	/* Bytes or -errno; advance *pos. */
	long (*read_iter)(struct file *file, struct iov_iter *to, u64 *pos);
	long (*write_iter)(struct file *file, struct iov_iter *from, u64 *pos);
	int (*iterate)(struct file *file, struct dir_context *ctx);
	/* EPOLL* bits that are true now; queues the caller by poll_wait(). NULL: always ready. */
	unsigned int (*poll)(struct file *file, struct poll_table *pt);
	long (*ioctl)(struct file *file, unsigned int cmd, unsigned long arg); /* -ENOIOCTLCMD: unknown */
	/* Fills in the backing of a mapping. NULL: i_mapping when there is one, else -ENODEV. */
	int (*mmap)(struct file *file, unsigned long prot, unsigned long flags, struct mmap_file *backing);
	int (*open)(struct inode *inode, struct file *file);
	void (*flush)(struct file *file);	/* at each close(2) */
	void (*release)(struct file *file);	/* at the last */
	int (*fsync)(struct file *file);
	long (*fallocate)(struct file *file, int mode, u64 offset, u64 len);
	int (*show_fdinfo)(struct file *file, struct text_sink *sink);
};

#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u
#define FMODE_LSEEK 0x4u
#define FMODE_PREAD 0x8u
#define FMODE_PWRITE 0x10u
#define FMODE_EXEC 0x20u
#define FMODE_STREAM 0x40u	/* has no position: pos is not used */
#define FMODE_PATH 0x4000u
#define FMODE_WRITER 0x10000u	/* counts in i_writecount */
#define FMODE_ATOMIC_POS 0x8000u /* regular file or directory: read and write hold f_pos_lock when shared */

struct file {
	atomic_t f_count;
	unsigned int f_mode;		/* (c) FMODE_* */
	unsigned int f_flags;		/* O_*; F_SETFL changes some */
	unsigned int f_version;		/* (c) FIFOs: writers' openings before this reader's */
	const struct file_operations *f_op;
	struct inode *f_inode;		/* (c) */
	u64 f_pos;			/* (f_pos_lock when shared) */
	void *private_data;
	struct path f_path;		/* (c) */
	struct mutex f_pos_lock;	/* LOCK_HOST_OUTER */
	struct list_head f_ep;		/* (epoll) watchers */
};

static inline struct file *get_file(struct file *file)
{
	atomic_inc(&file->f_count);
	return file;
}
void fput_last(struct file *file);
static inline void fput(struct file *file)
{
	if (atomic_dec_and_test(&file->f_count))
		fput_last(file);
}

/* Opens a path that is already found; takes its own references. */
struct file *dentry_open(const struct path *path, int flags);
/* A file without a name: "anon_inode:[eventpoll]". mode: S_IFIFO, S_IFSOCK or 0. ERR_PTR. */
struct file *anon_file(const char *name, const struct file_operations *fop, void *private_data, int flags, umode_t mode);
/* Of the kernel itself; path is absolute or relative to the current directory. ERR_PTR(-errno). */
struct file *filp_open(const char *path, int flags, umode_t mode);
long kernel_read(struct file *file, void *buf, size_t count, u64 pos);
long kernel_write(struct file *file, const void *buf, size_t count, u64 *pos);
long vfs_read_iter(struct file *file, struct iov_iter *to, u64 *pos);
long vfs_write_iter(struct file *file, struct iov_iter *from, u64 *pos);
unsigned int vfs_poll(struct file *file, struct poll_table *pt);
loff_t vfs_llseek(struct file *file, loff_t offset, int whence);
loff_t generic_file_llseek(struct file *file, loff_t offset, int whence);
loff_t no_llseek_zero(struct file *file, loff_t offset, int whence); /* accepts, stays at 0 */

/* ---- for exec and mmap ---- */

/* A regular file that may be executed, opened for reading with writers kept out (-ETXTBSY) until
 * exec_allow_write(); ERR_PTR: -ENOENT, -EACCES... `path` is a user pointer; flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. */
struct file *open_exec_at(int dfd, const char *user_path, int flags);
/* The same for a path of the kernel's (init, "#!" interpreters). */
struct file *open_exec(const char *path);
/* Writers are kept out as long as the program is mapped: call when the file is not needed any more, before fput. */
void exec_allow_write(struct file *file);
int exec_deny_write(struct file *file);
/* The path that was found, for AT_EXECFN and names: into buf, ERR_PTR. */
static inline char *file_path(struct file *file, char *buf, size_t size)
{
	return d_path(&file->f_path, buf, size);
}
/* What do_mmap() needs for this file, after the checks of mmap(2): 0, -EACCES, -EPERM, -ENODEV.
 * backing->mapping NULL after success: the memory is to be anonymous. */
int file_mmap_backing(struct file *file, unsigned long prot, unsigned long flags, struct mmap_file *backing);

/* ---- paths ---- */

#define LOOKUP_FOLLOW 0x1u	/* of the last component */
#define LOOKUP_DIRECTORY 0x2u
#define LOOKUP_EMPTY 0x4u	/* "" means dfd itself */
#define LOOKUP_PARENT 0x8u	/* stop before the last component */
#define LOOKUP_NO_MAGIC 0x10u
#define LOOKUP_NO_SYMLINKS 0x20u
#define LOOKUP_BENEATH 0x40u
#define LOOKUP_NO_XDEV 0x80u
#define LOOKUP_IN_ROOT 0x100u

/* A path copied from user space. */
#define FILENAME_INLINE 128
struct filename {
	char *text;
	size_t len;
	char inline_text[FILENAME_INLINE];
};
/* 0, -EFAULT, -ENOENT (empty, without LOOKUP_EMPTY), -ENAMETOOLONG, -ENOMEM. */
int getname(struct filename *name, const char *user, unsigned int flags);
void putname(struct filename *name);

/* The path's end with references. */
int path_lookup(int dfd, const char *text, unsigned int flags, struct path *path);
static inline int kern_path(const char *text, unsigned int flags, struct path *path)
{
	return path_lookup(AT_FDCWD, text, flags, path);
}
int user_path_at(int dfd, const char *user, unsigned int flags, struct path *path);

#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
int inode_permission(struct inode *inode, int mask);
/* With write: also whether the mount is read-only. */
int path_permission(const struct path *path, int mask);
bool inode_owner_or_capable(const struct inode *inode);

/* Calls of the kernel itself (initramfs, devices). Paths are the kernel's. 0 or -errno. */
int kern_mkdir(const char *path, umode_t mode);
int kern_mknod(const char *path, umode_t mode, dev_t dev);
int kern_symlink(const char *target, const char *path);
int kern_link(const char *old_path, const char *new_path);
int kern_unlink(const char *path);

/* ---- attributes ---- */

int notify_change(const struct path *path, struct iattr *attr);
int simple_setattr(struct inode *inode, const struct iattr *attr);
int do_truncate(const struct path *path, struct file *file, u64 length);
u64 current_time_ns(void);
void inode_touch(struct inode *inode); /* mtime and ctime are now */

/* Boot: caches, the root file system, the kernel's own mounts; then everything under kernel/dev. */
void vfs_init(void);
/* Unpacks the archive at [start, start + len) into the root. Panics when it is corrupt. */
void populate_rootfs(const void *start, size_t len);

#endif
