/* SPDX-License-Identifier: MIT */
/* pte_x86_64_test.c - x86-64's entries, bit by bit as the CPU's manual has them, checked on any host. */
#include "../../../src/arch/x86_64/include/arch/pte.h"

#include "pte_cases.h"

static pgprot_t known_bits = ~0ull;

pgprot_t arch_pgprot_supported(pgprot_t prot)
{
	return prot & known_bits;
}

/* Where a CPU that guesses on would read the cache: all of these lie beyond 2^46 bytes. */
static void test_addresses_of_what_is_not_there(void)
{
	int soft = 1, none = 1;

	for (unsigned int bit = 0; bit < 34; bit++)
		soft = soft && (pte_mksoft(1, 1ull << bit, 0).val & X86_PTE_FRAME) >> 46;
	/* A host's frame numbers may have fewer bits. */
	for (unsigned int bit = 0; bit < 34 && bit < 8 * sizeof(pfn_t); bit++) {
		none = none && (pfn_pte((pfn_t)1 << bit, pgprot_user(0)).val & X86_PTE_FRAME) >> 46 &&
		       (pte_modify(pfn_pte((pfn_t)1 << bit, pgprot_user(3)), pgprot_user(0)).val & X86_PTE_FRAME) >> 46;
	}
	tap_ok(soft, "soft: what the CPU could take for an address lies beyond memory");
	tap_ok(none, "no access: the same");
	tap_ok(pte_pfn(pte_modify(pte_modify(pfn_pte(5, pgprot_user(0)), pgprot_user(0)), pgprot_user(1))) == 5,
	       "no access twice, and back: the frame is the same");
}

int main(void)
{
	tap_plan(0);
	test_all_cases();
	tap_ok(pfn_pte(0x12345, pgprot_user(1)).val == 0x8000000012345025ull, "user, read-only: P U A NX");
	tap_ok(pte_mkdirty(pfn_pte(0x12345, pgprot_user(3))).val == 0x8000000012345867ull, "user, written: P W U A D, bit 11 and NX");
	tap_ok(pfn_pte(0x12345, pgprot_user(5)).val == 0x12345025ull, "user text: P U A");
	tap_ok(!(pfn_pte(0x12345, pgprot_user(0)).val & 1), "no access: the CPU sees no P");
	tap_ok(!(pte_mksoft(31, (1ull << PTE_SOFT_PAYLOAD_BITS) - 1, 7).val & 1), "soft: the CPU sees no P");
	tap_ok(pfn_pte(0x100, PAGE_KERNEL).val == 0x8000000000100163ull, "kernel data: P W A D G NX");
	tap_ok(pfn_pte_huge(0x200, PAGE_KERNEL_EXEC).val == 0x2001e1ull, "kernel text, 2 MiB: P A D PS G");
	tap_ok((pfn_pte(0xfee00, PAGE_KERNEL_NOCACHE).val & 0x18) == 0x18, "registers: PCD and PWT");
	tap_ok((pfn_pte_table(0x77, 1).val & 0xfff) == 0x067, "a table: P W U A D");
	test_addresses_of_what_is_not_there();
	known_bits = ~X86_PTE_NX;
	tap_ok(pfn_pte(1, pgprot_user(1)).val >> 63 == 0, "no NX on a CPU that reserves the bit");
	return tap_done();
}
