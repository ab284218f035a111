/* SPDX-License-Identifier: MIT */
/*
 * mm_int.h - struct mm_struct: one program's address space, and its locks.
 *
 * [MM1] total_vm is the sum of the VMAs' pages; data_vm, exec_vm, stack_vm, locked_vm those with such flags.
 * [MM2] map_count is the number of VMAs in the tree and in the list.
 * [MM3] While mm_users is 1 and its owner writes, nobody looks the tree up without the mmap lock: lock-free look-ups are made
 *       only by contexts that run on the mm, each of which is a user. Others take the mmap lock.
 * [MM4] The pages charged to Committed_AS for the mm are those of its VM_ACCOUNT VMAs.
 *
 * Locks: (M) mmap_lock; (P) pgt.lock, the upper tables' lock; (a) atomic. Sleeps: mmap_*_lock.
 */
#ifndef VM_MM_INT_H
#define VM_MM_INT_H

#include "pgtable/pgtable.h"
#include "quire/mm.h"
#include "quire/port.h"
#include "sync/mutex.h"
#include "sync/rwsem.h"
#include "vm/vm.h"
#include "vm/vma.h"
#include "vm/vma_tree.h"

struct mm_struct {
	struct vma_tree tree;               /* (M), RCU */
	u32 lock_seq;                       /* (M): moves on when mmap_lock is given up by a writer; never 0 */
	atomic_t mm_users;                  /* (a) contexts that run on it, and borrowers */
	struct pgtable pgt;                 /* its own locks */
	struct rw_semaphore mmap_lock;      /* LOCK_MMAP */
	struct vm_area_struct *mmap;        /* (M) first VMA */
	struct vm_area_struct *last;        /* (M) last VMA */
	unsigned int map_count;             /* (M) [MM2] */
	atomic_t mm_count;                  /* (a) mm_users together count as one */

	unsigned long total_vm, data_vm, exec_vm, stack_vm, locked_vm; /* (M) pages [MM1] */
	unsigned long pinned_vm;            /* (M) */
	unsigned long hiwater_vm;           /* (M) */
	unsigned long hiwater_rss;          /* racy maximum, refreshed where RSS falls and where it is read */
	unsigned long def_flags;            /* (M) VM_LOCKED* for new mappings (mlockall) */
	bool has_pinned;                    /* (M) to read is enough: some page was pinned once; never false again */
	short oom_score_adj;                /* racy: how gladly it is ended for memory, see mm_set_oom_score_adj */
	bool oom_given_up;                  /* (mm_list_lock) was to be ended, and did not */
	bool read_implies_exec;             /* (M) to write: what may be read may be run, where the mapping allows */
	atomic_t traits;                    /* (a) enum mm_trait */
	u16 pkey_map;                       /* (M) bit n: protection key n is allocated; 0 where there are none */
	u16 execute_only_pkey;              /* (M) of memory that may only be executed; 0: none yet */
	struct mm_layout layout;            /* (M) to write */
	struct address_space *exe_mapping;  /* (M) */
	void *exe_file;                     /* (M) */
	struct list_head mm_list;           /* (mm_list_lock) */
	struct mutex anon_mutex;            /* LOCK_VMA: first faults of a VMA agree on its family */
	unsigned long saved_auxv[MM_AUXV_WORDS]; /* (M) to write, zeros behind its end */
};

/* Where pgt.rss of an mm lies: behind it, on lines of its own. */
#define MM_RSS_OFFSET ALIGN(sizeof(struct mm_struct), CACHE_LINE_BYTES)

/* ---- locking ---- */

static inline void mmap_read_lock(struct mm_struct *mm)
{
	down_read(&mm->mmap_lock);
}

static inline void mmap_read_unlock(struct mm_struct *mm)
{
	up_read(&mm->mmap_lock);
}

static inline void mmap_write_lock(struct mm_struct *mm)
{
	down_write(&mm->mmap_lock);
	mm->tree.alone = atomic_read(&mm->mm_users) <= 1;
}

/* Lets go of every VMA that was write-locked. */
static inline void mm_lock_seq_move(struct mm_struct *mm)
{
	u32 seq = mm->lock_seq + 1;

	/* Release: pairs with the acquire in vma_start_read, so that a reader who sees the VMA unlocked sees the changes. */
	smp_store_release(&mm->lock_seq, seq ? seq : 1);
}

