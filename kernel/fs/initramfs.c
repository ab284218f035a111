/* SPDX-License-Identifier: MIT */
/* initramfs.c - unpacks the loader's archive into the root: "newc" cpio, plain or gzip, one or several after another. */
#include "base/math.h"
#include "base/string.h"
#include "dev/chrdev.h"
#include "fs/namei.h"
#include "lib/inflate.h"
#include "lib/printk.h"
#include "quire/errno.h"
#include "quire/slab.h"

#define HEADER_BYTES 110
#define NR_FIELDS 13

enum cpio_field { F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_MAJ, F_MIN, F_RMAJ, F_RMIN, F_NAMELEN, F_CRC };

enum unpack_state { WANT_HEADER, WANT_NAME, WANT_LINK, WANT_DATA, SKIP_PAD };

struct hard_link {
	struct hard_link *next;
	u32 ino, major, minor;
	char name[];
};

struct unpack {
	struct inflate_sink sink;	/* first: gunzip's output comes here */
	enum unpack_state state;
	u32 field[NR_FIELDS];
	char *buf;			/* PATH_MAX + 1: header, name or target being collected */
	char *name;			/* PATH_MAX + 1 */
	size_t have;
	u64 left;			/* of the data */
	unsigned int pad;		/* bytes to skip up to a multiple of four */
	u64 offset;			/* of the archive: padding counts from its start */
	struct file *file;		/* being written */
	u64 pos;
	struct hard_link *links;
	bool entries;			/* at least one archive was read to its end */
};

/* ---- one entry ---- */

static bool parse_header(struct unpack *u)
{
	const char *at = u->buf + 6;

	if (memcmp(u->buf, "07070", 5) || (u->buf[5] != '1' && u->buf[5] != '2'))
		return false;
	for (int i = 0; i < NR_FIELDS; i++) {
		u32 value = 0;

		for (int k = 0; k < 8; k++) {
			char c = *at++;
			unsigned int digit = c >= '0' && c <= '9' ? (unsigned int)(c - '0') :
					     c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a' + 10) :
					     c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A' + 10) : 16;

			if (digit > 15)
				return false;
			value = value << 4 | digit;
		}
		u->field[i] = value;
	}
	return true;
}

static void forget_links(struct unpack *u)
{
	struct hard_link *link;

	while ((link = u->links)) {
		u->links = link->next;
		kfree(link);
	}
}

/* An earlier name of the same file: linked now. 1: done, 0: this is the first, or -errno. */
static int try_link(struct unpack *u)
{
	struct hard_link *link;
	size_t len;

	if (u->field[F_NLINK] < 2)
		return 0;
	for (link = u->links; link; link = link->next)
		if (link->ino == u->field[F_INO] && link->major == u->field[F_MAJ] && link->minor == u->field[F_MIN]) {
			int err = kern_link(link->name, u->name);

			return err ? err : 1;
		}
	len = strlen(u->name);
	link = kmalloc(sizeof(*link) + len + 1, GFP_KERNEL);
	if (!link)
		return -ENOMEM;
	link->ino = u->field[F_INO];
	link->major = u->field[F_MAJ];
	link->minor = u->field[F_MIN];
	memcpy(link->name, u->name, len + 1);
	link->next = u->links;
	u->links = link;
	return 0;
}

/* Takes away what has the name, unless it is a directory and is to be one. */
static void make_way(const char *name, umode_t mode)
{
	struct path path;
	umode_t old;

	if (kern_path(name, 0, &path))
		return;
	old = path.dentry->d_inode->i_mode;
	path_put(&path);
	if (!S_ISDIR(old))
		kern_unlink(name);
	else if (!S_ISDIR(mode))
		do_unlinkat(AT_FDCWD, name, false, true);
}

static void set_owner_and_time(struct unpack *u)
{
	struct path path;
	struct inode *inode;

	if (kern_path(u->name, 0, &path))
		return;
	inode = path.dentry->d_inode;
	inode->i_uid = u->field[F_UID];
	inode->i_gid = u->field[F_GID];
	if (!S_ISLNK(inode->i_mode))
		inode->i_mode = (inode->i_mode & S_IFMT) | (u->field[F_MODE] & S_IALLUGO);
	inode->i_mtime = (u64)u->field[F_MTIME] * 1000000000ull;
	path_put(&path);
}

