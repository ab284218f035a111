/* SPDX-License-Identifier: MIT */
/*
 * entry.h - what an entry says, for all formats that x86 has: the low twelve bits are the same in each.
 *
 * The ISA's arch/pte.h has defined before: pteval_t, pgprot_t, pte_t; PT_INDEX_BITS, PTRS_PER_TABLE and PMD_SHIFT; the bits
 * of the frame, and those that not every format has (X86_PTE_NX, X86_PTE_PKEY: 0 where there are none). Behind it: how a live
 * entry is read and changed (live_word.h where one access does it), tables, and what is not present.
 *
 * Lock: as arch/pte.h. Sleeps: never. Cost: one to three instructions each. Allocates: never.
 */
/* Read alone, the whole chapter. */
#ifndef ARCH_PTE_H
#include "arch/pte.h"
#endif
#ifndef ARCH_X86_ENTRY_H
#define ARCH_X86_ENTRY_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/types.h"

/* Bits 0..8 are the CPU's, 9..11 are left to Quire. */
#define X86_PTE_P 0x001ull
#define X86_PTE_W 0x002ull
#define X86_PTE_U 0x004ull
#define X86_PTE_PWT 0x008ull
#define X86_PTE_PCD 0x010ull
#define X86_PTE_A 0x020ull
#define X86_PTE_D 0x040ull
#define X86_PTE_PS 0x080ull
#define X86_PTE_G 0x100ull
#define X86_PTE_SPECIAL 0x200ull
#define X86_PTE_UFFD_WP 0x400ull
#define X86_PTE_SOFT_DIRTY 0x800ull

#define PMD_SIZE (1ul << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))

/* Kernel pages. Accessed and dirty are set, so that the CPU need not. */
#define X86_KERNEL (X86_PTE_P | X86_PTE_A | X86_PTE_D | X86_PTE_G)
#define PAGE_KERNEL (X86_KERNEL | X86_PTE_W | X86_PTE_NX)
#define PAGE_KERNEL_RO (X86_KERNEL | X86_PTE_NX)
#define PAGE_KERNEL_EXEC X86_KERNEL
#define PAGE_KERNEL_NOCACHE (PAGE_KERNEL | X86_PTE_PCD | X86_PTE_PWT)
#define PAGE_KERNEL_WT (PAGE_KERNEL | X86_PTE_PWT)

/* A way to a table: rights are narrowed by the leaves alone. */
#define X86_TABLE (X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D)

/* Without the bits that this CPU reserves (NX on old ones). Done once a mapping or VMA, not once an entry. */
pgprot_t arch_pgprot_supported(pgprot_t prot);

/* ---- geometry ---- */

/* log2 of the bytes that one entry of a level covers. */
static __always_inline unsigned int pt_shift(unsigned int level)
{
	return PAGE_SHIFT + PT_INDEX_BITS * level;
}

static __always_inline unsigned long pt_size(unsigned int level)
{
	return 1ul << pt_shift(level);
}

static __always_inline unsigned int pt_index(vaddr_t addr, unsigned int level)
{
	return addr >> pt_shift(level) & (PTRS_PER_TABLE - 1);
}

/* ---- reading entries ---- */

static __always_inline bool pte_none(pte_t pte)
{
	return !pte.val;
}

/* Maps a frame or a table (also when no access is allowed). */
static __always_inline bool pte_present(pte_t pte)
{
	return (pte.val & (X86_PTE_P | X86_PTE_G)) != 0;
}

static __always_inline bool pte_protnone(pte_t pte)
{
	return (pte.val & (X86_PTE_P | X86_PTE_G)) == X86_PTE_G;
}

/* A present entry of level 1 or higher that maps memory, not a table. */
static __always_inline bool pte_huge(pte_t pte)
{
	return (pte.val & X86_PTE_PS) != 0;
}

/* An entry above level 0 that leads to a table. */
static __always_inline bool pte_is_table(pte_t pte)
{
	return (pte.val & (X86_PTE_P | X86_PTE_PS)) == X86_PTE_P;
}

static __always_inline bool pte_write(pte_t pte)
{
	return (pte.val & X86_PTE_W) != 0;
}

static __always_inline bool pte_dirty(pte_t pte)
{
	return (pte.val & X86_PTE_D) != 0;
}

static __always_inline bool pte_young(pte_t pte)
{
	return (pte.val & X86_PTE_A) != 0;
}

static __always_inline bool pte_exec(pte_t pte)
{
	return !(pte.val & X86_PTE_NX);
}

static __always_inline bool pte_user(pte_t pte)
{
	return (pte.val & X86_PTE_U) != 0;
}

/* The frame is not counted by this entry: zero page, device memory. */
static __always_inline bool pte_special(pte_t pte)
{
	return (pte.val & X86_PTE_SPECIAL) != 0;
}

/* The frame's bits of an entry that the CPU does not take for present are inverted. */
static __always_inline pteval_t pte_invert_mask(pteval_t val)
{
	return val & X86_PTE_P ? 0 : X86_PTE_FRAME;
}

