/* SPDX-License-Identifier: MIT */
/* mremap.c - grow, shrink and move mappings. */
#include "arch/cpu.h"
#include "base/math.h"
#include "pgtable/softpte.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/mm_int.h"
#include "vm/userfault.h"
#include "vm/vma_merge.h"

/* A move needs this many more VMAs at worst: the copy, and two cuts. */
#define MREMAP_SPARE_MAPS 3

struct mremap_request {
	struct mm_struct *mm;
	unsigned long addr, old_len, new_len, flags, new_addr;
	bool populate;          /* the grown part is locked memory: fault it in afterwards */
	struct list_head early; /* monitors who are to be told: of what makes room, and of the move */
	struct list_head late;  /* ... of what is unmapped of the old place */
};

/* Reverse walks stay out while pages are at neither place. */
static void lock_rmaps(struct vm_area_struct *vma)
{
	if (vma->vm_mapping)
		down_write(&vma->vm_mapping->i_mmap_lock);
	if (vma->anon_vma)
		down_write(&vma->anon_vma->lock);
}

static void unlock_rmaps(struct vm_area_struct *vma)
{
	if (vma->anon_vma)
		up_write(&vma->anon_vma->lock);
	if (vma->vm_mapping)
		up_write(&vma->vm_mapping->i_mmap_lock);
}

/* Moves the entries of `nr` pages that lie in one leaf table on each side. Both locks are of one rank: lower address of the
 * table pages first. */
static void move_entries(struct mm_struct *mm, vaddr_t from, pte_t *src, pte_t *dst, unsigned long nr)
{
	spinlock_t *a = pte_lockptr(src), *b = pte_lockptr(dst);

	if (a > b)
		swap(a, b);
	spin_lock(a);
	if (a != b)
		spin_lock_nested(b);
	if (mm->tree.alone) {
		/* No CPU runs on these tables that could set a bit meanwhile. */
		cpu_copy_words(dst, src, nr * sizeof(*src) / sizeof(long));
		cpu_clear_words(src, nr * sizeof(*src) / sizeof(long));
	} else {
		for (unsigned long i = 0; i < nr; i++)
			if (!pte_none(pte_read(&src[i])))
				set_pte(&dst[i], ptep_get_and_clear(&src[i]));
	}
	flush_tlb_range(&mm->pgt, from, from + (nr << PAGE_SHIFT));
	if (a != b)
		spin_unlock(b);
	spin_unlock(a);
}

/* The pages of [from, from + len) that one leaf table holds both there and at the destination. */
static unsigned long chunk_pages(vaddr_t from, vaddr_t to, unsigned long len)
{
	unsigned long here = pt_addr_end(from, from + len, 1) - from, there = pt_addr_end(to, to + len, 1) - to;

	return min(here, there) >> PAGE_SHIFT;
}

/* Where a program counts which pages were written, moved ones were. Without their locks nobody could reach them: the mmap lock
 * is held to write, and the faults have been waited for. */
static void mark_moved(struct mm_struct *mm, vaddr_t addr, unsigned long len)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, &mm->pgt, addr, addr + len) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t at = c.addr; at < c.end; at += PAGE_SIZE, pte++) {
			pte_t entry;

			do
				entry = pte_read(pte);
			while (pte_present(entry) && !ptep_try_change(pte, entry, pte_mksoft_dirty(entry)));
			if (is_migration_pte(entry))
				set_pte(pte, pte_with_soft_flags(entry, pte_soft_flags(entry) | SOFT_WRITTEN));
		}
		spin_unlock(c.ptl);
	}
}

/* One step of a move: a whole leaf table where both sides are aligned, else what fits. 0 or -ENOMEM; *done in bytes. */
static int move_step(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t from, vaddr_t to, unsigned long len,
		     struct table_purse *purse, unsigned long *done)
{
	unsigned long nr = chunk_pages(from, to, len);
	spinlock_t *ptl;
	pte_t *src, *dst;
	bool moved;

