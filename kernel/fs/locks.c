/* SPDX-License-Identifier: MIT */
/* locks.c - advisory locks: flock(2) of whole files, fcntl(2) locks of byte ranges by process and by open file. */
#include "base/format.h"
#include "fs/fdtable.h"
#include "fs/special.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "sched/wait.h"

enum lock_kind { KIND_FLOCK, KIND_POSIX, KIND_OFD };

struct file_lock {
	struct list_head link;		/* in the file's context */
	struct list_head all;		/* in lock_list */
	struct inode *inode;
	enum lock_kind kind;
	int type;			/* F_RDLCK, F_WRLCK */
	const void *owner;		/* files_struct, or the open file */
	pid_t pid;
	u64 start, end;			/* bytes, both included */
};

struct file_lock_context {
	struct list_head locks;		/* posix and OFD ones of one owner lie in rising order */
};

static DEFINE_SPINLOCK(lock_lock, LOCK_HOST_SPIN);	/* all of it: locks are few */
static LIST_HEAD(lock_list);
static DEFINE_WAITQ(lock_wait);				/* woken whenever a lock goes or shrinks */

static struct file_lock_context *get_context(struct inode *inode)
{
	struct file_lock_context *ctx = READ_ONCE(inode->i_flctx), *other = NULL;

	if (ctx)
		return ctx;
	ctx = kmalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return NULL;
	INIT_LIST_HEAD(&ctx->locks);
	spin_lock(&lock_lock);
	other = inode->i_flctx;
	if (!other)
		inode->i_flctx = ctx;
	spin_unlock(&lock_lock);
	if (!other)
		return ctx;
	kfree(ctx);
	return other;
}

void file_locks_free(struct inode *inode)
{
	kfree(inode->i_flctx);
	inode->i_flctx = NULL;
}

static void unlink_lock(struct file_lock *lock, struct list_head *dead)
{
	list_del(&lock->all);
	list_move(&lock->link, dead);
}

static void free_locks(struct list_head *dead)
{
	struct file_lock *lock, *next;

	list_for_each_entry_safe(lock, next, dead, link)
		kfree(lock);
}

