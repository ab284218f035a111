/* SPDX-License-Identifier: MIT */
/* fault_file.c - first touch of a mapped object: its cached pages, and for private writes a copy. */
#include "base/math.h"
#include "object/lru.h"
#include "object/pagecache.h"
#include "object/rmap.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/fault_int.h"

/* Most pages that one fault maps; fault_around_bytes is bounded by it. */
#define FAULT_AROUND_MAX 16u

static vm_fault_t err_to_fault(long err)
{
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/* A page that the object has not got yet. NULL with *failed, which is 0 when somebody else was faster. */
static struct page *new_ram_page(struct address_space *mapping, pgoff_t index, vm_fault_t *failed)
{
	struct page *page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_ZERO);
	int err = page ? ram_page_add(mapping, index, page) : -ENOMEM;

	if (!err)
		return page;
	if (page)
		put_page(page);
	*failed = err == -EEXIST ? 0 : err_to_fault(err);
	return NULL;
}

/*
 * Brings the page into the cache without any lock, so that nobody waits for the disk who does not want the page: neither who
 * changes the VMA, nor the faults that wait for that one. VM_FAULT_RETRY, or an error with the mmap lock held again.
 */
static vm_fault_t read_unlocked(struct vm_fault *vmf, struct address_space *mapping, pgoff_t index)
{
	const struct address_space_operations *ops = mapping->ops;
	void *file = vmf->vma->vm_file;
	struct page *page;

	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		return VM_FAULT_RETRY;
	/* The VMA may go meanwhile, and what it shows with it. */
	if (ops->get_file)
		ops->get_file(file);
	mmap_read_unlock(vmf->mm);
	count_vm_event(PGMAJFAULT);
	page = read_cache_page(mapping, index);
	if (ops->put_file)
		ops->put_file(file);
	if (!IS_ERR(page)) {
		put_page(page);
		return VM_FAULT_RETRY | VM_FAULT_MAJOR;
	}
	mmap_read_lock(vmf->mm);
	return err_to_fault(PTR_ERR(page));
}

/* The object's page for the fault: up to date, referenced, within the object. NULL with *failed. */
static struct page *object_page(struct vm_fault *vmf, pgoff_t index, vm_fault_t *failed)
{
	struct address_space *mapping = vmf->vma->vm_mapping;
	struct page *page = find_get_page(mapping, index);
	int err;

	*failed = VM_FAULT_SIGBUS;
	if (index >= bytes_to_pages(mapping->ops->size(mapping))) {
		if (page)
			put_page(page);
		return NULL;
	}
	if (unlikely(vmf->flags & (page ? FAULT_FLAG_MUST_BE_MISSING : FAULT_FLAG_MUST_BE_CACHED))) {
		if (page)
			put_page(page);
		*failed = 0;
		return NULL;
	}
	if (likely(page) && likely(PageUptodate(page)))
		return page;
	if (page)
		put_page(page);
	if (unlikely(vmf->flags & FAULT_FLAG_MUST_BE_MISSING))
		return new_ram_page(mapping, index, failed);
	if (mapping_is_ram(mapping)) {
		page = ram_page_get(mapping, index, true, &err);
		if (page)
			return page;
		*failed = err_to_fault(err);
		return NULL;
	}
	if (vmf->flags & (FAULT_FLAG_VMA_LOCK | FAULT_FLAG_ALLOW_RETRY)) {
		*failed = read_unlocked(vmf, mapping, index);
		return NULL;
	}
	count_vm_event(PGMAJFAULT);
	page = read_cache_page(mapping, index);
	if (!IS_ERR(page))
		return page;
	*failed = err_to_fault(PTR_ERR(page));
	return NULL;
}

/* The page was truncated while it was being mapped: see pagecache.h. */
static bool page_gone(const struct page *page, const struct address_space *mapping)
{
	return unlikely(page_mapping(page) != mapping);
}

/* Maps a cached page, whose reference the entry takes over; the table is locked. False: it was truncated, nothing is mapped. */
static bool map_cached(struct vm_fault *vmf, pte_t *pte, struct page *page, pte_t entry)
{
	bool first = atomic_fetch_add_explicit(&page->_mapcount, 1, memory_order_relaxed) == -1;

	set_pte(pte, entry);
	/* The entry and the count are out before the mapping is looked at: pairs with the fence in truncate. */
	smp_mb();
	if (page_gone(page, vmf->vma->vm_mapping)) {
		pte_clear(pte);
		atomic_fetch_sub_explicit(&page->_mapcount, 1, memory_order_relaxed);
		return false;
	}
	if (first)
		mod_node_page_state(page_to_nid(page), NR_FILE_MAPPED, 1);
	if (unlikely(vmf->vma->vm_flags & VM_LOCKED))
		mlock_page(page);
	return true;
}

static pte_t read_entry(const struct vm_area_struct *vma, const struct page *page)
{
	return mk_pte(page, vma->vm_page_prot);
}

/* The window of a fault-around: pages [first, first + nr) of the VMA, within one leaf table and the VMA. */
static pgoff_t around_window(const struct vm_fault *vmf, unsigned int *nr, vaddr_t *start)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long span = min(this_vm()->fault_around_bytes, (unsigned long)FAULT_AROUND_MAX << PAGE_SHIFT);
	vaddr_t low = max(vmf->address & ~(span - 1), vma->vm_start), high = min((vmf->address & ~(span - 1)) + span,
										 vma->vm_end);

	*start = low;
	*nr = (unsigned int)((high - low) >> PAGE_SHIFT);
	return linear_page_index(vma, low);
}

