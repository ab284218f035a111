/* SPDX-License-Identifier: MIT */
/* pte_test.c - the simulated ISA's entries. */
#include "arch/pte.h"

#include "pte_cases.h"

/* Written since it was last asked: with dirty it comes, and by itself it goes. */
static void test_soft_dirty(void)
{
	pte_t clean = pfn_pte(5, pgprot_user(3)), dirty = pte_mkdirty(clean), forgotten = pte_clear_soft_dirty(pte_wrprotect(dirty));

	tap_ok(!pte_soft_dirty(clean) && pte_soft_dirty(dirty), "what is made dirty was written");
	tap_ok(pte_dirty(forgotten) && !pte_soft_dirty(forgotten), "that is forgotten by itself");
	tap_ok(pte_soft_dirty(pte_modify(dirty, pgprot_user(1))) && !pte_soft_dirty(pte_modify(forgotten, pgprot_user(3))),
	       "and not changed by other rights");
	tap_ok(pte_soft_dirty(pte_for_child(dirty)) && pte_soft_dirty(pte_mkclean(dirty)), "nor by fork, nor by cleaning");
}

int main(void)
{
	tap_plan(0);
	test_all_cases();
	test_soft_dirty();
	return tap_done();
}
