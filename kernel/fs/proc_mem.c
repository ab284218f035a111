/* SPDX-License-Identifier: MIT */
/* proc_mem.c - what /proc/PID tells of a process's memory: maps, arguments, contents, page frames. */
#include "base/math.h"
#include "base/string.h"
#include "fs/proc_pid.h"
#include "proc/signal.h"
#include "quire/page.h"
#include "quire/slab.h"

/* ---- texts made by the library ---- */

static int with_mm(struct text_sink *sink, struct task *task, int (*show)(struct mm_struct *, struct text_sink *))
{
	struct mm_struct *mm = get_task_mm(task);
	int err;

	if (!mm)
		return 0;
	err = show(mm, sink);
	mmput(mm);
	return err;
}

/* A text in parts; at its end when the memory is gone. */
static int part_of_mm(struct text_sink *sink, struct task *task, unsigned long *cursor,
		      int (*show)(struct mm_struct *, struct text_sink *, vaddr_t *))
{
	struct mm_struct *mm = get_task_mm(task);
	int err;

	if (!mm)
		return 1;
	err = show(mm, sink, cursor);
	mmput(mm);
	return err;
}

int proc_show_maps(struct text_sink *sink, struct task *task, unsigned long *cursor)
{
	return part_of_mm(sink, task, cursor, mm_show_maps_part);
}

int proc_show_smaps(struct text_sink *sink, struct task *task, unsigned long *cursor)
{
	return part_of_mm(sink, task, cursor, mm_show_smaps_part);
}

int proc_show_numa_maps(struct text_sink *sink, struct task *task, unsigned long *cursor)
{
	return part_of_mm(sink, task, cursor, mm_show_numa_maps_part);
}

int proc_show_smaps_rollup(struct text_sink *sink, struct task *task)
{
	return with_mm(sink, task, mm_show_smaps_rollup);
}

/* ---- arguments ---- */

#define PART 1024

/* Bytes [start, end) of the process; ends early where memory is gone. */
static int show_range(struct text_sink *sink, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	char *buf = kmalloc(PART, GFP_KERNEL);
	int err = buf ? 0 : -ENOMEM;

	while (!err && start < end) {
		size_t part = min(end - start, (unsigned long)PART);
		size_t got = access_remote_vm(mm, start, buf, part, FOLL_ANON);

		if (!got)
			break;
		err = sink->write(sink, buf, got);
		start += got;
	}
	kfree(buf);
	return err;
}

/* A title that a program wrote over its arguments: one string, of which at most a page is shown, with its NUL. */
static int show_title(struct text_sink *sink, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	char *page = (char *)__get_free_pages(GFP_KERNEL, 0);
	size_t got, len;
	int err;

	if (!page)
		return -ENOMEM;
	got = access_remote_vm(mm, start, page, 4096, FOLL_ANON);
	len = strnlen(page, got);
	len += len < got;
	err = len ? sink->write(sink, page, min(len, (size_t)(end - start))) : 0;
	free_page((unsigned long)page);
	return err;
}

/* A last byte that is no NUL tells of a title, which may go on where the environment was. */
static int show_arguments(struct mm_struct *mm, struct text_sink *sink)
{
	const struct mm_layout *l = mm_layout(mm);
	unsigned long start = l->arg_start, end = l->arg_end;
	unsigned long room = l->env_start == end && l->env_end > end ? l->env_end : end;
	char last = 0;

	if (start >= end)
		return 0;
	if (access_remote_vm(mm, end - 1, &last, 1, FOLL_ANON) == 1 && last)
		return show_title(sink, mm, start, room);
	return show_range(sink, mm, start, end);
}

int proc_show_cmdline(struct text_sink *sink, struct task *task)
{
	return with_mm(sink, task, show_arguments);
}

static int show_environment(struct mm_struct *mm, struct text_sink *sink)
{
	return show_range(sink, mm, mm_layout(mm)->env_start, mm_layout(mm)->env_end);
}

int proc_show_environ(struct text_sink *sink, struct task *task)
{
	return with_mm(sink, task, show_environment);
}

/* Up to and with the pair of type 0. */
static int show_auxv(struct mm_struct *mm, struct text_sink *sink)
{
	const unsigned long *pair = mm_saved_auxv(mm);
	size_t words = 2;

	while (words < MM_AUXV_WORDS && pair[words - 2])
		words += 2;
	return sink->write(sink, (const char *)pair, words * sizeof(long));
}

int proc_show_auxv(struct text_sink *sink, struct task *task)
{
	return with_mm(sink, task, show_auxv);
}

/* ---- clear_refs ---- */