static bool same_class(const struct file_lock *a, const struct file_lock *b)
{
	return (a->kind == KIND_FLOCK) == (b->kind == KIND_FLOCK);
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	return same_class(a, b) && a->owner != b->owner && (a->type == F_WRLCK || b->type == F_WRLCK) &&
	       a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(struct file_lock_context *ctx, const struct file_lock *want)
{
	struct file_lock *lock;

	list_for_each_entry(lock, &ctx->locks, link)
		if (conflicts(lock, want))
			return lock;
	return NULL;
}

static void insert(struct file_lock_context *ctx, struct file_lock *lock)
{
	list_add_tail(&lock->link, &ctx->locks);
	list_add_tail(&lock->all, &lock_list);
}

/* Takes [start, end] away from what the owner has. `spare` is used when a lock is cut in two. */
static void carve(struct file_lock_context *ctx, const struct file_lock *hole, struct file_lock **spare,
		  struct list_head *dead)
{
	struct file_lock *lock, *next;

	list_for_each_entry_safe(lock, next, &ctx->locks, link) {
		if (!same_class(lock, hole) || lock->owner != hole->owner || lock->start > hole->end ||
		    hole->start > lock->end)
			continue;
		if (lock->start < hole->start && lock->end > hole->end) {
			struct file_lock *rest = *spare;

			*spare = NULL;
			*rest = *lock;
			rest->start = hole->end + 1;
			lock->end = hole->start - 1;
			insert(ctx, rest);
			return;
		}
		if (lock->start < hole->start)
			lock->end = hole->start - 1;
		else if (lock->end > hole->end)
			lock->start = hole->end + 1;
		else
			unlink_lock(lock, dead);
	}
}

/* Grows `lock` over the owner's locks of its type that touch it. */
static void merge(struct file_lock_context *ctx, struct file_lock *lock, struct list_head *dead)
{
	struct file_lock *other, *next;

	list_for_each_entry_safe(other, next, &ctx->locks, link) {
		if (!same_class(other, lock) || other->owner != lock->owner || other->type != lock->type)
			continue;
		if (other->end + 1 == lock->start)
			lock->start = other->start;
		else if (lock->end != ~0ull && lock->end + 1 == other->start)
			lock->end = other->end;
		else
			continue;
		unlink_lock(other, dead);
	}
}

/* One try. 0, -EAGAIN on a conflict. want->type F_UNLCK gives up. */
static int apply(struct file_lock_context *ctx, struct file_lock *want, struct file_lock **spare,
		 struct list_head *dead)
{
	if (want->type != F_UNLCK && find_conflict(ctx, want))
		return -EAGAIN;
	carve(ctx, want, spare, dead);
	if (want->type != F_UNLCK) {
		merge(ctx, want, dead);
		insert(ctx, want);
	}
	return 0;
}

static int try_apply(struct file_lock_context *ctx, struct file_lock *want, struct file_lock **spare)
{
	LIST_HEAD(dead);
	int err;

	spin_lock(&lock_lock);
	err = apply(ctx, want, spare, &dead);
	spin_unlock(&lock_lock);
	free_locks(&dead);
	if (!err)
		waitq_wake_all(&lock_wait);
	return err;
}

/* Takes a lock that is filled in. wait: sleep until it is free. */
static int set_lock(struct inode *inode, const struct file_lock *template, bool wait)
{
	struct file_lock_context *ctx = get_context(inode);
	struct file_lock *want = kmalloc(sizeof(*want), GFP_KERNEL), *spare = kmalloc(sizeof(*spare), GFP_KERNEL);
	int err = -ENOLCK;

	if (ctx && want && spare) {
		*want = *template;
		want->inode = inode;
		err = try_apply(ctx, want, &spare);
		if (err && wait) {
			int last = err, stop = waitq_wait_interruptible(&lock_wait,
									!(last = try_apply(ctx, want, &spare)));

			err = stop ? stop : last;
		}
	}
	if (err || template->type == F_UNLCK)
		kfree(want);
	kfree(spare);
	return err;
}

/* ---- flock ---- */

int do_flock(struct file *file, unsigned int how)
{
	struct file_lock lock = { .kind = KIND_FLOCK, .owner = file, .pid = current->tgid, .start = 0, .end = ~0ull };

	switch (how & ~(unsigned int)LOCK_NB) {
	case LOCK_SH:
		lock.type = F_RDLCK;
		break;
	case LOCK_EX:
		lock.type = F_WRLCK;
		break;
	case LOCK_UN:
		lock.type = F_UNLCK;
		if (!file->f_inode->i_flctx)
			return 0;
		break;
	default:
		return -EINVAL;
	}
	return set_lock(file->f_inode, &lock, !(how & LOCK_NB));
}

/* ---- fcntl ---- */

static int to_range(struct file *file, const struct flock *flock, struct file_lock *lock)
{
	s64 start = flock->l_start, base = 0;

	switch (flock->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (s64)file->f_pos;
		break;
	case SEEK_END:
		base = (s64)file->f_inode->i_size;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(start, base, &start))
		return -EOVERFLOW;
	if (flock->l_len < 0 && __builtin_add_overflow(start, flock->l_len, &start))
		return -EINVAL;
	if (start < 0)
		return -EINVAL;
	lock->start = (u64)start;
	lock->end = ~0ull;
	if (flock->l_len > 0)
		lock->end = (u64)start + (u64)flock->l_len - 1;
	else if (flock->l_len < 0)
		lock->end = (u64)start - (u64)flock->l_len - 1;
	return lock->end != ~0ull && (s64)lock->end < 0 ? -EOVERFLOW : 0;
}

static int to_lock(struct file *file, unsigned int cmd, const struct flock *flock, struct file_lock *lock)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;

	if (ofd && flock->l_pid)
		return -EINVAL;
	if (flock->l_type != F_RDLCK && flock->l_type != F_WRLCK && flock->l_type != F_UNLCK)
		return -EINVAL;
	*lock = (struct file_lock){
		.kind = ofd ? KIND_OFD : KIND_POSIX, .type = flock->l_type,
		.owner = ofd ? (const void *)file : (const void *)current->files, .pid = ofd ? -1 : current->tgid,
	};
	return to_range(file, flock, lock);
}

