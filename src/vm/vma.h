/* SPDX-License-Identifier: MIT */
/*
 * vma.h - struct vm_area_struct: one range of a program's addresses with one backing and one set of rights.
 *
 *	                 mm->mmap                          vm_next / vm_prev: all VMAs in order
 *	                    |
 *	   [ text ] <-> [ data ] <-> [ heap ] <-> [ mmap ... ] <-> [ stack ]
 *
 * [V1] vm_start < vm_end, both page aligned; VMAs of one mm do not overlap, and are in the tree and in the list in order.
 * [V2] An anonymous private VMA that was never moved has vm_pgoff == vm_start >> PAGE_SHIFT.
 * [V3] rmap.pgtable, start, pgoff, nr and the rights in flags mirror the VMA's whenever the VMA is in a reverse map.
 * [V4] anon_id != 0 exactly when anon_vma != NULL.
 *
 * Locks: (M) mm->mmap_lock to write, and the VMA's own lock taken by vma_start_write; a reader holds mmap_lock to read or the
 * VMA's read lock. The VMA lock is a reader count and a sequence: a VMA is write-locked while its lock_seq equals the mm's,
 * so that all are released at once when the mmap lock is. Sleeps: vma_start_write waits for readers.
 */
#ifndef VM_VMA_H
#define VM_VMA_H

#include "arch/page.h"
#include "base/list.h"
#include "object/rmap.h"
#include "quire/mapping.h"
#include "quire/mm.h"
#include "sync/rcu.h"

struct anon_name;
struct userfault;

/* Pages that are the kernel's own: [vdso], [vvar]. */
struct special_mapping {
	atomic_int users;         /* VMAs that show it */
	const char *name;         /* for /proc/PID/maps */
	unsigned int nr;
	struct page *pages[];     /* (c) the VMA keeps a reference on each while it lives */
};

/* A name given by prctl(PR_SET_VMA), shared by split VMAs. */
struct anon_name {
	atomic_int users;
	char text[];
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;   /* (M) [start, end) */
	struct mm_struct *vm_mm;          /* (c) */
	unsigned long vm_flags;           /* (M) VM_* */
	u64 vm_page_prot;                 /* (M) entry bits for a present page */
	struct anon_vma *anon_vma;        /* (M) or mmap_lock read + page_table_lock to set from NULL */
	pgoff_t vm_pgoff;                 /* (M) page of the object at vm_start */
	atomic_t lock_readers;            /* (a) faults inside, and VMA_WRITER_WAITS */
	u32 lock_seq;                     /* (M), racy reads verified: see vma_start_read */

	struct vm_area_struct *vm_next, *vm_prev; /* (M) */
	struct address_space *vm_mapping; /* (c) or NULL: anonymous */
	void *vm_file;                    /* (c) the host's handle, or NULL: an object of Quire's own */
	struct special_mapping *special;  /* (c) */
	struct anon_name *anon_name;      /* (M) */
	struct userfault *userfault;      /* (M) who watches it, NULL unless VM_UFFD_FLAGS */
	/* Identity for merging, as separate chains have it elsewhere: VMAs merge when equal or one has none. */
	u64 anon_id;
	bool anon_forked;                 /* (M) inherited pages of a parent: never merges with one that has none */
	bool counts_writes;               /* (M) only entries say which pages were written; else the whole VMA counts as new */
	bool mmap_lock_only;              /* (M) faults need the mmap lock: it left the tree, or is watched */
	union {
		struct rmap_area rmap;    /* [V3] */
		struct rcu_head rcu;      /* once freed */
	};
};

/* In lock_readers: a writer sleeps until the readers are gone. */
#define VMA_WRITER_WAITS (1 << 30)

#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_SPECIAL (VM_IO | VM_DONTEXPAND | VM_PFNMAP)
#define VM_LOCKED_MASK (VM_LOCKED | VM_LOCKONFAULT)
#define VM_STACK VM_GROWSDOWN
#define VM_UFFD_FLAGS (VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR)

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

static inline bool vma_is_anonymous(const struct vm_area_struct *vma)
{
	return !vma->vm_mapping && !vma->special;
}

/* The object's owner counts its VMAs. */
static inline bool vma_is_counted(const struct vm_area_struct *vma)
{
	return vma->vm_mapping && vma->vm_mapping->ops->counts_vmas;
}

static inline pgoff_t linear_page_index(const struct vm_area_struct *vma, vaddr_t addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

static inline bool is_cow_mapping(unsigned long flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* Private, writable, not a stack: what RLIMIT_DATA bounds. */
static inline bool is_data_mapping(unsigned long flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_STACK)) == VM_WRITE;
}

static inline bool is_exec_mapping(unsigned long flags)
{
	return (flags & (VM_EXEC | VM_WRITE | VM_STACK)) == VM_EXEC;
}

static inline bool is_stack_mapping(unsigned long flags)
{
	return (flags & VM_STACK) == VM_STACK;
}

/* Memory that the program can make dirty at will: charged when it is mapped. */
static inline bool accountable_mapping(unsigned long flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

/* May the current context know and change what is cached of the VMA's object: its owner, or who may write it? */
static inline bool vma_may_manage_cache(const struct vm_area_struct *vma)
{
	if (vma->special)
		return false;
	return !vma->vm_mapping || !vma->vm_file || !vma->vm_mapping->ops->may_manage || vma->vm_mapping->ops->may_manage(vma->vm_file);
}

/* A zeroed VMA of the mm, write-locked, in no tree. NULL when out of memory. May sleep. */
struct vm_area_struct *vma_alloc(struct mm_struct *mm);
/* A copy of `old` with references of its own on the backing; in no tree, list or reverse map, without anon_vma. */
struct vm_area_struct *vma_dup(struct mm_struct *mm, const struct vm_area_struct *old);
/* Drops what the VMA refers to and frees it; after a grace period unless the mm is `alone`. Out of the tree already. */
void vma_free(struct vm_area_struct *vma);
/* Entry bits for vm_flags (arch's table of 16 combinations, shared mappings start write-protected when tracked). */
u64 vm_get_page_prot(unsigned long vm_flags);
void vma_set_flags(struct vm_area_struct *vma, unsigned long flags);
/* The same for a VMA that is in no tree yet: its reverse map learns of them by insert_vm_struct. */
void vma_init_flags(struct vm_area_struct *vma, unsigned long flags);

/* Drops a reference on a name (NULL: nothing). */
void anon_name_put(struct anon_name *name);
/* The same text, or no name at all, on both sides. */
bool anon_name_same(const struct anon_name *a, const struct anon_name *b);

/* Locks the VMA against faults that run without the mmap lock. Context: mmap_lock held to write. Sleeps. */
void vma_start_write_slow(struct vm_area_struct *vma);
void vma_end_read_slow(struct vm_area_struct *vma);
/* Address 0 when not a stack, else the guard below it. */
unsigned long vm_start_gap(const struct vm_area_struct *vma);

#endif
