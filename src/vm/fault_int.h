/* SPDX-License-Identifier: MIT */
/*
 * fault_int.h - struct vm_fault, which travels through the files of a fault.
 *
 *	                     entry is none                            entry is present
 *	             anonymous VMA        file VMA                    write to a read-only entry
 *	  read       zero page            cached page, and those      -
 *	             (fault_anon.c)       around it (fault_file.c)
 *	  write      zeroed page          private: copy of it         last owner: reuse; else copy (fault_cow.c)
 *	                                  shared: itself              shared: tell the owner, make writable
 *
 * Handlers return 0 when the entry is there now (or somebody else changed it meanwhile: the instruction is simply run again),
 * or VM_FAULT_* bits. VM_FAULT_RETRY: what is needed cannot be had under the VMA's lock alone, nothing was done; from under the
 * mmap lock: it was waited for, without the lock, which is dropped now (only with FAULT_FLAG_ALLOW_RETRY).
 *
 * Lock: at entry the VMA's read lock or the mmap lock; a handler takes and drops the leaf table's lock. Sleeps: yes.
 */
#ifndef VM_FAULT_INT_H
#define VM_FAULT_INT_H

#include "arch/pte.h"
#include "pgtable/softpte.h"
#include "phys/memmap.h"
#include "quire/stats.h"
#include "vm/mm_int.h"

/* Beside FAULT_FLAG_*, of a watched object: what its monitor need not be told holds only if the page is (not) cached still. */
#define FAULT_FLAG_MUST_BE_CACHED 0x2000u
#define FAULT_FLAG_MUST_BE_MISSING 0x4000u

struct vm_fault {
	struct vm_area_struct *vma;
	struct mm_struct *mm;
	vaddr_t address;        /* page aligned */
	unsigned int flags;     /* FAULT_FLAG_* */
	pte_t *pte;             /* the entry; its table stays while the VMA is locked */
	pte_t orig;             /* what it was when the fault was looked at */
};

/* The entry as the handler left it is still as it was: go on, with the table locked; else somebody else was faster. */
spinlock_t *fault_lock_same(struct vm_fault *vmf);

/* The VMA's family of anonymous pages exists afterwards: 0, VM_FAULT_OOM, or VM_FAULT_RETRY when that needs the mmap lock. */
vm_fault_t fault_prepare_anon_slow(struct vm_fault *vmf);
static inline vm_fault_t fault_prepare_anon(struct vm_fault *vmf)
{
	return likely(smp_load_acquire(&vmf->vma->anon_vma)) ? 0 : fault_prepare_anon_slow(vmf);
}

/* Finds the entry and reads it, making tables where there are none. 0, or VM_FAULT_OOM. */
vm_fault_t fault_find_entry(struct vm_fault *vmf);
/* What the entry, as it was found, asks for. */
vm_fault_t fault_dispatch(struct vm_fault *vmf);

vm_fault_t do_anonymous_page(struct vm_fault *vmf);
vm_fault_t do_file_fault(struct vm_fault *vmf);
vm_fault_t do_wp_page(struct vm_fault *vmf);

/* A page of the program's own for vmf->address: zeroed, or a copy of `from`. NULL: out of memory. */
struct page *fault_new_page(struct vm_fault *vmf, struct page *from);
/* Puts a new private page behind vmf->pte, whose table is locked; counts it. */
void fault_map_new_page(struct vm_fault *vmf, struct page *page);

/* An entry that takes the place of a marker of watched writes is watched. */
static __always_inline pte_t fault_inherit_wp(const struct vm_fault *vmf, pte_t entry)
{
	if (likely(pte_none(vmf->orig)) || !(pte_marker_bits(vmf->orig) & PTE_MARKER_UFFD_WP))
		return entry;
	return pte_mkuffd_wp(pte_wrprotect(entry));
}

/*
 * A fault has ended, well or not: counted, and for the context that had it. One that is tried again is counted when it ends, as a
 * major one since it has waited; what is refused before anybody looks at the entry is not counted.
 */
static __always_inline void fault_account(vm_fault_t result)
{
	struct quire_ctx *ctx = this_ctx();

	if (unlikely(result & VM_FAULT_RETRY)) {
		ctx->flags |= QUIRE_CTX_FAULT_WAITED;
		return;
	}
	if (unlikely(result & VM_FAULT_NOPAGE))
		return;
	count_vm_event(PGFAULT);
	if (unlikely((ctx->flags & QUIRE_CTX_FAULT_WAITED) | (result & (VM_FAULT_ERROR | VM_FAULT_MAJOR)))) {
		ctx->maj_flt += !(result & VM_FAULT_ERROR);
		ctx->flags &= ~(u32)QUIRE_CTX_FAULT_WAITED;
	} else {
		ctx->min_flt++;
	}
}

/* One entry, fully decided: called by faults and by get_user_pages. Counts nothing. */
vm_fault_t handle_mm_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t address, unsigned int flags);

/*
 * Nobody else can reach the page: no other entry, and no other reference (a reader through the page cache, a swap cache) but pins,
 * which are only taken on pages that are the mm's own, and which fork does not share. Its table is locked, so no entry can appear
 * through this mapping; through others there is none.
 */
static inline bool page_is_own(const struct mm_struct *mm, const struct page *page)
{
	int count = page_count_acquire(page);

	return PageAnon(page) && page_mapcount(page) == 1 &&
	       (likely(count == 1) || (mm->has_pinned && count >= PAGE_PIN_BIAS));
}

static inline void add_mm_counter(struct mm_struct *mm, enum mm_counter which, long delta)
{
	pgtable_add_rss(&mm->pgt, which, delta);
}

#endif
