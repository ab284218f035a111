/* SPDX-License-Identifier: MIT */
/*
 * format64.h - entries of 64 bits, as four levels and PAE have them.
 *
 *	present      63 NX | 62..59 protection key (four levels) | 51..12 frame | 11 written | 10 watched writes | 9 special | G 8 | PS 7 | D 6 | A 5 | PCD 4 | PWT 3 | U 2 | W 1 | P 0
 *	no access    as present with P clear and G set, and the frame inverted: it stays, every access faults (PROT_NONE)
 *	soft         63..59 type (1..31) | 58..9 payload, inverted | 8: 0 | 7..5: 0 | 4..1 flags | 0: 0
 *	none         all bits clear
 *
 * Lock: as arch/pte.h. Sleeps: never. Allocates: never.
 */
/* Read alone, the whole chapter. */
#ifndef ARCH_PTE_H
#include "arch/pte.h"
#endif
#ifndef ARCH_X86_FORMAT64_H
#define ARCH_X86_FORMAT64_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/types.h"

typedef u64 pteval_t;
typedef u64 pgprot_t;
typedef struct {
	pteval_t val;
} __aligned(8) pte_t;

#define PTRS_PER_TABLE 512
#define PT_INDEX_BITS 9
#define PMD_SHIFT 21

#define X86_PTE_NX (1ull << 63)
#define X86_PTE_FRAME 0x000ffffffffff000ull

#include "arch/x86/entry.h"

/* ---- soft entries: not present, but not nothing ---- */

#define PTE_SOFT_TYPE_BITS 5
#define PTE_SOFT_PAYLOAD_BITS 50
#define PTE_SOFT_FLAG_BITS 4
/* Bits of a frame's number: a payload can hold one. */
#define PTE_PFN_BITS 40
#define X86_PTE_PAYLOAD (((1ull << PTE_SOFT_PAYLOAD_BITS) - 1) << 9)

static __always_inline pte_t pte_mksoft(unsigned int type, u64 payload, unsigned int flags)
{
	return __pte((pteval_t)type << 59 | (payload << 9 ^ X86_PTE_PAYLOAD) | (pteval_t)flags << 1);
}

static __always_inline bool pte_soft(pte_t pte)
{
	return !pte_present(pte) && !pte_none(pte);
}

static __always_inline unsigned int pte_soft_type(pte_t pte)
{
	return (unsigned int)(pte.val >> 59);
}

static __always_inline u64 pte_soft_payload(pte_t pte)
{
	return ((pte.val ^ X86_PTE_PAYLOAD) & X86_PTE_PAYLOAD) >> 9;
}

static __always_inline unsigned int pte_soft_flags(pte_t pte)
{
	return pte.val >> 1 & 15;
}

#endif
