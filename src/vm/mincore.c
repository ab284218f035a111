/* SPDX-License-Identifier: MIT */
/* mincore.c - which pages are in memory; and writing shared mappings back. */
#include "base/math.h"
#include "base/string.h"
#include "object/pagecache.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/uaccess.h"
#include "vm/mm_int.h"

/* Answers gathered under the mmap lock before they are copied out without it. */
#define MINCORE_CHUNK 256u

/* Would a touch of this page of the object need no read? */
static unsigned char cached(struct vm_area_struct *vma, pgoff_t index)
{
	struct page *page = vma->vm_mapping ? find_get_page(vma->vm_mapping, index) : NULL;
	unsigned char there;

	if (!page)
		return 0;
	there = PageUptodate(page);
	put_page(page);
	return there;
}

/* What is being moved is there, too. */
static inline unsigned char in_memory(pte_t pte)
{
	return pte_present(pte) || (!pte_none(pte) && is_migration_pte(pte));
}

/* First what is mapped, in one sweep; only a mapped object has a second place to look. */
static void mincore_vma(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t start, vaddr_t end, unsigned char *vec)
{
	unsigned long nr = (end - start) >> PAGE_SHIFT;
	struct pgtable_cursor c;

	/* Who may not know is told that all is there. */
	if (unlikely(!vma_may_manage_cache(vma))) {
		memset(vec, 1, nr);
		return;
	}
	memset(vec, 0, nr);
	for_each_leaf_table(&c, &mm->pgt, start, end) {
		unsigned char *answer = vec + ((c.addr - start) >> PAGE_SHIFT);
		unsigned long entries = (c.end - c.addr) >> PAGE_SHIFT;

#pragma GCC unroll 8
		for (unsigned long i = 0; i < entries; i++)
			answer[i] = in_memory(pte_read(&c.pte[i]));
	}
	for (unsigned long i = 0; vma->vm_mapping && i < nr; i++)
		if (!vec[i])
			vec[i] = cached(vma, linear_page_index(vma, start + (i << PAGE_SHIFT)));
}

/* Up to MINCORE_CHUNK pages; how many, or -ENOMEM at a hole. */
static long mincore_chunk(struct mm_struct *mm, vaddr_t addr, unsigned long pages, unsigned char *vec)
{
	struct vm_area_struct *vma;
	vaddr_t end;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (!vma) {
		mmap_read_unlock(mm);
		return -ENOMEM;
	}
	end = min(vma->vm_end, addr + (min_t(unsigned long, pages, MINCORE_CHUNK) << PAGE_SHIFT));
	mincore_vma(mm, vma, addr, end, vec);
	mmap_read_unlock(mm);
	return (long)((end - addr) >> PAGE_SHIFT);
}

int do_mincore(struct mm_struct *mm, unsigned long addr, size_t len, unsigned char *vec)
{
	unsigned char chunk[MINCORE_CHUNK];
	unsigned long pages = (len >> PAGE_SHIFT) + ((len & ~PAGE_MASK) != 0);

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr > TASK_SIZE || len > TASK_SIZE - addr)
		return -ENOMEM;
	if (!access_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		long got = mincore_chunk(mm, addr, pages, chunk);

		if (got < 0)
			return (int)got;
		if (copy_to_user(vec, chunk, (size_t)got))
			return -EFAULT;
		pages -= (unsigned long)got;
		vec += got;
		addr += (unsigned long)got << PAGE_SHIFT;
	}
	return 0;
}

/* Cleans what a shared mapping of the file has made dirty. */
static int sync_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct address_space *mapping = vma->vm_mapping;
	pgoff_t index = linear_page_index(vma, start), last = linear_page_index(vma, end - 1);
	struct page *page;
	int err = 0;

	if (!mapping || !(vma->vm_flags & VM_SHARED) || !mapping->ops->write_page)
		return 0;
	while (!err && find_get_pages(mapping, &index, last, 1, &page)) {
		lock_page(page);
		if (page_mapping(page) == mapping && page_test_and_clear_flag(page, PG_dirty))
			err = mapping->ops->write_page(mapping, page);
		else
			unlock_page(page);
		put_page(page);
	}
	return err;
}

static int msync_locked(struct mm_struct *mm, unsigned long start, unsigned long end, int flags)
{
	struct vm_area_struct *vma = find_vma(mm, start);
	int unmapped = 0, err;

	for (;;) {
		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			if (flags == MS_ASYNC || vma->vm_start >= end)
				return -ENOMEM;
			start = vma->vm_start;
			unmapped = -ENOMEM;
		}
		if ((flags & MS_INVALIDATE) && (vma->vm_flags & VM_LOCKED))
			return -EBUSY;
		if (flags & MS_SYNC) {
			err = sync_vma(vma, start, min(end, vma->vm_end));
			if (err)
				return err;
		}
		start = vma->vm_end;
		if (start >= end)
			return unmapped;
		vma = vma->vm_next;
	}
}

int do_msync(struct mm_struct *mm, unsigned long addr, size_t len, int flags)
{
	unsigned long end;
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if ((flags & MS_ASYNC) && (flags & MS_SYNC))
		return -EINVAL;
	end = addr + PAGE_ALIGN(len);
	if (end < addr)
		return -ENOMEM;
	if (end == addr)
		return 0;
	mmap_read_lock(mm);
	err = msync_locked(mm, addr, end, flags);
	mmap_read_unlock(mm);
	return err;
}
