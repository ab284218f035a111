/* SPDX-License-Identifier: MIT */
/* userfault.c - the queue of those whose faults a monitor resolves. */
#include "vm/userfault.h"

#include "base/math.h"
#include "object/pagecache.h"
#include "pgtable/walk.h"
#include "quire/errno.h"
#include "quire/slab.h"

/* Lies on the waiter's stack. */
struct userfault_wait {
	struct list_head link; /* (uf->lock) */
	vaddr_t address;
	struct userfault_event event;
	bool woken;            /* (uf->lock) to set */
};

struct userfault *userfault_create(struct mm_struct *mm, const struct userfault_host *host, void *cookie, bool user_only)
{
	struct userfault *uf = kzalloc(sizeof(*uf), GFP_KERNEL);

	if (!uf)
		return NULL;
	atomic_set(&uf->refs, 1);
	mmgrab(mm);
	uf->mm = mm;
	uf->host = host;
	uf->cookie = cookie;
	uf->user_only = user_only;
	atomic64_set(&uf->features, -1);
	init_rwsem(&uf->changing_lock, LOCK_UFFD);
	spin_lock_init(&uf->lock, LOCK_LEAF);
	INIT_LIST_HEAD(&uf->pending);
	INIT_LIST_HEAD(&uf->served);
	INIT_LIST_HEAD(&uf->events);
	return uf;
}

void userfault_put(struct userfault *uf)
{
	if (!atomic_dec_and_test(&uf->refs))
		return;
	if (uf->host->release && uf->cookie)
		uf->host->release(uf->cookie);
	mmdrop(uf->mm);
	kfree(uf);
}

int userfault_enable(struct userfault *uf, u64 features)
{
	s64 none = -1;

	return atomic64_try_cmpxchg(&uf->features, &none, (s64)features) ? 0 : -EINVAL;
}

s64 userfault_features(const struct userfault *uf)
{
	return atomic64_read(&uf->features);
}

bool userfault_is_for(const struct userfault *uf, const struct mm_struct *mm)
{
	return uf->mm == mm;
}

void *userfault_cookie(const struct userfault *uf)
{
	return uf->cookie;
}

/* ---- waking and reading ---- */

static bool wake_list(struct list_head *list, unsigned long start, unsigned long end)
{
	struct userfault_wait *wait, *next;
	bool any = false;

	list_for_each_entry_safe(wait, next, list, link) {
		if (wait->address < start || wait->address >= end)
			continue;
		list_del_init(&wait->link);
		/* Release: pairs with the acquire in `woken`; the waiter may leave its stack frame after it takes the lock. */
		smp_store_release(&wait->woken, true);
		any = true;
	}
	return any;
}

static void wake_range(struct userfault *uf, unsigned long start, unsigned long end)
{
	bool any;

	spin_lock(&uf->lock);
	any = wake_list(&uf->pending, start, end);
	any |= wake_list(&uf->served, start, end);
	spin_unlock(&uf->lock);
	if (any)
		uf->host->go_on(uf->cookie);
}

int userfault_check_range(unsigned long start, unsigned long len)
{
	if ((start & ~PAGE_MASK) || (len & ~PAGE_MASK) || !len || start < this_vm()->mmap_min_addr)
		return -EINVAL;
	return start >= TASK_SIZE || len > TASK_SIZE - start ? -EINVAL : 0;
}

int userfault_wake(struct userfault *uf, unsigned long start, unsigned long len)
{
	int err = userfault_check_range(start, len);

	if (!err)
		wake_range(uf, start, start + len);
	return err;
}

/* The oldest fault that nobody has read. */
static bool read_fault(struct userfault *uf, struct userfault_event *event)
{
	struct userfault_wait *wait;
	bool any;

	spin_lock(&uf->lock);
	any = !list_empty(&uf->pending);
	if (any) {
		wait = list_first_entry(&uf->pending, struct userfault_wait, link);
		list_del(&wait->link);
		list_add_tail(&wait->link, &uf->served);
		*event = wait->event;
	}
	spin_unlock(&uf->lock);
	return any;
}

bool userfault_read(struct userfault *uf, struct userfault_event *event)
{
	return read_fault(uf, event) || userfault_read_event(uf, event);
}

bool userfault_has_pending(struct userfault *uf)
{
	bool any;

	spin_lock(&uf->lock);
	any = !list_empty(&uf->pending) || !list_empty(&uf->events);
	spin_unlock(&uf->lock);
	return any;
}

void userfault_count(struct userfault *uf, unsigned long *pending, unsigned long *total)
{
	const struct userfault_wait *wait;

	*pending = *total = 0;
	spin_lock(&uf->lock);
	list_for_each_entry(wait, &uf->pending, link)
		++*pending;
	list_for_each_entry(wait, &uf->served, link)
		++*total;
	spin_unlock(&uf->lock);
	*total += *pending;
}

/* ---- handing a fault over ---- */

static bool is_cached(const struct vm_area_struct *vma, vaddr_t address)
{
	struct page *page = find_get_page(vma->vm_mapping, linear_page_index(vma, address));

	if (page)
		put_page(page);
	return page;
}

/* An object has no page for the address. *beyond: nor will it ever, the address lies behind its end. */
static bool is_missing(struct vm_fault *vmf, bool *beyond)
{
	struct address_space *mapping = vmf->vma->vm_mapping;

	*beyond = linear_page_index(vmf->vma, vmf->address) >= bytes_to_pages(mapping->ops->size(mapping));
	return !is_cached(vmf->vma, vmf->address);
}

/*
 * Does the fault concern the monitor, and as what? *what: UFFD_PAGEFAULT_*. If not, vmf->flags say what that depends on beside
 * the entry [UF3].
 */
