/* SPDX-License-Identifier: MIT */
/*
 * pte.h - entries of the simulated ISA's page tables, laid out unlike any CPU's, so that code that knows bits fails here.
 *
 *	present   61..16 frame | 15 NOCACHE | 14 GLOBAL | 13 SPECIAL | 12 HUGE | 11 UFFD_WP | 10 DIRTY | 9 ACCESSED | 8 USER
 *	          7 NOEXEC | 6 WRITE | 5 READ | 3 SOFT_DIRTY | 1 VALID
 *	no access as present without READ
 *	soft      63..59 type (1..31) | 58..9 payload | 7..4 flags | 1: 0
 *	none      all bits clear
 *
 * 64-bit hosts: four levels of 512, or five as the host chooses. 32-bit hosts: levels of 512, 512 and 4, with 64-bit entries.
 * Level 0 is the table whose entries map pages, PGTABLE_LEVELS - 1 the root.
 *
 * [PT1] A zeroed page is a table of `none`.
 * [PT2] Soft entries are neither none nor present; type and payload come back as they went in.
 * [PT3] Setting or clearing one right changes no other.
 *
 * Lock: the table's, for whoever writes; the software MMU sets ACCESSED and DIRTY at any time, so that what takes a right
 * away from a live entry is atomic. Sleeps: never. Allocates: never.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/types.h"

typedef u64 pteval_t;
typedef u64 pgprot_t;
typedef struct {
	pteval_t val;
} __aligned(8) pte_t;

#define PGTABLE_LEVELS (sizeof(long) == 4 ? 3u : pgtable_l5_enabled() ? 5u : 4u)
#define PGTABLE_MAX_LEVELS (sizeof(long) == 4 ? 3 : 5)
#define PGTABLE_ROOT_LEVEL (PGTABLE_LEVELS - 1)
/* The MMU reads the root where it lies, at each walk. */
#define ARCH_ROOT_IS_COPIED 0
#define PTRS_PER_TABLE 512
#define PT_INDEX_BITS 9

#define PMD_SHIFT 21
#define PMD_SIZE (1ul << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))

#define SIM_PTE_VALID (1ull << 1)
#define SIM_PTE_SOFT_DIRTY (1ull << 3)
#define SIM_PTE_READ (1ull << 5)
#define SIM_PTE_WRITE (1ull << 6)
#define SIM_PTE_NOEXEC (1ull << 7)
#define SIM_PTE_USER (1ull << 8)
#define SIM_PTE_ACCESSED (1ull << 9)
#define SIM_PTE_DIRTY (1ull << 10)
#define SIM_PTE_UFFD_WP (1ull << 11)
#define SIM_PTE_HUGE (1ull << 12)
#define SIM_PTE_SPECIAL (1ull << 13)
#define SIM_PTE_GLOBAL (1ull << 14)
#define SIM_PTE_NOCACHE (1ull << 15)
#define SIM_PFN_SHIFT 16
#define SIM_PTE_FRAME (((1ull << 46) - 1) << SIM_PFN_SHIFT)

#define SIM_KERNEL (SIM_PTE_VALID | SIM_PTE_READ | SIM_PTE_ACCESSED | SIM_PTE_DIRTY | SIM_PTE_GLOBAL)
#define PAGE_KERNEL (SIM_KERNEL | SIM_PTE_WRITE | SIM_PTE_NOEXEC)
#define PAGE_KERNEL_RO (SIM_KERNEL | SIM_PTE_NOEXEC)
#define PAGE_KERNEL_EXEC SIM_KERNEL
#define PAGE_KERNEL_NOCACHE (PAGE_KERNEL | SIM_PTE_NOCACHE)
#define PAGE_KERNEL_WT PAGE_KERNEL

static __always_inline pgprot_t arch_pgprot_supported(pgprot_t prot)
{
	return prot;
}

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

/* Entries of a table at `level`; the user's part of the root (all of it: kernel and user share no root). */
#define pt_entries(level) (PGTABLE_LEVELS == 3 && (level) == 2 ? 4u : 512u)
#define PTRS_PER_USER_ROOT pt_entries(PGTABLE_ROOT_LEVEL)

/* ---- reading entries ---- */

static __always_inline pte_t pte_read(const pte_t *p)
{
	return (pte_t){ __atomic_load_n(&p->val, __ATOMIC_RELAXED) };
}

static __always_inline bool pte_none(pte_t pte)
{
	return !pte.val;
}

/* Maps a frame or a table (also when no access is allowed). */
static __always_inline bool pte_present(pte_t pte)
{
	return (pte.val & SIM_PTE_VALID) != 0;
}

