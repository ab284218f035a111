/* SPDX-License-Identifier: MIT */
/* anon_name.c - names that programs give to their anonymous memory. */
#include "base/math.h"
#include "base/string.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "vm/mm_int.h"
#include "vm/shmem.h"
#include "vm/vma_merge.h"

static struct anon_name *anon_name_create(const char *text)
{
	size_t bytes = strlen(text) + 1;
	struct anon_name *name = kmalloc(sizeof(*name) + bytes, GFP_KERNEL);

	if (!name)
		return NULL;
	atomic_init(&name->users, 1);
	memcpy(name->text, text, bytes);
	return name;
}

void anon_name_put(struct anon_name *name)
{
	if (name && atomic_fetch_sub_explicit(&name->users, 1, memory_order_acq_rel) == 1)
		kfree(name);
}

bool anon_name_same(const struct anon_name *a, const struct anon_name *b)
{
	return a == b || (a && b && strcmp(a->text, b->text) == 0);
}

/* What maps can show without being misread. */
static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < 32 || *text > 126 || strchr("\\`$[]", *text))
			return false;
	return true;
}

/* One VMA's part. */
static int name_part(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long start, unsigned long end,
		     struct anon_name *name)
{
	struct anon_name *old;

	if (vma->vm_mapping && !is_anon_shmem(vma->vm_mapping))
		return -EBADF;
	if (anon_name_same(vma->anon_name, name))
		return 0;
	vma = vma_modify(mm, vma, start, end, vma->vm_flags, name);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	/* A neighbour that took the range over has the name already. */
	old = vma->anon_name;
	if (anon_name_same(old, name))
		return 0;
	vma_start_write(vma);
	if (name)
		atomic_fetch_add_explicit(&name->users, 1, memory_order_relaxed);
	vma->anon_name = name;
	anon_name_put(old);
	return 0;
}

static int name_range(struct mm_struct *mm, unsigned long start, unsigned long end, struct anon_name *name)
{
	int unmapped = 0, err;

	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);
		unsigned long upto;

		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (vma->vm_start > start) {
			unmapped = -ENOMEM;
			start = vma->vm_start;
		}
		upto = min(end, vma->vm_end);
		err = name_part(mm, vma, start, upto, name);
		if (err)
			return err;
		start = upto;
	}
	return unmapped;
}

int do_set_vma_name(struct mm_struct *mm, unsigned long start, unsigned long len, const char *text)
{
	unsigned long bytes = PAGE_ALIGN(len), end = start + bytes;
	struct anon_name *name = NULL;
	int err;

	if (text && (strlen(text) >= VMA_NAME_BYTES || !printable(text)))
		return -EINVAL;
	if ((start & ~PAGE_MASK) || (len && !bytes) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (text) {
		name = anon_name_create(text);
		if (!name)
			return -ENOMEM;
	}
	mmap_write_lock(mm);
	err = name_range(mm, start, end, name);
	mmap_write_unlock(mm);
	anon_name_put(name);
	return err;
}
