/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - flushing translations on every CPU that may hold them, and no other; switching a CPU between trees.
 *
 *	changed entries -> flush_tlb_*() -> CPUs in pgt->cpus:  this one   directly
 *	                                                        others     port->call_cpus, in one call
 *	                                                        lazy ones  not at all: they compare tlb_gen before they
 *	                                                                   use user addresses again; but at once when tables
 *	                                                                   are freed: they go to the kernel's root
 *
 * [T1] When a flush has returned, no CPU translates by the entries as they were before.
 * [T2] A CPU's bit in pgt->cpus is set while it has the tree loaded, lazily or not.
 *
 * Locks: none; may be called with a leaf table's lock held. Context: IRQs on, no lock of rank 70 or higher (asserted) for the
 * flushes; IRQs off for the switches. Sleeps: never. Cost: local flush of a page: about 20 instructions.
 */
#ifndef PGTABLE_TLB_H
#define PGTABLE_TLB_H

#include "pgtable/pgtable.h"

enum tlb_flush_flags { TLB_FREED_TABLES = 1 };

/* Translations of [start, end) in pgt. */
void flush_tlb_range_flags(struct pgtable *pgt, vaddr_t start, vaddr_t end, unsigned int flags);
void flush_tlb_page(struct pgtable *pgt, vaddr_t addr);
void flush_tlb_kernel_range(vaddr_t start, vaddr_t end);
/* Everything on every CPU. */
void flush_tlb_all(void);

static inline void flush_tlb_range(struct pgtable *pgt, vaddr_t start, vaddr_t end)
{
	flush_tlb_range_flags(pgt, start, end, 0);
}

static inline void flush_tlb_mm(struct pgtable *pgt)
{
	flush_tlb_range_flags(pgt, 0, ~0ul, 0);
}

/* Only this CPU, which has the tree loaded: an entry that it knew has got more rights. */
static __always_inline void flush_tlb_more_rights(vaddr_t addr)
{
	arch_tlb_flush_page(addr);
}

/* The same after a fault that found the entry in order already: the way to it may be new to this CPU. */
static __always_inline void flush_tlb_fix_spurious(vaddr_t addr)
{
	if (ARCH_ROOT_IS_COPIED)
		arch_tlb_flush_user();
	else
		arch_tlb_flush_page(addr);
}

/* This CPU translates by `next` from now on. Context: IRQs off. */
void pgtable_switch(struct pgtable *next);
/* This CPU runs a kernel thread: what is loaded stays, unused. Context: IRQs off. */
void pgtable_enter_lazy(void);
/* This CPU lets go of whatever is loaded. Context: any. */
void pgtable_switch_kernel(void);
/* Whose root is loaded here, NULL: the kernel's. */
static inline struct pgtable *pgtable_loaded(void)
{
	return this_tlb()->loaded;
}

#endif
