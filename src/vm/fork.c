/* SPDX-License-Identifier: MIT */
/* fork.c - a copy of an address space: VMAs duplicated, pages shared read-only until somebody writes. */
#include "base/assert.h"
#include "base/string.h"
#include "object/migrate.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/port.h"
#include "vm/fault_int.h"
#include "vm/mm_int.h"
#include "vm/userfault.h"

/* What travels through a copy. */
struct fork_copy {
	struct mm_struct *from, *to;
	struct table_purse purse;
	long rss[NR_MM_COUNTERS];
	bool protected;              /* the parent lost a right somewhere: flush once at the end */
	struct vm_area_struct *child; /* the VMA that is being filled */
	struct page *spare;          /* for the next pinned page */
	struct list_head notes;      /* monitors who are to be told */
};

/* The parent's writes to the page are watched, and the child's will be. */
static inline bool stays_watched(const struct fork_copy *copy, pte_t pte)
{
	return unlikely(pte_uffd_wp(pte)) && (copy->child->vm_flags & VM_UFFD_WP);
}

/* Who uses the page's contents from outside means the parent's: it keeps the page, and the right to write it. The child has a copy
 * at once. False: no page to copy to. */
static bool copy_pinned(struct fork_copy *copy, pte_t *dst, vaddr_t addr, pte_t pte)
{
	struct vm_fault vmf = { .vma = copy->child, .mm = copy->to, .address = addr, .pte = dst };

	if (!copy->spare)
		return false;
	if (stays_watched(copy, pte))
		vmf.orig = make_pte_marker(PTE_MARKER_UFFD_WP);
	copy_page(page_address(copy->spare), page_address(pte_page(pte)));
	fault_map_new_page(&vmf, copy->spare);
	copy->spare = NULL;
	return true;
}

static inline bool keeps_its_pages(const struct mm_struct *mm, pte_t pte)
{
	return mm->has_pinned && !pte_special(pte) && PageAnon(pte_page(pte)) && page_maybe_dma_pinned(pte_page(pte));
}

/* One present entry: another reference and mapping of its page; both sides may only read from now on. */
static void copy_present(struct fork_copy *copy, pte_t *dst, pte_t *src, pte_t pte)
{
	bool keep_wp = stays_watched(copy, pte);
	struct page *page;

	if (unlikely(pte_special(pte))) {
		set_pte(dst, keep_wp ? pte : pte_clear_uffd_wp(pte));
		return;
	}
	page = pte_page(pte);
	get_page(page);
	atomic_fetch_add_explicit(&page->_mapcount, 1, memory_order_relaxed);
	copy->rss[mm_counter_of(page)]++;
	if (pte_write(pte)) {
		ptep_set_wrprotect(src);
		pte = pte_wrprotect(pte);
		copy->protected = true;
	}
	pte = pte_for_child(pte);
	set_pte(dst, unlikely(keep_wp) ? pte_mkuffd_wp(pte) : pte);
}

/* The entry of a page that is being moved: as copy_present; the page is shared when it has moved, and its mover comes to the copy. */
static void copy_moving(struct fork_copy *copy, pte_t *dst, pte_t *src, pte_t pte)
{
	struct page *page = pfn_to_page(softpte_pfn(pte));
	unsigned int keep = SOFT_DIRTY | SOFT_WRITTEN | (copy->child->vm_flags & VM_UFFD_WP ? SOFT_UFFD_WP : 0);

	migration_entry_copied(page);
	copy->rss[mm_counter_of(page)]++;
	pte = migration_pte_wrprotect(pte);
	set_pte(src, pte);
	set_pte(dst, pte_with_soft_flags(pte, pte_soft_flags(pte) & keep));
}

/* An entry that is not present: what it remembers that a fault could not find again goes on. */
static void copy_soft(struct fork_copy *copy, pte_t *dst, pte_t *src, pte_t pte)
{
	unsigned int bits = pte_marker_bits(pte);

	if (is_migration_pte(pte))
		copy_moving(copy, dst, src, pte);
	if (softpte_type(pte) == SOFT_NONLINEAR || softpte_type(pte) == SOFT_HWPOISON)
		set_pte(dst, pte);
	if (!(copy->child->vm_flags & VM_UFFD_WP))
		bits &= ~(unsigned int)PTE_MARKER_UFFD_WP;
	if (bits)
		set_pte(dst, make_pte_marker(bits));
}

/* Entries from addr on, both tables locked; stops before a pinned page that wants a spare one: where, or the end. */
static vaddr_t copy_entries(struct fork_copy *copy, const struct pgtable_cursor *c, vaddr_t addr, pte_t *dst)
{
	pte_t *src = c->pte + ((addr - c->addr) >> PAGE_SHIFT);

	for (; addr < c->end; addr += PAGE_SIZE, src++, dst++) {
		pte_t pte = pte_read(src);

		if (pte_none(pte))
			continue;
		if (unlikely(!pte_present(pte))) {
			copy_soft(copy, dst, src, pte);
		} else if (likely(!keeps_its_pages(copy->from, pte))) {
			copy_present(copy, dst, src, pte);
		} else if (!copy_pinned(copy, dst, addr, pte)) {
			break;
		}
	}
	return addr;
}