static const char *start_file(struct unpack *u)
{
	int linked = try_link(u);

	if (linked < 0)
		return "cannot link";
	if (linked && !u->left)
		return NULL;
	u->file = filp_open(u->name, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, u->field[F_MODE] & S_IALLUGO);
	if (IS_ERR(u->file)) {
		u->file = NULL;
		return "cannot create a file";
	}
	u->pos = 0;
	return NULL;
}

static const char *start_entry(struct unpack *u)
{
	umode_t mode = u->field[F_MODE];
	int err = 0;

	u->left = u->field[F_SIZE];
	u->state = WANT_DATA;
	if (!strcmp(u->name, "TRAILER!!!")) {
		forget_links(u);
		u->entries = true;
		u->offset = 0;
		u->pad = 0;
		u->state = WANT_HEADER;
		return NULL;
	}
	if (S_ISLNK(mode)) {
		if (u->left >= PATH_MAX)
			return "symbolic link too long";
		u->state = WANT_LINK;
		return NULL;
	}
	if (!S_ISREG(mode) || u->field[F_NLINK] < 2)
		make_way(u->name, mode);
	if (S_ISREG(mode))
		return start_file(u);
	if (S_ISDIR(mode))
		err = kern_mkdir(u->name, mode);
	else if ((mode & S_IFMT) && !try_link(u))
		err = kern_mknod(u->name, mode, MKDEV(u->field[F_RMAJ], u->field[F_RMIN]));
	if (err && err != -EEXIST)
		return err == -ENOMEM ? "no memory" : "cannot create an entry";
	set_owner_and_time(u);
	return NULL;
}

static void end_entry(struct unpack *u)
{
	if (u->file) {
		fput(u->file);
		u->file = NULL;
		set_owner_and_time(u);
	}
	u->pad = (unsigned int)(-u->offset & 3);
	u->state = u->pad ? SKIP_PAD : WANT_HEADER;
}

/* ---- the stream ---- */

/* Collects `want` bytes into buf. True when they are there. */
static bool collect(struct unpack *u, size_t want, const u8 **in, size_t *len)
{
	size_t part = min(want - u->have, *len);

	memcpy(u->buf + u->have, *in, part);
	u->have += part;
	u->offset += part;
	*in += part;
	*len -= part;
	if (u->have < want)
		return false;
	u->have = 0;
	return true;
}

static const char *on_header(struct unpack *u, const u8 **in, size_t *len)
{
	if (!u->have && **in == 0 && !(u->offset & 3)) { /* between archives */
		(*in)++;
		(*len)--;
		return NULL;
	}
	if (!collect(u, HEADER_BYTES, in, len))
		return NULL;
	if (!parse_header(u))
		return "no cpio magic";
	if (u->field[F_NAMELEN] == 0 || u->field[F_NAMELEN] > PATH_MAX)
		return "name too long";
	u->state = WANT_NAME;
	return NULL;
}

static const char *on_name(struct unpack *u, const u8 **in, size_t *len)
{
	/* The padding behind the name is read with it. */
	size_t want = u->field[F_NAMELEN] + (-(HEADER_BYTES + u->field[F_NAMELEN]) & 3);

	if (!collect(u, want, in, len))
		return NULL;
	u->buf[u->field[F_NAMELEN] - 1] = 0;
	strscpy(u->name, u->buf, PATH_MAX);
	return start_entry(u);
}

static const char *on_link(struct unpack *u, const u8 **in, size_t *len)
{
	int err;

	if (u->left && !collect(u, (size_t)u->left, in, len))
		return NULL;
	u->buf[u->left] = 0;
	make_way(u->name, S_IFLNK);
	err = u->left ? kern_symlink(u->buf, u->name) : 0;
	if (err)
		return err == -ENOMEM ? "no memory" : "cannot create a symbolic link";
	set_owner_and_time(u);
	end_entry(u);
	return NULL;
}

static const char *on_data(struct unpack *u, const u8 **in, size_t *len)
{
	size_t part = (size_t)min(u->left, (u64)*len);

	if (u->file && part && kernel_write(u->file, *in, part, &u->pos) != (long)part)
		return "write error (is the memory full?)";
	*in += part;
	*len -= part;
	u->offset += part;
	u->left -= part;
	if (!u->left)
		end_entry(u);
	return NULL;
}

