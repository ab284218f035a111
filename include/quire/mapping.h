/* SPDX-License-Identifier: MIT */
/*
 * mapping.h - address_space: the cached pages of one object (a file, a shared memory segment), and what the
 * object's owner (a file system) supplies. One cache serves read, write and mmap.
 *
 * [M1] A page in the tree has owner PAGE_OWNER_FILE, page_mapping == the address_space, and one reference by the tree.
 * [M2] nrpages is the number of pages in the tree.
 * [M3] A page is taken out only while it is PG_locked and mapped nowhere.
 *
 * Locks: invalidate_lock (truncate against fault-in) > PG_locked > i_mmap_lock > pages_lock. Look-ups run under RCU.
 * Sleeps: what takes a page lock or reads.
 */
#ifndef QUIRE_MAPPING_H
#define QUIRE_MAPPING_H

#include "base/rbtree.h"
#include "base/xarray.h"
#include "quire/page.h"
#include "sync/rwsem.h"
#include "sync/spinlock.h"

struct address_space_operations {
	/* Fills a locked page that is not up to date; sets PG_uptodate and unlocks it (now or later). 0 or -errno, unlocked
	 * in both cases. NULL: a RAM object, whose holes read as zeros. May sleep. */
	int (*read_page)(struct address_space *mapping, struct page *page);
	/* Writes a locked dirty page back; unlocks it. NULL: never clean (RAM object). May sleep. */
	int (*write_page)(struct address_space *mapping, struct page *page);
	/* The object's size in bytes now; a fault at or beyond it raises SIGBUS. */
	u64 (*size)(struct address_space *mapping);
	/* May pages be inserted now (space limits of a tmpfs)? Accounts `nr` pages; negative nr gives back.
	 * 0 or -ENOSPC. NULL: no limit. */
	int (*account_pages)(struct address_space *mapping, long nr);
	/* A VMA starts or stops to refer to the object through `file` (the handle given to mmap: the host's open file).
	 * Keep it alive, and its path nameable. */
	void (*get_file)(void *file);
	void (*put_file)(void *file);
	/* An address space starts or stops to run the file as its program: writers are kept out meanwhile, and stay out when
	 * it was so before. NULL: nothing to do. Never fails, never sleeps. */
	void (*deny_write)(void *file);
	void (*allow_write)(void *file);
	/* Path for /proc/PID/maps, NUL-terminated into buf; returns its length or -errno. */
	int (*file_path)(void *file, char *buf, size_t size);
	/* Device and inode number for /proc/PID/maps. */
	void (*file_id)(void *file, u32 *major, u32 *minor, u64 *inode);
	/* May the current context know which pages of the object are cached, and throw some out: its owner, and who may write
	 * it? Others would spy on those who use the same file. NULL: everybody may. May sleep. */
	bool (*may_manage)(void *file);
	/* MADV_REMOVE: bytes [start, end), whole pages, become a hole, if the file's seals and the like allow it. 0 or -errno.
	 * NULL: nothing forbids it, the library removes the pages itself. No lock held. May sleep. */
	int (*punch_hole)(void *file, u64 start, u64 end);
	/* Before the first write through a shared mapping to a clean page (time stamps, reservations). 0 or -errno.
	 * NULL: nothing to do. May sleep. */
	int (*page_mkwrite)(struct address_space *mapping, struct page *page);
	/* The owner counts the VMAs that refer to the object (System V's nattch): none of them goes by being merged, and mremap
	 * moves none together with others. */
	bool counts_vmas;
};

struct address_space {
	struct xarray i_pages;            /* (pages_lock) to write, RCU to read                        */
	spinlock_t pages_lock;            /* LOCK_PAGES, taken with IRQs off                           */
	unsigned long nrpages;            /* (pages_lock) to write; racy reads are hints               */
	struct rb_root i_mmap;            /* (i_mmap_lock) rmap areas of VMAs that map the object      */
	struct rw_semaphore i_mmap_lock;  /* LOCK_I_MMAP                                               */
	struct rw_semaphore invalidate_lock;  /* LOCK_INVALIDATE                                           */
	atomic_int i_mmap_writable;       /* (a) shared writable mappings; negative: denied            */
	const struct address_space_operations *ops; /* (c)                                             */
	void *host;                       /* (c) the owner's inode                                     */
	gfp_t gfp;                        /* (c) for page cache pages                                  */
	unsigned long flags;              /* (a) AS_*                                                  */
};

enum address_space_flags {
	AS_SWAPBACKED, /* shmem/tmpfs: pages count as Shmem and are PG_swapbacked */
	AS_UNEVICTABLE,
};

void address_space_init(struct address_space *mapping, const struct address_space_operations *ops, void *host,
			gfp_t gfp, unsigned long flags);
/* Drops all pages; nothing may map the object any more. May sleep. */
void address_space_destroy(struct address_space *mapping);

/* Cached page with a new reference, or NULL. Never sleeps. */
struct page *find_get_page(struct address_space *mapping, pgoff_t index);
/* As above and locked, not truncated meanwhile. May sleep. */
struct page *find_lock_page(struct address_space *mapping, pgoff_t index);
/* Finds or adds a page: locked, referenced, perhaps not up to date. ERR_PTR(-ENOMEM/-ENOSPC). May sleep. */
struct page *grab_cache_page(struct address_space *mapping, pgoff_t index);
/* Up to date and referenced, not locked; reads it if needed (a hole of a RAM object is filled with zeros and inserted).
 * ERR_PTR(-errno). May sleep. */
struct page *read_cache_page(struct address_space *mapping, pgoff_t index);
/* Adds a locked page that the caller owns; 0, -EEXIST, -ENOMEM. The tree takes its own reference. May sleep by gfp. */
int add_to_page_cache(struct page *page, struct address_space *mapping, pgoff_t index, gfp_t gfp);
/* Up to nr cached pages from *index on, with references; advances *index behind the last. */
unsigned int find_get_pages(struct address_space *mapping, pgoff_t *index, pgoff_t end, unsigned int nr,
			    struct page **pages);

void lock_page(struct page *page);           /* may sleep */
bool trylock_page(struct page *page);
void unlock_page(struct page *page);
void wait_on_page_locked(struct page *page); /* may sleep */
void set_page_dirty(struct page *page);

/* Copies between user memory (`user`: an iterator callback) and the cache; see kernel file systems for use.
 * copy(cookie, kernel address, bytes, offset in the transfer) returns the bytes copied (short: a fault). Pages that lie side by
 * side in memory are copied as one, so `bytes` may be more than a page. */
typedef size_t (*cache_copy_fn)(void *cookie, void *kaddr, size_t bytes, size_t done);
/* From pos, at most `bytes`, stops at the object's size. Returns bytes or -errno. May sleep. */
long page_cache_read(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie);
/* Writes into the cache (does not change the object's size: the caller does, under its own lock). May sleep. */
long page_cache_write(struct address_space *mapping, u64 pos, size_t bytes, cache_copy_fn copy, void *cookie);

/* Removes pages wholly in [start, end) bytes, zeroes partial ones, unmaps them everywhere. end ~0ULL: to the end. May
 * sleep. Caller has already changed the size. Private copies of the pages are dropped by a truncation (end ~0ULL), kept by a
 * hole. */
void truncate_inode_pages_range(struct address_space *mapping, u64 start, u64 end);
/* Unmaps [first, first + nr) pages from every VMA (nr 0: to the end). May sleep. */
void unmap_mapping_range(struct address_space *mapping, pgoff_t first, pgoff_t nr, bool even_cow);

#endif
