/* SPDX-License-Identifier: MIT */
/* gup.c - reach a program's pages from the kernel: pin them, fill them in, read and write them from afar. */
#include "base/math.h"
#include "base/string.h"
#include "object/pagecache.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "vm/fault_int.h"
#include "vm/userfault.h"

/* Beside enum gup_flags: pins, not references. */
#define FOLL_PIN 8u

#define GUP_FAULT_FLAGS (FAULT_FLAG_REMOTE | FAULT_FLAG_ALLOW_RETRY)

/* The zero page is never anybody's own, and lives for ever. */
static void pin_page(struct page *page)
{
	if (page_owner(page) != PAGE_OWNER_ZERO)
		atomic_fetch_add_explicit(&page->_refcount, PAGE_PIN_BIAS, memory_order_relaxed);
}

/* What the entry shows may be used so. A page that is shared with relatives until somebody writes cannot be pinned: the first
 * write would part the program from the pin. Its table is locked. */
static bool entry_allows(const struct mm_struct *mm, pte_t entry, unsigned int how)
{
	if (!pte_present(entry) || (pte_protnone(entry) && !(how & FOLL_FORCE)))
		return false;
	if (pte_write(entry))
		return true;
	if (how & FOLL_WRITE)
		return false;
	return !(how & FOLL_PIN) || pte_special(entry) || !PageAnon(pte_page(entry)) || page_is_own(mm, pte_page(entry));
}

/* The page behind one address with a reference or a pin, if the entry allows the access now. */
static struct page *follow_page(struct mm_struct *mm, vaddr_t addr, unsigned int how)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *pte = pgtable_lock_pte_nopop(&mm->pgt, addr, &ptl), entry;

	if (!pte)
		return NULL;
	entry = pte_read(pte);
	if (entry_allows(mm, entry, how)) {
		page = pte_page(entry);
		if (how & FOLL_PIN)
			pin_page(page);
		else
			get_page(page);
	}
	spin_unlock(ptl);
	return page;
}

/* May the VMA be reached that way? For a forced write to a private mapping the copy is made by hand. */
static bool gup_allowed(const struct vm_area_struct *vma, unsigned int how)
{
	if (how & FOLL_WRITE) {
		if (vma->vm_flags & VM_WRITE)
			return true;
		return (how & FOLL_FORCE) && is_cow_mapping(vma->vm_flags);
	}
	if (vma->vm_flags & VM_READ)
		return true;
	return (how & FOLL_FORCE) && (vma->vm_flags & VM_MAYREAD);
}

static void unpin_page(struct page *page)
{
	if (page_owner(page) == PAGE_OWNER_ZERO)
		return;
	/* The last of the references in the ordinary way: it may be the page's last. */
	atomic_fetch_sub_explicit(&page->_refcount, PAGE_PIN_BIAS - 1, memory_order_relaxed);
	put_page(page);
}

/* An entry that may only be read gets a page of its own, still read-only: for a forced write, or to be pinned. */
static struct page *forced_copy(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t addr, unsigned int how)
{
	how = (how & ~FOLL_WRITE) | FOLL_FORCE;
	for (;;) {
		struct page *page;
		vm_fault_t result = handle_watched_fault(mm, vma, addr, GUP_FAULT_FLAGS | FAULT_FLAG_WRITE);

		if (result & VM_FAULT_RETRY)
			return ERR_PTR(-EAGAIN);
		if (result & VM_FAULT_ERROR)
			return NULL;
		page = follow_page(mm, addr, how);
		if (!page)
			continue;
		if (PageAnon(page))
			return page;
		if (how & FOLL_PIN)
			unpin_page(page);
		else
			put_page(page);
	}
}

/* The entry is there, but for a pin its page must be copied first. */
static bool must_unshare(struct mm_struct *mm, vaddr_t addr, unsigned int how)
{
	const pte_t *pte = how & FOLL_PIN ? pgtable_find_pte(&mm->pgt, addr) : NULL;

	return pte && pte_present(pte_read(pte)) && !pte_special(pte_read(pte)) && PageAnon(pte_page(pte_read(pte)));
}

/* The page for one address, faulted in as needed. NULL: not to be had. mmap lock held to read; ERR_PTR(-EAGAIN): it was
 * dropped to wait for a monitor. */
static struct page *gup_one(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t addr, unsigned int how)
{
	unsigned int flags = GUP_FAULT_FLAGS | (how & FOLL_WRITE ? FAULT_FLAG_WRITE : 0);

