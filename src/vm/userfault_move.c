/* SPDX-License-Identifier: MIT */
/* userfault_move.c - a monitor moves pages to where they are wanted, instead of copying them. */
#include "base/math.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/userfault.h"

struct page_move {
	struct vm_area_struct *src_vma, *dst_vma;
	vaddr_t src, dst;
	pte_t *src_pte, *dst_pte;
	pte_t entry;              /* of the source, as it was judged */
};

/* Rights and kind of the two sides. */
static int check_sides(const struct userfault *uf, const struct vm_area_struct *src, const struct vm_area_struct *dst)
{
	const unsigned long immovable = VM_PFNMAP | VM_IO | VM_HUGETLB;

	if ((src->vm_flags & VM_ACCESS_FLAGS) != (dst->vm_flags & VM_ACCESS_FLAGS) || src->vm_page_prot != dst->vm_page_prot)
		return -EINVAL;
	if ((src->vm_flags & VM_LOCKED) != (dst->vm_flags & VM_LOCKED))
		return -EINVAL;
	if (!(src->vm_flags & VM_WRITE) || ((src->vm_flags | dst->vm_flags) & immovable))
		return -EINVAL;
	if (dst->userfault != uf || !vma_is_anonymous(src) || !vma_is_anonymous(dst))
		return -EINVAL;
	return 0;
}

/* Both VMAs, checked. mmap lock held. 0 or -errno. */
static int find_sides(const struct userfault *uf, struct page_move *move, unsigned long len)
{
	move->dst_vma = userfault_destination(uf->mm, move->dst);
	if (IS_ERR(move->dst_vma))
		return (int)PTR_ERR(move->dst_vma);
	move->src_vma = vma_lookup(uf->mm, move->src);
	if (!move->src_vma)
		return -ENOENT;
	if ((move->src_vma->vm_flags | move->dst_vma->vm_flags) & VM_SHARED)
		return -EINVAL;
	if (len > move->src_vma->vm_end - move->src || len > move->dst_vma->vm_end - move->dst)
		return -EINVAL;
	return check_sides(uf, move->src_vma, move->dst_vma);
}

/* Both tables locked, the lower first, and both entries still as they were judged; else nothing is locked. */
static bool lock_entries(const struct page_move *move)
{
	spinlock_t *a = pte_lockptr(move->src_pte), *b = pte_lockptr(move->dst_pte);

	if (a > b)
		swap(a, b);
	spin_lock(a);
	if (a != b)
		spin_lock_nested(b);
	if (pte_none(pte_read(move->dst_pte)) && pte_same(pte_read(move->src_pte), move->entry))
		return true;
	if (a != b)
		spin_unlock(b);
	spin_unlock(a);
	return false;
}

static void unlock_entries(const struct page_move *move)
{
	spinlock_t *a = pte_lockptr(move->src_pte), *b = pte_lockptr(move->dst_pte);

	if (a != b)
		spin_unlock(b);
	spin_unlock(a);
}

static int move_zero_page(const struct page_move *move)
{
	if (!lock_entries(move))
		return -EAGAIN;
	pte_clear(move->src_pte);
	flush_tlb_page(&move->src_vma->vm_mm->pgt, move->src);
	set_pte(move->dst_pte, pte_mkspecial(mk_pte(this_vm()->zero_page, move->dst_vma->vm_page_prot)));
	unlock_entries(move);
	return 0;
}

/* The page has a reference of the caller's, is locked, and its family too: nobody looks for it from the other side. */
static int move_page_locked(const struct page_move *move, struct page *page)
{
	pte_t old, new;

	if (!lock_entries(move))
		return -EAGAIN;
	if (page_mapcount(page) != 1 || page_count_acquire(page) != 2) {
		unlock_entries(move);
		return -EBUSY;
	}
	old = ptep_get_and_clear(move->src_pte);
	flush_tlb_page(&move->src_vma->vm_mm->pgt, move->src);
	page_set_mapping(page, (unsigned long)move->dst_vma->anon_vma | PAGE_MAPPING_ANON,
			 linear_page_index(move->dst_vma, move->dst));
	new = mk_pte(page, move->dst_vma->vm_page_prot);
	if (pte_dirty(old))
		new = pte_mkdirty(new);
	set_pte(move->dst_pte, pte_mksoft_dirty(pte_mkwrite(new)));
	unlock_entries(move);
	return 0;
}