	*done = nr << PAGE_SHIFT;
	if (!pgtable_find_pte(&mm->pgt, from))
		return 0;
	if (table_purse_fill(purse, &mm->pgt, to, GFP_KERNEL) != 0)
		return -ENOMEM;
	lock_rmaps(vma);
	if (*done == pt_size(1)) {
		moved = pgtable_move_table(&mm->pgt, from, to, purse);
		if (moved) {
			flush_tlb_range(&mm->pgt, from, from + *done);
			unlock_rmaps(vma);
			return 0;
		}
	}
	dst = pgtable_lock_pte(&mm->pgt, to, purse, &ptl);
	if (dst) {
		spin_unlock(ptl);
		src = pgtable_find_pte(&mm->pgt, from);
		move_entries(mm, from, src, dst, nr);
	}
	unlock_rmaps(vma);
	return dst ? 0 : -ENOMEM;
}

/* Moves page-table entries; what was reached before memory for tables ran out, in bytes. */
static unsigned long move_page_tables(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t from, vaddr_t to,
				      unsigned long len)
{
	struct table_purse purse = TABLE_PURSE_INIT;
	unsigned long moved = 0, step;

	while (moved < len) {
		if (move_step(mm, vma, from + moved, to + moved, len - moved, &purse, &step) != 0)
			break;
		moved += step;
	}
	table_purse_empty(&purse);
	return moved;
}

/* Moved memory stays watched if its monitor is told where it went. */
static bool stays_watched(const struct vm_area_struct *vma)
{
	return userfault_wants(vma->userfault, UFFD_FEATURE_EVENT_REMAP);
}

static int note_remap(struct mremap_request *req, const struct vm_area_struct *vma)
{
	struct userfault_event event = { .type = UFFD_EVENT_REMAP, .remap = { req->addr, req->new_addr, req->old_len } };

	return stays_watched(vma) ? userfault_note(&req->early, vma->userfault, &event) : 0;
}

/* The destination's VMA: a neighbour that grew, or a copy of the old one. NULL: out of memory. */
static struct vm_area_struct *copy_vma_to(struct mremap_request *req, struct vm_area_struct *vma)
{
	struct mm_struct *mm = req->mm;
	struct vm_area_struct *prev, *next, *new;
	struct vma_attrs attrs;

	vma_attrs_of(vma, &attrs);
	if (unlikely(vma->userfault) && !stays_watched(vma)) {
		attrs.flags &= ~VM_UFFD_FLAGS;
		attrs.userfault = NULL;
	}
	attrs.pgoff = linear_page_index(vma, req->addr);
	/* Nothing was touched yet: the offsets may follow the new place, where they merge better. */
	if (vma_is_anonymous(vma) && !vma->anon_vma)
		attrs.pgoff = req->new_addr >> PAGE_SHIFT;
	attrs.start = req->new_addr;
	attrs.end = req->new_addr + req->new_len;
	next = find_vma_prev(mm, req->new_addr, &prev);
	new = vma_merge_copy(mm, &attrs, vma, prev, next);
	if (new)
		return new;
	new = vma_dup(mm, vma);
	if (!new)
		return NULL;
	if (unlikely(new->userfault) && !stays_watched(vma))
		vma_unwatch_copy(new);
	new->vm_start = attrs.start;
	new->vm_end = attrs.end;
	new->vm_pgoff = attrs.pgoff;
	if (insert_vm_struct(mm, new) != 0) {
		vma_free(new);
		return NULL;
	}
	vma_share_family(new, vma);
	return new;
}

/* What happens to the old place once the pages are at the new one. */
static void leave_old_place(struct mremap_request *req, unsigned long vm_flags)
{
	struct mm_struct *mm = req->mm;
	unsigned long old_pages = req->old_len >> PAGE_SHIFT;
	struct vm_area_struct *vma;

	if (!(req->flags & MREMAP_DONTUNMAP)) {
		/* Unmapping uncharges these pages, whose charge moves along. Its one failure is a cut that finds no memory;
		 * then the old place stays, empty, and is charged beside the new one. */
		if (req->old_len) {
			(void)munmap_moved(mm, req->addr, req->addr + req->old_len, &req->late);
			if (vm_flags & VM_ACCOUNT)
				atomic_long_add((long)old_pages, &this_vm()->committed);
		}
		return;
	}
	vma = vma_lookup(mm, req->addr);
	if (vma && (vma->vm_flags & VM_LOCKED)) {
		vma_start_write(vma);
		mm->locked_vm -= vma_pages(vma);
		vma_set_flags(vma, vma->vm_flags & ~VM_LOCKED_MASK);
	}
	if (vma && vma->anon_vma && vma->vm_start == req->addr && vma->vm_end == req->addr + req->old_len)
		vma_drop_family(vma);
}

