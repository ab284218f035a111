/* SPDX-License-Identifier: MIT */
/* proc_memory.c - /proc's texts and tables about memory, which the library makes. */
#include "base/math.h"
#include "boot/boot_info.h"
#include "fs/proc.h"
#include "proc/cred.h"
#include "quire/errno.h"
#include "quire/quire.h"
#include "quire/stats.h"

/* The library's texts take no argument: which one stands in the entry. */
typedef int (*show_fn)(struct text_sink *sink);

static const struct {
	const char *name;
	umode_t mode;
	show_fn show;
} texts[] = {
	{ "buddyinfo", 0444, quire_show_buddyinfo }, { "iomem", 0444, quire_show_iomem },
	{ "meminfo", 0444, quire_show_meminfo }, { "pagetypeinfo", 0400, quire_show_pagetypeinfo },
	{ "slabinfo", 0400, quire_show_slabinfo }, { "vmallocinfo", 0400, quire_show_vmallocinfo },
	{ "vmstat", 0444, quire_show_vmstat }, { "zoneinfo", 0444, quire_show_zoneinfo },
};

static int show_text(struct text_sink *sink, void *arg)
{
	return texts[(size_t)arg].show(sink);
}

static int show_swaps(struct text_sink *sink, void *arg)
{
	return sink_puts(sink, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

/* ---- one word for each page frame ---- */

static pfn_t frames_end(void)
{
	paddr_t end = 0;

	for (unsigned int i = 0; i < boot_info.nr_map; i++)
		if (boot_info.map[i].type == QUIRE_RANGE_RAM)
			end = max(end, boot_info.map[i].start + boot_info.map[i].size);
	return (pfn_t)(end >> 12);
}

#define FRAMES_PART 64u

static long frames_read(struct file *file, struct iov_iter *to, u64 *pos)
{
	u64 (*word)(pfn_t pfn) = file->private_data, part[FRAMES_PART];
	pfn_t end = frames_end();
	long done = 0;

	if (*pos % sizeof(u64) || to->count % sizeof(u64))
		return -EINVAL;
	while (to->count && *pos / sizeof(u64) < end) {
		pfn_t first = (pfn_t)(*pos / sizeof(u64));
		unsigned int nr = (unsigned int)min(min(to->count / sizeof(u64), (size_t)FRAMES_PART), (size_t)(end - first));

		for (unsigned int i = 0; i < nr; i++)
			part[i] = word(first + i);
		if (copy_to_iter(part, nr * sizeof(u64), to) != nr * sizeof(u64))
			return done ? done : -EFAULT;
		*pos += nr * sizeof(u64);
		done += (long)(nr * sizeof(u64));
	}
	return done;
}

static int kpageflags_open(struct inode *inode, struct file *file)
{
	file->private_data = quire_kpageflags;
	return 0;
}

static int kpagecount_open(struct inode *inode, struct file *file)
{
	file->private_data = quire_kpagecount;
	return 0;
}

static const struct file_operations kpageflags_fops = {
	.open = kpageflags_open, .read_iter = frames_read, .llseek = generic_file_llseek,
};
static const struct file_operations kpagecount_fops = {
	.open = kpagecount_open, .read_iter = frames_read, .llseek = generic_file_llseek,
};

void proc_memory_init(void)
{
	struct pseudo_entry *e;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		pseudo_text(proc_root, texts[i].name, texts[i].mode, show_text, (void *)i);
	pseudo_text(proc_root, "swaps", 0444, show_swaps, NULL);
	e = pseudo_add(proc_root, "kpageflags", S_IFREG | 0400);
	if (e)
		e->fops = &kpageflags_fops;
	e = pseudo_add(proc_root, "kpagecount", S_IFREG | 0400);
	if (e)
		e->fops = &kpagecount_fops;
}
