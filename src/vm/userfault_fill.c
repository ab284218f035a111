/* SPDX-License-Identifier: MIT */
/* userfault_fill.c - a monitor puts pages where there are none. */
#include "base/string.h"
#include "object/pagecache.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/uaccess.h"
#include "vm/userfault.h"

enum fill_kind { FILL_COPY, FILL_ZERO, FILL_CONTINUE, FILL_POISON };

/* A request, page by page. */
struct fill {
	struct userfault *uf;
	enum fill_kind kind;
	unsigned int mode;         /* UFFD_FILL_* */
	vaddr_t dst, src, start;
	unsigned long len;
	struct page *page;         /* FILL_COPY, and FILL_ZERO of an object: what is to be there */
};

struct vm_area_struct *userfault_destination(struct mm_struct *mm, vaddr_t start)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);

	if (!vma)
		return ERR_PTR(-ENOENT);
	return vma->vm_flags & VM_SHARED || anon_vma_prepare(vma) == 0 ? vma : ERR_PTR(-ENOMEM);
}

/* The VMA of the request, as long as it can be filled that way; any monitor of the program may, as on Linux. ERR_PTR. mmap lock held. */
static struct vm_area_struct *fill_vma(const struct fill *fill)
{
	struct vm_area_struct *vma = userfault_destination(fill->uf->mm, fill->start);

	if (IS_ERR(vma))
		return vma;
	if (!vma->userfault || fill->len > vma->vm_end - fill->start)
		return ERR_PTR(-ENOENT);
	if ((fill->mode & UFFD_FILL_WP) && !(vma->vm_flags & VM_UFFD_WP))
		return ERR_PTR(-EINVAL);
	if (vma->vm_mapping ? !mapping_is_ram(vma->vm_mapping) : fill->kind == FILL_CONTINUE)
		return ERR_PTR(-EINVAL);
	return vma;
}

/* Of a shared mapping, pages go to the object. A private one that goes on shows the object's page, too. */
static bool into_object(const struct fill *fill, const struct vm_area_struct *vma)
{
	if (!vma->vm_mapping || fill->kind == FILL_POISON)
		return false;
	return (vma->vm_flags & VM_SHARED) || fill->kind == FILL_CONTINUE;
}

/* Nothing is there; a mark may be, of watched writes or of a lost page, which a page replaces. */
static bool is_free(pte_t entry)
{
	return pte_none(entry) || pte_marker_bits(entry);
}

static bool behind_end(const struct vm_area_struct *vma, vaddr_t address)
{
	struct address_space *mapping = vma->vm_mapping;

	return mapping && linear_page_index(vma, address) >= bytes_to_pages(mapping->ops->size(mapping));
}

/* A private page, the zero page, or the mark of a lost one goes into the entry. */
static int fill_entry(struct fill *fill, struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_fault vmf = { .vma = vma, .mm = mm, .address = fill->dst };
	spinlock_t *ptl;
	pte_t old;

	if (pgtable_populate(&mm->pgt, fill->dst, GFP_KERNEL) != 0)
		return -ENOMEM;
	vmf.pte = pgtable_lock_pte_nopop(&mm->pgt, fill->dst, &ptl);
	if (!vmf.pte)
		return -ENOMEM;
	old = pte_read(vmf.pte);
	if (fill->kind == FILL_COPY ? !is_free(old) : !pte_none(old)) {
		spin_unlock(ptl);
		return -EEXIST;
	}
	if (fill->kind == FILL_POISON) {
		set_pte(vmf.pte, make_pte_marker(PTE_MARKER_POISONED));
	} else if (fill->kind == FILL_ZERO) {
		set_pte(vmf.pte, pte_mkspecial(mk_pte(this_vm()->zero_page, vma->vm_page_prot)));
	} else {
		if (fill->mode & UFFD_FILL_WP)
			vmf.orig = make_pte_marker(PTE_MARKER_UFFD_WP);
		fault_map_new_page(&vmf, fill->page);
		fill->page = NULL;
	}
	spin_unlock(ptl);
	return 0;
}

/* The entry, as long as it is free, says whether writes to the page that it will show are watched. 0, -EEXIST, -ENOMEM. */
static int mark_entry(const struct fill *fill, struct vm_area_struct *vma)
{
	struct pgtable *pgt = &vma->vm_mm->pgt;
	spinlock_t *ptl;
	int err = 0;
	pte_t *pte;

	if (pgtable_populate(pgt, fill->dst, GFP_KERNEL) != 0)
		return -ENOMEM;
	pte = pgtable_lock_pte_nopop(pgt, fill->dst, &ptl);
	if (!pte)
		return -ENOMEM;
	if (!is_free(pte_read(pte)))
		err = -EEXIST;
	else if (fill->mode & UFFD_FILL_WP)
		set_pte(pte, make_pte_marker(PTE_MARKER_UFFD_WP));
	else
		pte_clear(pte);
	spin_unlock(ptl);
	return err;
}

