/* SPDX-License-Identifier: MIT */
/*
 * pte_cases.h - what every ISA's entries must do, whatever their bits are. The includer has included one ISA's arch/pte.h.
 */
#ifndef TESTS_UNIT_ARCH_PTE_CASES_H
#define TESTS_UNIT_ARCH_PTE_CASES_H

#include "tap.h"

static const pfn_t some_pfns[] = { 0, 1, 0x9f, 0x100, 0xabcde, 0xffffff, 0x3ffffff };

static void test_rights(pgprot_t prot)
{
	for (unsigned int i = 0; i < sizeof(some_pfns) / sizeof(some_pfns[0]); i++) {
		/* Not every format has room for as many frames. */
		const pfn_t pfn = some_pfns[i] & (pfn_t)((1ull << PTE_PFN_BITS) - 1);
		pte_t pte = pfn_pte(pfn, prot);
		pte_t all = pte_mkspecial(pte_mkwrite(pte_mkdirty(pte_mkyoung(pte))));
		int ok = pte_present(pte) && !pte_none(pte) && !pte_soft(pte) && pte_pfn(pte) == pfn &&
			 pte_pfn(all) == pfn && pte_write(all) && pte_dirty(all) && pte_young(all) &&
			 pte_special(all);

		ok = ok && pte_same(pte_mkwrite(pte_wrprotect(all)), all) && !pte_write(pte_wrprotect(all));
		ok = ok && pte_same(pte_mkdirty(pte_mkclean(all)), all) && !pte_dirty(pte_mkclean(all));
		ok = ok && pte_same(pte_mkyoung(pte_mkold(all)), all) && !pte_young(pte_mkold(all));
		ok = ok && pte_dirty(pte_wrprotect(all)) && pte_write(pte_mkclean(all)) && pte_dirty(pte_mkold(all));
		tap_ok(ok, "[PT3] rights of frame %lx are independent", (unsigned long)pfn);
	}
}

static void test_user_rights(void)
{
	pte_t pte = pte_mkdirty(pte_mkspecial(pfn_pte(0x1234, pgprot_user(3))));
	pte_t none = pte_modify(pte, pgprot_user(0));
	/* Two levels cannot forbid execution; what they are known to do otherwise is checked bit by bit. */
	const int nx = pgprot_user(1) != pgprot_user(5);

	for (unsigned long flags = 0; flags < 8; flags++) {
		pte_t p = pfn_pte(7, pgprot_user(flags));

		tap_ok(pte_present(p) && pte_protnone(p) == !flags && pte_write(p) == !!(flags & 2) &&
		       pte_user(p) && pte_exec(p) == (!nx || (flags & 4)), "user rights %lu", flags);
	}
	tap_ok(pte_protnone(none) && pte_pfn(none) == 0x1234 && pte_dirty(none) && pte_special(none) && !pte_write(none),
	       "no access keeps the frame and what is known of it");
	tap_ok(pte_same(pte_modify(none, pgprot_user(3)), pte), "and access comes back");
	tap_ok(!pte_user(pfn_pte(7, PAGE_KERNEL)) && pte_write(pfn_pte(7, PAGE_KERNEL)) &&
	       pte_exec(pfn_pte(7, PAGE_KERNEL)) == !nx, "kernel data: writable, not executable, not the user's");
	tap_ok(!pte_write(pfn_pte(7, PAGE_KERNEL_RO)) && !pte_write(pfn_pte(7, PAGE_KERNEL_EXEC)) &&
	       pte_exec(pfn_pte(7, PAGE_KERNEL_EXEC)), "kernel text: executable, not writable");
}

static void test_soft(void)
{
	int ok = 1;

	for (unsigned int type = 1; type < 1u << PTE_SOFT_TYPE_BITS; type++)
		for (unsigned int bit = 0; bit < PTE_SOFT_PAYLOAD_BITS; bit++)
			for (unsigned int flags = 0; flags < 1u << PTE_SOFT_FLAG_BITS; flags++) {
				u64 payload = (1ull << bit) | (bit > 3 ? 5 : 0);
				pte_t pte = pte_mksoft(type, payload, flags);

				ok = ok && pte_soft(pte) && !pte_present(pte) && !pte_none(pte) && !pte_is_table(pte) &&
				     pte_soft_type(pte) == type && pte_soft_payload(pte) == payload &&
				     pte_soft_flags(pte) == flags;
			}
	tap_ok(ok, "[PT2] soft entries give back type, payload and flags");
	tap_ok(pte_soft(pte_mksoft(1, 0, 0)), "a soft entry with nothing in it is not none");
	tap_ok(!pte_soft((pte_t){ 0 }) && pte_none((pte_t){ 0 }) && !pte_present((pte_t){ 0 }), "[PT1] zero is none");
}

static void test_tables(void)
{
	pte_t table = pfn_pte_table(0x4321, 1);
	pte_t huge = pfn_pte_huge(0x200, PAGE_KERNEL);

	tap_ok(pte_present(table) && pte_is_table(table) && pte_pfn(table) == 0x4321, "an entry that leads to a table");
	tap_ok(pte_present(huge) && pte_huge(huge) && !pte_is_table(huge) && pte_pfn(huge) == 0x200, "a huge page");
	tap_ok(pt_shift(1) == PMD_SHIFT && pt_size(1) == PMD_SIZE && pt_size(0) == PAGE_SIZE, "levels and sizes agree");
	tap_is(pt_index(PMD_SIZE + 3 * PAGE_SIZE, 0), 3, "index of an address in a leaf table");
	tap_is(pt_index(5 * PMD_SIZE + 3 * PAGE_SIZE, 1), 5, "and one level up");
}

static void test_live_changes(void)
{
	pte_t slot = pte_mkdirty(pfn_pte(0x55, pgprot_user(3))), old = slot;

	ptep_set_wrprotect(&slot);
	tap_ok(!pte_write(slot) && pte_dirty(slot) && pte_pfn(slot) == 0x55, "write-protecting a live entry");
	tap_ok(!ptep_try_change(&slot, old, (pte_t){ 0 }), "a change from what it is not any more");
	tap_ok(ptep_test_and_clear_young(&slot) && !ptep_test_and_clear_young(&slot) && pte_dirty(slot), "young once");
	old = slot;
	tap_ok(pte_same(ptep_get_and_clear(&slot), old) && pte_none(slot), "cleared, and what it was");
}

static void test_all_cases(void)
{
	test_rights(pgprot_user(1));
	test_user_rights();
	test_soft();
	test_tables();
	test_live_changes();
}

#endif
