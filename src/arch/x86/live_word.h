/* SPDX-License-Identifier: MIT */
/*
 * live_word.h - reading and changing live entries that one access of the CPU reads or writes whole.
 *
 * Lock: as arch/pte.h. Sleeps: never. Cost: one to three instructions each. Allocates: never.
 */
/* Read alone, the whole chapter. */
#ifndef ARCH_PTE_H
#include "arch/pte.h"
#endif
#ifndef ARCH_X86_LIVE_WORD_H
#define ARCH_X86_LIVE_WORD_H

#include "arch/x86/entry.h"

static __always_inline pte_t pte_read(const pte_t *p)
{
	return (pte_t){ READ_ONCE(p->val) };
}

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
	(void)__atomic_fetch_and(&p->val, (pteval_t)~X86_PTE_W, __ATOMIC_SEQ_CST);
}

static __always_inline void ptep_clear_uffd_wp(pte_t *p)
{
	(void)__atomic_fetch_and(&p->val, (pteval_t)~X86_PTE_UFFD_WP, __ATOMIC_SEQ_CST);
}

static __always_inline bool ptep_test_and_clear_young(pte_t *p)
{
	if (!pte_young(pte_read(p)))
		return false;
	(void)__atomic_fetch_and(&p->val, (pteval_t)~X86_PTE_A, __ATOMIC_SEQ_CST);
	return true;
}

#endif
