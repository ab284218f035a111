/* SPDX-License-Identifier: MIT */
/*
 * mm.h - address spaces of programs: life of an mm_struct and the calls that change one.
 *
 * The do_* calls do what Linux's system calls of that name do, with the same arguments, results and errors; they act on the
 * given mm (for most hosts: the current one). Context of all: may sleep, no lock held, IRQs on.
 */
#ifndef QUIRE_MM_H
#define QUIRE_MM_H

#include "quire/fault.h"
#include "quire/mapping.h"
#include "quire/types.h"

#define PROT_NONE 0x0
#define PROT_READ 0x1
#define PROT_WRITE 0x2
#define PROT_EXEC 0x4
#define PROT_SEM 0x8
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP 0x02000000

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE 0x0f
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_32BIT 0x40
#define MAP_ABOVE4G 0x80
#define MAP_GROWSDOWN 0x0100
#define MAP_DENYWRITE 0x0800
#define MAP_EXECUTABLE 0x1000
#define MAP_LOCKED 0x2000
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_NONBLOCK 0x10000
#define MAP_STACK 0x20000
#define MAP_HUGETLB 0x40000
#define MAP_SYNC 0x80000
#define MAP_FIXED_NOREPLACE 0x100000
#define MAP_HUGE_MASK (63ul << 26) /* log2 of the size asked for, with MAP_HUGETLB */
#define MAP_HUGE_2MB (21ul << 26)
#define MAP_HUGE_1GB (30ul << 26)

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#define MREMAP_DONTUNMAP 4

#define MS_ASYNC 1
#define MS_INVALIDATE 2
#define MS_SYNC 4

/* vm_flags, Linux's values. */
#define VM_READ 0x00000001ul
#define VM_WRITE 0x00000002ul
#define VM_EXEC 0x00000004ul
#define VM_SHARED 0x00000008ul
#define VM_MAYREAD 0x00000010ul
#define VM_MAYWRITE 0x00000020ul
#define VM_MAYEXEC 0x00000040ul
#define VM_MAYSHARE 0x00000080ul
#define VM_GROWSDOWN 0x00000100ul
#define VM_UFFD_MISSING 0x00000200ul
#define VM_PFNMAP 0x00000400ul
#define VM_UFFD_WP 0x00001000ul
#define VM_LOCKED 0x00002000ul
#define VM_IO 0x00004000ul
#define VM_SEQ_READ 0x00008000ul
#define VM_RAND_READ 0x00010000ul
#define VM_DONTCOPY 0x00020000ul
#define VM_DONTEXPAND 0x00040000ul
#define VM_LOCKONFAULT 0x00080000ul
#define VM_ACCOUNT 0x00100000ul
#define VM_NORESERVE 0x00200000ul
#define VM_HUGETLB 0x00400000ul
#define VM_SYNC 0x00800000ul
/* Linux keeps these two beyond 32 bits. */
#define VM_SEALED 0x01000000ul
#define VM_UFFD_MINOR 0x10000000ul
#define VM_WIPEONFORK 0x02000000ul
#define VM_DONTDUMP 0x04000000ul
#define VM_NONLINEAR 0x08000000ul
#define VM_HUGEPAGE 0x20000000ul
#define VM_NOHUGEPAGE 0x40000000ul
#define VM_MERGEABLE 0x80000000ul

/* The protection key (0..15) of a VMA lies in vm_flags where a long has room for it; elsewhere all have key 0. */
#define VM_PKEY_SHIFT 32
#define VM_PKEY_MASK ((unsigned long)(15ull << VM_PKEY_SHIFT))

static inline unsigned int vm_flags_pkey(unsigned long vm_flags)
{
	return (unsigned int)((u64)vm_flags >> VM_PKEY_SHIFT) & 15;
}

/* The backing that a host hands to do_mmap: both NULL for anonymous memory. */
struct mmap_file {
	struct address_space *mapping; /* the object's pages                                             */
	void *file;                    /* the host's handle, kept by ops->get_file/put_file                */
	bool may_read, may_write, may_exec; /* how the handle was opened; the file system allows exec     */
	bool write_sealed;             /* no shared mapping may ever write: -EPERM for one that wants to   */
};

/* ---- life ---- */

/* An empty address space with kernel mappings, one user. NULL when out of memory. */
struct mm_struct *mm_alloc(void);
struct mm_struct *mmget(struct mm_struct *mm);
/* Drops a user; the last one unmaps everything. */
void mmput(struct mm_struct *mm);
bool mmget_not_zero(struct mm_struct *mm);
/* Keeps/drops the struct and its root table only (lazy TLB of kernel threads). mmdrop never sleeps. */
void mmgrab(struct mm_struct *mm);
void mmdrop(struct mm_struct *mm);
/* fork: *child is a copy-on-write copy. 0, -ENOMEM, -EINTR. */
int dup_mm(struct mm_struct *mm, struct mm_struct **child);
/* How gladly its program is ended when memory is gone, in thousandths of all memory: from OOM_SCORE_ADJ_MIN, never, to
 * OOM_SCORE_ADJ_MAX. A new one and a copy begin with never, until their owner can be ended. Any context. */