static unsigned long move_vma(struct mremap_request *req, struct vm_area_struct *vma)
{
	struct mm_struct *mm = req->mm;
	unsigned long vm_flags = vma->vm_flags, new_pages = req->new_len >> PAGE_SHIFT, moved;
	unsigned long charge = req->flags & MREMAP_DONTUNMAP ? new_pages : (req->new_len - req->old_len) >> PAGE_SHIFT;
	struct vm_area_struct *new;

	if (mm->map_count + MREMAP_SPARE_MAPS >= this_vm()->max_map_count)
		return (unsigned long)-ENOMEM;
	if ((vm_flags & VM_ACCOUNT) && vm_charge(mm, (long)charge) != 0)
		return (unsigned long)-ENOMEM;
	if (unlikely(vma->userfault) && note_remap(req, vma) != 0)
		goto uncharge;
	new = copy_vma_to(req, vma);
	if (!new)
		goto uncharge;
	vma_start_write(new);
	vma = vma_lookup(mm, req->addr);
	if (vma)
		vma_start_write(vma);
	if (unlikely(vm_flags & VM_UFFD_WP) && vma && !stays_watched(vma) && req->old_len)
		userfault_forget_wp(vma, req->addr, req->addr + req->old_len);
	vm_stat_account(mm, vm_flags, (long)new_pages);
	if (vm_flags & VM_LOCKED) {
		mm->locked_vm += new_pages;
		req->populate = true;
	}
	moved = req->old_len ? move_page_tables(mm, new, req->addr, req->new_addr, req->old_len) : 0;
	if (unlikely(new->counts_writes) && moved)
		mark_moved(mm, req->new_addr, moved);
	if (moved < req->old_len) {
		/* Back: the tables that the pages came from are still there. */
		move_page_tables(mm, new, req->new_addr, req->addr, moved);
		if (vm_flags & VM_ACCOUNT)
			atomic_long_add((long)(new_pages - charge), &this_vm()->committed);
		munmap_locked(mm, req->new_addr, req->new_addr + req->new_len, NULL);
		return (unsigned long)-ENOMEM;
	}
	leave_old_place(req, vm_flags);
	return req->new_addr;
uncharge:
	if (vm_flags & VM_ACCOUNT)
		vm_unacct_memory((long)charge);
	return (unsigned long)-ENOMEM;
}

/* The VMA to be resized, after all checks. ERR_PTR. */
static struct vm_area_struct *vma_to_resize(const struct mremap_request *req)
{
	struct mm_struct *mm = req->mm;
	struct vm_area_struct *vma = vma_lookup(mm, req->addr);
	pgoff_t pgoff;

