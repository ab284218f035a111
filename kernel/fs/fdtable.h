/* SPDX-License-Identifier: MIT */
/*
 * fdtable.h - descriptors: small numbers for open files, per process.
 *
 *	files_struct --fdt--> fdtable { fd[], open bits, close-on-exec bits }   grows by copying, old ones go by RCU
 *
 * [D1] A bit in open_fds is set exactly while the number is taken; fd[n] may still be NULL (reserved).
 * [D2] Only users of the files_struct change its table; when that is one task, its system calls borrow files without
 *      counting: nobody can close them meanwhile.
 * Lock: files->lock (LOCK_HOST_SPIN) for changes; look-ups run under RCU. Sleeps: close, growing.
 */
#ifndef KERNEL_FS_FDTABLE_H
#define KERNEL_FS_FDTABLE_H

#include "arch/current.h"
#include "fs/vfs.h"
#include "sched/task.h"

#define NR_OPEN_DEFAULT 64	/* one word of bits, inside files_struct */
#define NR_OPEN_MAX 1048576

struct fdtable {
	unsigned int max_fds;
	struct file **fd;	/* RCU */
	unsigned long *open_fds;
	unsigned long *close_on_exec;
	struct rcu_head rcu;
};

struct files_struct {
	atomic_t count;			/* tasks (and readers of /proc) */
	spinlock_t lock;
	struct fdtable *fdt;		/* RCU */
	unsigned int next_fd;		/* (lock) no free number below it */
	struct fdtable fdtab;
	unsigned long open_fds_init[NR_OPEN_DEFAULT / (8 * sizeof(long))];
	unsigned long close_on_exec_init[NR_OPEN_DEFAULT / (8 * sizeof(long))];
	struct file *fd_array[NR_OPEN_DEFAULT];
};

/* A file for the length of a system call: the pointer, with bit 0 set when it was counted. */
struct fd {
	unsigned long word;
};

static inline struct file *fd_file(struct fd f)
{
	return (struct file *)(f.word & ~1ul);
}

struct file *fget_from(struct files_struct *files, unsigned int fd); /* counted, NULL: not open */
static inline struct file *fget(unsigned int fd)
{
	return fget_from(current->files, fd);
}

/* Empty (fd_file() is NULL) when `fd` is not open. O_PATH files are given out too. */
static inline struct fd fdget_raw(unsigned int fd)
{
	struct files_struct *files = current->files;

	if (__builtin_expect(atomic_read_acquire(&files->count) == 1, 1)) {
		struct fdtable *fdt = files->fdt;

		return (struct fd){ fd < fdt->max_fds ? (unsigned long)fdt->fd[fd] : 0 };
	}
	struct file *file = fget_from(files, fd);

	return (struct fd){ (unsigned long)file | (file != NULL) };
}

static inline void fdput(struct fd f)
{
	if (f.word & 1)
		fput(fd_file(f));
}

/* As above, but an O_PATH file counts as not open. */
static inline struct fd fdget(unsigned int fd)
{
	struct fd f = fdget_raw(fd);

	if (__builtin_expect(f.word && (fd_file(f)->f_mode & FMODE_PATH), 0)) {
		fdput(f);
		f.word = 0;
	}
	return f;
}

/* Reserves the lowest free number >= start; flags: O_CLOEXEC. -EMFILE, -ENOMEM. */
int alloc_fd(unsigned int start, unsigned int flags);
static inline int get_unused_fd_flags(unsigned int flags)
{
	return alloc_fd(0, flags);
}
void put_unused_fd(unsigned int fd);
/* Puts a file (its reference is consumed) at a reserved number. */
void fd_install(unsigned int fd, struct file *file);
/* Reserve and install in one; the reference is dropped on failure. */
int fd_install_new(struct file *file, unsigned int flags);
int close_fd(unsigned int fd);
int close_fd_range(unsigned int first, unsigned int last, unsigned int flags);
/* dup2 and dup3. */
int replace_fd(unsigned int fd, struct file *file, unsigned int flags);
bool get_close_on_exec(unsigned int fd);
void set_close_on_exec(unsigned int fd, bool on);
/* First open number >= fd in `files`, or -1. */
int next_open_fd(struct files_struct *files, unsigned int fd);

/* fork without CLONE_FILES: a copy with references. NULL: no memory. */
struct files_struct *files_dup(struct files_struct *files);
struct files_struct *files_alloc(void);
static inline struct files_struct *files_get(struct files_struct *files)
{
	atomic_inc(&files->count);
	return files;
}
/* The last one closes everything. May sleep. */
void files_put(struct files_struct *files);
/* exit: takes current->files away. */
void exit_files(struct task *p);
/* exec: closes what is to be closed. The table must be the task's alone: unshare first. */
void do_close_on_exec(void);
int unshare_files(void);
/* Another task's table with a reference, or NULL. */
struct files_struct *get_files_struct(struct task *p);

#endif