static __always_inline bool pte_protnone(pte_t pte)
{
	return (pte.val & (SIM_PTE_VALID | SIM_PTE_READ)) == SIM_PTE_VALID;
}

/* A present entry of level 1 or higher that maps memory, not a table. */
static __always_inline bool pte_huge(pte_t pte)
{
	return (pte.val & SIM_PTE_HUGE) != 0;
}

/* An entry above level 0 that leads to a table. */
static __always_inline bool pte_is_table(pte_t pte)
{
	return (pte.val & (SIM_PTE_VALID | SIM_PTE_HUGE)) == SIM_PTE_VALID;
}

static __always_inline bool pte_write(pte_t pte)
{
	return (pte.val & SIM_PTE_WRITE) != 0;
}

static __always_inline bool pte_dirty(pte_t pte)
{
	return (pte.val & SIM_PTE_DIRTY) != 0;
}

static __always_inline bool pte_young(pte_t pte)
{
	return (pte.val & SIM_PTE_ACCESSED) != 0;
}

static __always_inline bool pte_exec(pte_t pte)
{
	return !(pte.val & SIM_PTE_NOEXEC);
}

static __always_inline bool pte_user(pte_t pte)
{
	return (pte.val & SIM_PTE_USER) != 0;
}

/* The frame is not counted by this entry: zero page, device memory. */
static __always_inline bool pte_special(pte_t pte)
{
	return (pte.val & SIM_PTE_SPECIAL) != 0;
}

static __always_inline pfn_t pte_pfn(pte_t pte)
{
	return (pfn_t)((pte.val & SIM_PTE_FRAME) >> SIM_PFN_SHIFT);
}

/* The same for an entry that leads to a table. */
static __always_inline pfn_t pte_table_pfn(pte_t pte)
{
	return pte_pfn(pte);
}

static __always_inline bool pte_same(pte_t a, pte_t b)
{
	return a.val == b.val;
}

/* ---- making entries ---- */

#define __pte(v) ((pte_t){ (v) })

static __always_inline pte_t pfn_pte(pfn_t pfn, pgprot_t prot)
{
	return __pte((pteval_t)pfn << SIM_PFN_SHIFT | prot);
}

/* For levels 1 and 2; pfn is aligned to the level's size. */
static __always_inline pte_t pfn_pte_huge(pfn_t pfn, pgprot_t prot)
{
	return __pte((pteval_t)pfn << SIM_PFN_SHIFT | prot | SIM_PTE_HUGE);
}

/* An entry of level `at` that leads to the table in frame `pfn`; rights are narrowed by the leaves alone. */
static __always_inline pte_t pfn_pte_table(pfn_t pfn, unsigned int at)
{
	return __pte((pteval_t)pfn << SIM_PFN_SHIFT | SIM_PTE_VALID | SIM_PTE_READ);
}

static __always_inline pte_t pte_mkwrite(pte_t pte) { return __pte(pte.val | SIM_PTE_WRITE); }
static __always_inline pte_t pte_wrprotect(pte_t pte) { return __pte(pte.val & ~SIM_PTE_WRITE); }
static __always_inline pte_t pte_mkdirty(pte_t pte) { return __pte(pte.val | SIM_PTE_DIRTY | SIM_PTE_SOFT_DIRTY); }
static __always_inline pte_t pte_mkclean(pte_t pte) { return __pte(pte.val & ~SIM_PTE_DIRTY); }
static __always_inline pte_t pte_mkyoung(pte_t pte) { return __pte(pte.val | SIM_PTE_ACCESSED); }
static __always_inline pte_t pte_mkold(pte_t pte) { return __pte(pte.val & ~SIM_PTE_ACCESSED); }
static __always_inline pte_t pte_mkspecial(pte_t pte) { return __pte(pte.val | SIM_PTE_SPECIAL); }

/* Writes are told to a userfaultfd's monitor first: the entry stays read-only until it has agreed. */
static __always_inline bool pte_uffd_wp(pte_t pte) { return (pte.val & SIM_PTE_UFFD_WP) != 0; }
static __always_inline pte_t pte_mkuffd_wp(pte_t pte) { return __pte(pte.val | SIM_PTE_UFFD_WP); }
static __always_inline pte_t pte_clear_uffd_wp(pte_t pte) { return __pte(pte.val & ~SIM_PTE_UFFD_WP); }
/* Written since clear_refs asked last: set together with dirty, and taken away with the right to write, so that none is missed. */
static __always_inline bool pte_soft_dirty(pte_t pte) { return (pte.val & SIM_PTE_SOFT_DIRTY) != 0; }
static __always_inline pte_t pte_mksoft_dirty(pte_t pte) { return __pte(pte.val | SIM_PTE_SOFT_DIRTY); }
static __always_inline pte_t pte_clear_soft_dirty(pte_t pte) { return __pte(pte.val & ~SIM_PTE_SOFT_DIRTY); }
/* As fork hands it on: not used yet, and watched by nobody. */
static __always_inline pte_t pte_for_child(pte_t pte) { return __pte(pte.val & ~(SIM_PTE_ACCESSED | SIM_PTE_UFFD_WP)); }