/* What is written there beside enum clear_refs. */
enum { CLEAR_REFS_HIWATER_RSS = CLEAR_REFS_SOFT_DIRTY + 1, CLEAR_REFS_END };

int proc_store_clear_refs(struct task *task, const char *text, size_t len)
{
	struct mm_struct *mm;
	long what;
	int err = parse_long(text, &what);

	if (err)
		return err;
	if (what < CLEAR_REFS_ALL || what >= CLEAR_REFS_END)
		return -EINVAL;
	mm = get_task_mm(task);
	if (!mm)
		return 0;
	if (what == CLEAR_REFS_HIWATER_RSS)
		mm_reset_hiwater_rss(mm);
	else
		mm_clear_refs(mm, (enum clear_refs)what);
	mmput(mm);
	return 0;
}

/* ---- /proc/PID/mem, pagemap: the file keeps the address space it was opened for ---- */

static int mm_open(struct inode *inode, struct file *file)
{
	struct task *task = proc_task(inode);
	struct mm_struct *mm;

	if (task_gone(task) || !may_inspect(task))
		return -EACCES;
	mm = get_task_mm(task);
	if (mm) {
		mmgrab(mm);
		mmput(mm);
	}
	file->private_data = mm;
	return 0;
}

static void mm_release(struct file *file)
{
	if (file->private_data)
		mmdrop(file->private_data);
}

static loff_t mem_llseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (loff_t)file->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	file->f_pos = (u64)offset; /* addresses of any size */
	return offset;
}

static long mem_transfer(struct file *file, struct iov_iter *it, u64 *pos, bool write)
{
	struct mm_struct *mm = file->private_data;
	char *buf;
	long done = 0;

	if (!mm || !mmget_not_zero(mm))
		return 0;
	buf = (char *)__get_free_pages(GFP_KERNEL, 0);
	if (!buf)
		done = -ENOMEM;
	while (buf && it->count) {
		size_t part = min(it->count, (size_t)4096 - (size_t)(*pos & 4095)), got;

		if (write && copy_from_iter(buf, part, it) != part) {
			done = done ? done : -EFAULT;
			break;
		}
		got = access_remote_vm(mm, *pos, buf, part, FOLL_FORCE | (write ? FOLL_WRITE : 0));
		if (!got) {
			done = done ? done : -EIO;
			break;
		}
		if (!write && copy_to_iter(buf, got, it) != got) {
			done = done ? done : -EFAULT;
			break;
		}
		*pos += got;
		done += (long)got;
		if (got < part || signal_pending(current))
			break;
	}
	if (buf)
		free_page((unsigned long)buf);
	mmput(mm);
	return done;
}

static long mem_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	return mem_transfer(file, to, pos, false);
}

static long mem_write(struct file *file, struct iov_iter *from, u64 *pos)
{
	return mem_transfer(file, from, pos, true);
}

const struct file_operations proc_mem_fops = {
	.open = mm_open, .release = mm_release, .llseek = mem_llseek, .read_iter = mem_read, .write_iter = mem_write,
};

#define PAGEMAP_PART 64u
#define PFN_MASK ((1ull << 55) - 1)

static long pagemap_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	struct mm_struct *mm = file->private_data;
	bool show_frames = capable(CAP_SYS_ADMIN);
	u64 entries[PAGEMAP_PART];
	long done = 0;

	if (*pos % sizeof(u64) || to->count % sizeof(u64))
		return -EINVAL;
	if (!mm || !mmget_not_zero(mm))
		return 0;
	while (to->count && *pos / sizeof(u64) < TASK_SIZE >> 12) {
		u64 first = *pos / sizeof(u64);
		unsigned int nr = (unsigned int)min(min(to->count / sizeof(u64), (size_t)PAGEMAP_PART),
						    (size_t)((TASK_SIZE >> 12) - first));
		int err = mm_pagemap(mm, (vaddr_t)first << 12, nr, entries);

		if (err) {
			done = done ? done : err;
			break;
		}
		for (unsigned int i = 0; i < nr && !show_frames; i++)
			entries[i] &= ~PFN_MASK;
		if (copy_to_iter(entries, nr * sizeof(u64), to) != nr * sizeof(u64)) {
			done = done ? done : -EFAULT;
			break;
		}
		*pos += nr * sizeof(u64);
		done += (long)(nr * sizeof(u64));
		if (signal_pending(current))
			break;
	}
	mmput(mm);
	return done;
}

const struct file_operations proc_pagemap_fops = {
	.open = mm_open, .release = mm_release, .llseek = mem_llseek, .read_iter = pagemap_read,
};
