/* SPDX-License-Identifier: MIT */
/*
 * pte.h - entries of page tables, four or five levels of 512: what the CPU reads, and what Quire writes where it does not look.
 *
 *	present      63 NX | 62..59 protection key | 51..12 frame | 11 written | 10 watched writes | 9 special | G 8 | PS 7 | D 6 | A 5 | PCD 4 | PWT 3 | U 2 | W 1 | P 0
 *	no access    as present with P clear and G set, and the frame inverted: it stays, every access faults (PROT_NONE)
 *	soft         63..59 type (1..31) | 58..9 payload, inverted | 8: 0 | 7..5: 0 | 4..1 flags | 0: 0
 *	none         all bits clear
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

#include "arch/page.h"
#include "base/compiler.h"
#include "quire/types.h"

typedef u64 pteval_t;
typedef u64 pgprot_t;
typedef struct {
	pteval_t val;
} __aligned(8) pte_t;

/* A constant for each branch, so that loops over levels unroll. */
#define PGTABLE_LEVELS (pgtable_l5_enabled() ? 5u : 4u)
#define PGTABLE_MAX_LEVELS 5
#define PGTABLE_ROOT_LEVEL (PGTABLE_LEVELS - 1)
#define PTRS_PER_TABLE 512
#define PT_INDEX_BITS 9

#define PMD_SHIFT 21
#define PMD_SIZE (1ul << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))

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
#define X86_PTE_PKEY (15ull << 59)
#define X86_PTE_NX (1ull << 63)
#define X86_PTE_FRAME 0x000ffffffffff000ull

/* Kernel pages. Accessed and dirty are set, so that the CPU need not. */
#define X86_KERNEL (X86_PTE_P | X86_PTE_A | X86_PTE_D | X86_PTE_G)
#define PAGE_KERNEL (X86_KERNEL | X86_PTE_W | X86_PTE_NX)
#define PAGE_KERNEL_RO (X86_KERNEL | X86_PTE_NX)
#define PAGE_KERNEL_EXEC X86_KERNEL
#define PAGE_KERNEL_NOCACHE (PAGE_KERNEL | X86_PTE_PCD | X86_PTE_PWT)
#define PAGE_KERNEL_WT (PAGE_KERNEL | X86_PTE_PWT)

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

/* Entries of a table at `level`; the user's part of the root. */
#define pt_entries(level) PTRS_PER_TABLE
#define PTRS_PER_USER_ROOT 256

/* ---- reading entries ---- */

static __always_inline pte_t pte_read(const pte_t *p)
{
	return (pte_t){ READ_ONCE(p->val) };
}

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

/* An entry that leads to the table in frame `pfn`; rights are narrowed by the leaves alone. */
static __always_inline pte_t pfn_pte_table(pfn_t pfn)
{
	return __pte((pteval_t)pfn << PAGE_SHIFT | X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D);
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

/* The CPU looks protection keys (0..15) up in a register of the running thread. */
bool arch_has_pkeys(void);

static __always_inline pgprot_t pgprot_pkey(unsigned int key)
{
	return (pgprot_t)key << 59;
}

static __always_inline pgprot_t pgprot_noncached(pgprot_t prot)
{
	return prot | X86_PTE_PCD | X86_PTE_PWT;
}

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

/* ---- changing live entries ---- */

static __always_inline void set_pte(pte_t *p, pte_t pte)
{
	WRITE_ONCE(p->val, pte.val);
}

/* Release: whoever finds the table finds its contents (pairs with the dependent loads of a walk). */
static __always_inline void set_pte_release(pte_t *p, pte_t pte)
{
	__atomic_store_n(&p->val, pte.val, __ATOMIC_RELEASE);
}

static __always_inline void pte_clear(pte_t *p)
{
	WRITE_ONCE(p->val, 0);
}

/* What was there, with the accessed and dirty bits that the CPU set last. */
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
	(void)__atomic_fetch_and(&p->val, ~X86_PTE_W, __ATOMIC_SEQ_CST);
}

static __always_inline void ptep_clear_uffd_wp(pte_t *p)
{
	(void)__atomic_fetch_and(&p->val, ~X86_PTE_UFFD_WP, __ATOMIC_SEQ_CST);
}

static __always_inline bool ptep_test_and_clear_young(pte_t *p)
{
	if (!pte_young(pte_read(p)))
		return false;
	(void)__atomic_fetch_and(&p->val, ~X86_PTE_A, __ATOMIC_SEQ_CST);
	return true;
}

#endif
