/* SPDX-License-Identifier: MIT */
/* shm_proc.c - /proc/sysvipc/shm, and the limits in /proc/sys/kernel. */
#include "fs/proc.h"
#include "ipc/shm.h"
#include "quire/errno.h"

/* What a line says of a segment, taken under the lock and printed without it. */
struct line {
	struct shm_segment seg;
	unsigned long pages;
};

static bool take_line(int slot, struct line *line)
{
	const struct shm_segment *seg;

	spin_lock(&shm_lock);
	seg = shm_slot(slot);
	if (seg) {
		line->seg = *seg;
		line->pages = READ_ONCE(seg->ram.mapping.nrpages);
	}
	spin_unlock(&shm_lock);
	return seg;
}

static int show_line(struct text_sink *sink, const struct line *line)
{
	const struct shm_segment *s = &line->seg;

	return sink_printf(sink, "%10d %10d  %4o %21llu %5d %5d  %5lu %5u %5u %5u %5u %10llu %10llu %10llu %21llu %21llu\n",
			   s->key, s->id, s->mode, (unsigned long long)s->ram.bytes, s->cpid, s->lpid, s->nattch, s->uid,
			   s->gid, s->cuid, s->cgid, (unsigned long long)s->atime, (unsigned long long)s->dtime,
			   (unsigned long long)s->ctime, (unsigned long long)line->pages * 4096, 0ull);
}

static int show_shm(struct text_sink *sink, void *arg)
{
	struct line line;
	int highest, err = sink_puts(sink, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid "
					   "     atime      dtime      ctime                   rss                  swap\n");

	spin_lock(&shm_lock);
	highest = shm_max_slot();
	spin_unlock(&shm_lock);
	for (int slot = 0; slot <= highest && !err; slot++)
		if (take_line(slot, &line))
			err = show_line(sink, &line);
	return err;
}

static int show_limit(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%llu\n", (unsigned long long)READ_ONCE(*(u64 *)arg));
}

static int store_limit(const char *text, size_t len, void *arg)
{
	long value;
	int err = *text == '-' ? -EINVAL : parse_long(text, &value);

	if (!err)
		WRITE_ONCE(*(u64 *)arg, (u64)value);
	return err;
}

static int show_mni(struct text_sink *sink, void *arg)
{
	return sink_printf(sink, "%d\n", READ_ONCE(shm_mni));
}

static int store_mni(const char *text, size_t len, void *arg)
{
	long value;
	int err = parse_long(text, &value);

	if (!err && (value < 0 || value > SHM_SLOTS_MAX))
		err = -EINVAL;
	if (!err)
		WRITE_ONCE(shm_mni, (int)value);
	return err;
}

static void add_limit(const char *name, int (*show)(struct text_sink *sink, void *arg),
		      int (*store)(const char *text, size_t len, void *arg), void *arg)
{
	struct pseudo_entry *dir = pseudo_dir(pseudo_dir(proc_root, "sys"), "kernel");
	struct pseudo_entry *e = pseudo_text(dir, name, 0644, show, arg);

	if (e)
		e->text.store = store;
}

void shm_proc_init(void)
{
	add_limit("shmmax", show_limit, store_limit, &shm_max_bytes);
	add_limit("shmall", show_limit, store_limit, &shm_all_pages);
	add_limit("shmmni", show_mni, store_mni, NULL);
	pseudo_text(pseudo_dir(proc_root, "sysvipc"), "shm", 0444, show_shm, NULL);
}
