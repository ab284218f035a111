/* SPDX-License-Identifier: MIT */
/* pte_i386pae_test.c - the entries of PAE, bit by bit as the CPU's manual has them, checked on any host. */
#include "../../../src/arch/i386pae/include/arch/pte.h"

#include <pthread.h>

#include "pte_cases.h"

pgprot_t arch_pgprot_supported(pgprot_t prot)
{
	return prot;
}

/* Both of the same frame number, but for halves that change together. */
#define ENTRY_A 0x8000000f12345025ull
#define ENTRY_B 0x0000000765432027ull

static pte_t shared;
static int stop;

static void *writer(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		set_pte(&shared, __pte(ENTRY_A));
		set_pte(&shared, __pte(ENTRY_B));
	}
	return NULL;
}

/* [PT4] */
static void test_halves(void)
{
	unsigned int torn = 0, seen[2] = { 0 };
	pthread_t thread;

	shared = __pte(ENTRY_A);
	if (pthread_create(&thread, NULL, writer, NULL))
		tap_skip_all("no thread");
	for (unsigned int i = 0; i < 100000 || (i < 20000000 && !(seen[0] && seen[1])); i++) {
		u64 val = pte_read(&shared).val;

		torn += val != ENTRY_A && val != ENTRY_B;
		seen[val == ENTRY_B]++;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	tap_is(torn, 0, "[PT4] nobody reads half of one entry and half of another");
	tap_ok(seen[0] && seen[1], "both were seen");
}

int main(void)
{
	tap_plan(0);
	test_all_cases();
	tap_is(sizeof(pte_t), 8, "eight bytes");
	tap_ok(pfn_pte(0x12345, pgprot_user(1)).val == 0x8000000012345025ull, "user, read-only: P U A NX");
	tap_ok(pte_mkdirty(pfn_pte(0xf12345, pgprot_user(3))).val == 0x8000000f12345867ull, "user, written, above 4 GiB");
	tap_ok(pfn_pte(0x12345, pgprot_user(5)).val == 0x12345025ull, "user text: P U A");
	tap_ok(!(pfn_pte(0x12345, pgprot_user(0)).val & 1), "no access: the CPU sees no P");
	tap_ok(pfn_pte_huge(0x200, PAGE_KERNEL_EXEC).val == 0x2001e1ull, "kernel text, 2 MiB: P A D PS G");
	tap_ok(pfn_pte_table(0x77, 1).val == 0x77067ull, "a table: P W U A D");
	tap_ok(pfn_pte_table(0x77, 2).val == 0x77001ull, "an entry of the root: P, and no right that the CPU refuses");
	tap_ok(pt_entries(2) == 4 && pt_index(0xbfffffff, 2) == PTRS_PER_USER_ROOT - 1 && pt_index(0xc0000000, 2) == 3,
	       "the root: three entries for the user, one for the kernel");
	tap_is(pgprot_pkey(3), 0, "no protection keys");
	test_halves();
	return tap_done();
}
