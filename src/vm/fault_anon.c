/* SPDX-License-Identifier: MIT */
/* fault_anon.c - first touch of anonymous memory: the zero page for reading, a page of one's own for writing. */
#include "object/lru.h"
#include "object/rmap.h"
#include "pgtable/walk.h"
#include "vm/fault_int.h"

spinlock_t *fault_lock_same(struct vm_fault *vmf)
{
	spinlock_t *ptl = pte_lockptr(vmf->pte);

	spin_lock(ptl);
	if (likely(pte_same(pte_read(vmf->pte), vmf->orig)))
		return ptl;
	spin_unlock(ptl);
	return NULL;
}

struct page *fault_new_page(struct vm_fault *vmf, struct page *from)
{
	struct page *page;

	if (!from || page_owner(from) == PAGE_OWNER_ZERO)
		return alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_ZERO);
	page = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (likely(page))
		copy_page(page_address(page), page_address(from));
	return page;
}

void fault_map_new_page(struct vm_fault *vmf, struct page *page)
{
	struct vm_area_struct *vma = vmf->vma;
	pte_t entry = pte_mkdirty(mk_pte(page, vma->vm_page_prot));

	if (vma->vm_flags & VM_WRITE)
		entry = pte_mkwrite(entry);
	entry = fault_inherit_wp(vmf, entry);
	page_add_new_anon_rmap(page, vma->anon_vma, linear_page_index(vma, vmf->address));
	add_mm_counter(vmf->mm, MM_ANONPAGES, 1);
	lru_cache_add(page);
	if (unlikely(vma->vm_flags & VM_LOCKED))
		mlock_page(page);
	set_pte(vmf->pte, entry);
}

static vm_fault_t map_zero_page(struct vm_fault *vmf)
{
	pte_t entry = fault_inherit_wp(vmf, pte_mkspecial(mk_pte(this_vm()->zero_page, vmf->vma->vm_page_prot)));
	spinlock_t *ptl = fault_lock_same(vmf);

	if (likely(ptl)) {
		set_pte(vmf->pte, entry);
		spin_unlock(ptl);
	}
	return 0;
}

vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *page;
	spinlock_t *ptl;
	vm_fault_t failed;

	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return map_zero_page(vmf);
	failed = fault_prepare_anon(vmf);
	if (unlikely(failed))
		return failed;
	page = fault_new_page(vmf, NULL);
	if (unlikely(!page))
		return VM_FAULT_OOM;
	ptl = fault_lock_same(vmf);
	if (unlikely(!ptl)) {
		put_page(page);
		return 0;
	}
	fault_map_new_page(vmf, page);
	spin_unlock(ptl);
	return 0;
}