#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000
void mm_set_oom_score_adj(struct mm_struct *mm, int adj);
/* Makes `next` the page table of this CPU. prev may be NULL. next NULL: kernel only, keep what is loaded (lazy). IRQs off. */
void switch_mm(struct mm_struct *prev, struct mm_struct *next);

/* Layout (exec and /proc/PID/stat). Fields that the host may set between mm_alloc and the first run; later do_set_mm_*. */
struct mm_layout {
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long mmap_base; /* top of the mmap area, or its bottom */
	bool bottom_up;          /* the mmap area grows from mmap_base upwards */
};
struct mm_layout *mm_layout(struct mm_struct *mm);
/* The addresses above by number. */
enum mm_place {
	MM_START_CODE, MM_END_CODE, MM_START_DATA, MM_END_DATA, MM_START_BRK, MM_BRK, MM_START_STACK,
	MM_ARG_START, MM_ARG_END, MM_ENV_START, MM_ENV_END,
};
/* As prctl(PR_SET_MM): one address changes. 0; -EINVAL for one that no program can have, for an end before its start, beyond
 * RLIMIT_DATA; -EFAULT for stack, arguments and environment above everything that is mapped. */
int do_set_mm_place(struct mm_struct *mm, enum mm_place place, unsigned long addr);
/* May a program have these addresses? 0 or -EINVAL, as above. Never sleeps. */
int do_check_mm_layout(const struct mm_layout *layout);
/* As PR_SET_MM_MAP: all of them (mmap_base stays), and the auxiliary vector unless NULL. 0 or -EINVAL with nothing changed. */
int do_set_mm_layout(struct mm_struct *mm, const struct mm_layout *layout, const unsigned long *auxv);
/* personality(READ_IMPLIES_EXEC): from now on what is mapped or changed to be read may be run as well, and so may the heap. A new
 * mm begins without, a copy has what it was copied from. */
void mm_set_read_implies_exec(struct mm_struct *mm, bool on);
/*
 * What a host remembers of an address space by bits, as prctl and exec change them. A new mm begins with none; a copy has those
 * of what it was copied from, but neither of MM_DENY_* when MM_DENY_NOT_INHERITED is there.
 */
enum mm_trait {
	MM_HIDDEN = 1,               /* no core dumps, and others keep out (PR_SET_DUMPABLE 0) */
	MM_NO_HUGE_PAGES = 2,        /* PR_SET_THP_DISABLE: said only, there are none */
	MM_HUGE_PAGES_ADVISED = 4,   /* its PR_THP_DISABLE_EXCEPT_ADVISED */
	MM_DENY_EXEC_GAIN = 8,       /* PR_SET_MDWE: do_mmap and do_mprotect refuse with -EACCES what may be written and run, or run anew */
	MM_DENY_NOT_INHERITED = 16,  /* its PR_MDWE_NO_INHERIT */
};
unsigned int mm_traits(const struct mm_struct *mm);
/* Those of `mask` become as in `traits`, in one step. Never sleeps. */
void mm_set_traits(struct mm_struct *mm, unsigned int mask, unsigned int traits);
/* What a copy of the mm, or the program that takes its place (exec), begins with. */
unsigned int mm_inherited_traits(const struct mm_struct *mm);
/* The auxiliary vector that /proc/PID/auxv shows: MM_AUXV_WORDS words, pairs up to one of type 0. Linux's room: 27 pairs and
 * the last. */
#define MM_AUXV_WORDS 56
unsigned long *mm_saved_auxv(struct mm_struct *mm);
/* The program that mm runs (/proc/PID/exe): takes get_file and deny_write, and dup_mm for the copy as well. The caller
 * keeps writers out until it returns. NULL: none. Nobody else knows the mm. */
void mm_set_exe(struct mm_struct *mm, struct address_space *mapping, void *file);
/* The same for an mm that runs: 0, or -EBUSY while the old one is mapped. */
int mm_replace_exe(struct mm_struct *mm, struct address_space *mapping, void *file);
/* The host's handle for it, with a reference (ops->get_file), or NULL. */
void *mm_get_exe(struct mm_struct *mm);
/* The file that is mapped at an address, for messages about it. */
struct mm_file_place {
	vaddr_t start, end; /* the mapping */
	u64 offset;         /* of the address in the file, bytes */
	char name[64];      /* last part of its path */
};
/* False when no file is mapped there, nobody can name it, or mm is being changed. Does not wait for the mmap lock. */
bool mm_file_at(struct mm_struct *mm, vaddr_t addr, struct mm_file_place *place);
/* Places mmap_base below the stack limit, for mappings from the top down, or, with legacy_va_layout, as the next; randomised per
 * `randomize`. */
