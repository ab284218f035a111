/* SPDX-License-Identifier: MIT */
/*
 * pte.h - entries of page tables, two levels of 1024 with 32 bits each: what the CPU reads, and what Quire writes where it does
 * not look.
 *
 *	present      31..12 frame | 11 written | 10 watched writes | 9 special | G 8 | PS 7 | D 6 | A 5 | PCD 4 | PWT 3 | U 2 | W 1 | P 0
 *	no access    as present with P clear and G set, and the frame inverted: it stays, every access faults (PROT_NONE)
 *	soft         31..9 payload, inverted | 8: 0 | 7..4 flags | 3..1 type (1..7) | 0: 0
 *	none         all bits clear
 *
 * What there is no room for: NX, so that whatever can be read can be executed, and protection keys. All marks of Quire fit, as a
 * soft entry needs three bits for its type; a payload has 23: a frame, 32 GiB of swap in all, or a page of the first 32 GiB of
 * a file.
 *
 * Level 0 is the table whose entries map pages, level 1 the root, whose entries map 4 MiB.
 *
 * [PT1] to [PT3], lock and context: as x86_64's arch/pte.h.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/types.h"

typedef u32 pteval_t;
typedef u32 pgprot_t;
typedef struct {
	pteval_t val;
} pte_t;

#define PGTABLE_LEVELS 2
#define PGTABLE_MAX_LEVELS PGTABLE_LEVELS
#define KERNEL_TOP_LEVEL PGTABLE_ROOT_LEVEL
#define PGTABLE_ROOT_LEVEL (PGTABLE_LEVELS - 1)
/* The CPU reads the root where it lies, at each walk. */
#define ARCH_ROOT_IS_COPIED 0
#define PTRS_PER_TABLE 1024
#define PT_INDEX_BITS 10
#define PMD_SHIFT 22

#define X86_PTE_NX 0ull
#define X86_PTE_PKEY 0ull
#define X86_PTE_FRAME 0xfffff000ull

#include "arch/x86/entry.h"
#include "arch/x86/live_word.h"

/* Entries of a table at `level`; the user's part of the root: 3 GiB. */
#define pt_entries(level) PTRS_PER_TABLE
#define PTRS_PER_USER_ROOT 768

/* An entry of level `at` that leads to the table in frame `pfn`. */
static __always_inline pte_t pfn_pte_table(pfn_t pfn, unsigned int at)
{
	return __pte((pteval_t)pfn << PAGE_SHIFT | X86_TABLE);
}

/* No protection keys with these tables. */
static __always_inline bool arch_has_pkeys(void)
{
	return false;
}

static __always_inline pgprot_t pgprot_pkey(unsigned int key)
{
	return 0;
}

/* ---- soft entries: not present, but not nothing ---- */

#define PTE_SOFT_TYPE_BITS 3
#define PTE_SOFT_PAYLOAD_BITS 23
#define PTE_SOFT_FLAG_BITS 4
/* Bits of a frame's number: a payload can hold one. */
#define PTE_PFN_BITS 20
#define X86_PTE_PAYLOAD (((1u << PTE_SOFT_PAYLOAD_BITS) - 1) << 9)

static __always_inline pte_t pte_mksoft(unsigned int type, u64 payload, unsigned int flags)
{
	return __pte(((pteval_t)payload << 9 ^ X86_PTE_PAYLOAD) | flags << 4 | type << 1);
}

static __always_inline bool pte_soft(pte_t pte)
{
	return !pte_present(pte) && !pte_none(pte);
}

static __always_inline unsigned int pte_soft_type(pte_t pte)
{
	return pte.val >> 1 & 7;
}

static __always_inline u64 pte_soft_payload(pte_t pte)
{
	return (pte.val ^ X86_PTE_PAYLOAD) >> 9;
}

static __always_inline unsigned int pte_soft_flags(pte_t pte)
{
	return pte.val >> 4 & 15;
}

#endif