static __always_inline pfn_t pte_pfn(pte_t pte)
{
	return ((pte.val ^ pte_invert_mask(pte.val)) & X86_PTE_FRAME) >> PAGE_SHIFT;
}

/* The same for an entry that leads to a table: P is set. */
static __always_inline pfn_t pte_table_pfn(pte_t pte)
{
	return (pte.val & X86_PTE_FRAME) >> PAGE_SHIFT;
}

static __always_inline bool pte_same(pte_t a, pte_t b)
{
	return a.val == b.val;
}

/* ---- making entries ---- */

#define __pte(v) ((pte_t){ (v) })

static __always_inline pte_t pfn_pte(pfn_t pfn, pgprot_t prot)
{
	return __pte(((pteval_t)pfn << PAGE_SHIFT ^ pte_invert_mask(prot)) | prot);
}

/* For levels 1 and 2; pfn is aligned to the level's size. */
static __always_inline pte_t pfn_pte_huge(pfn_t pfn, pgprot_t prot)
{
	return __pte((pteval_t)pfn << PAGE_SHIFT | prot | X86_PTE_PS);
}

static __always_inline pte_t pte_mkwrite(pte_t pte) { return __pte(pte.val | X86_PTE_W); }
static __always_inline pte_t pte_wrprotect(pte_t pte) { return __pte(pte.val & ~X86_PTE_W); }
static __always_inline pte_t pte_mkdirty(pte_t pte) { return __pte(pte.val | X86_PTE_D | X86_PTE_SOFT_DIRTY); }
static __always_inline pte_t pte_mkclean(pte_t pte) { return __pte(pte.val & ~X86_PTE_D); }
static __always_inline pte_t pte_mkyoung(pte_t pte) { return __pte(pte.val | X86_PTE_A); }
static __always_inline pte_t pte_mkold(pte_t pte) { return __pte(pte.val & ~X86_PTE_A); }
static __always_inline pte_t pte_mkspecial(pte_t pte) { return __pte(pte.val | X86_PTE_SPECIAL); }

/* Writes are told to a userfaultfd's monitor first: the entry stays read-only until it has agreed. */
static __always_inline bool pte_uffd_wp(pte_t pte) { return (pte.val & X86_PTE_UFFD_WP) != 0; }
static __always_inline pte_t pte_mkuffd_wp(pte_t pte) { return __pte(pte.val | X86_PTE_UFFD_WP); }
static __always_inline pte_t pte_clear_uffd_wp(pte_t pte) { return __pte(pte.val & ~X86_PTE_UFFD_WP); }
/* Written since clear_refs asked last: set together with dirty, and taken away with the right to write, so that none is missed. */
static __always_inline bool pte_soft_dirty(pte_t pte) { return (pte.val & X86_PTE_SOFT_DIRTY) != 0; }
static __always_inline pte_t pte_mksoft_dirty(pte_t pte) { return __pte(pte.val | X86_PTE_SOFT_DIRTY); }
static __always_inline pte_t pte_clear_soft_dirty(pte_t pte) { return __pte(pte.val & ~X86_PTE_SOFT_DIRTY); }
/* As fork hands it on: not used yet, and watched by nobody. */
static __always_inline pte_t pte_for_child(pte_t pte) { return __pte(pte.val & ~(X86_PTE_A | X86_PTE_UFFD_WP)); }

/* Other rights; frame, accessed, dirty and special stay (mprotect). */
static __always_inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	const pteval_t keep = X86_PTE_FRAME | X86_PTE_A | X86_PTE_D | X86_PTE_SPECIAL | X86_PTE_PS | X86_PTE_UFFD_WP |
			      X86_PTE_SOFT_DIRTY;
	pteval_t val = pte.val ^ pte_invert_mask(pte.val) ^ pte_invert_mask(prot);

	return __pte((val & keep) | (prot & ~(pgprot_t)(X86_PTE_FRAME | X86_PTE_A | X86_PTE_D)));
}

/*
 * User pages by bits 0..2 of vm_flags: read, write, execute. x86 cannot allow less than reading once anything is allowed.
 * Accessed is set: an entry is made because somebody is about to use it.
 */
static inline pgprot_t pgprot_user(unsigned long vm_flags)
{
	pgprot_t prot = X86_PTE_P | X86_PTE_U | X86_PTE_A;

	if (!(vm_flags & 7))
		return arch_pgprot_supported(X86_PTE_G | X86_PTE_A | X86_PTE_U | X86_PTE_NX);
	if (vm_flags & 2)
		prot |= X86_PTE_W;
	if (!(vm_flags & 4))
		prot |= X86_PTE_NX;
	return arch_pgprot_supported(prot);
}

static __always_inline pgprot_t pgprot_noncached(pgprot_t prot)
{
	return prot | X86_PTE_PCD | X86_PTE_PWT;
}

#endif
