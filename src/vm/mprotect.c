/* SPDX-License-Identifier: MIT */
/* mprotect.c - change what a program may do with a range. */
#include "base/math.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/fault_int.h"
#include "vm/protect.h"
#include "vm/vma_merge.h"

u64 vm_get_page_prot(unsigned long vm_flags)
{
	return rmap_prot(vm_flags & VM_ACCESS_FLAGS, vm_flags_pkey(vm_flags));
}

/* May a present entry become writable at once, without the fault that would find the same? */
static bool writable_now(const struct vm_area_struct *vma, pte_t pte)
{
	const struct page *page;

	if (!(vma->vm_flags & VM_WRITE) || pte_special(pte) || pte_uffd_wp(pte))
		return false;
	/* The next write is to be seen. */
	if (unlikely(vma->counts_writes) && !pte_soft_dirty(pte))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return pte_dirty(pte) && vma->vm_mapping && !vma->vm_mapping->ops->page_mkwrite;
	page = pte_page(pte);
	return page_is_own(vma->vm_mm, page);
}

/* What a page that is being moved may not any more, its entry will not allow when it is back. */
static void change_soft(const struct vm_area_struct *vma, pte_t *pte, pte_t old, unsigned long *changed)
{
	if (softpte_type(old) != SOFT_MIGRATION_WRITE || (vma->vm_flags & VM_WRITE))
		return;
	set_pte(pte, migration_pte_wrprotect(old));
	++*changed;
}

/* One entry; true when a translation of the old one must not be used any more. */
static bool change_entry(const struct vm_area_struct *vma, pte_t *pte, unsigned long *changed)
{
	pte_t old, new;

	do {
		old = pte_read(pte);
		if (!pte_present(old)) {
			change_soft(vma, pte, old, changed);
			return false;
		}
		new = pte_modify(old, vma->vm_page_prot);
		if (writable_now(vma, old))
			new = pte_mkwrite(new);
		else
			new = pte_wrprotect(new);
		if (pte_same(old, new))
			return false;
	} while (!ptep_try_change(pte, old, new));
	++*changed;
	return (pte_write(old) && !pte_write(new)) || (pte_exec(old) && !pte_exec(new)) ||
	       (!pte_protnone(old) && pte_protnone(new));
}

unsigned long change_protection(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct pgtable *pgt = &vma->vm_mm->pgt;
	unsigned long changed = 0;
	struct pgtable_cursor c;
	bool stricter = false;

	for_each_leaf_table(&c, pgt, start, end) {
		pte_t *pte = c.pte;

		spin_lock(c.ptl);
		for (vaddr_t addr = c.addr; addr < c.end; addr += PAGE_SIZE, pte++)
			if (!pte_none(pte_read(pte)))
				stricter |= change_entry(vma, pte, &changed);
		spin_unlock(c.ptl);
	}
	if (stricter)
		flush_tlb_range(pgt, start, end);
	return changed;
}

/* Commitment that follows from the new flags: charges, or says in *uncharge what may come back at the end. */
static int settle_commitment(struct mm_struct *mm, const struct vm_area_struct *vma, unsigned long *new_flags,
			     unsigned long pages, bool *charged)
{
	unsigned long old = vma->vm_flags;
	int err;

	*charged = false;
	if (!(*new_flags & VM_WRITE)) {
		if ((old & VM_ACCOUNT) && vma_is_anonymous(vma) && !vma->anon_vma)
			*new_flags &= ~VM_ACCOUNT;
		return 0;
	}
	if (!may_expand_vm(mm, *new_flags, pages) && may_expand_vm(mm, old, pages))
		return -ENOMEM;
	if (old & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE))
		return 0;
	err = vm_charge(mm, (long)pages);
	if (err)
		return err;
	*charged = true;
	*new_flags |= VM_ACCOUNT;
	return 0;
}

int mprotect_fixup(struct mm_struct *mm, struct vm_area_struct **vmap, unsigned long start, unsigned long end,
		   unsigned long new_flags)
{
	struct vm_area_struct *vma = *vmap;
	unsigned long old = vma->vm_flags, pages = (end - start) >> PAGE_SHIFT;
	bool charged;
	int err;

	if (unlikely(old & VM_SEALED))
		return -EPERM;
	if (new_flags == old)
		return 0;
	err = settle_commitment(mm, vma, &new_flags, pages, &charged);
	if (err)
		return err;
	vma = vma_modify(mm, vma, start, end, new_flags, vma->anon_name);
	if (IS_ERR(vma)) {
		if (charged)
			vm_unacct_memory((long)pages);
		return (int)PTR_ERR(vma);
	}
	*vmap = vma;
	vma_start_write(vma);
	vma_set_flags(vma, new_flags);
	change_protection(vma, start, end);
	/* Another key may forbid what the same rights allowed. */
	if (unlikely((old ^ new_flags) & VM_PKEY_MASK))
		flush_tlb_range(&mm->pgt, start, end);
	/* Locked private memory that may be written now: copies are made at once, not by faults in the middle of real time. */
	if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && (new_flags & VM_WRITE))
		populate_vma(mm, vma, start, end);
	if ((old & VM_ACCOUNT) && !(new_flags & VM_ACCOUNT))
		vm_unacct_memory((long)pages);
	vm_stat_account(mm, old, -(long)pages);
	vm_stat_account(mm, new_flags, (long)pages);
	return 0;
}

