/* SPDX-License-Identifier: MIT */
/*
 * vm.h - what the address-space room keeps for a machine: caches, limits, the list of address spaces.
 *
 * Locks: as each field says; (s) a sysctl, read racily. Sleeps: never. Allocates: never.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "base/atomic.h"
#include "base/list.h"
#include "quire/types.h"
#include "sync/ctx.h"
#include "sync/spinlock.h"

enum overcommit_mode { OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER };

struct vm_fault;

struct vm_state {
	struct kmem_cache *mm_cache, *vma_cache, *leaf_cache, *inner_cache; /* (c) */
	unsigned int nr_rss;                  /* (c) counters of RSS in an mm: one for each CPU up to a limit */
	struct page *zero_page;               /* (c) PAGE_OWNER_ZERO, mapped read-only wherever nothing was written */

	spinlock_t mm_list_lock;              /* LOCK_MM_LIST */
	struct list_head mm_list;             /* (mm_list_lock) every mm with users */
	atomic64_t next_anon_id, next_inode;  /* (a) */

	atomic_long_t committed;              /* (a) pages promised: Committed_AS */
	unsigned int overcommit_mode;         /* (s) enum overcommit_mode */
	unsigned int overcommit_ratio;        /* (s) percent of RAM that mode 2 promises */
	unsigned long overcommit_kbytes;      /* (s) the same in KiB; 0: the ratio counts */
	unsigned long user_reserve_kbytes;    /* (s) kept from one big process, so that a user can log in and kill it */
	unsigned long admin_reserve_kbytes;   /* (s) kept for those who may administer */
	unsigned int max_map_count;           /* (s) VMAs of one mm */
	unsigned long mmap_min_addr;          /* (s) bytes */
	unsigned int legacy_va_layout;        /* (s) programs that begin map from the bottom up */
	unsigned int randomize_va_space;      /* (s) 0 no, 1 all but the heap, 2 all */
	unsigned int page_cluster;            /* (s) */
	unsigned long fault_around_bytes;     /* (s) */
	/* (c) Brings the page of vmf->orig, a swap entry, back and maps it, as any handler of a fault (fault_int.h): 0, or VM_FAULT_*.
	 * From whoever makes such entries; NULL: nobody does. */
	vm_fault_t (*swap_in)(struct vm_fault *vmf);
};

/* The gap below a stack that stays free: 256 pages, so that a large frame of a function cannot step over it. */
#define STACK_GUARD_GAP (256ul << PAGE_SHIFT)
/* Where the classic mmap area begins. */
#define MMAP_BOTTOM PAGE_ALIGN(DEFAULT_MAP_WINDOW / 3)
/* Linux's default: a core file of ELF counts sections in 16 bits. */
#define DEFAULT_MAX_MAP_COUNT 65530
/* 64 KiB: null pointers with offsets fault too. */
#define DEFAULT_MMAP_MIN_ADDR 65536ul

#define this_vm() (this_quire()->vm)

/* Makes this room's state. 0 or -ENOMEM. Context: boot, once. */
int vm_init(void);
/* Gives it back; no address space is left. */
void vm_exit(void);
/* Checks every address space (mm_check). Number of broken invariants, each logged. */
unsigned int vm_check(void);
/* Checks all address spaces together: every frame's _mapcount against the entries that show it, statistics of frames and page
 * tables, Committed_AS. Only while no program runs or ends. Number of broken invariants, each logged. */
unsigned int vm_check_sums(void);

/* ---- overcommit.c ---- */
/* Charges `pages` (may be negative: gives back). 0, or -ENOMEM with nothing charged. mm: whose size the reserve counts. */
int vm_enough_memory(const struct mm_struct *mm, long pages, bool cap_sys_admin);
/* Asks the host for the capability itself. */
int vm_charge(const struct mm_struct *mm, long pages);
void vm_unacct_memory(long pages);
unsigned long vm_commit_limit(void);
/* Committed_AS in pages. */
unsigned long vm_committed_pages(void);
/* The decision alone: may `committed` pages stand? Plain values, no state. */
struct overcommit_view {
	enum overcommit_mode mode;
	unsigned long total_ram, total_swap, limit, admin_reserve, user_reserve, mm_pages;
	bool cap_sys_admin, has_mm;
};
bool overcommit_allows(const struct overcommit_view *view, long pages, unsigned long committed);
/* Reserves that follow from the free memory at boot, in KiB. */
void overcommit_init(void);

#endif