void arch_pick_mmap_layout(struct mm_struct *mm, unsigned long stack_limit, bool randomize);
/* Mappings from a third of the address space upwards, as programs that ask for ADDR_COMPAT_LAYOUT expect them. */
void arch_pick_bottomup_layout(struct mm_struct *mm, bool randomize);
/* Makes the stack VMA (grows down, `flags` adds VM_EXEC or not) that ends at `top`. 0 or -errno. */
int setup_stack_vma(struct mm_struct *mm, vaddr_t top, size_t bytes, unsigned long flags);
/* A mapping whose pages are the kernel's (vdso, vvar): pages[] stay owned by the caller. name is shown in maps. */
int install_special_mapping(struct mm_struct *mm, vaddr_t addr, size_t bytes, unsigned long flags, struct page **pages,
			    const char *name);

/* ---- the mmap family ---- */
unsigned long do_mmap(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
		      const struct mmap_file *file, u64 offset_bytes);
int do_munmap(struct mm_struct *mm, unsigned long addr, size_t len);
int do_mprotect(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot);
/* mprotect with a protection key for the range; pkey -1: the keys stay. -EINVAL also for a key that is not allocated. */
int do_pkey_mprotect(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot, int pkey);
/* A key that nobody has, -ENOSPC, or -EINVAL where the CPU has none. */
int mm_pkey_alloc(struct mm_struct *mm);
/* 0 or -EINVAL. Mappings keep it. */
int mm_pkey_free(struct mm_struct *mm, int pkey);
unsigned long do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long old_len, unsigned long new_len,
			unsigned long flags, unsigned long new_addr);
unsigned long do_brk(struct mm_struct *mm, unsigned long brk); /* as the system call: the new or the unchanged break */
/* Maps [addr, addr+len) anonymous private for exec (bss). 0 or -errno. */
int vm_brk_flags(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long vm_flags);
int do_madvise(struct mm_struct *mm, unsigned long addr, size_t len, int advice);
/* Seals [addr, addr + len) against unmapping, moving, other rights and losing its contents, for good. No `flags` exist. */
int do_mseal(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long flags);
/* Longest name of a range, with its NUL. */
#define VMA_NAME_BYTES 80
/* Names the anonymous memory of a range for /proc/PID/maps (NULL: no name). 0; -EINVAL also for characters that would not fit
 * there; -EBADF at a file; -ENOMEM, also for holes, around which the rest is named. */
int do_set_vma_name(struct mm_struct *mm, unsigned long start, unsigned long len, const char *name);
int do_mlock(struct mm_struct *mm, unsigned long addr, size_t len, unsigned int flags);
int do_munlock(struct mm_struct *mm, unsigned long addr, size_t len);
int do_mlockall(struct mm_struct *mm, int flags);
int do_munlockall(struct mm_struct *mm);
/* vec: user address of one byte a page. */
int do_mincore(struct mm_struct *mm, unsigned long addr, size_t len, unsigned char *vec);
int do_msync(struct mm_struct *mm, unsigned long addr, size_t len, int flags);
int do_remap_file_pages(struct mm_struct *mm, unsigned long addr, unsigned long size, unsigned long prot,
			unsigned long pgoff, unsigned long flags);

/* How a program's pages are reached from the kernel. */
enum gup_flags {
	FOLL_WRITE = 1, /* they are to be written */
	FOLL_FORCE = 2, /* against the protection of private mappings, as a debugger does */
	FOLL_ANON = 4,  /* anonymous memory only: no object's owner can make the caller wait */
};
/* Reads or (FOLL_WRITE) writes another (or the own) address space through its page tables, faulting pages in. Returns bytes
 * done. */
size_t access_remote_vm(struct mm_struct *mm, vaddr_t addr, void *buf, size_t len, unsigned int flags);
/* Takes references on the pages behind a user range. Returns how many, or -errno when none. What the program writes after a
 * fork may go to copies of them. */
long get_user_pages(struct mm_struct *mm, vaddr_t addr, unsigned long nr, unsigned int flags, struct page **pages);
/*
 * The same for those who read or write the pages' contents while the program runs on (devices, direct I/O): until
 * unpin_user_pages the pages stay the ones that the program sees, also across fork, mprotect and the end of relatives. A fork
 * copies pinned pages for the child at once.
 */