static void on_pad(struct unpack *u, const u8 **in, size_t *len)
{
	size_t part = min((size_t)u->pad, *len);

	*in += part;
	*len -= part;
	u->offset += part;
	u->pad -= (unsigned int)part;
	if (!u->pad)
		u->state = WANT_HEADER;
}

/* Empty files, links and pads end without a byte more. */
static bool needs_no_input(const struct unpack *u)
{
	if (u->state == SKIP_PAD)
		return !u->pad;
	return (u->state == WANT_DATA || u->state == WANT_LINK) && !u->left;
}

/* Takes bytes of the archive. Stops early (with *len left) only on an error. */
static const char *feed(struct unpack *u, const u8 **in, size_t *len)
{
	const char *error = NULL;

	while (!error && (*len || needs_no_input(u))) {
		switch (u->state) {
		case WANT_HEADER:
			error = on_header(u, in, len);
			break;
		case WANT_NAME:
			error = on_name(u, in, len);
			break;
		case WANT_LINK:
			error = on_link(u, in, len);
			break;
		case WANT_DATA:
			error = on_data(u, in, len);
			break;
		case SKIP_PAD:
			on_pad(u, in, len);
			break;
		}
	}
	return error;
}

static const char *feed_unpacked(struct inflate_sink *sink, const unsigned char *bytes, size_t len)
{
	return feed((struct unpack *)sink, &bytes, &len);
}

static bool at_boundary(const struct unpack *u)
{
	return u->state == WANT_HEADER && !u->have;
}

/* How far the plain archives go: the next gzip member begins on a boundary, after zeros. */
static const char *unpack_all(struct unpack *u, const u8 *in, size_t len)
{
	while (len) {
		const char *error;
		size_t used;

		if (at_boundary(u) && *in == 0) {
			in++;
			len--;
			continue;
		}
		if (at_boundary(u) && is_gzip(in, len)) {
			u->offset = 0;
			error = gunzip(in, len, &used, &u->sink);
			in += used;
			len -= used;
		} else if (at_boundary(u) && u->entries && (len < 6 || memcmp(in, "07070", 5))) {
			pr_warn("initramfs: %zu bytes of something else follow the archive, ignored", len);
			return NULL;
		} else {
			/* One entry at a time, so that boundaries are seen. */
			size_t part = min(len, u->state == WANT_DATA ? (size_t)u->left : (size_t)1);

			if (u->state == WANT_HEADER)
				part = min(len, HEADER_BYTES - u->have);
			else if (u->state == WANT_NAME)
				part = min(len, u->field[F_NAMELEN] + (-(HEADER_BYTES + u->field[F_NAMELEN]) & 3) - u->have);
			else if (u->state == WANT_LINK)
				part = min(len, (size_t)u->left - u->have);
			else if (u->state == SKIP_PAD)
				part = min(len, (size_t)u->pad);
			used = part;
			error = feed(u, &in, &part);
			len -= used;
		}
		if (error)
			return error;
	}
	if (!u->entries)
		return at_boundary(u) ? "empty archive" : "archive is truncated";
	return at_boundary(u) ? NULL : "archive is truncated";
}

/* The first program needs its console: when the archive has none, the devices are mounted for it. */
static void mount_dev(void)
{
	struct path console;
	int err;

	if (!kern_path("/dev/console", LOOKUP_FOLLOW, &console)) {
		path_put(&console);
		return;
	}
	kern_mkdir("/dev", 0755);
	err = do_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (err)
		pr_err("devtmpfs: error mounting %d", err);
}

void populate_rootfs(const void *start, size_t len)
{
	struct unpack u = { .sink.flush = feed_unpacked };
	const char *error = "no memory";

	u.buf = kmalloc(PATH_MAX + 8, GFP_KERNEL);
	u.name = kmalloc(PATH_MAX + 8, GFP_KERNEL);
	if (u.buf && u.name)
		error = unpack_all(&u, start, len);
	if (u.file)
		fput(u.file);
	forget_links(&u);
	kfree(u.buf);
	kfree(u.name);
	if (error)
		panic("Initramfs unpacking failed: %s", error);
	mount_dev();
}