/* The page behind the source's entry with a reference. NULL: the entry has changed. */
static struct page *get_source(const struct page_move *move)
{
	spinlock_t *ptl = pte_lockptr(move->src_pte);
	struct page *page = NULL;

	spin_lock(ptl);
	if (pte_same(pte_read(move->src_pte), move->entry)) {
		page = pte_page(move->entry);
		get_page(page);
	}
	spin_unlock(ptl);
	return page;
}

static int move_page(const struct page_move *move)
{
	struct page *page = get_source(move);
	struct anon_vma *family;
	int err = -EBUSY;

	if (!page)
		return -EAGAIN;
	lock_page(page);
	if (PageAnon(page)) {
		family = page_anon_vma(page);
		anon_vma_get(family);
		down_write(&family->lock);
		err = move_page_locked(move, page);
		up_write(&family->lock);
		anon_vma_put(family);
	}
	unlock_page(page);
	put_page(page);
	return err;
}

/* What is neither nothing nor a page: swapped out pages are brought back first. */
static int bring_source(const struct page_move *move)
{
	vm_fault_t result;

	if (softpte_type(move->entry) == SOFT_MARKER)
		return -EFAULT;
	result = handle_mm_fault(move->src_vma->vm_mm, move->src_vma, move->src, FAULT_FLAG_REMOTE);
	if (!(result & VM_FAULT_ERROR))
		return -EAGAIN;
	return result & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
}

/* One try at one page; -EAGAIN when somebody changed it meanwhile. */
static int try_move(struct page_move *move, unsigned int mode)
{
	struct pgtable *pgt = &move->dst_vma->vm_mm->pgt;

	if (pgtable_populate(pgt, move->dst, GFP_KERNEL) != 0)
		return -ENOMEM;
	move->dst_pte = pgtable_find_pte(pgt, move->dst);
	move->src_pte = pgtable_find_pte(pgt, move->src);
	if (!pte_none(pte_read(move->dst_pte)))
		return -EEXIST;
	move->entry = move->src_pte ? pte_read(move->src_pte) : (pte_t){ 0 };
	if (pte_none(move->entry))
		return mode & UFFD_MOVE_ALLOW_SRC_HOLES ? 0 : -ENOENT;
	if (!pte_present(move->entry))
		return bring_source(move);
	return pte_special(move->entry) ? move_zero_page(move) : move_page(move);
}

static int move_one(struct userfault *uf, struct page_move *move, unsigned long left, unsigned int mode)
{
	int err;

	mmap_read_lock(uf->mm);
	down_read(&uf->changing_lock);
	err = atomic_read(&uf->changing) ? -EAGAIN : find_sides(uf, move, left);
	while (!err && (err = try_move(move, mode)) == -EAGAIN)
		err = 0;
	up_read(&uf->changing_lock);
	mmap_read_unlock(uf->mm);
	return err;
}

s64 userfault_move(struct userfault *uf, unsigned long dst, unsigned long src, unsigned long len, unsigned int mode)
{
	const struct quire_port *port = this_quire()->port;
	struct mm_struct *mm = uf->mm;
	struct page_move move = { .src = src, .dst = dst };
	unsigned long done = 0;
	int err = 0;

	if (atomic_read(&uf->changing))
		return -EAGAIN;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	while (done < len && !err) {
		err = move_one(uf, &move, len - done, mode);
		if (err)
			break;
		done += PAGE_SIZE;
		move.src += PAGE_SIZE;
		move.dst += PAGE_SIZE;
		if (port->fatal_signal_pending && port->fatal_signal_pending())
			err = -EINTR;
		if (port->cond_resched)
			port->cond_resched();
	}
	mmput(mm);
	return done ? (s64)done : err;
}
