/* SPDX-License-Identifier: MIT */
/* madvise.c - what a program says about how it will use a range. */
#include "vm/madvise.h"

#include "base/math.h"
#include "object/pagecache.h"
#include "object/zap.h"
#include "quire/errno.h"
#include "vm/fault_int.h"
#include "vm/userfault.h"
#include "vm/vma_merge.h"

/* The flags of a VMA after an advice that only changes flags; 0 or -EINVAL. */
static int advised_flags(const struct vm_area_struct *vma, int advice, unsigned long *flags)
{
	switch (advice) {
	case MADV_NORMAL:
		*flags &= ~(VM_RAND_READ | VM_SEQ_READ);
		return 0;
	case MADV_SEQUENTIAL:
		*flags = (*flags & ~VM_RAND_READ) | VM_SEQ_READ;
		return 0;
	case MADV_RANDOM:
		*flags = (*flags & ~VM_SEQ_READ) | VM_RAND_READ;
		return 0;
	case MADV_DONTFORK:
		*flags |= VM_DONTCOPY;
		return 0;
	case MADV_DOFORK:
		*flags &= ~VM_DONTCOPY;
		return vma->vm_flags & VM_IO ? -EINVAL : 0;
	case MADV_WIPEONFORK:
		*flags |= VM_WIPEONFORK;
		return vma->vm_mapping || (vma->vm_flags & VM_SHARED) ? -EINVAL : 0;
	case MADV_KEEPONFORK:
		*flags &= ~VM_WIPEONFORK;
		return 0;
	case MADV_DONTDUMP:
		*flags |= VM_DONTDUMP;
		return 0;
	case MADV_DODUMP:
		*flags &= ~VM_DONTDUMP;
		return vma->vm_flags & VM_SPECIAL ? -EINVAL : 0;
	case MADV_MERGEABLE:
		/* Advice for mappings that cannot be merged is ignored. */
		if (!(vma->vm_flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_HUGETLB)))
			*flags |= VM_MERGEABLE;
		return 0;
	case MADV_UNMERGEABLE:
		*flags &= ~VM_MERGEABLE;
		return 0;
	case MADV_HUGEPAGE:
		*flags = (*flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
		return 0;
	case MADV_NOHUGEPAGE:
		*flags = (*flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
		return 0;
	default:
		return -EINVAL;
	}
}

static int advise_flags(struct mm_struct *mm, struct vm_area_struct **vmap, unsigned long start, unsigned long end,
			int advice)
{
	struct vm_area_struct *vma = *vmap;
	unsigned long flags = vma->vm_flags;
	int err = advised_flags(vma, advice, &flags);

	if (err || flags == vma->vm_flags)
		return err;
	vma = vma_modify(mm, vma, start, end, flags, vma->anon_name);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	*vmap = vma;
	vma_start_write(vma);
	vma_set_flags(vma, flags);
	return 0;
}

static void zap_vma_range(const struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct zap_range range = { .start = start, .end = end,
				   .keep_wp = !vma_is_anonymous(vma) && (vma->vm_flags & VM_UFFD_WP) };
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_gather tlb;

	update_hiwater_rss(mm);
	tlb_gather_mmu(&tlb, &mm->pgt, 0);
	zap_page_range(&tlb, &range);
	tlb_finish_mmu(&tlb);
}

/* Pages of a file that the range will show are read. What cannot be read is found out by who touches it. */
static void read_in(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct address_space *mapping = vma->vm_mapping;
	pgoff_t index, last;

	if (!mapping || mapping_is_ram(mapping) || (vma->vm_flags & VM_NONLINEAR))
		return;
	last = min(linear_page_index(vma, end), bytes_to_pages(mapping->ops->size(mapping)));
	for (index = linear_page_index(vma, start); index < last; index++) {
		struct page *page = read_cache_page(mapping, index);

		if (IS_ERR(page))
			return;
		put_page(page);
	}
}

static int may_punch(const struct vm_area_struct *vma)
{
	if ((vma->vm_flags & VM_LOCKED) || !vma->vm_mapping)
		return -EINVAL;
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	return mapping_is_ram(vma->vm_mapping) ? 0 : -EOPNOTSUPP;
}

/* The object loses the pages, and with them everybody who maps it. Its owner has locks that come before the mmap lock, which is
 * given up for it. */
static int punch_hole(struct vm_area_struct *vma, struct vm_area_struct **vmap, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	const struct address_space_operations *ops = vma->vm_mapping->ops;
	u64 from = (u64)linear_page_index(vma, start) << PAGE_SHIFT;
	void *file = vma->vm_file;
	int err;

	if (!ops->punch_hole) {
		truncate_inode_pages_range(vma->vm_mapping, from, from + (end - start));
		return 0;
	}
	ops->get_file(file);
	mmap_read_unlock(mm);
	err = ops->punch_hole(file, from, from + (end - start));
	ops->put_file(file);
	mmap_read_lock(mm);
	*vmap = NULL;
	return err;
}

/* The advice would change what a sealed VMA that the program cannot write reads as. */
static bool sealed_against(const struct vm_area_struct *vma, int advice)
{
	if (!(vma->vm_flags & VM_SEALED) || vma->vm_mapping || (vma->vm_flags & (VM_SHARED | VM_WRITE)))
		return false;
	switch (advice) {
	case MADV_FREE:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_WIPEONFORK:
		return true;
	default:
		return false;
	}
}

/* May [start, end) of the VMA lose its contents? 0 or -errno. */
static int may_lose(const struct vm_area_struct *vma, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return vma->vm_flags & (VM_PFNMAP | (advice == MADV_DONTNEED ? VM_LOCKED : 0)) ? -EINVAL : 0;
	case MADV_FREE:
		return (vma->vm_flags & (VM_PFNMAP | VM_LOCKED)) || !vma_is_anonymous(vma) ? -EINVAL : 0;
	default:
		return may_punch(vma);
	}
}

