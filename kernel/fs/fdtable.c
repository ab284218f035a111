/* SPDX-License-Identifier: MIT */
/* fdtable.c - descriptor tables: finding, reserving, growing, copying, closing. */
#include "fs/fdtable.h"
#include "base/bitmap.h"
#include "base/math.h"
#include "base/string.h"
#include "fs/dcache.h"
#include "fs/special.h"
#include "proc/signal.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"

static struct kmem_cache *files_cache;

void files_cache_init(void)
{
	files_cache = KMEM_CACHE(files_struct, SLAB_PANIC);
}

/* ---- look-up ---- */

/* Files come from a cache whose memory stays files under RCU: after counting, see that it is still the one. */
struct file *fget_from(struct files_struct *files, unsigned int fd)
{
	struct file *file = NULL;

	rcu_read_lock();
	for (;;) {
		struct fdtable *fdt = rcu_dereference(files->fdt);

		if (fd >= fdt->max_fds)
			break;
		file = rcu_dereference(fdt->fd[fd]);
		if (!file)
			break;
		if (!atomic_inc_not_zero(&file->f_count))
			continue;
		if (likely(rcu_dereference(files->fdt->fd[fd]) == file))
			break;
		fput(file);
	}
	rcu_read_unlock();
	return file;
}

int next_open_fd(struct files_struct *files, unsigned int fd)
{
	int found = -1;

	spin_lock(&files->lock);
	for (; fd < files->fdt->max_fds; fd++)
		if (files->fdt->fd[fd]) {
			found = (int)fd;
			break;
		}
	spin_unlock(&files->lock);
	return found;
}

struct files_struct *get_files_struct(struct task *p)
{
	struct files_struct *files;

	spin_lock(&p->lock);
	files = p->files;
	if (files)
		files_get(files);
	spin_unlock(&p->lock);
	return files;
}

/* ---- tables ---- */

static struct fdtable *fdtable_new(unsigned int nr)
{
	size_t longs = BITS_TO_LONGS(nr);
	struct fdtable *fdt = kmalloc(sizeof(*fdt), GFP_KERNEL);

	if (!fdt)
		return NULL;
	fdt->max_fds = nr;
	fdt->fd = kvcalloc(nr, sizeof(*fdt->fd), GFP_KERNEL);
	fdt->open_fds = kvcalloc(2 * longs, sizeof(long), GFP_KERNEL);
	if (!fdt->fd || !fdt->open_fds) {
		kvfree(fdt->fd);
		kvfree(fdt->open_fds);
		kfree(fdt);
		return NULL;
	}
	fdt->close_on_exec = fdt->open_fds + longs;
	return fdt;
}

static void fdtable_free(struct fdtable *fdt)
{
	kvfree(fdt->fd);
	kvfree(fdt->open_fds);
	kfree(fdt);
}

static void fdtable_free_rcu(struct rcu_head *head)
{
	fdtable_free(container_of(head, struct fdtable, rcu));
}

static void fdtable_copy(struct fdtable *to, const struct fdtable *from)
{
	memcpy(to->fd, from->fd, from->max_fds * sizeof(*from->fd));
	memcpy(to->open_fds, from->open_fds, from->max_fds / 8);
	memcpy(to->close_on_exec, from->close_on_exec, from->max_fds / 8);
}

/* Makes room for number `fd`. Lock held on entry and after; it is dropped meanwhile. 0 or -errno. */
static int grow(struct files_struct *files, unsigned int fd)
{
	struct fdtable *fdt, *old;
	unsigned int nr = NR_OPEN_DEFAULT;

	while (nr <= fd)
		nr *= 2;
	spin_unlock(&files->lock);
	fdt = fdtable_new(nr);
	spin_lock(&files->lock);
	if (!fdt)
		return -ENOMEM;
	old = files->fdt;
	if (old->max_fds >= nr) {
		fdtable_free(fdt);
		return 0;
	}
	fdtable_copy(fdt, old);
	rcu_assign_pointer(files->fdt, fdt);
	if (old != &files->fdtab)
		call_rcu(&old->rcu, fdtable_free_rcu);
	return 0;
}

static unsigned int nofile_limit(void)
{
	u64 limit = rlimit(RLIMIT_NOFILE);

	return limit > NR_OPEN_MAX ? NR_OPEN_MAX : (unsigned int)limit;
}

