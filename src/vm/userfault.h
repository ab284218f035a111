/* SPDX-License-Identifier: MIT */
/*
 * userfault.h - inside of userfaultfd: who waits, and how a fault is handed over. The public header has the picture.
 *
 * Lock: queue lock (leaf); the mmap lock as each function says. Sleeps: userfault_handle. Allocates: never.
 */
#ifndef VM_USERFAULT_H
#define VM_USERFAULT_H

#include "quire/userfault.h"
#include "vm/fault_int.h"

struct userfault {
	atomic_t refs;                     /* (a) the descriptor, each watched VMA, each waiter */
	struct mm_struct *mm;              /* (c) kept by mmgrab */
	const struct userfault_host *host; /* (c) */
	void *cookie;                      /* (c) */
	bool user_only;                    /* (c) */
	atomic64_t features;               /* (a) -1 until enabled */
	spinlock_t lock;                   /* LOCK_LEAF */
	struct list_head pending, served;  /* (lock) userfault_wait.link */
};

static inline struct userfault *userfault_get(struct userfault *uf)
{
	atomic_inc(&uf->refs);
	return uf;
}
void userfault_put(struct userfault *uf);

/* The VMA, which is write-locked, is watched by uf (a reference is taken) or, with NULL, by nobody. */
void vma_watch(struct vm_area_struct *vma, struct userfault *uf, unsigned long flags);
/* The same for a copy that is in no tree yet and belongs to another mm or place: it is not watched. */
void vma_unwatch_copy(struct vm_area_struct *vma);

/* An entry whose page is write-protected for the monitor loses the mark. mmap lock held. */
void userfault_forget_wp(struct mm_struct *mm, unsigned long start, unsigned long end);

/*
 * Shall the monitor of a watched VMA be asked? mmap lock held to read. 0: no, go on as ever. VM_FAULT_RETRY: it was asked, the
 * mmap lock has been dropped, look everything up again (only with FAULT_FLAG_ALLOW_RETRY). VM_FAULT_SIGBUS: it may not be
 * asked, the lock is still held.
 */
vm_fault_t userfault_handle(struct vm_area_struct *vma, vaddr_t address, unsigned int flags);

/* handle_mm_fault for callers that hold the mmap lock, where the VMA may be watched. */
static inline vm_fault_t handle_watched_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t address,
					      unsigned int flags)
{
	if (unlikely(vma->userfault)) {
		vm_fault_t asked = userfault_handle(vma, address, flags);

		if (asked)
			return asked;
	}
	return handle_mm_fault(mm, vma, address, flags);
}

#endif
