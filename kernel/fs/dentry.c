/* SPDX-License-Identifier: MIT */
/* dentry.c - directory entries: their hash, their life, moving them, and the way back from an entry to its path. */
#include "fs/dcache.h"
#include "arch/current.h"
#include "base/string.h"
#include "fs/fs_struct.h"
#include "quire/errno.h"
#include "quire/slab.h"

DEFINE_SPINLOCK(dcache_lock, LOCK_HOST_SPIN);
unsigned int names_seq;

static struct kmem_cache *dentry_cache;
static struct hlist_head *buckets;

/* Small: a busybox system has some hundred entries, and a full directory of a thousand still walks short chains. */
#define DCACHE_BITS 9

void dcache_init(void)
{
	dentry_cache = KMEM_CACHE(dentry, SLAB_PANIC | SLAB_RECLAIM_ACCOUNT);
	buckets = kcalloc(1u << DCACHE_BITS, sizeof(*buckets), GFP_KERNEL | __GFP_NOFAIL);
}

static inline u32 name_hash(const struct dentry *parent, const char *name, size_t len)
{
	u32 hash = (u32)((uintptr_t)parent >> 6);

	for (size_t i = 0; i < len; i++)
		hash = hash * 31 + (unsigned char)name[i];
	return hash;
}

static inline struct hlist_head *bucket_of(u32 hash)
{
	return &buckets[hash * 0x9e3779b1u >> (32 - DCACHE_BITS)];
}

bool d_unhashed(const struct dentry *dentry)
{
	return !(READ_ONCE(dentry->d_flags) & DCACHE_HASHED);
}

static void hash_locked(struct dentry *dentry)
{
	hlist_add_head(&dentry->d_link, bucket_of(dentry->d_hash));
	dentry->d_flags |= DCACHE_HASHED;
}

/* The entry's next pointer stays: somebody may stand on it under RCU. */
static void unhash_locked(struct dentry *dentry)
{
	if (!(dentry->d_flags & DCACHE_HASHED))
		return;
	__hlist_del(&dentry->d_link);
	dentry->d_flags &= ~DCACHE_HASHED;
}

static inline bool d_matches(const struct dentry *dentry, const struct dentry *parent, u32 hash, const char *name,
			     size_t len)
{
	return dentry->d_hash == hash && dentry->d_parent == parent && dentry->d_len == len &&
	       memcmp(dentry->d_name, name, len) == 0;
}

static struct dentry *find_hashed(struct dentry *parent, u32 hash, const char *name, size_t len)
{
	struct hlist_node *node;

	for (node = READ_ONCE(bucket_of(hash)->first); node; node = READ_ONCE(node->next)) {
		struct dentry *dentry = hlist_entry(node, struct dentry, d_link);

		if (d_matches(dentry, parent, hash, name, len) && refcount_inc_not_zero(&dentry->d_count))
			return dentry;
	}
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const char *name, size_t len)
{
	u32 hash = name_hash(parent, name, len);
	struct dentry *found;
	unsigned int seq;

	rcu_read_lock();
	do {
		seq = smp_load_acquire(&names_seq);
		found = find_hashed(parent, hash, name, len);
		/* A miss counts only if no rename moved entries between chains meanwhile. */
	} while (unlikely(!found && ((seq & 1) || names_seq_changed(seq))));
	rcu_read_unlock();
	return found;
}

static void dentry_free_rcu(struct rcu_head *head)
{
	struct dentry *dentry = container_of(head, struct dentry, d_rcu);

	if (dentry->d_name != dentry->d_iname)
		kfree(container_of(dentry->d_name, struct qstr, text[0]));
	kmem_cache_free(dentry_cache, dentry);
}

static int set_name(struct dentry *dentry, const char *name, size_t len, bool external)
{
	char *to = dentry->d_iname;

	if (external || len >= DNAME_INLINE) {
		struct qstr *q = kmalloc(sizeof(*q) + len + 1, GFP_KERNEL);

		if (!q)
			return -ENOMEM;
		to = q->text;
	}
	memcpy(to, name, len);
	to[len] = 0;
	dentry->d_len = (u32)len;
	WRITE_ONCE(dentry->d_name, to);
	return 0;
}

static struct dentry *dentry_new(struct super_block *sb, const char *name, size_t len)
{
	struct dentry *dentry = kmem_cache_alloc(dentry_cache, GFP_KERNEL);

	if (!dentry)
		return NULL;
	if (set_name(dentry, name, len, false)) {
		kmem_cache_free(dentry_cache, dentry);
		return NULL;
	}
	refcount_set(&dentry->d_count, 1);
	dentry->d_hash = 0;
	dentry->d_flags = 0;
	dentry->d_parent = dentry;
	dentry->d_inode = NULL;
	dentry->d_sb = sb;
	INIT_LIST_HEAD(&dentry->d_child);
	INIT_LIST_HEAD(&dentry->d_children);
	dentry->d_off = 0;
	dentry->d_next_off = 2; /* after "." and ".." */
	return dentry;
}

