/* SPDX-License-Identifier: MIT */
/*
 * userfault.h - inside of userfaultfd: who waits, and how a fault is handed over. The public header has the picture.
 *
 * Lock: queue lock (leaf); `changing_lock` below the mmap lock; the mmap lock as each function says. Sleeps: userfault_fault,
 * userfault_notes_tell, userfault_remove. Allocates: notes.
 */
#ifndef VM_USERFAULT_H
#define VM_USERFAULT_H

#include "quire/userfault.h"
#include "sync/rwsem.h"
#include "vm/fault_int.h"

struct userfault {
	atomic_t refs;                     /* (a) the descriptor, each watched VMA, each waiter, each note */
	struct mm_struct *mm;              /* (c) kept by mmgrab */
	const struct userfault_host *host; /* (c) */
	void *cookie;                      /* (c) */
	bool user_only;                    /* (c) */
	bool closed;                       /* set once; nobody waits for the monitor any more */
	atomic64_t features;               /* (a) -1 until enabled */
	atomic_t changing;                 /* (a) changes whose event has not been read yet [UF4] */
	struct rw_semaphore changing_lock; /* LOCK_UFFD: pages are filled in under it, `changing` grows when nobody does */
	spinlock_t lock;                   /* LOCK_LEAF */
	struct list_head pending, served;  /* (lock) userfault_wait.link */
	struct list_head events;           /* (lock) userfault_event_wait.link: not yet read */
};

static inline struct userfault *userfault_get(struct userfault *uf)
{
	atomic_inc(&uf->refs);
	return uf;
}
void userfault_put(struct userfault *uf);

static inline bool userfault_wants(const struct userfault *uf, u64 feature)
{
	s64 features = userfault_features(uf);

	return features >= 0 && ((u64)features & feature);
}

/* The oldest event; as userfault_read. */
bool userfault_read_event(struct userfault *uf, struct userfault_event *event);

/* The VMA, which is write-locked, is watched by uf (a reference is taken) or, with NULL, by nobody. */
void vma_watch(struct vm_area_struct *vma, struct userfault *uf, unsigned long flags);
/* The same for a copy that is in no tree yet and belongs to another mm or place: it is not watched. */
void vma_unwatch_copy(struct vm_area_struct *vma);

/* The range of a VMA forgets which writes are watched. mmap lock held. */
void userfault_forget_wp(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/* ---- events: what is to be told once the mmap lock is free ---- */

struct userfault_note {
	struct list_head link;
	struct userfault *uf;
	struct userfault_event event;
};

/* Fills go no further until the event is read; the caller holds the mmap lock, and then tells. */
void userfault_change_begins(struct userfault *uf);
/* Waits until the event has been read, the monitor is gone or a fatal signal came; the change that began is over. False: it was
 * not read. */
bool userfault_tell(struct userfault *uf, const struct userfault_event *event);
/* A note of a change, kept in `notes`. 0 or -ENOMEM. */
int userfault_note(struct list_head *notes, struct userfault *uf, const struct userfault_event *event);
/* [start, end) of the VMA will be unmapped: noted once for each monitor that wants to know. notes NULL: nobody is told. */
int userfault_note_unmap(struct list_head *notes, const struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* The child's copy of a watched VMA, in no tree yet, is watched by a userfault of its own, or not. 0 or -ENOMEM. */
int userfault_note_fork(struct list_head *notes, struct vm_area_struct *child);
/* Tells each of the notes and frees them. No lock held. */
void userfault_notes_tell(struct list_head *notes);
/* What was noted does not happen: nothing of it, or nothing of a type. */
void userfault_notes_drop(struct list_head *notes);
void userfault_notes_forget(struct list_head *notes, enum userfault_event_type type);
/* [start, end) of the VMA is about to lose its contents. True: the monitor was told, for which the mmap lock, held to read, was
 * dropped. */
bool userfault_remove(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/* ---- filling ---- */

/*
 * The VMA at `start`, where a request wants to put pages. A private one gets its anon_vma, before anybody asks whether the request may be:
 * as on Linux, and as there it shows in a fork, which copies all that such a VMA has. mmap lock held.
 * ERR_PTR(-ENOENT): nothing is there, -ENOMEM.
 */
struct vm_area_struct *userfault_destination(struct mm_struct *mm, vaddr_t start);

/* ---- faults ---- */

/*
 * A fault of a watched VMA. mmap lock held to read. VM_FAULT_RETRY: the monitor was asked and the mmap lock has been dropped, look
 * everything up again (only with FAULT_FLAG_ALLOW_RETRY). VM_FAULT_SIGBUS may also mean that it may not be asked.
 */
vm_fault_t userfault_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t address, unsigned int flags);

/* handle_mm_fault for callers that hold the mmap lock, where the VMA may be watched; counts it. */
static inline vm_fault_t handle_watched_fault(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t address,
					      unsigned int flags)
{
	vm_fault_t result = unlikely(vma->userfault) ? userfault_fault(mm, vma, address, flags) :
						       handle_mm_fault(mm, vma, address, flags);

	fault_account(result);
	return result;
}

#endif
