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

/* The VMA of the request, as long as it can be filled that way. ERR_PTR. mmap lock held. */
static struct vm_area_struct *fill_vma(const struct fill *fill)
{
	struct vm_area_struct *vma = vma_lookup(fill->uf->mm, fill->start);

	if (!vma || vma->userfault != fill->uf || fill->len > vma->vm_end - fill->start)
		return ERR_PTR(-ENOENT);
	if ((fill->mode & UFFD_FILL_WP) && !(vma->vm_flags & VM_UFFD_WP))
		return ERR_PTR(-EINVAL);
	if (fill->kind == FILL_CONTINUE && (!vma->vm_mapping || !(vma->vm_flags & VM_SHARED)))
		return ERR_PTR(-EINVAL);
	return vma;
}

static bool into_object(const struct vm_area_struct *vma)
{
	return vma->vm_mapping && (vma->vm_flags & VM_SHARED);
}

/* A private page, the zero page, or the mark of a lost one goes into the entry. */
static int fill_entry(struct fill *fill, struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_fault vmf = { .vma = vma, .mm = mm, .address = fill->dst };
	spinlock_t *ptl;

	if (fill->kind == FILL_COPY && anon_vma_prepare(vma) != 0)
		return -ENOMEM;
	if (pgtable_populate(&mm->pgt, fill->dst, GFP_KERNEL) != 0)
		return -ENOMEM;
	vmf.pte = pgtable_lock_pte_nopop(&mm->pgt, fill->dst, &ptl);
	if (!vmf.pte)
		return -ENOMEM;
	if (!pte_none(pte_read(vmf.pte))) {
		spin_unlock(ptl);
		return -EEXIST;
	}
	if (fill->kind == FILL_POISON) {
		set_pte(vmf.pte, pte_mksoft(SOFT_MARKER, PTE_MARKER_POISONED, 0));
	} else if (fill->kind == FILL_ZERO) {
		set_pte(vmf.pte, pte_mkspecial(mk_pte(this_vm()->zero_page, vma->vm_page_prot)));
	} else {
		fault_map_new_page(&vmf, fill->page);
		fill->page = NULL;
		if (fill->mode & UFFD_FILL_WP)
			set_pte(vmf.pte, pte_mkuffd_wp(pte_wrprotect(pte_read(vmf.pte))));
	}
	spin_unlock(ptl);
	return 0;
}

/* The object gets the page, or has it, and the entry shows it. */
static int fill_object(struct fill *fill, struct vm_area_struct *vma)
{
	pgoff_t index = linear_page_index(vma, fill->dst);
	const pte_t *pte = pgtable_find_pte(&vma->vm_mm->pgt, fill->dst);
	struct page *page;
	vm_fault_t result;
	int err;

	if (pte && !pte_none(pte_read(pte)))
		return -EEXIST;
	if (fill->kind == FILL_CONTINUE) {
		page = find_get_page(vma->vm_mapping, index);
		if (!page)
			return -EFAULT;
		put_page(page);
	} else {
		err = ram_page_add(vma->vm_mapping, index, fill->page);
		if (err)
			return err == -EFBIG ? -EFAULT : err;
		account_page_dirtied(fill->page);
	}
	result = handle_mm_fault(vma->vm_mm, vma, fill->dst,
				 FAULT_FLAG_REMOTE | (vma->vm_flags & VM_WRITE ? FAULT_FLAG_WRITE : 0));
	if (!(result & VM_FAULT_ERROR))
		return 0;
	return result & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
}

static int fill_page(struct fill *fill)
{
	struct mm_struct *mm = fill->uf->mm;
	struct vm_area_struct *vma;
	int err;

	mmap_read_lock(mm);
	vma = fill_vma(fill);
	if (IS_ERR(vma))
		err = (int)PTR_ERR(vma);
	else if (fill->kind != FILL_POISON && into_object(vma))
		err = fill_object(fill, vma);
	else
		err = fill_entry(fill, vma);
	mmap_read_unlock(mm);
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

s64 userfault_continue(struct userfault *uf, unsigned long start, unsigned long len)
{
	struct fill fill = { .uf = uf, .kind = FILL_CONTINUE, .dst = start, .len = len };

	return fill_range(&fill);
}

s64 userfault_poison(struct userfault *uf, unsigned long start, unsigned long len)
{
	struct fill fill = { .uf = uf, .kind = FILL_POISON, .dst = start, .len = len };

	return fill_range(&fill);
}