struct dentry *d_alloc(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *dentry = dentry_new(parent->d_sb, name, len);

	if (dentry) {
		dentry->d_parent = dget(parent);
		dentry->d_hash = name_hash(parent, name, len);
	}
	return dentry;
}

struct dentry *d_alloc_root(struct super_block *sb, struct inode *inode)
{
	struct dentry *dentry = dentry_new(sb, "/", 1);

	if (!dentry) {
		iput(inode);
		return NULL;
	}
	dentry->d_inode = inode;
	return dentry;
}

struct dentry *d_alloc_anon(struct super_block *sb, struct inode *inode, const char *name)
{
	struct dentry *dentry = dentry_new(sb, name, strlen(name));

	if (!dentry) {
		iput(inode);
		return NULL;
	}
	dentry->d_inode = inode;
	dentry->d_flags = DCACHE_ANON;
	return dentry;
}

void dput(struct dentry *dentry)
{
	while (dentry && refcount_dec_and_test(&dentry->d_count)) {
		struct dentry *parent = dentry->d_parent != dentry ? dentry->d_parent : NULL;
		struct inode *inode = dentry->d_inode;

		if (dentry->d_flags & DCACHE_HASHED) {
			spin_lock(&dcache_lock);
			unhash_locked(dentry);
			spin_unlock(&dcache_lock);
		}
		call_rcu(&dentry->d_rcu, dentry_free_rcu);
		iput(inode);
		dentry = parent;
	}
}

static void link_child(struct dentry *dentry, struct dentry *parent)
{
	dentry->d_off = parent->d_next_off++;
	list_add_tail(&dentry->d_child, &parent->d_children);
}

void d_instantiate(struct dentry *dentry, struct inode *inode)
{
	dentry->d_inode = inode;
	if (dentry->d_sb->s_flags & SB_TREE_IN_MEMORY) {
		link_child(dentry, dentry->d_parent);
		dget(dentry);
	}
	spin_lock(&dcache_lock);
	hash_locked(dentry);
	spin_unlock(&dcache_lock);
}

/* Hashes an entry unless its name has appeared meanwhile; then that one is returned instead. */
static struct dentry *d_add_unique(struct dentry *dentry)
{
	struct dentry *other;

	spin_lock(&dcache_lock);
	other = find_hashed(dentry->d_parent, dentry->d_hash, dentry->d_name, dentry->d_len);
	if (!other)
		hash_locked(dentry);
	spin_unlock(&dcache_lock);
	if (!other)
		return dentry;
	dput(dentry);
	return other;
}

struct dentry *lookup_one(struct dentry *parent, const char *name, size_t len)
{
	struct dentry *dentry = d_lookup(parent, name, len);
	struct inode *dir = parent->d_inode, *inode;
	bool hash_it = false;

	if (likely(dentry))
		return dentry;
	if (len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	if (!dir->i_op->lookup)
		return ERR_PTR(-ENOENT);
	inode = dir->i_op->lookup(dir, name, len, &hash_it);
	if (!inode)
		return ERR_PTR(-ENOENT);
	if (IS_ERR(inode))
		return ERR_PTR(PTR_ERR(inode));
	dentry = d_alloc(parent, name, len);
	if (!dentry) {
		iput(inode);
		return ERR_PTR(-ENOMEM);
	}
	dentry->d_inode = inode;
	return hash_it ? d_add_unique(dentry) : dentry;
}

void d_remove(struct dentry *dentry)
{
	list_del_init(&dentry->d_child);
	spin_lock(&dcache_lock);
	unhash_locked(dentry);
	dentry->d_flags |= DCACHE_UNLINKED;
	spin_unlock(&dcache_lock);
	dput(dentry);
}

static void qstr_free_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct qstr, rcu));
}

void names_write_begin(void)
{
	spin_lock(&dcache_lock);
	WRITE_ONCE(names_seq, names_seq + 1);
	smp_wmb();
}

void names_write_end(void)
{
	smp_store_release(&names_seq, names_seq + 1);
	spin_unlock(&dcache_lock);
}

struct qstr *qstr_alloc(const char *name, size_t len)
{
	struct qstr *q = kmalloc(sizeof(*q) + len + 1, GFP_KERNEL);

	if (!q)
		return NULL;
	q->len = (u32)len;
	memcpy(q->text, name, len);
	q->text[len] = 0;
	return q;
}

/* What a move leaves behind. */
struct old_place {
	struct dentry *parent;
	const char *name;
	const char *iname;
};

static struct old_place move_locked(struct dentry *dentry, struct dentry *new_parent, struct qstr *q)
{
	struct old_place old = { dentry->d_parent, dentry->d_name, dentry->d_iname };