/* Other rights; frame, accessed, dirty and special stay (mprotect). */
static __always_inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	const pteval_t keep = SIM_PTE_FRAME | SIM_PTE_ACCESSED | SIM_PTE_DIRTY | SIM_PTE_SPECIAL | SIM_PTE_HUGE |
			      SIM_PTE_UFFD_WP | SIM_PTE_SOFT_DIRTY;

	return __pte((pte.val & keep) | (prot & ~(pgprot_t)(SIM_PTE_FRAME | SIM_PTE_ACCESSED | SIM_PTE_DIRTY)));
}

/*
 * User pages by bits 0..2 of vm_flags: read, write, execute. As on the CPUs it stands for, reading comes with everything.
 * ACCESSED is set: an entry is made because somebody is about to use it.
 */
static __always_inline pgprot_t pgprot_user(unsigned long vm_flags)
{
	pgprot_t prot = SIM_PTE_VALID | SIM_PTE_USER | SIM_PTE_ACCESSED | SIM_PTE_NOEXEC;

	if (vm_flags & 7)
		prot |= SIM_PTE_READ;
	if (vm_flags & 2)
		prot |= SIM_PTE_WRITE;
	if (vm_flags & 4)
		prot &= ~(pgprot_t)SIM_PTE_NOEXEC;
	return prot;
}

/* No protection keys here. */
static __always_inline bool arch_has_pkeys(void)
{
	return false;
}

static __always_inline pgprot_t pgprot_pkey(unsigned int key)
{
	return 0;
}

static __always_inline pgprot_t pgprot_noncached(pgprot_t prot)
{
	return prot | SIM_PTE_NOCACHE;
}

/* ---- soft entries: not present, but not nothing ---- */

#define PTE_SOFT_TYPE_BITS 5
#define PTE_SOFT_PAYLOAD_BITS 50
#define PTE_SOFT_FLAG_BITS 4
/* Bits of a frame's number: a payload can hold one. */
#define PTE_PFN_BITS 46

static __always_inline pte_t pte_mksoft(unsigned int type, u64 payload, unsigned int flags)
{
	return __pte((pteval_t)type << 59 | payload << 9 | (pteval_t)flags << 4);
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
	return pte.val >> 9 & ((1ull << PTE_SOFT_PAYLOAD_BITS) - 1);
}

static __always_inline unsigned int pte_soft_flags(pte_t pte)
{
	return pte.val >> 4 & 15;
}

/* ---- changing live entries ---- */

static __always_inline void set_pte(pte_t *p, pte_t pte)
{
	__atomic_store_n(&p->val, pte.val, __ATOMIC_RELAXED);
}

/* Release: whoever finds the table finds its contents (pairs with the loads of a walk). */
static __always_inline void set_pte_release(pte_t *p, pte_t pte)
{
	__atomic_store_n(&p->val, pte.val, __ATOMIC_RELEASE);
}

static __always_inline void pte_clear(pte_t *p)
{
	set_pte(p, __pte(0));
}

/* What was there, with the accessed and dirty bits that the MMU set last. */
static __always_inline pte_t ptep_get_and_clear(pte_t *p)
{
	return __pte(__atomic_exchange_n(&p->val, 0, __ATOMIC_SEQ_CST));
}

/* Tells whether *p was still `old` and is now `pte`. */
static __always_inline bool ptep_try_change(pte_t *p, pte_t old, pte_t pte)
{
	return __atomic_compare_exchange_n(&p->val, &old.val, pte.val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static __always_inline void ptep_set_wrprotect(pte_t *p)
{
	(void)__atomic_fetch_and(&p->val, ~SIM_PTE_WRITE, __ATOMIC_SEQ_CST);
}

static __always_inline void ptep_clear_uffd_wp(pte_t *p)
{
	(void)__atomic_fetch_and(&p->val, ~SIM_PTE_UFFD_WP, __ATOMIC_SEQ_CST);
}

static __always_inline bool ptep_test_and_clear_young(pte_t *p)
{
	if (!pte_young(pte_read(p)))
		return false;
	(void)__atomic_fetch_and(&p->val, ~SIM_PTE_ACCESSED, __ATOMIC_SEQ_CST);
	return true;
}

#endif
