/* SPDX-License-Identifier: MIT */
/* tmpfs.c - super blocks of tmpfs and ramfs: options, limits, inodes' life. */
#include "fs/tmpfs.h"
#include "base/format.h"
#include "base/string.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/stats.h"

static struct kmem_cache *tmpfs_inode_cache;

#define TMPFS_PAGE 4096

/* ---- options ---- */

/* "123", with k, m, g or % of memory; -1: malformed. */
static s64 parse_size(const char *text, const char *end)
{
	u64 value = 0;

	if (text == end)
		return -1;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (u64)(*text - '0'), &value))
			return -1;
	if (text == end)
		return (s64)value;
	switch (*text | 0x20) {
	case 'g':
		value <<= 10;
		/* fall through */
	case 'm':
		value <<= 10;
		/* fall through */
	case 'k':
		value <<= 10;
		break;
	default:
		if (*text != '%')
			return -1;
		struct quire_sysinfo info;

		quire_sysinfo(&info);
		value = value * info.totalram / 100 * TMPFS_PAGE;
	}
	return text + 1 == end && (s64)value >= 0 ? (s64)value : -1;
}

static s64 parse_octal(const char *text, const char *end)
{
	s64 value = 0;

	if (text == end)
		return -1;
	for (; text < end; text++) {
		if (*text < '0' || *text > '7' || value > S_IALLUGO)
			return -1;
		value = value * 8 + *text - '0';
	}
	return value <= S_IALLUGO ? value : -1;
}

struct tmpfs_options {
	s64 blocks, inodes, mode, uid, gid; /* -1: not given */
};

static int parse_one(struct tmpfs_options *o, const char *key, size_t key_len, const char *value, const char *end)
{
	static const struct {
		const char *name;
		size_t offset;
	} keys[] = {
		{ "size", offsetof(struct tmpfs_options, blocks) }, { "nr_blocks", offsetof(struct tmpfs_options, blocks) },
		{ "nr_inodes", offsetof(struct tmpfs_options, inodes) }, { "mode", offsetof(struct tmpfs_options, mode) },
		{ "uid", offsetof(struct tmpfs_options, uid) }, { "gid", offsetof(struct tmpfs_options, gid) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		s64 number;

		if (strlen(keys[i].name) != key_len || memcmp(keys[i].name, key, key_len))
			continue;
		number = *keys[i].name == 'm' ? parse_octal(value, end) : parse_size(value, end);
		if (number < 0)
			return -EINVAL;
		if (*keys[i].name == 's')
			number = (number + TMPFS_PAGE - 1) / TMPFS_PAGE;
		*(s64 *)((char *)o + keys[i].offset) = number;
		return 0;
	}
	if (key_len == 4 && !memcmp(key, "huge", 4))
		return 0; /* a hint */
	return key_len ? -EINVAL : 0;
}

static int parse_options(struct tmpfs_options *o, const char *text)
{
	*o = (struct tmpfs_options){ -1, -1, -1, -1, -1 };
	while (*text) {
		const char *end = text + strcspn(text, ",");
		const char *equals = text + strcspn(text, "=,");
		int err = parse_one(o, text, (size_t)(equals - text), equals < end ? equals + 1 : end, end);

		if (err)
			return err;
		text = *end ? end + 1 : end;
	}
	return 0;
}

/* ---- inodes ---- */

static int account_pages(struct address_space *mapping, long nr)
{
	struct inode *inode = mapping->host;
	struct tmpfs_info *info = tmpfs_sb(inode->i_sb);
	long used;

	/* Nothing limits a ramfs, and nobody counts on its pages. */
	if (!info->ramfs && mm_commit_pages(nr))
		return -ENOSPC;
	used = atomic_long_add_return(nr, &info->used_blocks);
	if (nr > 0 && info->max_blocks && used > info->max_blocks) {
		atomic_long_sub(nr, &info->used_blocks);
		if (!info->ramfs)
			(void)mm_commit_pages(-nr);
		return -ENOSPC;
	}
	return 0;
}

static u64 mapping_size(struct address_space *mapping)
{
	return ((struct inode *)mapping->host)->i_size;
}

static void map_get_file(void *file)
{
	get_file(file);
}

static void map_put_file(void *file)
{
	fput(file);
}

/* Whoever calls has denied writing already, so that this cannot fail. */
static void map_deny_write(void *file)
{
	(void)exec_deny_write(file);
}

static void map_allow_write(void *file)
{
	exec_allow_write(file);
}

static int map_file_path(void *file, char *buf, size_t size)
{
	char *text = d_path_from(&((struct file *)file)->f_path, NULL, buf, size);
	size_t len;

	if (IS_ERR(text))
		return (int)PTR_ERR(text);
	len = strlen(text);
	memmove(buf, text, len + 1);
	return (int)len;
}

static void map_file_id(void *handle, u32 *major, u32 *minor, u64 *ino)
{
	const struct inode *inode = ((struct file *)handle)->f_inode;

	*major = MAJOR(inode->i_sb->s_dev);
	*minor = MINOR(inode->i_sb->s_dev);
	*ino = inode->i_ino;
}

static bool map_may_manage(void *handle)
{
	struct file *file = handle;

	return inode_owner_or_capable(file->f_inode) || !path_permission(&file->f_path, MAY_WRITE);
}

static int map_punch_hole(void *handle, u64 start, u64 end)
{
	struct file *file = handle;

	return (int)file->f_op->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, end - start);
}