/* One leaf table's part. The child's table is locked first: nobody else can reach it, so the order cannot close a circle. */
static int copy_part(struct fork_copy *copy, const struct pgtable_cursor *c)
{
	vaddr_t addr = c->addr;
	spinlock_t *dst_ptl;
	pte_t *dst;

	for (;;) {
		while (!(dst = pgtable_lock_pte(&copy->to->pgt, addr, &copy->purse, &dst_ptl)))
			if (table_purse_fill(&copy->purse, &copy->to->pgt, addr, GFP_KERNEL) != 0)
				return -ENOMEM;
		spin_lock_nested(c->ptl);
		addr = copy_entries(copy, c, addr, dst);
		spin_unlock(c->ptl);
		spin_unlock(dst_ptl);
		if (likely(addr == c->end))
			return 0;
		copy->spare = alloc_page(GFP_HIGHUSER_MOVABLE);
		if (!copy->spare)
			return -ENOMEM;
	}
}

/* What a fault can find again need not be copied: pages of an object that nobody has written privately. */
static bool needs_copy(const struct vm_area_struct *vma, const struct vm_area_struct *child)
{
	return vma->anon_vma || (vma->vm_flags & VM_NONLINEAR) || (child->vm_flags & VM_UFFD_WP);
}

static int copy_pages(struct fork_copy *copy, struct vm_area_struct *vma)
{
	struct pgtable_cursor c;
	int err;

	for_each_leaf_table(&c, &copy->from->pgt, vma->vm_start, vma->vm_end) {
		err = copy_part(copy, &c);
		if (err)
			return err;
	}
	return 0;
}

/* The child's VMA for one of the parent's. ERR_PTR(-ENOMEM). */
static struct vm_area_struct *copy_vma(struct fork_copy *copy, struct vm_area_struct *vma)
{
	struct vm_area_struct *child = vma_dup(copy->to, vma);
	int err;

	if (!child)
		return ERR_PTR(-ENOMEM);
	child->vm_flags &= ~VM_LOCKED_MASK;
	err = unlikely(child->userfault) ? userfault_note_fork(&copy->notes, child) : 0;
	if (!err)
		err = insert_vm_struct(copy->to, child);
	if (err) {
		vma_free(child);
		return ERR_PTR(err);
	}
	if (vma->anon_vma && !(vma->vm_flags & VM_WIPEONFORK)) {
		rmap_link_anon(&child->rmap, vma->anon_vma);
		child->anon_vma = vma->anon_vma;
		child->anon_id = (u64)atomic64_add_return(1, &this_vm()->next_anon_id);
		child->anon_forked = true;
	}
	return child;
}

static int dup_one(struct fork_copy *copy, struct vm_area_struct *vma)
{
	unsigned long pages = vma_pages(vma);
	struct vm_area_struct *child;
	int err;

	if (vma->vm_flags & VM_ACCOUNT) {
		err = vm_charge(copy->from, (long)pages);
		if (err)
			return err;
	}
	child = copy_vma(copy, vma);
	if (IS_ERR(child)) {
		if (vma->vm_flags & VM_ACCOUNT)
			vm_unacct_memory((long)pages);
		return (int)PTR_ERR(child);
	}
	vm_stat_account(copy->to, child->vm_flags, (long)pages);
	if ((vma->vm_flags & VM_WIPEONFORK) || !needs_copy(vma, child))
		return 0;
	vma_start_write(vma);
	copy->child = child;
	return copy_pages(copy, vma);
}

static int dup_mmap(struct fork_copy *copy)
{
	const struct quire_port *port = this_quire()->port;
	struct vm_area_struct *vma;
	int err = 0;

	for (vma = copy->from->mmap; vma && !err; vma = vma->vm_next) {
		if (vma->vm_flags & VM_DONTCOPY)
			continue;
		if (port->fatal_signal_pending && port->fatal_signal_pending())
			err = -EINTR;
		else
			err = dup_one(copy, vma);
	}
	for (unsigned int i = 0; i < NR_MM_COUNTERS; i++)
		add_mm_counter(copy->to, (enum mm_counter)i, copy->rss[i]);
	/* The parent's other threads, and this one, must not write through old translations. */
	if (copy->protected)
		flush_tlb_mm(&copy->from->pgt);
	table_purse_empty(&copy->purse);
	if (copy->spare)
		put_page(copy->spare);
	return err;
}

int dup_mm(struct mm_struct *mm, struct mm_struct **child)
{
	struct fork_copy copy = { .from = mm, .to = mm_alloc(), .purse = TABLE_PURSE_INIT };
	int err;

	if (!copy.to)
		return -ENOMEM;
	INIT_LIST_HEAD(&copy.notes);
	mmap_write_lock(mm);
	copy.to->layout = mm->layout;
	copy.to->pkey_map = mm->pkey_map;
	copy.to->execute_only_pkey = mm->execute_only_pkey;
	copy.to->read_implies_exec = mm->read_implies_exec;
	mm_set_traits(copy.to, ~0u, mm_inherited_traits(mm));
	memcpy(copy.to->saved_auxv, mm->saved_auxv, sizeof(mm->saved_auxv));
	mm_set_exe(copy.to, mm->exe_mapping, mm->exe_file);
	err = dup_mmap(&copy);
	mm_lock_seq_move(copy.to);
	mmap_write_unlock(mm);
	if (err) {
		mmput(copy.to);
		userfault_notes_drop(&copy.notes);
		return err;
	}
	userfault_notes_tell(&copy.notes);
	copy.to->hiwater_vm = copy.to->total_vm;
	update_hiwater_rss(copy.to);
	*child = copy.to;
	return 0;
}
