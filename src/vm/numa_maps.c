/* SPDX-License-Identifier: MIT */
/* numa_maps.c - the text of /proc/PID/numa_maps: where each VMA's pages lie; and the objects that VMAs show. */
#include "base/format.h"
#include "base/math.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "quire/vmalloc.h"
#include "vm/maps.h"
#include "vm/mm_int.h"

/* The figures of a line without the path: the address, seven counts, and one for each node. */
#define FIGURES_BYTES 640u
#define PATH_BYTES 4096u
/* A path may have every byte of it written as four. */
#define NUMA_LINE_BYTES (FIGURES_BYTES + 4 * PATH_BYTES)

struct numa_stats {
	unsigned long pages, anon, dirty, active, writeback, swapcache;
	int mapcount_max;
	unsigned long node[QUIRE_MAX_NODES];
};

static void count_page(struct numa_stats *ns, const struct page *page, pte_t pte)
{
	ns->pages++;
	ns->anon += PageAnon(page);
	ns->dirty += pte_dirty(pte) || PageDirty(page);
	ns->active += PageActive(page) || PageUnevictable(page);
	ns->writeback += PageWriteback(page);
	ns->swapcache += PageSwapCache(page);
	ns->mapcount_max = max(ns->mapcount_max, page_mapcount(page));
	ns->node[page_to_nid(page)]++;
}

static void count_entry(void *ns, pte_t entry)
{
	if (pte_present(entry) && !pte_special(entry))
		count_page(ns, pte_page(entry), entry);
}

static size_t put_count(char *buf, size_t size, const char *name, unsigned long count)
{
	return count ? (size_t)quire_scnprintf(buf, size, " %s=%lu", name, count) : 0;
}

static size_t put_figures(char *buf, size_t size, const struct numa_stats *ns)
{
	size_t len = 0;

	if (!ns->pages)
		return 0;
	len += put_count(buf + len, size - len, "anon", ns->anon);
	len += put_count(buf + len, size - len, "dirty", ns->dirty);
	if (ns->pages != ns->anon && ns->pages != ns->dirty)
		len += put_count(buf + len, size - len, "mapped", ns->pages);
	if (ns->mapcount_max > 1)
		len += put_count(buf + len, size - len, "mapmax", (unsigned long)ns->mapcount_max);
	len += put_count(buf + len, size - len, "swapcache", ns->swapcache);
	/* Also none: a program tells from it that its pages are all idle. */
	if (ns->active < ns->pages)
		len += (size_t)quire_scnprintf(buf + len, size - len, " active=%lu", ns->active);
	len += put_count(buf + len, size - len, "writeback", ns->writeback);
	for (unsigned int nid = 0; nid < QUIRE_MAX_NODES; nid++)
		if (ns->node[nid])
			len += (size_t)quire_scnprintf(buf + len, size - len, " N%u=%lu", nid, ns->node[nid]);
	return len + (size_t)quire_scnprintf(buf + len, size - len, " kernelpagesize_kB=%lu", PAGE_SIZE >> 10);
}

/* A path as one word: what would end it is written in octal. */
static size_t put_escaped(char *out, const char *path)
{
	char *at = out;

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c != '\n' && c != '\t' && c != ' ' && c != '=') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\';
		*at++ = (char)('0' + (c >> 6));
		*at++ = (char)('0' + (c >> 3 & 7));
		*at++ = (char)('0' + (c & 7));
	}
	return (size_t)(at - out);
}

static int object_path(const struct vm_area_struct *vma, char *buf, size_t size)
{
	int len = vma->vm_mapping->ops->file_path ? vma->vm_mapping->ops->file_path(vma->vm_file, buf, size) : 0;

	buf[max(len, 0)] = 0;
	return max(len, 0);
}

/* What the VMA is, as far as it has a name. path: PATH_BYTES of scratch. */
static size_t put_kind(char *buf, size_t size, const struct vm_area_struct *vma, char *path)
{
	const struct mm_layout *l = &vma->vm_mm->layout;
	size_t len;

	if (vma->vm_mapping) {
		object_path(vma, path, PATH_BYTES);
		len = (size_t)quire_scnprintf(buf, size, " file=");
		return len + put_escaped(buf + len, path);
	}
	if (!vma->special && vma->vm_start < l->brk && vma->vm_end > l->start_brk)
		return (size_t)quire_scnprintf(buf, size, " heap");
	if (!vma->special && vma->vm_start <= l->start_stack && vma->vm_end >= l->start_stack)
		return (size_t)quire_scnprintf(buf, size, " stack");
	return 0;
}

static size_t put_line(char *buf, size_t size, const struct vm_area_struct *vma, vaddr_t start, char *path)
{
	struct numa_stats ns = { 0 };
	size_t len;

	pgtable_look_entries(&vma->vm_mm->pgt, start, vma->vm_end, count_entry, &ns);
	len = (size_t)quire_scnprintf(buf, size, "%08lx default", start);
	len += put_kind(buf + len, size - len, vma, path);
	len += put_figures(buf + len, size - len, &ns);
	buf[len++] = '\n';
	return len;
}

int mm_show_numa_maps_part(struct mm_struct *mm, struct text_sink *sink, vaddr_t *next)
{
	char *buf = kvmalloc(NUMA_LINE_BYTES + PATH_BYTES, GFP_KERNEL);
	const struct vm_area_struct *vma;
	size_t len = 0;
	int err = 1;

	if (!buf)
		return -ENOMEM;
	mmap_read_lock(mm);
	vma = find_vma(mm, *next);
	if (vma) {
		len = put_line(buf, NUMA_LINE_BYTES, vma, vma_shown_from(vma, *next), buf + NUMA_LINE_BYTES);
		*next = vma->vm_end;
	}
	mmap_read_unlock(mm);
	if (vma)
		err = sink->write(sink, buf, len);
	kvfree(buf);
	return err;
}

bool mm_find_object(struct mm_struct *mm, vaddr_t addr, const struct address_space_operations *ops,
		    struct mm_object *found, char *name, size_t size)
{
	const struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr);
	while (vma && !vma->vm_mapping)
		vma = vma->vm_next;
	if (vma) {
		*found = (struct mm_object){ .start = vma->vm_start, .end = vma->vm_end };
		if (vma->vm_mapping->ops == ops) {
			found->file = vma->vm_file;
			ops->get_file(vma->vm_file);
		}
		if (name)
			object_path(vma, name, size);
	}
	mmap_read_unlock(mm);
	return vma != NULL;
}