static bool concerns_monitor(struct vm_fault *vmf, u64 *what)
{
	const struct vm_area_struct *vma = vmf->vma;
	bool write = vmf->flags & FAULT_FLAG_WRITE, beyond;

	*what = write ? UFFD_PAGEFAULT_WRITE : 0;
	vmf->flags &= ~(FAULT_FLAG_MUST_BE_CACHED | FAULT_FLAG_MUST_BE_MISSING);
	if (pte_present(vmf->orig)) {
		*what |= UFFD_PAGEFAULT_WP;
		return write && pte_uffd_wp(vmf->orig) && (vma->vm_flags & VM_UFFD_WP) &&
		       !userfault_wants(vma->userfault, UFFD_FEATURE_WP_ASYNC);
	}
	if (!pte_none(vmf->orig) && pte_marker_bits(vmf->orig) != PTE_MARKER_UFFD_WP)
		return false;
	if (!vma->vm_mapping)
		return vma->vm_flags & VM_UFFD_MISSING;
	if (is_missing(vmf, &beyond)) {
		if ((vma->vm_flags & VM_UFFD_MINOR) && !beyond)
			vmf->flags |= FAULT_FLAG_MUST_BE_MISSING;
		return (vma->vm_flags & VM_UFFD_MISSING) && !beyond;
	}
	if ((vma->vm_flags & VM_UFFD_MISSING) && !beyond)
		vmf->flags |= FAULT_FLAG_MUST_BE_CACHED;
	*what |= UFFD_PAGEFAULT_MINOR;
	return (vma->vm_flags & VM_UFFD_MINOR) && !beyond;
}

static bool was_woken(void *arg)
{
	const struct userfault_wait *wait = arg;

	/* Acquire: pairs with the release in wake_list: what the monitor did is seen. */
	return smp_load_acquire(&wait->woken);
}

static void queue(struct userfault *uf, struct userfault_wait *wait, vaddr_t address, u64 what)
{
	u64 features = (u64)userfault_features(uf);

	wait->address = address & PAGE_MASK;
	wait->woken = false;
	wait->event.type = UFFD_EVENT_PAGEFAULT;
	wait->event.fault.flags = what;
	wait->event.fault.address = features & UFFD_FEATURE_EXACT_ADDRESS ? address : address & PAGE_MASK;
	wait->event.fault.thread = features & UFFD_FEATURE_THREAD_ID ? uf->host->thread() : 0;
	spin_lock(&uf->lock);
	list_add_tail(&wait->link, &uf->pending);
	spin_unlock(&uf->lock);
}

static void unqueue(struct userfault *uf, struct userfault_wait *wait)
{
	spin_lock(&uf->lock);
	if (!list_empty(&wait->link))
		list_del_init(&wait->link);
	spin_unlock(&uf->lock);
}

/* With WP_ASYNC a write only leaves its trace in the entry. */
static void note_write(struct vm_fault *vmf)
{
	spinlock_t *ptl;

	if (!pte_present(vmf->orig) || !pte_uffd_wp(vmf->orig) || !(vmf->flags & FAULT_FLAG_WRITE))
		return;
	ptl = fault_lock_same(vmf);
	if (!ptl)
		return;
	vmf->orig = pte_clear_uffd_wp(vmf->orig);
	set_pte(vmf->pte, vmf->orig);
	spin_unlock(ptl);
}

/* Nobody is to be asked. */
static vm_fault_t ordinary_fault(struct vm_fault *vmf)
{
	note_write(vmf);
	return fault_dispatch(vmf);
}

vm_fault_t userfault_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t address, unsigned int flags)
{
	struct vm_fault vmf = { .vma = vma, .mm = mm, .address = address & PAGE_MASK, .flags = flags };
	struct userfault *uf = vma->userfault;
	struct userfault_wait wait;
	vm_fault_t failed = fault_find_entry(&vmf);
	u64 what, again;

	if (failed)
		return failed;
	if (!concerns_monitor(&vmf, &what))
		return ordinary_fault(&vmf);
	if (userfault_wants(uf, UFFD_FEATURE_SIGBUS) || (uf->user_only && !(flags & FAULT_FLAG_USER)) ||
	    !(flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	userfault_get(uf);
	queue(uf, &wait, address, what);
	vmf.orig = pte_read(vmf.pte);
	if (!concerns_monitor(&vmf, &again)) { /* [UF2] */
		unqueue(uf, &wait);
		userfault_put(uf);
		return ordinary_fault(&vmf);
	}
	mmap_read_unlock(mm);
	uf->host->pending(uf->cookie);
	uf->host->sleep(uf->cookie, flags & FAULT_FLAG_USER, was_woken, &wait);
	unqueue(uf, &wait);
	userfault_put(uf);
	return VM_FAULT_RETRY;
}

/* ---- the end ---- */

static void unwatch_all(struct userfault *uf)
{
	struct vm_area_struct *vma;

	mmap_write_lock(uf->mm);
	for (vma = uf->mm->mmap; vma; vma = vma->vm_next) {
		if (vma->userfault != uf)
			continue;
		vma_start_write(vma);
		if (vma->vm_flags & VM_UFFD_WP)
			userfault_forget_wp(vma, vma->vm_start, vma->vm_end);
		vma_watch(vma, NULL, 0);
	}
	mmap_write_unlock(uf->mm);
}

void userfault_close(struct userfault *uf)
{
	WRITE_ONCE(uf->closed, true);
	if (mmget_not_zero(uf->mm)) {
		unwatch_all(uf);
		mmput(uf->mm);
	}
	wake_range(uf, 0, ~0ul);
	/* Those, too, who wait for an event to be read. */
	uf->host->go_on(uf->cookie);
	userfault_put(uf);
}