static inline void mmap_write_unlock(struct mm_struct *mm)
{
	mm_lock_seq_move(mm);
	up_write(&mm->mmap_lock);
}

static inline void mmap_write_downgrade(struct mm_struct *mm)
{
	mm_lock_seq_move(mm);
	downgrade_write(&mm->mmap_lock);
}

static inline void vma_end_read(struct vm_area_struct *vma)
{
	/* Release: pairs with the acquire of a writer that finds no reader. */
	int left = __atomic_sub_fetch(&vma->lock_readers.counter, 1, __ATOMIC_RELEASE);

	if (unlikely(left & VMA_WRITER_WAITS))
		vma_end_read_slow(vma);
}

/*
 * Locks a VMA found under RCU against change; false when it is being changed or gone. After true its fields are stable: check
 * that it covers the address.
 */
static __always_inline bool vma_start_read(struct mm_struct *mm, struct vm_area_struct *vma)
{
	if (unlikely(READ_ONCE(vma->lock_seq) == smp_load_acquire(&mm->lock_seq)))
		return false;
	/* Full order: the count is out before lock_seq is read again; pairs with the fence in vma_start_write. */
	(void)__atomic_add_fetch(&vma->lock_readers.counter, 1, __ATOMIC_SEQ_CST);
	if (likely(READ_ONCE(vma->lock_seq) != smp_load_acquire(&mm->lock_seq) && !READ_ONCE(vma->mmap_lock_only) &&
		   READ_ONCE(vma->vm_mm) == mm))
		return true;
	vma_end_read(vma);
	return false;
}

static inline void vma_start_write(struct vm_area_struct *vma)
{
	u32 seq = vma->vm_mm->lock_seq;

	if (vma->lock_seq == seq)
		return;
	WRITE_ONCE(vma->lock_seq, seq);
	if (vma->vm_mm->tree.alone)
		return;
	/* Pairs with the full order in vma_start_read: either the reader sees the sequence or we see the reader. */
	smp_mb();
	if (unlikely(atomic_read_acquire(&vma->lock_readers)))
		vma_start_write_slow(vma);
}

/* ---- VMAs of an mm (mmap lock held; changes: to write) ---- */

/* The first VMA that ends above addr. */
static inline struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	return vma_tree_find(&mm->tree, addr);
}

static inline struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long addr, struct vm_area_struct **prev)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	*prev = vma ? vma->vm_prev : mm->last;
	return vma;
}

/* The first VMA that overlaps [start, end). */
static inline struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = find_vma(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

/* The VMA that covers addr. */
static inline struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_tree_floor(&mm->tree, addr);

	return vma && addr < vma->vm_end ? vma : NULL;
}

/* Puts a complete VMA into tree, list and reverse maps, and counts it. 0 or -ENOMEM with nothing changed. */
int insert_vm_struct(struct mm_struct *mm, struct vm_area_struct *vma);
/* Out of tree, list and reverse maps; not freed. Its pages have been unmapped. */
void vma_remove(struct mm_struct *mm, struct vm_area_struct *vma);
/* Out of the reverse maps only. */
void vma_unlink_rmap(struct vm_area_struct *vma);
/* What reverse walks know of the VMA's flags follows them. The VMA is write-locked. */
void vma_update_rmap_flags(struct vm_area_struct *vma);
/* Changes the range of a VMA that is in the tree; vm_pgoff moves with the start. */
void vma_adjust_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, pgoff_t pgoff);
/* Cuts vma at addr: the returned error or 0; the new VMA is the upper part (vma->vm_next) or, with new_below, the lower. */
int split_vma(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr, bool new_below);

/* total_vm and its parts change by `pages` (may be negative) with these flags. */
void vm_stat_account(struct mm_struct *mm, unsigned long flags, long pages);
/* RLIMIT_AS and RLIMIT_DATA. */
bool may_expand_vm(struct mm_struct *mm, unsigned long flags, unsigned long pages);
/* RLIMIT_MEMLOCK: may `bytes` more be locked? */
bool mlock_future_ok(struct mm_struct *mm, unsigned long flags, unsigned long bytes);
bool can_do_mlock(void);

