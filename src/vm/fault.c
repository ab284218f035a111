/* SPDX-License-Identifier: MIT */
/* fault.c - a page fault: find the VMA, check the right, dispatch, and say how it ended. */
#include "base/assert.h"
#include "object/migrate.h"
#include "pgtable/softpte.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "sync/report.h"
#include "vm/fault_int.h"
#include "vm/userfault.h"

vm_fault_t fault_prepare_anon_slow(struct vm_fault *vmf)
{
	bool unlocked = vmf->flags & FAULT_FLAG_VMA_LOCK;
	int err;

	/* A family may be shared with a neighbour, and neighbours hold still under the mmap lock only. */
	if (unlocked && !down_read_trylock(&vmf->mm->mmap_lock))
		return VM_FAULT_RETRY;
	err = anon_vma_prepare_slow(vmf->vma);
	if (unlocked)
		mmap_read_unlock(vmf->mm);
	return err ? VM_FAULT_OOM : 0;
}

/* Nothing is there, but something is known of it. */
static vm_fault_t do_marker(struct vm_fault *vmf)
{
	unsigned int bits = pte_marker_bits(vmf->orig);
	spinlock_t *ptl;

	if (bits & PTE_MARKER_POISONED)
		return VM_FAULT_HWPOISON;
	if (!(bits & PTE_MARKER_UFFD_WP))
		return VM_FAULT_SIGBUS;
	if (vmf->vma->vm_flags & VM_UFFD_WP)
		return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_file_fault(vmf);
	/* Left over from when writes were watched. */
	ptl = fault_lock_same(vmf);
	if (ptl) {
		pte_clear(vmf->pte);
		spin_unlock(ptl);
	}
	return 0;
}

/* An entry that nobody can have written: what it is and where, and the program goes without. */
static vm_fault_t bad_soft_entry(struct vm_fault *vmf, const char *what)
{
	const struct vm_area_struct *vma = vmf->vma;

	quire_log(QUIRE_LOG_ALERT, "BUG: %s  pte:%08llx (%s)", what, (unsigned long long)vmf->orig.val,
		  softpte_name(softpte_type(vmf->orig)));
	quire_log(QUIRE_LOG_ALERT, "addr:%lx vm_flags:%08lx anon_vma:%p mapping:%p index:%lx", (unsigned long)vmf->address,
		  vma->vm_flags, (void *)vma->anon_vma, (void *)vma->vm_mapping,
		  (unsigned long)linear_page_index(vma, vmf->address));
	return VM_FAULT_SIGBUS;
}

/* The page is in a swap area, which the floor of swap would know. Without it nobody has ever made such an entry. */
static vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	if (this_vm()->swap_in)
		return this_vm()->swap_in(vmf);
	quire_log(QUIRE_LOG_ERR, "Bad swap file entry %08llx", (unsigned long long)pte_to_swp_entry(vmf->orig).val);
	return bad_soft_entry(vmf, "Bad page map");
}

/* Entries that remember something else than nothing, by their type. */
static vm_fault_t do_soft_fault(struct vm_fault *vmf)
{
	switch (softpte_type(vmf->orig)) {
	case SOFT_NONLINEAR:
		return do_file_fault(vmf);
	case SOFT_MARKER:
		return do_marker(vmf);
	case SOFT_HWPOISON:
		return VM_FAULT_HWPOISON;
	case SOFT_MIGRATION_READ:
	case SOFT_MIGRATION_WRITE:
		migration_entry_wait(vmf->pte, vmf->orig);
		return 0;
	case SOFT_SWAP:
		return do_swap_page(vmf);
	default:
		return bad_soft_entry(vmf, "Bad page map");
	}
}

/* The entry allows what was tried: another CPU was faster, or a stale translation was used. */
static vm_fault_t do_spurious(struct vm_fault *vmf)
{
	spinlock_t *ptl;

	if (!pte_young(vmf->orig)) {
		ptl = fault_lock_same(vmf);
		if (!ptl)
			return 0;
		set_pte(vmf->pte, pte_mkyoung(vmf->orig));
		spin_unlock(ptl);
	}
	flush_tlb_fix_spurious(vmf->address);
	/* Who only looks whether the page is there has had no fault. */
	return vmf->flags & FAULT_FLAG_REMOTE ? VM_FAULT_NOPAGE : 0;
}

static __noinline vm_fault_t make_tables(struct vm_fault *vmf)
{
	if (pgtable_populate(&vmf->mm->pgt, vmf->address, GFP_KERNEL) != 0)
		return VM_FAULT_OOM;
	vmf->pte = pgtable_find_pte(&vmf->mm->pgt, vmf->address);
	return vmf->pte ? 0 : VM_FAULT_SIGBUS;
}

static __always_inline vm_fault_t find_entry(struct vm_fault *vmf)
{
	vm_fault_t failed;

	vmf->pte = pgtable_find_pte(&vmf->mm->pgt, vmf->address);
	if (unlikely(!vmf->pte)) {
		failed = make_tables(vmf);
		if (failed)
			return failed;
	}
	vmf->orig = pte_read(vmf->pte);
	return 0;
}

static __always_inline vm_fault_t dispatch(struct vm_fault *vmf)
{
	if (pte_none(vmf->orig))
		return likely(vma_is_anonymous(vmf->vma)) ? do_anonymous_page(vmf) : do_file_fault(vmf);
	if (unlikely(!pte_present(vmf->orig)))
		return do_soft_fault(vmf);
	if ((vmf->flags & FAULT_FLAG_WRITE) && !pte_write(vmf->orig))
		return do_wp_page(vmf);
	return do_spurious(vmf);
}

vm_fault_t fault_find_entry(struct vm_fault *vmf)
{
	return find_entry(vmf);
}