long pin_user_pages(struct mm_struct *mm, vaddr_t addr, unsigned long nr, unsigned int flags, struct page **pages);
/* Ends it. The pages were pinned with FOLL_WRITE and have been written: they are made dirty. */
void unpin_user_pages(struct page **pages, unsigned long nr);
void unpin_user_pages_dirty(struct page **pages, unsigned long nr);
/* VmPin changes by `pages`, for who pins on a program's behalf and keeps the pins. 0, or -ENOMEM beyond RLIMIT_MEMLOCK. */
int mm_account_pinned(struct mm_struct *mm, long pages);

/* A key for futexes: private (mm, address) or shared (object, page index, offset). 0 or -EFAULT. */
struct futex_key {
	u64 object; /* identity of mm or address_space or anon page */
	u64 offset; /* bytes */
	bool shared;
};
int futex_get_key(struct mm_struct *mm, vaddr_t addr, bool shared, struct futex_key *key);

/* ---- objects that are nothing but RAM (System V segments) ---- */

/*
 * [RO1] A charged object has its whole size in Committed_AS from init until destroy; of another each page as it is made.
 * The owner embeds the part, and its operations name ram_object_size and ram_object_account.
 */
struct ram_object {
	struct address_space mapping; /* host: the ram_object */
	u64 bytes;                    /* (c) */
	bool charged;                 /* (c) */
};

/* RAM_NORESERVE: as MAP_NORESERVE, ignored where memory is never overcommitted. */
enum ram_reserve { RAM_RESERVE, RAM_NORESERVE };

/* 0, or -ENOMEM with nothing charged. Never sleeps. */
int ram_object_init(struct ram_object *ram, const struct address_space_operations *ops, u64 bytes, enum ram_reserve reserve);
/* Frees the pages; nothing maps the object any more. May sleep. */
void ram_object_destroy(struct ram_object *ram);
/* Pages of files in memory count as promised from when they are made (negative: until they are gone): for the owner's account_pages.
 * 0, or -ENOMEM where no more may be promised. Never sleeps. */
int mm_commit_pages(long nr);
u64 ram_object_size(struct address_space *mapping);
int ram_object_account(struct address_space *mapping, long nr);
/* shmdt: unmaps what is left of one mapping that showed an object with these operations from `addr` on. 0, or -EINVAL when
 * there is none. May sleep. */
int do_shmdt(struct mm_struct *mm, unsigned long addr, const struct address_space_operations *ops);

/* ---- figures ---- */

struct mm_usage { /* pages */
	unsigned long total_vm, hiwater_vm, locked_vm, pinned_vm, data_vm, exec_vm, stack_vm;
	unsigned long rss[NR_MM_COUNTERS], hiwater_rss;
	unsigned long pgtables_bytes;
	unsigned int map_count;
};
void mm_usage(struct mm_struct *mm, struct mm_usage *usage);
/* /proc/PID/{maps,smaps,smaps_rollup,numa_maps} texts. May be called for any mm that the caller holds a user of. Those in
 * parts go on at the first VMA that ends above *next (0: the first of all), and move it: 0, 1 when none is left, -errno. */
int mm_show_maps_part(struct mm_struct *mm, struct text_sink *sink, vaddr_t *next);
int mm_show_smaps_part(struct mm_struct *mm, struct text_sink *sink, vaddr_t *next);
int mm_show_numa_maps_part(struct mm_struct *mm, struct text_sink *sink, vaddr_t *next);
int mm_show_maps(struct mm_struct *mm, struct text_sink *sink);
int mm_show_smaps_rollup(struct mm_struct *mm, struct text_sink *sink);
/* What a VMA shows: its range, and the host's handle for the object, with a reference (ops->get_file). */
struct mm_object {
	vaddr_t start, end;
	void *file; /* NULL for objects of another kind than asked for */
};
/* The first VMA with an object that ends above addr; its path into name (NULL: not asked for). Objects with these `ops`
 * are those whose handle the caller knows what to do with (NULL: it wants none). False: there is no such VMA. */
bool mm_find_object(struct mm_struct *mm, vaddr_t addr, const struct address_space_operations *ops,
		    struct mm_object *found, char *name, size_t size);
/* /proc/PID/clear_refs: pages of all VMAs, of those without or with an object count as unused until they are used again; or all
 * pages as not written until they are written again, which pagemap tells. */
enum clear_refs { CLEAR_REFS_ALL = 1, CLEAR_REFS_ANON, CLEAR_REFS_MAPPED, CLEAR_REFS_SOFT_DIRTY };
void mm_clear_refs(struct mm_struct *mm, enum clear_refs what);
/* The largest RSS is the present one. */
void mm_reset_hiwater_rss(struct mm_struct *mm);
/* /proc/PID/pagemap entries for [addr, addr + nr pages). */
int mm_pagemap(struct mm_struct *mm, vaddr_t addr, unsigned long nr, u64 *entries);

#endif
