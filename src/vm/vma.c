/* SPDX-License-Identifier: MIT */
/* vma.c - make, copy, split, link and free VMAs, and keep the mm's sums. */
#include "vm/vma.h"

#include "base/assert.h"
#include "base/string.h"
#include "quire/errno.h"
#include "quire/slab.h"
#include "sync/wait.h"
#include "vm/mm_int.h"
#include "vm/userfault.h"
#include "vm/vma_tree_int.h"

struct vm_area_struct *vma_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_zalloc(this_vm()->vma_cache, GFP_KERNEL);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	/* Born write-locked: whoever makes it holds the mmap lock and is not through with it. */
	vma->lock_seq = mm->lock_seq;
	vma->rmap.pgtable = &mm->pgt;
	return vma;
}

/* One of the things that few VMAs have. */
static __always_inline bool has_extras(const struct vm_area_struct *vma)
{
	return ((unsigned long)vma->special | (unsigned long)vma->anon_name | (unsigned long)vma->userfault) != 0;
}

static __noinline void extras_get(const struct vm_area_struct *vma)
{
	if (vma->special)
		atomic_fetch_add_explicit(&vma->special->users, 1, memory_order_relaxed);
	if (vma->anon_name)
		atomic_fetch_add_explicit(&vma->anon_name->users, 1, memory_order_relaxed);
	if (vma->userfault)
		userfault_get(vma->userfault);
}

static void backing_get(const struct vm_area_struct *vma)
{
	if (vma->vm_mapping && vma->vm_mapping->ops->get_file)
		vma->vm_mapping->ops->get_file(vma->vm_file);
	if (unlikely(has_extras(vma)))
		extras_get(vma);
}

static void special_put(struct special_mapping *special)
{
	if (atomic_fetch_sub_explicit(&special->users, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned int i = 0; i < special->nr; i++)
		put_page(special->pages[i]);
	kfree(special);
}

static __noinline void extras_put(const struct vm_area_struct *vma)
{
	if (vma->special)
		special_put(vma->special);
	anon_name_put(vma->anon_name);
	if (vma->userfault)
		userfault_put(vma->userfault);
}

struct vm_area_struct *vma_dup(struct mm_struct *mm, const struct vm_area_struct *old)
{
	struct vm_area_struct *vma = kmem_cache_alloc(this_vm()->vma_cache, GFP_KERNEL);

	if (!vma)
		return NULL;
	/* All but the lock, which faults in the old one may be counting in right now. */
	memcpy(vma, old, offsetof(struct vm_area_struct, lock_readers));
	memcpy(&vma->vm_next, &old->vm_next, sizeof(*vma) - offsetof(struct vm_area_struct, vm_next));
	vma->vm_mm = mm;
	vma->lock_seq = mm->lock_seq;
	atomic_set(&vma->lock_readers, 0);
	vma->anon_vma = NULL;
	vma->anon_id = 0;
	vma->anon_forked = false;
	vma->vm_next = NULL;
	vma->vm_prev = NULL;
	vma->rmap.pgtable = &mm->pgt;
	backing_get(vma);
	return vma;
}

static void vma_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(this_vm()->vma_cache, container_of(head, struct vm_area_struct, rcu));
}

void vma_free(struct vm_area_struct *vma)
{
	if (vma->vm_mapping && vma->vm_mapping->ops->put_file)
		vma->vm_mapping->ops->put_file(vma->vm_file);
	if (unlikely(has_extras(vma)))
		extras_put(vma);
	if (vma->vm_mm->tree.alone) {
		kmem_cache_free(this_vm()->vma_cache, vma);
		return;
	}
	WRITE_ONCE(vma->mmap_lock_only, true);
	call_rcu(&vma->rcu, vma_free_rcu);
}

void vma_start_write_slow(struct vm_area_struct *vma)
{
	(void)__atomic_fetch_or(&vma->lock_readers.counter, VMA_WRITER_WAITS, __ATOMIC_SEQ_CST);
	/* Acquire: pairs with the release in vma_end_read. */
	wait_event_key(vma, (atomic_read_acquire(&vma->lock_readers) & ~VMA_WRITER_WAITS) == 0);
	(void)__atomic_fetch_and(&vma->lock_readers.counter, ~VMA_WRITER_WAITS, __ATOMIC_RELAXED);
}

void vma_end_read_slow(struct vm_area_struct *vma)
{
	/* The VMA may be freed as soon as the writer sees no reader: only its address is used. */
	wake_key(vma);
}

unsigned long vm_start_gap(const struct vm_area_struct *vma)
{
	if (likely(!(vma->vm_flags & VM_GROWSDOWN)))
		return vma->vm_start;
	return vma->vm_start > STACK_GUARD_GAP ? vma->vm_start - STACK_GUARD_GAP : 0;
}

unsigned long vma_gap_end(const struct vm_area_struct *vma)
{
	return vm_start_gap(vma);
}

void vma_init_flags(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags = flags;
	vma->vm_page_prot = vm_get_page_prot(flags);
}

void vma_set_flags(struct vm_area_struct *vma, unsigned long flags)
{
	vma_init_flags(vma, flags);
	vma_update_rmap_flags(vma);
}

void vm_stat_account(struct mm_struct *mm, unsigned long flags, long pages)
{
	mm->total_vm += (unsigned long)pages;
	if (is_exec_mapping(flags))
		mm->exec_vm += (unsigned long)pages;
	else if (is_stack_mapping(flags))
		mm->stack_vm += (unsigned long)pages;
	else if (is_data_mapping(flags))
		mm->data_vm += (unsigned long)pages;
}