/* The object has the page for the request, or gets it. */
static int provide_page(struct fill *fill, struct vm_area_struct *vma)
{
	pgoff_t index = linear_page_index(vma, fill->dst);
	struct page *page;
	int err;

	if (fill->kind == FILL_CONTINUE) {
		page = find_get_page(vma->vm_mapping, index);
		if (!page)
			return -EFAULT;
		put_page(page);
		return 0;
	}
	err = ram_page_add(vma->vm_mapping, index, fill->page);
	if (!err)
		account_page_dirtied(fill->page);
	return err;
}

/* The object's page, new or not, is shown by the entry. */
static int fill_object(struct fill *fill, struct vm_area_struct *vma)
{
	const pte_t *pte = pgtable_find_pte(&vma->vm_mm->pgt, fill->dst);
	bool write = (vma->vm_flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE);
	vm_fault_t result;
	int err;

	/* Who goes on with a page that is not there hears that first. */
	if (fill->kind != FILL_CONTINUE && pte && !is_free(pte_read(pte)))
		return -EEXIST;
	err = provide_page(fill, vma);
	if (!err)
		err = mark_entry(fill, vma);
	if (err)
		return err;
	result = handle_mm_fault(vma->vm_mm, vma, fill->dst, FAULT_FLAG_REMOTE | FAULT_FLAG_ALONE | (write ? FAULT_FLAG_WRITE : 0));
	if (!(result & VM_FAULT_ERROR))
		return 0;
	return result & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
}

static int fill_locked(struct fill *fill)
{
	struct vm_area_struct *vma;

	if (atomic_read(&fill->uf->changing))
		return -EAGAIN;
	vma = fill_vma(fill);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	if (behind_end(vma, fill->dst))
		return fill->kind == FILL_CONTINUE ? -EINVAL : -EFAULT;
	return into_object(fill, vma) ? fill_object(fill, vma) : fill_entry(fill, vma);
}

static int fill_page(struct fill *fill)
{
	struct userfault *uf = fill->uf;
	int err;

	mmap_read_lock(uf->mm);
	down_read(&uf->changing_lock);
	err = fill_locked(fill);
	up_read(&uf->changing_lock);
	mmap_read_unlock(uf->mm);
	return err;
}

/* Before any lock: the source may fault itself. */
static int make_page(struct fill *fill)
{
	if (fill->kind != FILL_COPY && fill->kind != FILL_ZERO)
		return 0;
	fill->page = alloc_page(GFP_HIGHUSER_MOVABLE | (fill->kind == FILL_ZERO ? __GFP_ZERO : 0));
	if (!fill->page)
		return -ENOMEM;
	if (fill->kind == FILL_ZERO)
		return 0;
	return copy_from_user(page_address(fill->page), (const void *)fill->src, PAGE_SIZE) ? -EFAULT : 0;
}

static s64 fill_range(struct fill *fill)
{
	const struct quire_port *port = this_quire()->port;
	struct mm_struct *mm = fill->uf->mm;
	unsigned long done = 0;
	int err = 0;

	if (atomic_read(&fill->uf->changing))
		return -EAGAIN;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	fill->start = fill->dst;
	while (done < fill->len) {
		err = make_page(fill);
		if (!err)
			err = fill_page(fill);
		if (fill->page)
			put_page(fill->page);
		fill->page = NULL;
		if (err)
			break;
		done += PAGE_SIZE;
		fill->dst += PAGE_SIZE;
		fill->src += PAGE_SIZE;
		if (port->fatal_signal_pending && port->fatal_signal_pending()) {
			err = -EINTR;
			break;
		}
		if (port->cond_resched)
			port->cond_resched();
	}
	mmput(mm);
	return done ? (s64)done : err;
}

s64 userfault_copy(struct userfault *uf, unsigned long dst, unsigned long src, unsigned long len, unsigned int mode)
{
	struct fill fill = { .uf = uf, .kind = FILL_COPY, .mode = mode, .dst = dst, .src = src, .len = len };

	return fill_range(&fill);
}

s64 userfault_zeropage(struct userfault *uf, unsigned long start, unsigned long len)
{
	struct fill fill = { .uf = uf, .kind = FILL_ZERO, .dst = start, .len = len };

	return fill_range(&fill);
}

s64 userfault_continue(struct userfault *uf, unsigned long start, unsigned long len, unsigned int mode)
{
	struct fill fill = { .uf = uf, .kind = FILL_CONTINUE, .mode = mode, .dst = start, .len = len };

	return fill_range(&fill);
}

s64 userfault_poison(struct userfault *uf, unsigned long start, unsigned long len)
{
	struct fill fill = { .uf = uf, .kind = FILL_POISON, .dst = start, .len = len };

	return fill_range(&fill);
}