	if ((how & FOLL_WRITE) && !(vma->vm_flags & VM_WRITE))
		return forced_copy(mm, vma, addr, how);
	for (;;) {
		struct page *page = follow_page(mm, addr, how);
		vm_fault_t result;

		if (page)
			return page;
		if (unlikely(must_unshare(mm, addr, how)))
			return forced_copy(mm, vma, addr, how);
		result = handle_watched_fault(mm, vma, addr, flags);
		if (result & VM_FAULT_RETRY)
			return ERR_PTR(-EAGAIN);
		if (result & VM_FAULT_ERROR)
			return NULL;
	}
}

/* After -EAGAIN the lock is taken again; false: the caller has no time left. */
static bool gup_relock(struct mm_struct *mm)
{
	const struct quire_port *port = this_quire()->port;

	mmap_read_lock(mm);
	return !port->fatal_signal_pending || !port->fatal_signal_pending();
}

static struct vm_area_struct *gup_vma(struct mm_struct *mm, vaddr_t addr, unsigned int how)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (!vma || (vma->vm_flags & (VM_IO | VM_PFNMAP)) || ((how & FOLL_ANON) && !vma_is_anonymous(vma)))
		return NULL;
	return gup_allowed(vma, how) ? vma : NULL;
}

static long follow_pages(struct mm_struct *mm, vaddr_t addr, unsigned long nr, unsigned int how, struct page **pages)
{
	unsigned long done;

	addr &= PAGE_MASK;
	mmap_read_lock(mm);
	/* Fork takes the lock to write: it sees this, or the pages are pinned after it. */
	if (how & FOLL_PIN)
		WRITE_ONCE(mm->has_pinned, true);
	for (done = 0; done < nr;) {
		struct vm_area_struct *vma = gup_vma(mm, addr, how);

		pages[done] = vma ? gup_one(mm, vma, addr, how) : NULL;
		if (pages[done] == ERR_PTR(-EAGAIN)) {
			if (gup_relock(mm))
				continue;
			break;
		}
		if (!pages[done])
			break;
		done++;
		addr += PAGE_SIZE;
	}
	mmap_read_unlock(mm);
	return done || !nr ? (long)done : -EFAULT;
}

long get_user_pages(struct mm_struct *mm, vaddr_t addr, unsigned long nr, unsigned int flags, struct page **pages)
{
	return follow_pages(mm, addr, nr, flags & ~FOLL_PIN, pages);
}

long pin_user_pages(struct mm_struct *mm, vaddr_t addr, unsigned long nr, unsigned int flags, struct page **pages)
{
	return follow_pages(mm, addr, nr, flags | FOLL_PIN, pages);
}

void unpin_user_pages(struct page **pages, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		unpin_page(pages[i]);
}

void unpin_user_pages_dirty(struct page **pages, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		account_page_dirtied(pages[i]);
	unpin_user_pages(pages, nr);
}