static void list_link(struct mm_struct *mm, struct vm_area_struct *vma, struct vm_area_struct *prev)
{
	struct vm_area_struct *next = prev ? prev->vm_next : mm->mmap;

	vma->vm_prev = prev;
	vma->vm_next = next;
	if (prev)
		prev->vm_next = vma;
	else
		mm->mmap = vma;
	if (next)
		next->vm_prev = vma;
	else
		mm->last = vma;
}

static void list_unlink(struct mm_struct *mm, struct vm_area_struct *vma)
{
	if (vma->vm_prev)
		vma->vm_prev->vm_next = vma->vm_next;
	else
		mm->mmap = vma->vm_next;
	if (vma->vm_next)
		vma->vm_next->vm_prev = vma->vm_prev;
	else
		mm->last = vma->vm_prev;
}

void vma_update_rmap_flags(struct vm_area_struct *vma)
{
	unsigned int flags = (vma->vm_flags & VM_LOCKED ? RMAP_LOCKED : 0) | (vma->vm_flags & VM_SHARED ? 0 : RMAP_PRIVATE) |
			     (vma->vm_flags & VM_NONLINEAR ? RMAP_NONLINEAR : 0) |
			     (vma->vm_mapping && (vma->vm_flags & VM_UFFD_WP) ? RMAP_UFFD_WP : 0);

	flags |= (unsigned int)(vma->vm_flags & VM_ACCESS_FLAGS) << RMAP_RIGHTS_SHIFT;
	WRITE_ONCE(vma->rmap.flags, flags | vm_flags_pkey(vma->vm_flags) << RMAP_PKEY_SHIFT);
}

static void rmap_fields_set(struct vm_area_struct *vma)
{
	vma->rmap.start = vma->vm_start;
	vma->rmap.pgoff = vma->vm_pgoff;
	vma->rmap.nr = vma_pages(vma);
	vma_update_rmap_flags(vma);
}

int insert_vm_struct(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = mm->last;
	int err;

	rmap_fields_set(vma);
	if (prev && prev->vm_end <= vma->vm_start) {
		err = vma_tree_append(&mm->tree, vma);
	} else {
		prev = vma_tree_floor(&mm->tree, vma->vm_start);
		err = vma_tree_insert(&mm->tree, vma);
	}
	if (err)
		return err;
	list_link(mm, vma, prev);
	mm->map_count++;
	if (vma->vm_mapping) {
		rmap_link_file(&vma->rmap, vma->vm_mapping);
		if ((vma->vm_flags & VM_SHARED) && (vma->vm_flags & VM_MAYWRITE))
			atomic_fetch_add_explicit(&vma->vm_mapping->i_mmap_writable, 1, memory_order_relaxed);
	}
	return 0;
}

void vma_unlink_rmap(struct vm_area_struct *vma)
{
	if (vma->vm_mapping) {
		rmap_unlink_file(&vma->rmap, vma->vm_mapping);
		if ((vma->vm_flags & VM_SHARED) && (vma->vm_flags & VM_MAYWRITE))
			atomic_fetch_sub_explicit(&vma->vm_mapping->i_mmap_writable, 1, memory_order_relaxed);
	}
	if (vma->anon_vma) {
		rmap_unlink_anon(&vma->rmap, vma->anon_vma);
		vma->anon_vma = NULL;
	}
}

void vma_remove(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma_tree_erase(&mm->tree, vma);
	list_unlink(mm, vma);
	mm->map_count--;
	vma_unlink_rmap(vma);
}

void vma_adjust_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, pgoff_t pgoff)
{
	if (vma->vm_mapping || vma->anon_vma) {
		rmap_set_range(&vma->rmap, vma->vm_mapping, vma->anon_vma, start, pgoff, (end - start) >> PAGE_SHIFT);
	} else {
		vma->rmap.start = start;
		vma->rmap.pgoff = pgoff;
		vma->rmap.nr = (end - start) >> PAGE_SHIFT;
	}
	vma_tree_set_range(&vma->vm_mm->tree, vma, start, end);
	vma->vm_pgoff = pgoff;
}

int split_vma(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	unsigned long start = vma->vm_start, end = vma->vm_end;
	pgoff_t pgoff = vma->vm_pgoff, cut = linear_page_index(vma, addr);
	struct vm_area_struct *part;
	int err;

	/* The kernel and the program both go by where its parts are. */
	if (unlikely(vma->special))
		return -EINVAL;
	if (mm->map_count >= this_vm()->max_map_count)
		return -ENOMEM;
	part = vma_dup(mm, vma);
	if (!part)
		return -ENOMEM;
	vma_start_write(vma);
	part->vm_start = new_below ? start : addr;
	part->vm_end = new_below ? addr : end;
	part->vm_pgoff = new_below ? pgoff : cut;
	if (new_below)
		vma_adjust_range(vma, addr, end, cut);
	else
		vma_adjust_range(vma, start, addr, pgoff);
	err = insert_vm_struct(mm, part);
	if (unlikely(err)) {
		vma_adjust_range(vma, start, end, pgoff);
		vma_free(part);
		return err;
	}
	if (vma->anon_vma) {
		rmap_link_anon(&part->rmap, vma->anon_vma);
		part->anon_vma = vma->anon_vma;
		part->anon_id = vma->anon_id;
		part->anon_forked = vma->anon_forked;
	}
	return 0;
}
