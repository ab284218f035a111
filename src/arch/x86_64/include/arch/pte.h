/* SPDX-License-Identifier: MIT */
/*
 * pte.h - entries of page tables, four or five levels of 512: what the CPU reads, and what Quire writes where it does not look.
 * arch/x86/format64.h has the bits.
 *
 * CPUs with the L1 terminal fault guess on while an access faults, and read the cache at the address that the entry seems to hold,
 * present or not. Inverted, small numbers are addresses beyond all memory.
 *
 * Level 0 is the table whose entries map pages, PGTABLE_LEVELS - 1 the root.
 *
 * [PT1] A zeroed page is a table of `none`.
 * [PT2] Soft entries are neither none nor present; type and payload come back as they went in.
 * [PT3] Setting or clearing one right changes no other.
 *
 * Lock: the table's, for whoever writes; the CPU sets A and D at any time, so that what takes a right away from a live entry
 * is atomic. Sleeps: never. Cost: one to three instructions each. Allocates: never.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

/* A constant for each branch, so that loops over levels unroll. */
#define PGTABLE_LEVELS (pgtable_l5_enabled() ? 5u : 4u)
#define PGTABLE_MAX_LEVELS 5
/* All of the kernel's addresses lie below one entry of a fifth level, so that its tables begin at the fourth. */
#define KERNEL_TOP_LEVEL 3
#define PGTABLE_ROOT_LEVEL (PGTABLE_LEVELS - 1)
/* The CPU reads the root where it lies, at each walk. */
#define ARCH_ROOT_IS_COPIED 0

#define X86_PTE_PKEY (15ull << 59)

#include "arch/x86/format64.h"
#include "arch/x86/live_word.h"

/* Entries of a table at `level`; the user's part of the root. */
#define pt_entries(level) PTRS_PER_TABLE
#define PTRS_PER_USER_ROOT 256

/* An entry of level `at` that leads to the table in frame `pfn`; rights are narrowed by the leaves alone. */
static __always_inline pte_t pfn_pte_table(pfn_t pfn, unsigned int at)
{
	return __pte((pteval_t)pfn << PAGE_SHIFT | X86_TABLE);
}

/* The CPU looks protection keys (0..15) up in a register of the running thread. */
bool arch_has_pkeys(void);

static __always_inline pgprot_t pgprot_pkey(unsigned int key)
{
	return (pgprot_t)key << 59;
}

#endif