static int map_mkwrite(struct address_space *mapping, struct page *page)
{
	inode_touch(mapping->host);
	return 0;
}

const struct address_space_operations tmpfs_mapping_ops = {
	.size = mapping_size,
	.account_pages = account_pages,
	.get_file = map_get_file,
	.put_file = map_put_file,
	.deny_write = map_deny_write,
	.allow_write = map_allow_write,
	.file_path = map_file_path,
	.file_id = map_file_id,
	.may_manage = map_may_manage,
	.punch_hole = map_punch_hole,
	.page_mkwrite = map_mkwrite,
};

static const struct inode_operations *iops_for(umode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return &tmpfs_file_iops;
	case S_IFDIR:
		return &tmpfs_dir_iops;
	case S_IFLNK:
		return &tmpfs_link_iops;
	default:
		return &tmpfs_special_iops;
	}
}

static struct inode *alloc_regular(struct super_block *sb, umode_t mode)
{
	struct tmpfs_inode *ti = kmem_cache_alloc(tmpfs_inode_cache, GFP_KERNEL);

	if (!ti)
		return NULL;
	inode_init(&ti->inode, sb, mode);
	ti->seals = F_SEAL_SEAL;
	address_space_init(&ti->mapping, &tmpfs_mapping_ops, &ti->inode, GFP_HIGHUSER_MOVABLE, 1ul << AS_SWAPBACKED);
	ti->inode.i_mapping = &ti->mapping;
	ti->inode.i_fop = &tmpfs_file_fops;
	return &ti->inode;
}

static bool inode_fits(struct tmpfs_info *info)
{
	long used = atomic_long_inc_return(&info->used_inodes);

	if (!info->max_inodes || used <= info->max_inodes)
		return true;
	atomic_long_dec(&info->used_inodes);
	return false;
}

struct inode *tmpfs_new_inode(struct super_block *sb, umode_t mode, dev_t rdev)
{
	struct tmpfs_info *info = tmpfs_sb(sb);
	struct inode *inode;

	if (!inode_fits(info))
		return ERR_PTR(-ENOSPC);
	inode = S_ISREG(mode) ? alloc_regular(sb, mode) : new_inode(sb, mode);
	if (!inode) {
		atomic_long_dec(&info->used_inodes);
		return ERR_PTR(-ENOMEM);
	}
	inode->i_rdev = rdev;
	inode->i_op = iops_for(mode);
	if (S_ISDIR(mode))
		tmpfs_dir_init(inode);
	return inode;
}

void tmpfs_evict(struct inode *inode)
{
	atomic_long_dec(&tmpfs_sb(inode->i_sb)->used_inodes);
	if (S_ISREG(inode->i_mode)) {
		address_space_destroy(inode->i_mapping);
		kmem_cache_free(tmpfs_inode_cache, tmpfs_i(inode));
		return;
	}
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_private);
	inode_free(inode);
}

/* ---- super blocks ---- */

static int tmpfs_statfs(struct super_block *sb, struct statfs64 *st)
{
	struct tmpfs_info *info = tmpfs_sb(sb);

	if (info->max_blocks) {
		long free = info->max_blocks - atomic_long_read(&info->used_blocks);

		st->f_blocks = (u64)info->max_blocks;
		st->f_bfree = st->f_bavail = free > 0 ? (u64)free : 0;
	}
	if (info->max_inodes) {
		st->f_files = (u64)info->max_inodes;
		st->f_ffree = (u64)(info->max_inodes - atomic_long_read(&info->used_inodes));
	}
	return 0;
}

