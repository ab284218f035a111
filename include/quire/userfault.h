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
 * Whoever forks, moves or unmaps what is watched waits likewise until the monitor has read of it, if it asked to be told.
 *
 * [UF1] A VMA is watched when it has one of VM_UFFD_*, and then refers to exactly one userfault. Its faults take the mmap lock.
 * [UF2] A waiter is queued before it looks a last time whether it must wait, so that a page that comes meanwhile is seen.
 * [UF3] The entry that was judged not to concern the monitor is the one that the fault changes, or the fault begins anew.
 * [UF4] From before a range is forked, moved or taken away until the monitor has read of it no page is filled in (-EAGAIN).
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
	/* A watched program forks and `child` will watch the copy: the child's cookie. NULL: no memory. Holds the mmap lock. */
	void *(*fork)(void *cookie, struct userfault *child);
};

/* Linux's bits; those of huge pages are not served. */
#define USERFAULT_FEATURES(X)                                                                                     \
	X(PAGEFAULT_FLAG_WP, 0) X(EVENT_FORK, 1) X(EVENT_REMAP, 2) X(EVENT_REMOVE, 3) X(MISSING_SHMEM, 5)         \
	X(EVENT_UNMAP, 6) X(SIGBUS, 7) X(THREAD_ID, 8) X(MINOR_SHMEM, 10) X(EXACT_ADDRESS, 11)                    \
	X(WP_HUGETLBFS_SHMEM, 12) X(WP_UNPOPULATED, 13) X(POISON, 14) X(WP_ASYNC, 15) X(MOVE, 16)

enum userfault_feature {
#define USERFAULT_FEATURE_ENUM(name, bit) UFFD_FEATURE_##name = 1 << (bit),
	USERFAULT_FEATURES(USERFAULT_FEATURE_ENUM)
#undef USERFAULT_FEATURE_ENUM
#define USERFAULT_FEATURE_OR(name, bit) | 1 << (bit)
	UFFD_FEATURES = 0 USERFAULT_FEATURES(USERFAULT_FEATURE_OR),
#undef USERFAULT_FEATURE_OR
};

enum userfault_register_mode { UFFD_REGISTER_MISSING = 1, UFFD_REGISTER_WP = 2, UFFD_REGISTER_MINOR = 4 };
enum userfault_fault_flag { UFFD_PAGEFAULT_WRITE = 1, UFFD_PAGEFAULT_WP = 2, UFFD_PAGEFAULT_MINOR = 4 };
enum userfault_fill_mode { UFFD_FILL_DONTWAKE = 1, UFFD_FILL_WP = 2 };
enum userfault_move_mode { UFFD_MOVE_DONTWAKE = 1, UFFD_MOVE_ALLOW_SRC_HOLES = 2 };

/* One that watches `mm`, with one reference. user_only: faults of the kernel fail instead of waiting. NULL: no memory. */
struct userfault *userfault_create(struct mm_struct *mm, const struct userfault_host *host, void *cookie, bool user_only);
/* The monitor is gone: nothing is watched any more, everybody goes on, and the reference of create is dropped. */
void userfault_close(struct userfault *uf);
/* Settles the features, once: 0, or -EINVAL the second time. None is served before. */
int userfault_enable(struct userfault *uf, u64 features);
/* The features, or -1 before userfault_enable. */
s64 userfault_features(const struct userfault *uf);
/* As given to userfault_create, or by the host's fork. */
void *userfault_cookie(const struct userfault *uf);

/* 0, -EINVAL, -EPERM, -EBUSY, -ENOMEM. */
int userfault_register(struct userfault *uf, unsigned long start, unsigned long len, unsigned int mode);
int userfault_unregister(struct userfault *uf, unsigned long start, unsigned long len);
/* Whoever waits for the range goes on. */
int userfault_wake(struct userfault *uf, unsigned long start, unsigned long len);
/* Is this a range that can be asked about at all? 0 or -EINVAL. */
int userfault_check_range(unsigned long start, unsigned long len);

/* Bytes filled: all of len, or fewer when a later page fails; or the first page's error: -EEXIST, -ENOENT, -EFAULT, -EINVAL,
 * -ENOMEM, -ESRCH, -EAGAIN [UF4]. They do not wake. mode: UFFD_FILL_WP. */
s64 userfault_copy(struct userfault *uf, unsigned long dst, unsigned long src, unsigned long len, unsigned int mode);
s64 userfault_zeropage(struct userfault *uf, unsigned long start, unsigned long len);
s64 userfault_continue(struct userfault *uf, unsigned long start, unsigned long len, unsigned int mode);
s64 userfault_poison(struct userfault *uf, unsigned long start, unsigned long len);
/* The pages of [src, src + len) themselves go to dst, both private anonymous memory of the watched mm, on which the caller must run:
 * bytes, or the first page's error: -EEXIST, -ENOENT, -EBUSY (shared or pinned), -EINVAL, -ENOMEM, -ESRCH, -EAGAIN. Does not wake. */
s64 userfault_move(struct userfault *uf, unsigned long dst, unsigned long src, unsigned long len, unsigned int mode);
/* Does the monitor watch this mm? Never sleeps. */
bool userfault_is_for(const struct userfault *uf, const struct mm_struct *mm);
/* Writes to the range are watched, or no more; to what is not there yet only in objects, or with
 * UFFD_FEATURE_WP_UNPOPULATED. 0, -ENOENT, -ESRCH, -ENOMEM, -EAGAIN. */
int userfault_writeprotect(struct userfault *uf, unsigned long start, unsigned long len, bool protect);

enum userfault_event_type {
	UFFD_EVENT_PAGEFAULT = 0x12,
	UFFD_EVENT_FORK,
	UFFD_EVENT_REMAP,
	UFFD_EVENT_REMOVE,
	UFFD_EVENT_UNMAP,
};

struct userfault_event_wait;
/* What is told. */
struct userfault_event {
	enum userfault_event_type type;
	union {
		struct {
			u64 flags;   /* UFFD_PAGEFAULT_* */
			u64 address; /* of the page, or with UFFD_FEATURE_EXACT_ADDRESS the byte */
			u32 thread;  /* with UFFD_FEATURE_THREAD_ID, else 0 */
		} fault;
		struct {
			struct userfault *child;           /* watches the copy */
			struct userfault_event_wait *wait; /* for userfault_fork_taken */
		} fork;
		struct {
			u64 from, to, len;
		} remap;
		struct {
			u64 start, end;
		} range;     /* REMOVE, UNMAP */
	};
};
/*
 * Takes the oldest fault that nobody has read, or else the oldest event; who waits for an event to be read goes on. False: there
 * is none. After UFFD_EVENT_FORK the reader must call userfault_fork_taken. Never sleeps.
 */
bool userfault_read(struct userfault *uf, struct userfault_event *event);
/* The reader closes the child's userfault one day (taken), or could not take it: the event is to be read again. */
void userfault_fork_taken(struct userfault *uf, const struct userfault_event *event, bool taken);
bool userfault_has_pending(struct userfault *uf);
/* Faults not yet read, and all that wait. */
void userfault_count(struct userfault *uf, unsigned long *pending, unsigned long *total);

#endif