vm_fault_t fault_dispatch(struct vm_fault *vmf)
{
	return dispatch(vmf);
}

vm_fault_t handle_mm_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t address, unsigned int flags)
{
	struct vm_fault vmf = { .vma = vma, .mm = mm, .address = address & PAGE_MASK, .flags = flags };
	vm_fault_t failed = find_entry(&vmf);

	return unlikely(failed) ? failed : dispatch(&vmf);
}

/* Does the VMA forbid what was tried? */
static __always_inline bool access_denied(const struct vm_area_struct *vma, unsigned int flags)
{
	if (flags & FAULT_FLAG_WRITE)
		return !(vma->vm_flags & VM_WRITE);
	if (flags & FAULT_FLAG_INSTRUCTION)
		return !(vma->vm_flags & VM_EXEC);
	return !(vma->vm_flags & VM_ACCESS_FLAGS);
}

static inline struct fault_result segv(int code)
{
	return (struct fault_result){ .what = VM_FAULT_SIGSEGV, .si_code = code };
}

static __noinline struct fault_result finish_error(vm_fault_t result)
{
	int code = result & VM_FAULT_SIGSEGV ? FAULT_SEGV_MAPERR :
		   result & VM_FAULT_HWPOISON ? FAULT_BUS_MCEERR_AR : FAULT_BUS_ADRERR;

	return (struct fault_result){ .what = result & VM_FAULT_ERROR, .si_code = code };
}

static inline struct fault_result finish(vm_fault_t result)
{
	if (likely(!(result & VM_FAULT_ERROR)))
		return (struct fault_result){ .what = result };
	return finish_error(result);
}

/* A monitor was asked and the mmap lock dropped: the access is tried again, unless the kernel must give it up to die. */
static struct fault_result try_again(unsigned int flags)
{
	const struct quire_port *port = this_quire()->port;

	fault_account(0);
	if (!(flags & FAULT_FLAG_USER) && port->fatal_signal_pending && port->fatal_signal_pending())
		return finish_error(VM_FAULT_SIGBUS);
	return (struct fault_result){ .what = VM_FAULT_MAJOR };
}

/* A stack may reach down to the address: then it is grown, with the mmap lock held to write and given back to read. */
static struct vm_area_struct *grow_stack(struct mm_struct *mm, vaddr_t address)
{
	struct vm_area_struct *vma;

	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	vma = find_vma(mm, address);
	if (vma && vma->vm_start > address && expand_stack_locked(mm, vma, address) != 0)
		vma = NULL;
	mmap_write_downgrade(mm);
	return vma;
}

/* Under the mmap lock: authoritative. With VM_FAULT_MAJOR in it VM_FAULT_RETRY means: the page has been read, look again. */
static struct fault_result fault_locked(struct mm_struct *mm, vaddr_t address, unsigned int flags)
{
	struct fault_result result = { 0 };
	struct vm_area_struct *vma;
	vm_fault_t what = 0;

	mmap_read_lock(mm);
	vma = find_vma(mm, address);
	if (vma && vma->vm_start > address)
		vma = vma->vm_flags & VM_GROWSDOWN ? grow_stack(mm, address) : NULL;
	if (!vma)
		result = segv(FAULT_SEGV_MAPERR);
	else if (access_denied(vma, flags))
		result = segv(FAULT_SEGV_ACCERR);
	else if (flags & FAULT_FLAG_PKEY)
		result = segv(FAULT_SEGV_PKUERR | (int)vm_flags_pkey(vma->vm_flags) << 8);
	else
		what = handle_watched_fault(mm, vma, address, flags | FAULT_FLAG_ALLOW_RETRY);
	if (unlikely(what & VM_FAULT_RETRY))
		return (struct fault_result){ .what = what };
	mmap_read_unlock(mm);
	return result.what ? result : finish(what);
}

static __noinline struct fault_result fault_slow(struct mm_struct *mm, vaddr_t address, unsigned int flags)
{
	struct fault_result result;

	do {
		result = fault_locked(mm, address, flags);
	} while ((result.what & (VM_FAULT_RETRY | VM_FAULT_MAJOR)) == (VM_FAULT_RETRY | VM_FAULT_MAJOR));
	if (unlikely(result.what & VM_FAULT_RETRY))
		return try_again(flags);
	/* What was waited for may be gone. */
	this_ctx()->flags &= ~(u32)QUIRE_CTX_FAULT_WAITED;
	return result;
}

struct fault_result handle_user_fault(struct mm_struct *mm, vaddr_t address, unsigned int flags)
{
	struct vm_area_struct *vma;
	vm_fault_t result;

	if (unlikely(address >= TASK_SIZE))
		return segv(FAULT_SEGV_MAPERR);
	if (unlikely(flags & (FAULT_FLAG_REMOTE | FAULT_FLAG_PKEY)))
		return fault_slow(mm, address, flags);
	rcu_read_lock();
	vma = vma_tree_lookup_rcu(&mm->tree, address);
	if (unlikely(!vma) || !vma_start_read(mm, vma)) {
		rcu_read_unlock();
		return fault_slow(mm, address, flags);
	}
	rcu_read_unlock();
	if (unlikely(address < vma->vm_start || address >= vma->vm_end)) {
		vma_end_read(vma);
		return fault_slow(mm, address, flags);
	}
	if (unlikely(access_denied(vma, flags))) {
		vma_end_read(vma);
		return segv(FAULT_SEGV_ACCERR);
	}
	result = handle_mm_fault(mm, vma, address, flags | FAULT_FLAG_VMA_LOCK);
	vma_end_read(vma);
	if (unlikely(result & VM_FAULT_RETRY))
		return fault_slow(mm, address, flags);
	fault_account(result);
	return finish(result);
}
