/* SPDX-License-Identifier: MIT */
/*
 * pte.h - entries of page tables with PAE: levels of 512, 512 and 4, entries of 64 bits, which a 32-bit CPU reads and writes in
 * two steps. arch/x86/format64.h has the bits.
 *
 * The four entries of the root are unlike all others: the CPU copies them when CR3 is loaded and looks at them no more, and they
 * may hold no rights. So a table that is new below the root is found after a reload (a fault finds the entry in order and
 * asks for it: flush_tlb_fix_spurious), and one that goes is gone after a reload (ARCH_ROOT_IS_COPIED).
 *
 * Level 0 is the table whose entries map pages, level 1 the one whose entries map 2 MiB, level 2 the root.
 *
 * [PT1] to [PT3], lock and context: as x86_64's arch/pte.h.
 * [PT4] No reader, CPU or program, sees half of one entry with half of another: live entries are changed by CMPXCHG8B.
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#define PGTABLE_LEVELS 3
#define PGTABLE_MAX_LEVELS PGTABLE_LEVELS
#define KERNEL_TOP_LEVEL PGTABLE_ROOT_LEVEL
#define PGTABLE_ROOT_LEVEL (PGTABLE_LEVELS - 1)
/* The CPU reads the root when it is loaded, and then no more. */
#define ARCH_ROOT_IS_COPIED 1

/* With four levels only. */
#define X86_PTE_PKEY 0ull

#include "arch/x86/format64.h"

/* Entries of a table at `level`; the user's part of the root: 3 GiB. */
#define pt_entries(level) ((level) == PGTABLE_ROOT_LEVEL ? 4u : 512u)
#define PTRS_PER_USER_ROOT 3

/* An entry of level `at` that leads to the table in frame `pfn`. */
static __always_inline pte_t pfn_pte_table(pfn_t pfn, unsigned int at)
{
	return __pte((pteval_t)pfn << PAGE_SHIFT | (at == PGTABLE_ROOT_LEVEL ? X86_PTE_P : X86_TABLE));
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

/* ---- reading and changing live entries ---- */

/* Both halves twice: they are of one entry, unless three changes fall into these four loads. */
static __always_inline pte_t pte_read(const pte_t *p)
{
	const u32 *half = (const u32 *)p;
	u32 low, high;

	do {
		low = __atomic_load_n(&half[0], __ATOMIC_ACQUIRE);
		high = __atomic_load_n(&half[1], __ATOMIC_ACQUIRE);
	} while (unlikely(low != __atomic_load_n(&half[0], __ATOMIC_ACQUIRE) ||
			  high != __atomic_load_n(&half[1], __ATOMIC_RELAXED)));
	return __pte((u64)high << 32 | low);
}

/* Tells whether *p was still *old and is now `val`; refreshes *old if not. In order with everything. */
static __always_inline bool x86_cmpxchg8b(pte_t *p, u64 *old, u64 val)
{
	u32 low = (u32)*old, high = (u32)(*old >> 32);
	bool done;

	__asm__ volatile("lock cmpxchg8b %1" : "=@ccz"(done), "+m"(*p), "+a"(low), "+d"(high)
			 : "b"((u32)val), "c"((u32)(val >> 32)) : "memory");
	*old = (u64)high << 32 | low;
	return done;
}

/* What was there. */
static __always_inline pte_t x86_exchange(pte_t *p, u64 val)
{
	u64 old = p->val;

	while (!x86_cmpxchg8b(p, &old, val))
		;
	return __pte(old);
}

static __always_inline void set_pte(pte_t *p, pte_t pte)
{
	(void)x86_exchange(p, pte.val);
}

/* Whoever finds the table finds its contents (pairs with the dependent loads of a walk). */
static __always_inline void set_pte_release(pte_t *p, pte_t pte)
{
	set_pte(p, pte);
}

static __always_inline void pte_clear(pte_t *p)
{
	(void)x86_exchange(p, 0);
}

/* What was there, with the accessed and dirty bits that the CPU set last. */
static __always_inline pte_t ptep_get_and_clear(pte_t *p)
{
	return x86_exchange(p, 0);
}

/* Tells whether *p was still `old` and is now `pte`. */
static __always_inline bool ptep_try_change(pte_t *p, pte_t old, pte_t pte)
{
	return x86_cmpxchg8b(p, &old.val, pte.val);
}

/* The rights that are taken away singly lie all in the low half. */
static __always_inline void x86_clear_low(pte_t *p, u64 bits)
{
	(void)__atomic_fetch_and((u32 *)p, ~(u32)bits, __ATOMIC_SEQ_CST);
}

static __always_inline void ptep_set_wrprotect(pte_t *p)
{
	x86_clear_low(p, X86_PTE_W);
}

static __always_inline void ptep_clear_uffd_wp(pte_t *p)
{
	x86_clear_low(p, X86_PTE_UFFD_WP);
}

static __always_inline bool ptep_test_and_clear_young(pte_t *p)
{
	if (!pte_young(pte_read(p)))
		return false;
	x86_clear_low(p, X86_PTE_A);
	return true;
}

#endif
