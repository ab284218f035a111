/* SPDX-License-Identifier: MIT */
/* pte_i386_test.c - the entries of two levels, bit by bit as the CPU's manual has them, checked on any host. */
#include "../../../src/arch/i386/include/arch/pte.h"

#include "pte_cases.h"
#include "pgtable/softpte.h"

pgprot_t arch_pgprot_supported(pgprot_t prot)
{
	return prot;
}

/* All that Quire remembers of a page fits beside a frame, and comes through a migration. */
static void test_marks(void)
{
	pte_t pte = pte_mkuffd_wp(pte_mkdirty(pfn_pte(0xfffff, pgprot_user(3)))), moving = make_migration_pte(pte);
	swp_entry_t last = swp_entry((1u << SWAP_AREA_BITS) - 1, SWAP_MAX_SLOTS - 1);
	swp_entry_t back = pte_to_swp_entry(swp_entry_to_pte(last));

	tap_ok(pte_soft_dirty(pte) && pte_uffd_wp(pte) && pte_pfn(pte) == 0xfffff, "written and watched, of the last frame");
	tap_ok(is_migration_pte(moving) && softpte_pfn(moving) == 0xfffff && softpte_uffd_wp(moving) &&
	       (pte_soft_flags(moving) & SOFT_WRITTEN) && (pte_soft_flags(moving) & SOFT_DIRTY), "the same while it moves");
	tap_ok(swp_area(back) == swp_area(last) && swp_slot(back) == swp_slot(last), "the last slot of the last swap area");
	tap_ok((u64)SWAP_MAX_SLOTS << SWAP_AREA_BITS << PAGE_SHIFT == 32ull << 30, "32 GiB of swap in all");
}

int main(void)
{
	tap_plan(0);
	test_all_cases();
	tap_is(sizeof(pte_t), 4, "four bytes");
	tap_ok(pfn_pte(0x12345, pgprot_user(1)).val == 0x12345025u, "user, read-only: P U A");
	tap_ok(pte_mkdirty(pfn_pte(0x12345, pgprot_user(3))).val == 0x12345867u, "user, written: P W U A D and bit 11");
	tap_ok(pgprot_user(1) == pgprot_user(5), "what can be read can be executed");
	tap_ok(pfn_pte(0, pgprot_user(0)).val == 0xfffff124u, "no access: no P, and the frame inverted");
	tap_ok(!(pte_mksoft(7, (1ull << PTE_SOFT_PAYLOAD_BITS) - 1, 15).val & 0x101), "soft: neither P nor G");
	tap_ok(pte_mksoft(1, 0, 0).val == 0xfffffe02u, "soft: the payload is inverted");
	tap_ok(pfn_pte(0x100, PAGE_KERNEL).val == 0x100163u, "kernel data: P W A D G");
	tap_ok(pfn_pte_huge(0x400, PAGE_KERNEL_EXEC).val == 0x4001e1u, "kernel text, 4 MiB: P A D PS G");
	tap_ok((pfn_pte_table(0x77, 1).val) == 0x77067u, "a table: P W U A D");
	tap_is(pt_index(0xbfffffff, 1), PTRS_PER_USER_ROOT - 1, "the user's part of the root ends with the user's addresses");
	test_marks();
	return tap_done();
}