/* Maps what is cached around the fault. True when the faulting page was among it. */
static bool fault_around(struct vm_fault *vmf)
{
	struct address_space *mapping = vmf->vma->vm_mapping;
	struct page *pages[FAULT_AROUND_MAX];
	long mapped[2] = { 0, 0 };
	bool done = false;
	unsigned int nr;
	vaddr_t addr;
	pgoff_t first = around_window(vmf, &nr, &addr), size = bytes_to_pages(mapping->ops->size(mapping));
	spinlock_t *ptl = pte_lockptr(vmf->pte);
	pte_t *pte = vmf->pte - ((vmf->address - addr) >> PAGE_SHIFT);

	for (unsigned int got = 0; got < nr;)
		got += find_get_run(mapping, first + got, nr - got, pages + got);
	spin_lock(ptl);
	for (unsigned int i = 0; i < nr; i++, pte++, addr += PAGE_SIZE) {
		struct page *page = pages[i];

		if (!page || first + i >= size || !PageUptodate(page) || !pte_none(pte_read(pte)))
			continue;
		/* Only the page that was asked for counts as used. */
		if (!map_cached(vmf, pte, page,
				addr == vmf->address ? read_entry(vmf->vma, page) : pte_mkold(read_entry(vmf->vma, page))))
			continue;
		pages[i] = NULL;
		mapped[PageSwapBacked(page)]++;
		done |= addr == vmf->address;
	}
	if (mapped[0])
		add_mm_counter(vmf->mm, MM_FILEPAGES, mapped[0]);
	if (mapped[1])
		add_mm_counter(vmf->mm, MM_SHMEMPAGES, mapped[1]);
	spin_unlock(ptl);
	for (unsigned int i = 0; i < nr; i++)
		if (pages[i])
			put_page(pages[i]);
	return done;
}

/* Maps `page` at the faulting address; its reference goes to the entry or is dropped. */
static vm_fault_t map_one(struct vm_fault *vmf, struct page *page, pte_t entry)
{
	spinlock_t *ptl = fault_lock_same(vmf);
	bool mapped = false;

	if (likely(ptl)) {
		mapped = map_cached(vmf, vmf->pte, page, fault_inherit_wp(vmf, entry));
		if (mapped)
			add_mm_counter(vmf->mm, mm_counter_of(page), 1);
		spin_unlock(ptl);
	}
	if (!mapped)
		put_page(page);
	return 0;
}

static vm_fault_t read_fault(struct vm_fault *vmf, pgoff_t index)
{
	vm_fault_t failed;
	struct page *page;

	if (index == linear_page_index(vmf->vma, vmf->address) && pte_none(vmf->orig) &&
	    likely(!(vmf->vma->vm_flags & (VM_UFFD_WP | VM_UFFD_MINOR)) && !(vmf->flags & FAULT_FLAG_ALONE)) && fault_around(vmf))
		return 0;
	page = object_page(vmf, index, &failed);
	return page ? map_one(vmf, page, read_entry(vmf->vma, page)) : failed;
}

/* A private write: straight to a copy, the object's page is never mapped. */
static vm_fault_t cow_fault(struct vm_fault *vmf, pgoff_t index)
{
	vm_fault_t failed = fault_prepare_anon(vmf);
	struct page *page, *copy;
	spinlock_t *ptl;

	if (unlikely(failed))
		return failed;
	page = object_page(vmf, index, &failed);
	if (!page)
		return failed;
	copy = fault_new_page(vmf, page);
	mark_page_accessed(page);
	put_page(page);
	if (unlikely(!copy))
		return VM_FAULT_OOM;
	ptl = fault_lock_same(vmf);
	if (unlikely(!ptl)) {
		put_page(copy);
		return 0;
	}
	fault_map_new_page(vmf, copy);
	spin_unlock(ptl);
	return 0;
}

static vm_fault_t shared_fault(struct vm_fault *vmf, pgoff_t index)
{
	struct address_space *mapping = vmf->vma->vm_mapping;
	vm_fault_t failed;
	struct page *page = object_page(vmf, index, &failed);
	int err;

	if (!page)
		return failed;
	if (mapping->ops->page_mkwrite) {
		err = mapping->ops->page_mkwrite(mapping, page);
		if (err) {
			put_page(page);
			return err_to_fault(err);
		}
	}
	account_page_dirtied(page);
	return map_one(vmf, page, pte_mkdirty(pte_mkwrite(read_entry(vmf->vma, page))));
}

/* Pages of the kernel's own: mapped where they are, counted nowhere. */
static vm_fault_t special_fault(struct vm_fault *vmf)
{
	const struct special_mapping *special = vmf->vma->special;
	pgoff_t index = linear_page_index(vmf->vma, vmf->address);
	spinlock_t *ptl;

	if (index >= special->nr)
		return VM_FAULT_SIGBUS;
	ptl = fault_lock_same(vmf);
	if (ptl) {
		set_pte(vmf->pte, pte_mkspecial(mk_pte(special->pages[index], vmf->vma->vm_page_prot)));
		spin_unlock(ptl);
	}
	return 0;
}

vm_fault_t do_file_fault(struct vm_fault *vmf)
{
	pgoff_t index = linear_page_index(vmf->vma, vmf->address);

	if (unlikely(vmf->vma->special))
		return special_fault(vmf);
	if (unlikely(softpte_type(vmf->orig) == SOFT_NONLINEAR))
		index = (pgoff_t)pte_soft_payload(vmf->orig);
	if (!(vmf->flags & FAULT_FLAG_WRITE))
		return read_fault(vmf, index);
	if (vmf->vma->vm_flags & VM_SHARED)
		return shared_fault(vmf, index);
	return cow_fault(vmf, index);
}