/* Pages of a range become unevictable, or not: those that are there. */
void mlock_pages(struct mm_struct *mm, unsigned long start, unsigned long end, bool lock);

/* The program may use the key: it was given out, and not to memory that may only be executed. mmap lock held. */
bool pkey_is_allocated(const struct mm_struct *mm, int pkey);
/* The key of memory that may only be executed, in vm_flags' place; the running context can no longer read such. 0: there is none.
 * mmap lock held to write. */
unsigned long execute_only_pkey_flags(struct mm_struct *mm);

/* Where a new mapping goes: an address or -errno. */
unsigned long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, pgoff_t pgoff,
				unsigned long flags, unsigned long vm_flags);

/* As a new private anonymous mapping at a fixed place: the heap, bss. mmap lock held to write. 0 or -errno. */
int brk_region_locked(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long vm_flags);
/* Grows a stack down to addr, within the limits and the guard gap. mmap lock held to write. 0 or -errno. */
int expand_stack_locked(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr);
/* Gives the VMA a family for the pages it is about to get. mmap lock held (the neighbours are looked at). 0 or -ENOMEM. */
int anon_vma_prepare_slow(struct vm_area_struct *vma);
static inline int anon_vma_prepare(struct vm_area_struct *vma)
{
	return likely(smp_load_acquire(&vma->anon_vma)) ? 0 : anon_vma_prepare_slow(vma);
}
/* The host's limits and rights; none known: no limit, no right. */
unsigned long host_rlimit(enum quire_rlimit which);
bool host_capable(enum quire_capability capability);

/* MM_DENY_EXEC_GAIN: would new flags let it run what it may write, or what it could not run before? */
static inline bool denies_exec_gain(const struct mm_struct *mm, unsigned long old_flags, unsigned long new_flags)
{
	return (mm_traits(mm) & MM_DENY_EXEC_GAIN) && (new_flags & VM_EXEC) &&
	       ((new_flags & VM_WRITE) || !(old_flags & VM_EXEC));
}

/* Unmaps [start, end), splitting VMAs at the ends. `locked` for writing, stays so. Monitors that want to know are noted for
 * userfault_notes_tell (NULL: nobody is told). 0, -ENOMEM, -EPERM. */
int munmap_locked(struct mm_struct *mm, unsigned long start, unsigned long end, struct list_head *notes);
/* The same for a range whose entries have been moved away. */
int munmap_moved(struct mm_struct *mm, unsigned long start, unsigned long end, struct list_head *notes);
/* Faults one VMA's part of a range in; false at the first page that cannot be had. mmap lock held. */
bool populate_vma(struct mm_struct *mm, struct vm_area_struct *vma, vaddr_t addr, vaddr_t end);
/* Faults in [start, start + len) as far as rights and memory allow. Called without lock. */
void mm_populate(struct mm_struct *mm, unsigned long start, unsigned long len);
/* The same, but stops with -EFAULT at a page that cannot be had. */
int mm_populate_strict(struct mm_struct *mm, unsigned long start, unsigned long len);

static_assert(sizeof(long) == 4 || offsetof(struct mm_struct, pgt.tlb_gen) >= CACHE_LINE_BYTES,
	      "a shootdown does not take the line that faults read");
static_assert((int)NR_MM_COUNTERS == PGTABLE_NR_RSS, "the page table keeps the mm's counters");

/* Pages of the mm by kind; delta by the holder of a page-table lock. */
static inline unsigned long get_mm_counter(struct mm_struct *mm, enum mm_counter which)
{
	return pgtable_rss(&mm->pgt, which);
}

static inline unsigned long get_mm_rss(struct mm_struct *mm)
{
	return get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_ANONPAGES) + get_mm_counter(mm, MM_SHMEMPAGES);
}

static inline void update_hiwater_rss(struct mm_struct *mm)
{
	unsigned long rss = get_mm_rss(mm);

	if (rss > READ_ONCE(mm->hiwater_rss))
		WRITE_ONCE(mm->hiwater_rss, rss);
}

static inline void update_hiwater_vm(struct mm_struct *mm)
{
	if (mm->total_vm > mm->hiwater_vm)
		mm->hiwater_vm = mm->total_vm;
}

/* The whole set of checks on one mm (debug builds after each change). Broken invariants, each logged. */
unsigned int mm_check(struct mm_struct *mm);

#endif