	list_del(&dentry->d_child);
	link_child(dentry, new_parent);
	unhash_locked(dentry);
	WRITE_ONCE(dentry->d_parent, new_parent);
	WRITE_ONCE(dentry->d_name, q->text);
	dentry->d_len = q->len;
	dentry->d_hash = name_hash(new_parent, q->text, q->len);
	hash_locked(dentry);
	return old;
}

static void forget(const struct old_place *old)
{
	dput(old->parent);
	if (old->name != old->iname)
		call_rcu(&container_of(old->name, struct qstr, text[0])->rcu, qstr_free_rcu);
}

void d_move(struct dentry *dentry, struct dentry *new_parent, struct qstr *name)
{
	struct old_place old;

	dget(new_parent);
	names_write_begin();
	old = move_locked(dentry, new_parent, name);
	names_write_end();
	forget(&old);
}

void d_exchange(struct dentry *a, struct dentry *b, struct qstr *name_of_a, struct qstr *name_of_b)
{
	struct dentry *parent_a = dget(a->d_parent), *parent_b = dget(b->d_parent);
	struct old_place old_a, old_b;

	names_write_begin();
	old_a = move_locked(a, parent_b, name_of_b);
	old_b = move_locked(b, parent_a, name_of_a);
	names_write_end();
	forget(&old_a);
	forget(&old_b);
}

void d_destroy_tree(struct dentry *root)
{
	struct dentry *dentry = root;

	for (;;) {
		struct dentry *parent;

		while (!list_empty(&dentry->d_children))
			dentry = list_first_entry(&dentry->d_children, struct dentry, d_child);
		if (dentry == root)
			return;
		parent = dentry->d_parent;
		d_remove(dentry);
		dentry = parent;
	}
}

/* ---- from an entry to its path ---- */

struct path_buf {
	char *start, *at;
};

static bool prepend(struct path_buf *b, const char *text, size_t len)
{
	if ((size_t)(b->at - b->start) < len)
		return false;
	b->at -= len;
	memcpy(b->at, text, len);
	return true;
}

static bool same_path(const struct mount *mnt, const struct dentry *dentry, const struct path *root)
{
	return root && dentry == root->dentry && mnt == root->mnt;
}

/* Under RCU, and checked by names_seq: what it reads may be stale, but it is memory. */
static bool prepend_path(struct path_buf *b, const struct path *path, const struct path *root)
{
	const struct dentry *dentry = path->dentry;
	const struct mount *mnt = path->mnt;
	const char *end = b->at;

	while (!same_path(mnt, dentry, root)) {
		const struct dentry *parent = READ_ONCE(dentry->d_parent);

		if (dentry == mnt->mnt_root || dentry == parent) {
			const struct mount *up = READ_ONCE(mnt->mnt_parent);

			if (!up || up == mnt) {
				if (!root || up == mnt)
					break;
				return prepend(b, "(unreachable)", 13);
			}
			dentry = READ_ONCE(mnt->mnt_mountpoint);
			mnt = up;
			continue;
		}
		if (!prepend(b, READ_ONCE(dentry->d_name), strlen(READ_ONCE(dentry->d_name))) || !prepend(b, "/", 1))
			return false;
		dentry = parent;
	}
	return b->at != end || prepend(b, "/", 1);
}

static char *anon_path(const struct path *path, char *buf, size_t size)
{
	const struct inode *inode = path->dentry->d_inode;
	const char *name = path->dentry->d_name;
	int len;

	if (S_ISREG(inode->i_mode))
		len = quire_scnprintf(buf, size, "/%s (deleted)", name);
	else if (S_ISFIFO(inode->i_mode) || S_ISSOCK(inode->i_mode))
		len = quire_scnprintf(buf, size, "%s:[%llu]", name, (unsigned long long)inode->i_ino);
	else
		len = quire_scnprintf(buf, size, "anon_inode:%s", name);
	memmove(buf + size - len - 1, buf, (size_t)len + 1);
	return buf + size - len - 1;
}

char *d_path_from(const struct path *path, const struct path *root, char *buf, size_t size)
{
	struct path_buf b;
	unsigned int seq;
	bool fits;

	if (path->dentry->d_flags & DCACHE_ANON)
		return anon_path(path, buf, size);
	rcu_read_lock();
	do {
		do {
			seq = smp_load_acquire(&names_seq);
		} while (seq & 1);
		b = (struct path_buf){ buf, buf + size };
		fits = prepend(&b, "", 1) &&
		       (!(path->dentry->d_flags & DCACHE_UNLINKED) || prepend(&b, " (deleted)", 10)) &&
		       prepend_path(&b, path, root);
	} while (names_seq_changed(seq));
	rcu_read_unlock();
	return fits ? b.at : ERR_PTR(-ENAMETOOLONG);
}

char *d_path(const struct path *path, char *buf, size_t size)
{
	struct fs_struct *fs = current->fs;
	struct path root;
	char *text;

	if (!fs)
		return d_path_from(path, NULL, buf, size);
	get_fs_root(fs, &root);
	text = d_path_from(path, &root, buf, size);
	path_put(&root);
	return text;
}