int fcntl_setlk(struct file *file, unsigned int cmd, const struct flock *flock)
{
	struct file_lock lock;
	int err = to_lock(file, cmd, flock, &lock);

	if (err)
		return err;
	if ((lock.type == F_RDLCK && !(file->f_mode & FMODE_READ)) ||
	    (lock.type == F_WRLCK && !(file->f_mode & FMODE_WRITE)))
		return -EBADF;
	if (lock.type == F_UNLCK && !file->f_inode->i_flctx)
		return 0;
	return set_lock(file->f_inode, &lock, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

int fcntl_getlk(struct file *file, unsigned int cmd, struct flock *flock)
{
	struct file_lock lock, *other = NULL;
	int err = to_lock(file, cmd, flock, &lock);

	if (err)
		return err;
	if (lock.type == F_UNLCK)
		return -EINVAL;
	spin_lock(&lock_lock);
	if (file->f_inode->i_flctx)
		other = find_conflict(file->f_inode->i_flctx, &lock);
	if (other) {
		flock->l_type = (s16)other->type;
		flock->l_whence = SEEK_SET;
		flock->l_start = (s64)other->start;
		flock->l_len = other->end == ~0ull ? 0 : (s64)(other->end - other->start + 1);
		flock->l_pid = other->pid;
	} else {
		flock->l_type = F_UNLCK;
	}
	spin_unlock(&lock_lock);
	return 0;
}

/* ---- going away ---- */

static void remove_owner(struct inode *inode, const void *owner)
{
	struct file_lock_context *ctx = inode->i_flctx;
	struct file_lock *lock, *next;
	LIST_HEAD(dead);

	if (!ctx || list_empty(&ctx->locks))
		return;
	spin_lock(&lock_lock);
	list_for_each_entry_safe(lock, next, &ctx->locks, link)
		if (lock->owner == owner)
			unlink_lock(lock, &dead);
	spin_unlock(&lock_lock);
	if (list_empty(&dead))
		return;
	free_locks(&dead);
	waitq_wake_all(&lock_wait);
}

void locks_remove_posix(struct file *file, const void *owner)
{
	remove_owner(file->f_inode, owner);
}

void locks_remove_file(struct file *file)
{
	remove_owner(file->f_inode, file);
}

int locks_show(struct text_sink *sink)
{
	static const char *const kinds[] = { "FLOCK ", "POSIX ", "OFDLCK" };
	struct file_lock *lock;
	unsigned int wanted = 0, i;
	int err = 0;

	for (bool more = true; more && !err; wanted++) {
		char line[128], end[24] = "EOF";
		int len = 0;

		i = 0;
		more = false;
		spin_lock(&lock_lock);
		list_for_each_entry(lock, &lock_list, all) {
			if (i++ != wanted)
				continue;
			if (lock->end != ~0ull)
				quire_snprintf(end, sizeof(end), "%llu", (unsigned long long)lock->end);
			len = quire_scnprintf(line, sizeof(line), "%u: %s ADVISORY  %s %d %02x:%02x:%llu %llu %s\n", i,
					      kinds[lock->kind], lock->type == F_WRLCK ? "WRITE" : "READ ", lock->pid,
					      MAJOR(lock->inode->i_sb->s_dev), MINOR(lock->inode->i_sb->s_dev),
					      (unsigned long long)lock->inode->i_ino, (unsigned long long)lock->start, end);
			more = true;
			break;
		}
		spin_unlock(&lock_lock);
		if (more)
			err = sink->write(sink, line, (size_t)len);
	}
	return err;
}