static int tmpfs_remount(struct super_block *sb, const char *text)
{
	struct tmpfs_info *info = tmpfs_sb(sb);
	struct tmpfs_options o;
	int err = parse_options(&o, text);

	if (err || info->ramfs)
		return info->ramfs ? 0 : err;
	mutex_lock(&sb->s_lock);
	if ((o.blocks > 0 && o.blocks < atomic_long_read(&info->used_blocks)) ||
	    (o.inodes > 0 && o.inodes < atomic_long_read(&info->used_inodes))) {
		err = -EINVAL;
	} else {
		if (o.blocks >= 0)
			info->max_blocks = (long)o.blocks;
		if (o.inodes >= 0)
			info->max_inodes = (long)o.inodes;
	}
	mutex_unlock(&sb->s_lock);
	return err;
}

static int tmpfs_show_options(struct super_block *sb, char *buf, size_t size)
{
	struct tmpfs_info *info = tmpfs_sb(sb);
	const struct inode *root = sb->s_root->d_inode;
	int len = 0;

	buf[0] = 0;
	if (info->ramfs)
		return 0;
	if (info->max_blocks)
		len += quire_scnprintf(buf + len, size - len, ",size=%ldk", info->max_blocks * (TMPFS_PAGE / 1024));
	if (info->max_inodes)
		len += quire_scnprintf(buf + len, size - len, ",nr_inodes=%ld", info->max_inodes);
	if ((root->i_mode & S_IALLUGO) != (S_ISVTX | S_IRWXUGO))
		len += quire_scnprintf(buf + len, size - len, ",mode=%o", root->i_mode & S_IALLUGO);
	return len;
}

static void tmpfs_put_super(struct super_block *sb)
{
	kfree(sb->s_fs_info);
}

static const struct super_operations tmpfs_sops = {
	.evict = tmpfs_evict,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
	.put_super = tmpfs_put_super,
};

static void set_limits(struct tmpfs_info *info, const struct tmpfs_options *o)
{
	struct quire_sysinfo memory;

	quire_sysinfo(&memory);
	info->max_blocks = o->blocks >= 0 ? (long)o->blocks : (long)(memory.totalram / 2);
	info->max_inodes = o->inodes >= 0 ? (long)o->inodes : (long)(memory.totalram / 2);
}

struct super_block *tmpfs_fill(struct file_system_type *type, u64 magic, const char *options, bool limits)
{
	struct super_block *sb = sb_alloc(type, &tmpfs_sops, magic, SB_TREE_IN_MEMORY);
	struct tmpfs_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	struct tmpfs_options o;
	struct inode *root;
	int err = parse_options(&o, options);

	if (!sb || !info) {
		kfree(sb);
		kfree(info);
		return ERR_PTR(-ENOMEM);
	}
	sb->s_fs_info = info;
	info->ramfs = !limits;
	if (!err && limits)
		set_limits(info, &o);
	root = err ? ERR_PTR(err) : tmpfs_new_inode(sb, S_IFDIR | S_ISVTX | S_IRWXUGO, 0);
	if (!IS_ERR(root)) {
		if (o.mode >= 0)
			root->i_mode = S_IFDIR | (umode_t)o.mode;
		if (o.uid >= 0)
			root->i_uid = (u32)o.uid;
		if (o.gid >= 0)
			root->i_gid = (u32)o.gid;
		sb->s_root = d_alloc_root(sb, root);
	}
	if (IS_ERR(root) || !sb->s_root) {
		sb_put(sb);
		return IS_ERR(root) ? (struct super_block *)root : ERR_PTR(-ENOMEM);
	}
	return sb;
}

static struct super_block *tmpfs_mount(struct file_system_type *type, const char *source, const char *options)
{
	return tmpfs_fill(type, TMPFS_MAGIC, options, true);
}

static struct super_block *ramfs_mount(struct file_system_type *type, const char *source, const char *options)
{
	struct super_block *sb = tmpfs_fill(type, RAMFS_MAGIC, options, false);

	if (!IS_ERR(sb) && !*options)
		sb->s_root->d_inode->i_mode = S_IFDIR | 0755;
	return sb;
}

struct file_system_type tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount };
struct file_system_type ramfs_type = { .name = "ramfs", .mount = ramfs_mount };

void tmpfs_init(void)
{
	tmpfs_inode_cache = KMEM_CACHE(tmpfs_inode, SLAB_PANIC | SLAB_RECLAIM_ACCOUNT);
	register_filesystem(&tmpfs_type);
	register_filesystem(&ramfs_type);
}