int alloc_fd(unsigned int start, unsigned int flags)
{
	struct files_struct *files = current->files;
	unsigned int limit = nofile_limit(), fd;
	int err = -EMFILE;

	spin_lock(&files->lock);
	for (;;) {
		struct fdtable *fdt = files->fdt;

		fd = (unsigned int)find_next_zero_bit(fdt->open_fds, fdt->max_fds, max(start, files->next_fd));
		if (fd < start)
			fd = start;
		if (fd >= limit)
			goto out;
		if (fd < fdt->max_fds)
			break;
		err = grow(files, fd);
		if (err)
			goto out;
		err = -EMFILE;
	}
	__set_bit(fd, files->fdt->open_fds);
	if (flags & O_CLOEXEC)
		__set_bit(fd, files->fdt->close_on_exec);
	else
		__clear_bit(fd, files->fdt->close_on_exec);
	if (start <= files->next_fd)
		files->next_fd = fd + 1;
	err = (int)fd;
out:
	spin_unlock(&files->lock);
	return err;
}

static void free_number(struct files_struct *files, unsigned int fd)
{
	__clear_bit(fd, files->fdt->open_fds);
	if (fd < files->next_fd)
		files->next_fd = fd;
}

void put_unused_fd(unsigned int fd)
{
	struct files_struct *files = current->files;

	spin_lock(&files->lock);
	free_number(files, fd);
	spin_unlock(&files->lock);
}

void fd_install(unsigned int fd, struct file *file)
{
	struct files_struct *files = current->files;

	spin_lock(&files->lock);
	rcu_assign_pointer(files->fdt->fd[fd], file);
	spin_unlock(&files->lock);
}

int fd_install_new(struct file *file, unsigned int flags)
{
	int fd = get_unused_fd_flags(flags);

	if (fd < 0)
		fput(file);
	else
		fd_install((unsigned int)fd, file);
	return fd;
}

/* ---- closing ---- */

static void filp_close(struct file *file, struct files_struct *files)
{
	if (file->f_op->flush)
		file->f_op->flush(file);
	if (file->f_inode->i_flctx)
		locks_remove_posix(file, files);
	fput(file);
}

/* Takes the file out of its number; NULL when it was not open. Lock held. */
static struct file *pick_file(struct files_struct *files, unsigned int fd)
{
	struct fdtable *fdt = files->fdt;
	struct file *file;

	if (fd >= fdt->max_fds)
		return NULL;
	file = fdt->fd[fd];
	if (file) {
		rcu_assign_pointer(fdt->fd[fd], NULL);
		free_number(files, fd);
	}
	return file;
}

int close_fd(unsigned int fd)
{
	struct files_struct *files = current->files;
	struct file *file;

	spin_lock(&files->lock);
	file = pick_file(files, fd);
	spin_unlock(&files->lock);
	if (!file)
		return -EBADF;
	filp_close(file, files);
	return 0;
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

int close_fd_range(unsigned int first, unsigned int last, unsigned int flags)
{
	int err = 0, fd;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		err = unshare_files();
	if (err)
		return err;
	while ((fd = next_open_fd(current->files, first)) >= 0 && (unsigned int)fd <= last) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			set_close_on_exec((unsigned int)fd, true);
		else
			close_fd((unsigned int)fd);
		first = (unsigned int)fd + 1;
	}
	return 0;
}

int replace_fd(unsigned int fd, struct file *file, unsigned int flags)
{
	struct files_struct *files = current->files;
	struct file *old;
	int err = 0;

	if (fd >= nofile_limit())
		return -EBADF;
	spin_lock(&files->lock);
	if (fd >= files->fdt->max_fds)
		err = grow(files, fd);
	if (err) {
		spin_unlock(&files->lock);
		return err;
	}
	old = files->fdt->fd[fd];
	if (!old && test_bit(fd, files->fdt->open_fds)) {
		spin_unlock(&files->lock);
		return -EBUSY; /* somebody is opening at that number right now */
	}
	get_file(file);
	rcu_assign_pointer(files->fdt->fd[fd], file);
	__set_bit(fd, files->fdt->open_fds);
	if (flags & O_CLOEXEC)
		__set_bit(fd, files->fdt->close_on_exec);
	else
		__clear_bit(fd, files->fdt->close_on_exec);
	spin_unlock(&files->lock);
	if (old)
		filp_close(old, files);
	return (int)fd;
}

bool get_close_on_exec(unsigned int fd)
{
	struct files_struct *files = current->files;
	bool on;

	spin_lock(&files->lock);
	on = fd < files->fdt->max_fds && test_bit(fd, files->fdt->close_on_exec);
	spin_unlock(&files->lock);
	return on;
}

