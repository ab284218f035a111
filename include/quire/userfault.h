/* SPDX-License-Identifier: MIT */
/*
 * userfault.h - faults of a range that a program resolves itself: the part of userfaultfd(2) behind its descriptor.
 *
 *	thread that touches         queue of the userfault            monitor
 *	  nothing there, VMA        pending --read--> being served      userfault_read: which page?
 *	  watched: queues, tells                                       userfault_copy ...: the page is there,
 *	  the host, sleeps     <------------- woken ----------------   whoever waits for it goes on
 *	  tries again
 *
 * [UF1] A VMA is watched when it has one of VM_UFFD_*, and then refers to exactly one userfault. Its faults take the mmap lock.
 * [UF2] A waiter is queued before it looks a last time whether it must wait, so that a page that comes meanwhile is seen.
 *
 * Ranges are bytes, page aligned; results are 0, bytes, or Linux's -errno of the ioctl of that name. Context of all: may sleep,
 * no lock held, IRQs on, unless said otherwise.
 */
#ifndef QUIRE_USERFAULT_H
#define QUIRE_USERFAULT_H

#include "quire/mm.h"

struct userfault;

/* What the host does for it. cookie: as given to userfault_create. */
struct userfault_host {
	/* A fault waits to be read: the descriptor is readable. The mmap lock may be held. Never sleeps. */
	void (*pending)(void *cookie);
	/* Somebody's done() has become true. Never sleeps. */
	void (*go_on)(void *cookie);
	/* Returns when done(arg), or when a signal wants attention: any for `user`, else a fatal one. Sleeps. */
	void (*sleep)(void *cookie, bool user, bool (*done)(void *arg), void *arg);
	/* The number of the running thread, as programs know it. */
	u32 (*thread)(void);
	/* The last reference went. May hold the mmap lock: must not take it, nor sleep. */
	void (*release)(void *cookie);
};

enum userfault_feature { /* Linux's bits; these are served */
	UFFD_FEATURE_PAGEFAULT_FLAG_WP = 1 << 0,
	UFFD_FEATURE_MISSING_SHMEM = 1 << 5,
	UFFD_FEATURE_SIGBUS = 1 << 7,
	UFFD_FEATURE_THREAD_ID = 1 << 8,
	UFFD_FEATURE_MINOR_SHMEM = 1 << 10,
	UFFD_FEATURE_EXACT_ADDRESS = 1 << 11,
	UFFD_FEATURE_POISON = 1 << 14,
	UFFD_FEATURES = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS |
			UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_POISON,
};

enum userfault_register_mode { UFFD_REGISTER_MISSING = 1, UFFD_REGISTER_WP = 2, UFFD_REGISTER_MINOR = 4 };
enum userfault_fault_flag { UFFD_PAGEFAULT_WRITE = 1, UFFD_PAGEFAULT_WP = 2, UFFD_PAGEFAULT_MINOR = 4 };
enum userfault_fill_mode { UFFD_FILL_DONTWAKE = 1, UFFD_FILL_WP = 2 };

/* One that watches `mm`, with one reference. user_only: faults of the kernel fail instead of waiting. NULL: no memory. */
struct userfault *userfault_create(struct mm_struct *mm, const struct userfault_host *host, void *cookie, bool user_only);
/* The monitor is gone: nothing is watched any more, everybody goes on, and the reference of create is dropped. */
void userfault_close(struct userfault *uf);
/* Settles the features, once: 0, or -EINVAL the second time. None is served before. */
int userfault_enable(struct userfault *uf, u64 features);
/* The features, or -1 before userfault_enable. */
s64 userfault_features(const struct userfault *uf);

/* 0, -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
int userfault_register(struct userfault *uf, unsigned long start, unsigned long len, unsigned int mode);
int userfault_unregister(struct userfault *uf, unsigned long start, unsigned long len);
/* Whoever waits for the range goes on. */
int userfault_wake(struct userfault *uf, unsigned long start, unsigned long len);
/* Is this a range that can be asked about at all? 0 or -EINVAL. */
int userfault_check_range(unsigned long start, unsigned long len);

/* Bytes filled: all of len, or fewer when a later page fails; or the first page's error: -EEXIST, -ENOENT, -EFAULT, -EINVAL,
 * -ENOMEM, -ESRCH. They do not wake. */
s64 userfault_copy(struct userfault *uf, unsigned long dst, unsigned long src, unsigned long len, unsigned int mode);
s64 userfault_zeropage(struct userfault *uf, unsigned long start, unsigned long len);
s64 userfault_continue(struct userfault *uf, unsigned long start, unsigned long len);
s64 userfault_poison(struct userfault *uf, unsigned long start, unsigned long len);
/* Writes to what is there in the range are watched, or no more. 0, -ENOENT, -ESRCH. */
int userfault_writeprotect(struct userfault *uf, unsigned long start, unsigned long len, bool protect);

/* What is told of a fault. */
struct userfault_event {
	u64 flags;   /* UFFD_PAGEFAULT_* */
	u64 address; /* of the page, or with UFFD_FEATURE_EXACT_ADDRESS the byte */
	u32 thread;  /* with UFFD_FEATURE_THREAD_ID, else 0 */
};
/* Takes the oldest fault that nobody has read. False: there is none. Never sleeps. */
bool userfault_read(struct userfault *uf, struct userfault_event *event);
bool userfault_has_pending(struct userfault *uf);
/* Faults not yet read, and all that wait. */
void userfault_count(struct userfault *uf, unsigned long *pending, unsigned long *total);

#endif
