/* SPDX-License-Identifier: MIT */
/* maps.c - the text of /proc/PID/maps. */
#include "vm/maps.h"

#include "base/format.h"
#include "base/math.h"
#include "base/string.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/mm_int.h"

/* Lines are gathered in a buffer under the mmap lock and written without it. */
#define MAPS_BUFFER_BYTES 8192u
/* The longest line: 100 of figures and a path. */
#define MAPS_LINE_BYTES 4300u
static int vma_name(const struct vm_area_struct *vma, char *buf, size_t size)
{
	const struct mm_layout *l = &vma->vm_mm->layout;
	int len;

	if (vma->vm_mapping) {
		if (vma->anon_name)
			return quire_scnprintf(buf, size, "[anon_shmem:%s]", vma->anon_name->text);
		len = vma->vm_mapping->ops->file_path ? vma->vm_mapping->ops->file_path(vma->vm_file, buf, size) : 0;
		return len < 0 ? 0 : len;
	}
	if (vma->special)
		return quire_scnprintf(buf, size, "%s", vma->special->name);
	if (vma->vm_start < l->brk && vma->vm_end > l->start_brk)
		return quire_scnprintf(buf, size, "[heap]");
	if (vma->vm_start <= l->start_stack && vma->vm_end >= l->start_stack)
		return quire_scnprintf(buf, size, "[stack]");
	if (vma->anon_name)
		return quire_scnprintf(buf, size, "[anon:%s]", vma->anon_name->text);
	return 0;
}

/* Written by hand: this line is most of what top and pmap cost. */
static char *put_hex(char *out, u64 value, int width)
{
	char digits[16];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	for (; width > n; width--)
		*out++ = '0';
	while (n)
		*out++ = digits[--n];
	return out;
}

int vma_show_line(const struct vm_area_struct *vma, vaddr_t start, char *buf, size_t size)
{
	unsigned long flags = vma->vm_flags;
	u32 major = 0, minor = 0;
	u64 inode = 0, offset = 0;
	char *out = buf;
	int len, name;

	if (vma->vm_mapping) {
		if (vma->vm_mapping->ops->file_id)
			vma->vm_mapping->ops->file_id(vma->vm_file, &major, &minor, &inode);
		offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (start - vma->vm_start);
	}
	out = put_hex(out, start, 8);
	*out++ = '-';
	out = put_hex(out, vma->vm_end, 8);
	*out++ = ' ';
	*out++ = flags & VM_READ ? 'r' : '-';
	*out++ = flags & VM_WRITE ? 'w' : '-';
	*out++ = flags & VM_EXEC ? 'x' : '-';
	*out++ = flags & VM_MAYSHARE ? 's' : 'p';
	*out++ = ' ';
	out = put_hex(out, offset, 8);
	*out++ = ' ';
	out = put_hex(out, major, 2);
	*out++ = ':';
	out = put_hex(out, minor, 2);
	len = (int)(out - buf);
	len += quire_scnprintf(buf + len, size - (size_t)len, " %llu ", (unsigned long long)inode);
	/* The name goes where it would stand, and moves back when there is none. */
	name = max(len, MAPS_NAME_COLUMN) + 1;
	memset(buf + len, ' ', (size_t)(name - len));
	{
		int got = vma_name(vma, buf + name, size - (size_t)name - 1);

		len = got ? name + got : len;
	}
	buf[len++] = '\n';
	return len;
}

#define DELETED " (deleted)"

static void last_part(char *to, size_t size, char *path)
{
	size_t len = strlen(path), mark = sizeof(DELETED) - 1;
	const char *slash;

	if (len > mark && !strcmp(path + len - mark, DELETED))
		path[len - mark] = '\0';
	slash = strrchr(path, '/');
	strscpy(to, slash ? slash + 1 : path, size);
}

bool mm_file_at(struct mm_struct *mm, vaddr_t addr, struct mm_file_place *place)
{
	char *path = kmalloc(MAPS_LINE_BYTES, GFP_NOWAIT | __GFP_NOWARN);
	struct vm_area_struct *vma;
	bool found = false;

	if (path && down_read_trylock(&mm->mmap_lock)) {
		vma = find_vma(mm, addr);
		if (vma && vma->vm_start <= addr && vma->vm_mapping && vma->vm_mapping->ops->file_path &&
		    vma->vm_mapping->ops->file_path(vma->vm_file, path, MAPS_LINE_BYTES) > 0) {
			place->start = vma->vm_start;
			place->end = vma->vm_end;
			place->offset = addr - vma->vm_start + ((u64)vma->vm_pgoff << PAGE_SHIFT);
			last_part(place->name, sizeof(place->name), path);
			found = true;
		}
		mmap_read_unlock(mm);
	}
	kfree(path);
	return found;
}

int mm_show_maps_part(struct mm_struct *mm, struct text_sink *sink, vaddr_t *next)
{
	char *buf = kmalloc(MAPS_BUFFER_BYTES, GFP_KERNEL);
	struct vm_area_struct *vma;
	size_t len = 0;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	mmap_read_lock(mm);
	vma = find_vma(mm, *next);
	for (; vma && len + MAPS_LINE_BYTES <= MAPS_BUFFER_BYTES; vma = vma->vm_next) {
		len += (size_t)vma_show_line(vma, vma_shown_from(vma, *next), buf + len, MAPS_BUFFER_BYTES - len);
		*next = vma->vm_end;
	}
	mmap_read_unlock(mm);
	if (len)
		err = sink->write(sink, buf, len);
	kfree(buf);
	return err ? err : !vma;
}

int mm_show_maps(struct mm_struct *mm, struct text_sink *sink)
{
	vaddr_t next = 0;
	int err;

	do {
		err = mm_show_maps_part(mm, sink, &next);
	} while (!err);
	return err < 0 ? err : 0;
}