void set_close_on_exec(unsigned int fd, bool on)
{
	struct files_struct *files = current->files;

	spin_lock(&files->lock);
	if (fd < files->fdt->max_fds && files->fdt->fd[fd]) {
		if (on)
			__set_bit(fd, files->fdt->close_on_exec);
		else
			__clear_bit(fd, files->fdt->close_on_exec);
	}
	spin_unlock(&files->lock);
}

/* ---- life ---- */

struct files_struct *files_alloc(void)
{
	struct files_struct *files = kmem_cache_alloc(files_cache, GFP_KERNEL);

	if (!files)
		return NULL;
	memset(files, 0, sizeof(*files));
	atomic_set(&files->count, 1);
	spin_lock_init(&files->lock, LOCK_HOST_SPIN);
	files->fdtab = (struct fdtable){
		.max_fds = NR_OPEN_DEFAULT, .fd = files->fd_array, .open_fds = files->open_fds_init,
		.close_on_exec = files->close_on_exec_init,
	};
	files->fdt = &files->fdtab;
	return files;
}

/* Numbers that are reserved but not yet open are not copied: their file comes to the old table only. */
static void copy_open_files(struct files_struct *to, const struct files_struct *from)
{
	const struct fdtable *old = from->fdt;
	struct fdtable *fdt = to->fdt;
	unsigned long fd;

	for_each_set_bit(fd, old->open_fds, old->max_fds) {
		struct file *file = old->fd[fd];

		if (!file)
			continue;
		fdt->fd[fd] = get_file(file);
		__set_bit(fd, fdt->open_fds);
		if (test_bit(fd, old->close_on_exec))
			__set_bit(fd, fdt->close_on_exec);
	}
	to->next_fd = (unsigned int)find_first_zero_bit(fdt->open_fds, fdt->max_fds);
}

static unsigned int size_needed(const struct fdtable *fdt)
{
	unsigned int nr = NR_OPEN_DEFAULT;
	unsigned long last = find_last_bit(fdt->open_fds, fdt->max_fds);

	if (last == fdt->max_fds)
		return nr;
	while (nr <= last)
		nr *= 2;
	return nr;
}

struct files_struct *files_dup(struct files_struct *old)
{
	struct files_struct *files = files_alloc();

	if (!files)
		return NULL;
	spin_lock(&old->lock);
	for (unsigned int nr; (nr = size_needed(old->fdt)) > files->fdt->max_fds;) {
		struct fdtable *fdt;

		spin_unlock(&old->lock);
		if (files->fdt != &files->fdtab)
			fdtable_free(files->fdt);
		files->fdt = &files->fdtab;
		fdt = fdtable_new(nr);
		if (!fdt) {
			kmem_cache_free(files_cache, files);
			return NULL;
		}
		files->fdt = fdt;
		spin_lock(&old->lock);
	}
	copy_open_files(files, old);
	spin_unlock(&old->lock);
	return files;
}

void files_put(struct files_struct *files)
{
	struct fdtable *fdt = files->fdt;
	unsigned long fd;

	if (!atomic_dec_and_test(&files->count))
		return;
	for_each_set_bit(fd, fdt->open_fds, fdt->max_fds)
		if (fdt->fd[fd])
			filp_close(fdt->fd[fd], files);
	if (fdt != &files->fdtab)
		fdtable_free(fdt);
	kmem_cache_free(files_cache, files);
}

void exit_files(struct task *p)
{
	struct files_struct *files = p->files;

	if (!files)
		return;
	spin_lock(&p->lock);
	p->files = NULL;
	spin_unlock(&p->lock);
	files_put(files);
}

void do_close_on_exec(void)
{
	struct files_struct *files = current->files;
	unsigned long fd = 0;

	for (;; fd++) {
		struct fdtable *fdt = files->fdt;

		fd = find_next_and_bit(fdt->open_fds, fdt->close_on_exec, fdt->max_fds, fd);
		if (fd >= fdt->max_fds)
			return;
		close_fd((unsigned int)fd);
	}
}

int unshare_files(void)
{
	struct files_struct *old = current->files, *files;

	if (atomic_read(&old->count) == 1)
		return 0;
	files = files_dup(old);
	if (!files)
		return -ENOMEM;
	spin_lock(&current->lock);
	current->files = files;
	spin_unlock(&current->lock);
	files_put(old);
	return 0;
}