int mm_account_pinned(struct mm_struct *mm, long pages)
{
	unsigned long limit = host_rlimit(QUIRE_RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	int err = 0;

	mmap_write_lock(mm);
	if (pages > 0 && mm->pinned_vm + (unsigned long)pages > limit && !host_capable(QUIRE_CAP_IPC_LOCK))
		err = -ENOMEM;
	else
		mm->pinned_vm += (unsigned long)pages;
	mmap_write_unlock(mm);
	return err;
}

size_t access_remote_vm(struct mm_struct *mm, vaddr_t addr, void *buf, size_t len, unsigned int how)
{
	size_t done = 0;

	mmap_read_lock(mm);
	while (done < len) {
		size_t offset = (addr + done) & ~PAGE_MASK, chunk = min_t(size_t, len - done, PAGE_SIZE - offset);
		struct vm_area_struct *vma = gup_vma(mm, addr + done, how);
		struct page *page = vma ? gup_one(mm, vma, (addr + done) & PAGE_MASK, how) : NULL;
		char *at;

		if (page == ERR_PTR(-EAGAIN)) {
			if (gup_relock(mm))
				continue;
			break;
		}
		if (!page)
			break;
		at = (char *)page_address(page) + offset;
		if (how & FOLL_WRITE) {
			memcpy(at, (char *)buf + done, chunk);
			account_page_dirtied(page);
		} else {
			memcpy((char *)buf + done, at, chunk);
		}
		put_page(page);
		done += chunk;
	}
	mmap_read_unlock(mm);
	return done;
}

enum populate_errors { POPULATE_GO_ON, POPULATE_STOP };

bool populate_vma(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t addr, vaddr_t end)
{
	bool write = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
	unsigned int flags = FAULT_FLAG_REMOTE | (write ? FAULT_FLAG_WRITE : 0);

	/* Locked when touched: nothing is faulted in ahead, not even copies by mprotect. */
	if (vma->vm_flags & VM_LOCKONFAULT)
		return true;
	if ((vma->vm_flags & (VM_IO | VM_PFNMAP)) || !(vma->vm_flags & VM_ACCESS_FLAGS))
		return false;
	for (; addr < end; addr += PAGE_SIZE)
		if (handle_watched_fault(mm, vma, addr, flags) & VM_FAULT_ERROR)
			return false;
	return true;
}

/* May a page of it have to be waited for: from a monitor, or from a disk? */
static bool comes_slowly(const struct vm_area_struct *vma)
{
	return vma->userfault || (vma->vm_mapping && !vma->special && !mapping_is_ram(vma->vm_mapping));
}

/* What comes slowly is waited for page by page without the lock; populate_vma would fail, or hold it. True: it was dropped. */
static bool wait_for_page(struct vm_area_struct *vma, unsigned long start, unsigned long *upto)
{
	bool write = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
	unsigned int flags = GUP_FAULT_FLAGS | (write ? FAULT_FLAG_WRITE : 0);
	vm_fault_t result;

	if (likely(!comes_slowly(vma)) || (vma->vm_flags & (VM_LOCKONFAULT | VM_IO | VM_PFNMAP)) ||
	    !(vma->vm_flags & VM_ACCESS_FLAGS))
		return false;
	*upto = min(*upto, start + PAGE_SIZE);
	result = vma->userfault ? userfault_fault(vma->vm_mm, vma, start, flags) :
				  handle_mm_fault(vma->vm_mm, vma, start, flags);
	if (!(result & VM_FAULT_RETRY))
		return false;
	fault_account(result);
	return true;
}

/* Faults [start, end) in VMA by VMA. At a page that cannot be had: goes on behind its VMA, or stops with -EFAULT. */
static int populate_range(struct mm_struct *mm, unsigned long start, unsigned long end, enum populate_errors errors)
{
	const struct quire_port *port = this_quire()->port;

	while (start < end) {
		struct vm_area_struct *vma;
		unsigned long upto;
		bool done;

		mmap_read_lock(mm);
		vma = find_vma_intersection(mm, start, end);
		if (!vma) {
			mmap_read_unlock(mm);
			break;
		}
		/* In pieces, so that a writer need not wait for all of it. */
		start = max(start, vma->vm_start);
		upto = min(min(end, vma->vm_end), start + (512ul << PAGE_SHIFT));
		if (unlikely(wait_for_page(vma, start, &upto))) {
			if (port->fatal_signal_pending && port->fatal_signal_pending())
				return -EINTR;
			continue;
		}
		done = populate_vma(mm, vma, start, upto);
		start = done ? upto : min(end, vma->vm_end);
		mmap_read_unlock(mm);
		if (!done && errors == POPULATE_STOP)
			return -EFAULT;
		if (port->fatal_signal_pending && port->fatal_signal_pending())
			return -EINTR;
		if (port->cond_resched)
			port->cond_resched();
	}
	return 0;
}

void mm_populate(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	populate_range(mm, start, start + len, POPULATE_GO_ON);
}

int mm_populate_strict(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	return populate_range(mm, start, start + len, POPULATE_STOP);
}

int futex_get_key(struct mm_struct *mm, vaddr_t addr, bool shared, struct futex_key *key)
{
	struct vm_area_struct *vma;
	int err = -EFAULT;

	*key = (struct futex_key){ .object = (u64)(unsigned long)mm, .offset = addr };
	if (addr >= TASK_SIZE)
		return -EFAULT;
	if (!shared)
		return 0;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma) {
		err = 0;
		if (vma->vm_mapping && (vma->vm_flags & VM_MAYSHARE))
			*key = (struct futex_key){
				.object = (u64)(unsigned long)vma->vm_mapping,
				.offset = ((u64)linear_page_index(vma, addr) << PAGE_SHIFT) | (addr & ~PAGE_MASK),
				.shared = true,
			};
	}
	mmap_read_unlock(mm);
	return err;
}
