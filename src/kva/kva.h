/* SPDX-License-Identifier: MIT */
/*
 * kva.h - kernel addresses: the ranges between VMALLOC_START and VMALLOC_END, and what is mapped there.
 *
 *	VMALLOC_START                                                              VMALLOC_END
 *	|guard|pages of a vmalloc|guard|kernel stack|guard|device registers|  free ...        |
 *	 `----- one vmap_area ----'     a stack that grows too far hits its own guard
 *
 * [K1] Areas lie in [VMALLOC_START, VMALLOC_END), do not overlap, and begin with an unmapped page.
 * [K2] Every page of a live area behind its guard is mapped; every page of a lazy one is not, but CPUs may still translate
 *      it until the purge. No address is given out again before.
 * [K3] gap of an area is the free space right before it; max_gap the largest gap in its subtree.
 * [K4] Tables of this part of the address space are never freed while the machine runs, and its root entries never change.
 *
 * Locks: (V) kva->lock, LOCK_VMAP; (M) kva->purge_lock, LOCK_KVA_MUTEX. Sleeps: everything but the frees of cached stacks.
 * Cost: O(log areas) for a range; a cached stack is a pop.
 */
#ifndef KVA_KVA_H
#define KVA_KVA_H

#include "arch/page.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "pgtable/pgtable.h"
#include "quire/stats.h"
#include "quire/vmalloc.h"
#include "sync/mutex.h"
#include "sync/percpu.h"

struct vmap_area {
	struct rb_node node;      /* (V) by address */
	vaddr_t start, end;       /* (c) with the guard page at `start` */
	unsigned long gap;        /* (V) [K3] bytes */
	unsigned long max_gap;    /* (V) [K3] bytes */
	struct list_head lazy;    /* (V) */
	paddr_t phys;             /* (c) ioremap: where it leads */
	void *caller;             /* (c) who asked */
	u8 kind;                  /* (c) enum vmap_kind */
	u8 state;                 /* (V) enum area_state */
};

enum area_state {
	AREA_CHANGING,            /* being mapped or unmapped by whoever took it */
	AREA_LIVE,
	AREA_LAZY,                /* unmapped, waits for the purge */
};

/* Stacks kept by a CPU: enough for a pipeline of short programs. */
#define STACK_CACHE_SLOTS 4

struct kva_cpu {
	struct percpu_guard guard;
	unsigned int nr_stacks;   /* (own CPU, guarded) */
	void *stacks[STACK_CACHE_SLOTS];
} __cacheline_aligned;

struct kva_state {
	struct pgtable tables;    /* the kernel's own */
	spinlock_t lock;          /* LOCK_VMAP */
	struct rb_root areas;     /* (V) */
	unsigned long nr_areas;   /* (V) */
	struct list_head lazy;    /* (V) unmapped areas */
	unsigned long lazy_bytes; /* (V) to write */
	unsigned long lazy_max;   /* (c) bytes at which a purge is due */
	struct mutex purge_lock;  /* LOCK_KVA_MUTEX */
	struct kmem_cache *area_cache; /* (c) */
	void *deferred;           /* (a) vfree()d in interrupts: a list through their first words */
	size_t stack_bytes;       /* (c) after the first stack: the size that caches keep */
	bool odd_stacks;          /* (a) there were stacks of another size: frees look the size up */
	struct kva_cpu *cpu;      /* (c) by CPU */
};

#define this_kva() (this_quire()->kva)

/* 0 or -ENOMEM. Context: boot, after kmem_init(). */
int kva_init(void);
/* Everything back, for machines that end. */
void kva_shutdown(void);
/* [K1] to [K3]. Broken invariants, each logged. */
unsigned int kva_check(void);

/* ---- vmap_area.c: addresses ---- */

/* A range of `bytes` behind a guard page, mapped nowhere. NULL: no memory, or no addresses even after a purge. May sleep. */
struct vmap_area *area_alloc(size_t bytes, unsigned int kind, void *caller);
/* Its mapping is complete. */
void area_publish(struct vmap_area *area);
/* The live area whose pages begin at `addr` (behind the guard), for the caller to take apart. NULL: none (any more). */
struct vmap_area *area_take(vaddr_t addr);
/* Of an area that is being changed: its addresses are free after the next purge, or at once when nothing was mapped. */
void area_free(struct vmap_area *area, bool mapped);
/* Flushes and frees all lazy areas. May sleep. */
void area_purge(void);
/* Like it, only when there are many and nobody else is at it. */
void area_purge_if_due(void);

static inline vaddr_t area_addr(const struct vmap_area *area)
{
	return area->start + PAGE_SIZE;
}

static inline size_t area_bytes(const struct vmap_area *area)
{
	return area->end - area->start - PAGE_SIZE;
}

/* ---- map.c: entries ---- */

/* Maps nr pages from addr on. 0, or -ENOMEM with nothing mapped. May sleep. */
int kva_map_pages(vaddr_t addr, struct page **pages, unsigned long nr, pgprot_t prot);
int kva_map_phys(vaddr_t addr, paddr_t phys, unsigned long nr, pgprot_t prot);
/* Unmaps; with free_pages the frames go back to the allocator. No flush. */
void kva_unmap(vaddr_t addr, unsigned long nr, bool free_pages);

/* ---- vmalloc.c, stack.c ---- */

void *vmalloc_caller(size_t bytes, gfp_t gfp, unsigned int kind, void *caller);
/* Bytes of a live area whose pages begin at addr, 0: there is none. */
size_t vmalloc_bytes(const void *addr);
/* Counts `each` for every one of the pages that are mapped from addr on, for its node. */
void kva_count(const void *addr, unsigned long nr_pages, enum node_stat_item item, long each);
/* vfree of what interrupts left behind. */
void vfree_deferred(void);
/* Cached stacks of all CPUs back; the CPUs are idle. */
void stack_cache_drain(void);

#endif