/* The first VMA of the request, and with PROT_GROWS* the range it then means. NULL with *err. */
static struct vm_area_struct *first_vma(struct mm_struct *mm, unsigned long *start, unsigned long *end,
					unsigned long grows, int *err)
{
	struct vm_area_struct *vma = find_vma(mm, *start);

	*err = -ENOMEM;
	if (!vma)
		return NULL;
	if (grows & PROT_GROWSDOWN) {
		if (vma->vm_start >= *end)
			return NULL;
		*start = vma->vm_start;
		*err = -EINVAL;
		return vma->vm_flags & VM_GROWSDOWN ? vma : NULL;
	}
	if (vma->vm_start > *start)
		return NULL;
	*err = -EINVAL;
	/* No stack grows up on these machines. */
	return grows ? NULL : vma;
}

/* READ_IMPLIES_EXEC: what may be run is run where it may be read. */
static unsigned long implied_exec(const struct vm_area_struct *vma, unsigned long prot)
{
	return unlikely(vma->vm_mm->read_implies_exec) && (prot & PROT_READ) && (vma->vm_flags & VM_MAYEXEC) ? PROT_EXEC : 0;
}

/* What mprotect asks for one VMA: its rights, and with a key of the caller's that, or (pkey -1) what follows from the rights. */
static unsigned long asked_flags(const struct vm_area_struct *vma, unsigned long prot, int pkey)
{
	unsigned long rights = prot & (PROT_READ | PROT_WRITE | PROT_EXEC), kept = vma->vm_flags & ~VM_ACCESS_FLAGS;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long key;

	if (pkey != -1)
		return rights | (kept & ~VM_PKEY_MASK) | (unsigned long)((u64)pkey << VM_PKEY_SHIFT);
	if (unlikely(prot == PROT_EXEC)) {
		key = execute_only_pkey_flags(mm);
		return rights | (key ? kept & ~VM_PKEY_MASK : kept) | key;
	}
	if (unlikely(mm->execute_only_pkey) && (vma->vm_flags & VM_ACCESS_FLAGS) == VM_EXEC &&
	    vm_flags_pkey(vma->vm_flags) == mm->execute_only_pkey)
		return rights | (kept & ~VM_PKEY_MASK);
	return rights | kept;
}

static int mprotect_locked(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long prot,
			   unsigned long grows, int pkey)
{
	unsigned long at;
	int err;
	struct vm_area_struct *vma = first_vma(mm, &start, &end, grows, &err);

	if (pkey != -1 && !pkey_is_allocated(mm, pkey))
		return -EINVAL;
	if (!vma)
		return err;
	for (at = start; at < end; vma = vma->vm_next) {
		unsigned long flags, upto;

		if (!vma || vma->vm_start > at)
			return -ENOMEM;
		flags = asked_flags(vma, prot | implied_exec(vma, prot), pkey);
		/* VM_MAYREAD and the like lie four bits above the rights they allow. */
		if ((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS || unlikely(denies_exec_gain(mm, vma->vm_flags, flags)))
			return -EACCES;
		upto = min(end, vma->vm_end);
		err = mprotect_fixup(mm, &vma, at, upto, flags);
		if (err)
			return err;
		at = upto;
		if (vma->vm_end > at)
			at = min(end, vma->vm_end);
	}
	return 0;
}

int do_mprotect(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot)
{
	return do_pkey_mprotect(mm, addr, len, prot, -1);
}

void mm_set_read_implies_exec(struct mm_struct *mm, bool on)
{
	mmap_write_lock(mm);
	mm->read_implies_exec = on;
	mmap_write_unlock(mm);
}

int do_pkey_mprotect(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot, int pkey)
{
	unsigned long grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), end;
	int err;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (!len)
		return 0;
	end = addr + PAGE_ALIGN(len);
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(unsigned long)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	mmap_write_lock(mm);
	err = mprotect_locked(mm, addr, end, prot, grows, pkey);
	mmap_write_unlock(mm);
	return err;
}
