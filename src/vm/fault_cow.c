/* SPDX-License-Identifier: MIT */
/* fault_cow.c - a write to an entry that is read-only although the VMA may be written. */
#include "object/lru.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/fault_int.h"

/* Makes the entry writable where it is. */
static vm_fault_t reuse(struct vm_fault *vmf)
{
	spinlock_t *ptl = fault_lock_same(vmf);

	if (likely(ptl)) {
		set_pte(vmf->pte, pte_mkyoung(pte_mkdirty(pte_mkwrite(vmf->orig))));
		flush_tlb_more_rights(vmf->address);
		spin_unlock(ptl);
		count_vm_event(PGREUSE);
	}
	return 0;
}

/* As written: writable, unless a debugger wrote where the program may not. */
static inline pte_t written_entry(const struct vm_fault *vmf)
{
	pte_t entry = pte_mkyoung(pte_mkdirty(vmf->orig));

	return likely(vmf->vma->vm_flags & VM_WRITE) ? pte_mkwrite(entry) : entry;
}

/* The old page (NULL: one that is counted nowhere) is pinned by the caller; a copy of source takes its place in the entry. */
static vm_fault_t replace_by_copy(struct vm_fault *vmf, struct page *old, struct page *source)
{
	struct page *copy;
	spinlock_t *ptl;
	vm_fault_t failed = fault_prepare_anon(vmf);

	if (unlikely(failed))
		return failed;
	copy = fault_new_page(vmf, source);
	if (unlikely(!copy))
		return VM_FAULT_OOM;
	ptl = fault_lock_same(vmf);
	if (unlikely(!ptl)) {
		put_page(copy);
		return 0;
	}
	/* No CPU may still read the old page when another one writes to the new: clear and flush first. */
	pte_clear(vmf->pte);
	flush_tlb_page(&vmf->mm->pgt, vmf->address);
	if (old) {
		enum mm_counter which = mm_counter_of(old);

		page_remove_rmap(old);
		add_mm_counter(vmf->mm, which, -1);
	}
	fault_map_new_page(vmf, copy);
	spin_unlock(ptl);
	if (old)
		put_page(old);
	return 0;
}

/* A shared mapping: the owner of the object hears about the write, then the entry becomes writable. */
static vm_fault_t wp_shared(struct vm_fault *vmf, struct page *page)
{
	struct address_space *mapping = vmf->vma->vm_mapping;
	int err = 0;

	if (page && mapping && mapping->ops->page_mkwrite)
		err = mapping->ops->page_mkwrite(mapping, page);
	if (err)
		return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	if (page)
		account_page_dirtied(page);
	return reuse(vmf);
}

vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct page *page = NULL, *source = NULL;
	vm_fault_t result;
	spinlock_t *ptl = fault_lock_same(vmf);

	if (unlikely(!ptl))
		return 0;
	if (!pte_special(vmf->orig))
		page = source = pte_page(vmf->orig);
	else if (vmf->vma->special) /* whose pages live as long as the VMA */
		source = pte_page(vmf->orig);
	if (page && !(vmf->vma->vm_flags & VM_SHARED) && page_is_own(vmf->mm, page)) {
		/* The usual end of copy-on-write: the relatives are gone or have copies of their own. */
		set_pte(vmf->pte, written_entry(vmf));
		flush_tlb_more_rights(vmf->address);
		spin_unlock(ptl);
		count_vm_event(PGREUSE);
		return 0;
	}
	if (page)
		get_page(page);
	spin_unlock(ptl);
	if (vmf->vma->vm_flags & VM_SHARED)
		result = wp_shared(vmf, page);
	else
		result = replace_by_copy(vmf, page, source);
	if (page)
		put_page(page);
	return result;
}