/* The contents go, once the monitor of a watched range knows of it; for that the lock, held to read, may be given up for a while:
 * then *vmap is NULL. */
static int lose_contents(struct mm_struct *mm, struct vm_area_struct **vmap, unsigned long start, unsigned long end,
			 int advice)
{
	struct vm_area_struct *vma = *vmap;
	int err = may_lose(vma, advice);

	if (err)
		return err;
	if (unlikely(userfault_remove(vma, start, end))) {
		mmap_read_lock(mm);
		vma = vma_lookup(mm, start);
		*vmap = NULL;
		if (!vma)
			return -ENOMEM;
		err = may_lose(vma, advice);
		if (err)
			return err;
		end = min(end, vma->vm_end);
	}
	if (advice == MADV_FREE)
		free_lazily(vma, start, end);
	else if (advice == MADV_REMOVE)
		return punch_hole(vma, vmap, start, end);
	else
		zap_vma_range(vma, start, end);
	return 0;
}

static int advise_vma(struct mm_struct *mm, struct vm_area_struct **vmap, unsigned long start, unsigned long end,
		      int advice)
{
	const struct vm_area_struct *vma = *vmap;

	if (unlikely(sealed_against(vma, advice)))
		return -EPERM;
	switch (advice) {
	case MADV_WILLNEED:
		read_in(*vmap, start, end);
		return 0;
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
		return lose_contents(mm, vmap, start, end, advice);
	case MADV_COLD:
	case MADV_PAGEOUT:
		if (vma->vm_flags & (VM_LOCKED | VM_PFNMAP | VM_HUGETLB))
			return -EINVAL;
		if (advice == MADV_COLD)
			make_cold(*vmap, start, end);
		else
			page_out(*vmap, start, end);
		return 0;
	default:
		return advise_flags(mm, vmap, start, end, advice);
	}
}

static bool advice_known(int advice)
{
	return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || (advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED);
}

/* Applies the advice VMA by VMA; holes are skipped and reported at the end. */
static int advise_range(struct mm_struct *mm, unsigned long start, unsigned long end, int advice)
{
	struct vm_area_struct *vma = find_vma(mm, start);
	int unmapped = 0, err;

	while (start < end) {
		unsigned long upto;

		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			unmapped = -ENOMEM;
			start = vma->vm_start;
			if (start >= end)
				break;
		}
		upto = min(end, vma->vm_end);
		err = advise_vma(mm, &vma, start, upto, advice);
		if (err)
			return err;
		/* The lock may have been given up meanwhile. */
		start = vma ? max(upto, min(end, vma->vm_end)) : upto;
		vma = find_vma(mm, start);
	}
	return unmapped;
}

/* MADV_POPULATE_*: as a touch of every page would, but with an error instead of a signal. */
static int populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool write)
{
	unsigned int flags = FAULT_FLAG_REMOTE | FAULT_FLAG_ALLOW_RETRY | (write ? FAULT_FLAG_WRITE : 0);
	const struct quire_port *port = this_quire()->port;
	int err = 0;

	while (start < end && !err) {
		struct vm_area_struct *vma;
		vm_fault_t result = 0;

		if (port->fatal_signal_pending && port->fatal_signal_pending())
			return -EINTR;

		mmap_read_lock(mm);
		vma = vma_lookup(mm, start);
		if (!vma) {
			err = -ENOMEM;
		} else if ((vma->vm_flags & (VM_IO | VM_PFNMAP)) || !(vma->vm_flags & (write ? VM_WRITE : VM_READ))) {
			err = -EINVAL;
		} else {
			result = handle_watched_fault(mm, vma, start, flags);
			/* The lock was dropped to wait for a monitor: the same page again. */
			if (result & VM_FAULT_RETRY)
				continue;
			if (result & VM_FAULT_HWPOISON)
				err = -EHWPOISON;
			else if (result & VM_FAULT_ERROR)
				err = result & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
		}
		mmap_read_unlock(mm);
		start += PAGE_SIZE;
	}
	return err;
}

/* Advice that changes VMAs, and so needs the lock to write; the others change pages only. */
static bool changes_vmas(int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return false;
	default:
		return true;
	}
}

int do_madvise(struct mm_struct *mm, unsigned long addr, size_t len, int advice)
{
	unsigned long bytes = PAGE_ALIGN(len), end = addr + bytes;
	int err;

	if (!advice_known(advice) || (addr & ~PAGE_MASK) || (len && !bytes) || end < addr)
		return -EINVAL;
	if (!bytes)
		return 0;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return populate(mm, addr, end, advice == MADV_POPULATE_WRITE);
	if (changes_vmas(advice)) {
		mmap_write_lock(mm);
		err = advise_range(mm, addr, end, advice);
		mmap_write_unlock(mm);
	} else {
		mmap_read_lock(mm);
		err = advise_range(mm, addr, end, advice);
		mmap_read_unlock(mm);
	}
	return err;
}