	if (!vma)
		return ERR_PTR(-EFAULT);
	if (unlikely(vma->vm_flags & VM_SEALED))
		return ERR_PTR(-EPERM);
	if (!req->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return ERR_PTR(-EINVAL);
	if ((req->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return ERR_PTR(-EINVAL);
	/* What is cut off before a move may be anything. */
	if (min(req->old_len, req->new_len) > vma->vm_end - req->addr ||
	    (req->old_len < req->new_len && req->old_len > vma->vm_end - req->addr))
		return ERR_PTR(-EFAULT);
	if (req->new_len <= req->old_len)
		return vma;
	pgoff = linear_page_index(vma, req->addr);
	if (pgoff + (req->new_len >> PAGE_SHIFT) < pgoff)
		return ERR_PTR(-EINVAL);
	if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return ERR_PTR(-EFAULT);
	if (!mlock_future_ok(mm, vma->vm_flags, req->new_len - req->old_len))
		return ERR_PTR(-EAGAIN);
	if (!may_expand_vm(mm, vma->vm_flags, (req->new_len - req->old_len) >> PAGE_SHIFT))
		return ERR_PTR(-ENOMEM);
	return vma;
}

/* What can be refused for a new place before anything is looked up. */
static int check_new_place(const struct mremap_request *req)
{
	if ((req->new_addr & ~PAGE_MASK) || req->new_addr > TASK_SIZE - req->new_len)
		return -EINVAL;
	if (req->addr + req->old_len > req->new_addr && req->new_addr + req->new_len > req->addr)
		return -EINVAL;
	return req->mm->map_count + 2 >= this_vm()->max_map_count - MREMAP_SPARE_MAPS ? -ENOMEM : 0;
}

/* MREMAP_FIXED or MREMAP_DONTUNMAP. */
static unsigned long mremap_to(struct mremap_request *req)
{
	struct mm_struct *mm = req->mm;
	struct vm_area_struct *vma;
	unsigned long map_flags, place;
	int err;

	/* All checks first: what is refused leaves everything as it was. */
	vma = vma_to_resize(req);
	if (IS_ERR(vma))
		return (unsigned long)PTR_ERR(vma);
	if (req->flags & MREMAP_FIXED) {
		err = munmap_locked(mm, req->new_addr, req->new_addr + req->new_len, &req->early);
		if (err)
			return (unsigned long)(long)err;
	}
	if (req->old_len > req->new_len) {
		err = munmap_locked(mm, req->addr + req->new_len, req->addr + req->old_len, &req->late);
		if (err)
			return (unsigned long)(long)err;
		req->old_len = req->new_len;
	}
	/* The cut may have made another VMA of it. */
	vma = vma_lookup(mm, req->addr);
	if (!vma)
		return (unsigned long)-EFAULT;
	if ((req->flags & MREMAP_DONTUNMAP) && !may_expand_vm(mm, vma->vm_flags, req->old_len >> PAGE_SHIFT))
		return (unsigned long)-ENOMEM;
	map_flags = req->flags & MREMAP_FIXED ? MAP_FIXED : 0;
	place = get_unmapped_area(mm, req->new_addr, req->new_len, linear_page_index(vma, req->addr), map_flags,
				  vma->vm_flags);
	if (IS_ERR_VALUE(place))
		return place;
	req->new_addr = place;
	return move_vma(req, vma);
}

static bool expandable(struct mm_struct *mm, const struct vm_area_struct *vma, unsigned long delta)
{
	unsigned long end = vma->vm_end + delta;

	return end >= vma->vm_end && end <= TASK_SIZE && !find_vma_intersection(mm, vma->vm_end, end);
}

/* Grows where it is: into a neighbour that fits, or by itself. */
static unsigned long grow_in_place(struct mremap_request *req, struct vm_area_struct *vma)
{
	struct mm_struct *mm = req->mm;
	unsigned long delta = req->new_len - req->old_len, pages = delta >> PAGE_SHIFT;
	struct vma_attrs attrs;

	if ((vma->vm_flags & VM_ACCOUNT) && vm_charge(mm, (long)pages) != 0)
		return (unsigned long)-ENOMEM;
	vma_attrs_of(vma, &attrs);
	attrs.pgoff += vma_pages(vma);
	attrs.start = vma->vm_end;
	attrs.end = vma->vm_end + delta;
	vm_stat_account(mm, vma->vm_flags, (long)pages);
	if (vma->vm_flags & VM_LOCKED) {
		mm->locked_vm += pages;
		req->populate = true;
	}
	req->new_addr = req->addr;
	if (!vma_merge_copy(mm, &attrs, vma, vma, vma->vm_next)) {
		/* Special mappings never merge, but grow all the same. */
		vma_start_write(vma);
		vma_adjust_range(vma, vma->vm_start, attrs.end, vma->vm_pgoff);
	}
	return req->addr;
}

/* What is watched or counted is not moved together with other mappings: a monitor would have to be told of each before the next is
 * touched. */
static bool moves_alone(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_UFFD_FLAGS) || vma_is_counted(vma);
}

/* A move to a fixed place without a change of size takes all mappings of the range along, holes included. */
static unsigned long move_several(struct mremap_request *all)
{
	unsigned long end = all->addr + all->old_len, at = all->addr, done;
	struct vm_area_struct *vma = vma_lookup(all->mm, at);

	if (!vma)
		return (unsigned long)-EFAULT;
	while (vma && vma->vm_start < end) {
		struct mremap_request one = *all;

		at = max(at, vma->vm_start);
		if (unlikely(moves_alone(vma)) && (at != all->addr || vma->vm_end < end))
			return (unsigned long)-EFAULT;
		one.addr = at;
		one.old_len = min(end, vma->vm_end) - at;
		one.new_len = one.old_len;
		one.new_addr = all->new_addr + (at - all->addr);
		at += one.old_len;
		INIT_LIST_HEAD(&one.early);
		INIT_LIST_HEAD(&one.late);
		done = mremap_to(&one);
		list_splice_tail_init(&one.early, &all->early);
		list_splice_tail_init(&one.late, &all->late);
		if (IS_ERR_VALUE(done))
			return done;
		vma = at < end ? find_vma(all->mm, at) : NULL;
	}
	return all->new_addr;
}

static unsigned long mremap_locked(struct mremap_request *req)
{
	struct mm_struct *mm = req->mm;
	struct vm_area_struct *vma;
	unsigned long place;
	int err;

	if (req->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		err = check_new_place(req);
		if (err)
			return (unsigned long)(long)err;
	}
	if ((req->flags & MREMAP_FIXED) && req->old_len == req->new_len)
		return move_several(req);
	vma = vma_lookup(mm, req->addr);
	if (!vma)
		return (unsigned long)-EFAULT;
	if (unlikely(vma->vm_flags & VM_SEALED))
		return (unsigned long)-EPERM;
	if (req->old_len > TASK_SIZE - req->addr)
		return (unsigned long)(req->old_len > req->new_len ? -EINVAL : -EFAULT);
	if (req->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return mremap_to(req);
	if (req->old_len >= req->new_len) {
		err = req->old_len == req->new_len ? 0 : munmap_locked(mm, req->addr + req->new_len,
								       req->addr + req->old_len, &req->late);
		return err ? (unsigned long)(long)err : req->addr;
	}
	vma = vma_to_resize(req);
	if (IS_ERR(vma))
		return (unsigned long)PTR_ERR(vma);
	if (req->old_len == vma->vm_end - req->addr && expandable(mm, vma, req->new_len - req->old_len))
		return grow_in_place(req, vma);
	if (!(req->flags & MREMAP_MAYMOVE))
		return (unsigned long)-ENOMEM;
	place = get_unmapped_area(mm, 0, req->new_len, linear_page_index(vma, req->addr), 0, vma->vm_flags);
	if (IS_ERR_VALUE(place))
		return place;
	req->new_addr = place;
	return move_vma(req, vma);
}

unsigned long do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long old_len, unsigned long new_len,
			unsigned long flags, unsigned long new_addr)
{
	struct mremap_request req = { .mm = mm, .addr = addr, .old_len = PAGE_ALIGN(old_len),
				      .new_len = PAGE_ALIGN(new_len), .flags = flags, .new_addr = new_addr };
	unsigned long result;

	if (flags & ~(unsigned long)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return (unsigned long)-EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return (unsigned long)-EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || req.old_len != req.new_len))
		return (unsigned long)-EINVAL;
	if ((addr & ~PAGE_MASK) || !req.new_len || req.new_len > TASK_SIZE)
		return (unsigned long)-EINVAL;
	INIT_LIST_HEAD(&req.early);
	INIT_LIST_HEAD(&req.late);
	mmap_write_lock(mm);
	result = mremap_locked(&req);
	update_hiwater_vm(mm);
	mmap_write_unlock(mm);
	if (IS_ERR_VALUE(result))
		userfault_notes_forget(&req.early, UFFD_EVENT_REMAP);
	userfault_notes_tell(&req.early);
	userfault_notes_tell(&req.late);
	if (req.populate && !IS_ERR_VALUE(result) && req.new_len > req.old_len)
		mm_populate(mm, result + req.old_len, req.new_len - req.old_len);
	return result;
}
