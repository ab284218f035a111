/* SPDX-License-Identifier: MIT */
/* mmu_test.c - the software MMU does what CPUs do, and so catches who forgets a flush; user memory through it. */
#include <string.h>

#include "../pgtable/tables_machine.h"
#include "pgtable/tlb.h"
#include "pgtable/walk.h"
#include "quire/uaccess.h"

#define USER 0x400000ul

static struct pgtable pgt;

static pte_t *map(vaddr_t addr, struct page *page, unsigned long rights)
{
	pte_t *pte;

	if (pgtable_populate(&pgt, addr, GFP_KERNEL))
		return NULL;
	pte = pgtable_find_pte(&pgt, addr);
	set_pte(pte, mk_pte(page, pgprot_user(rights)));
	return pte;
}

static void test_stale(void)
{
	struct page *a = alloc_page(GFP_KERNEL | __GFP_ZERO), *b = alloc_page(GFP_KERNEL | __GFP_ZERO);
	u32 value = 0, one = 1;
	pte_t *pte = map(USER, a, 3);

	tap_is(sim_store(USER, &one, 4), 0, "a program writes");
	tap_ok(pte_dirty(pte_read(pte)) && pte_young(pte_read(pte)), "the MMU sets accessed and dirty");
	set_pte(pte, pte_mkdirty(mk_pte(b, pgprot_user(3))));
	tap_ok(!sim_load(USER, &value, 4) && value == 1, "without a flush it goes on seeing the old page");
	flush_tlb_page(&pgt, USER);
	tap_ok(!sim_load(USER, &value, 4) && value == 0, "after the flush it sees the new one");
	sim_store(USER, &one, 4);
	ptep_set_wrprotect(pte);
	tap_is(sim_store(USER, &value, 4), 0, "without a flush it can still write to a write-protected page");
	flush_tlb_page(&pgt, USER);
	tap_is(sim_store(USER, &value, 4), -EFAULT, "after the flush it cannot");
	tap_is(sim_load(USER, &value, 4), 0, "but read");
	pte_clear(pte);
	tap_is(sim_load(USER, &value, 4), 0, "an unmapped page is readable until the flush");
	flush_tlb_range(&pgt, USER - 64 * PAGE_SIZE, USER + 64 * PAGE_SIZE);
	tap_is(sim_load(USER, &value, 4), -EFAULT, "and then gone");
	set_pte(pte, mk_pte(a, pgprot_user(1)));
	sim_load(USER, &value, 4);
	set_pte(pte, mk_pte(a, pgprot_user(3)));
	tap_is(sim_store(USER, &value, 4), 0, "more rights need no flush: the touch looks again");
	tap_is(sim_fetch(USER), -EFAULT, "data is not executed");
	pte_clear(pte);
	flush_tlb_page(&pgt, USER);
	__free_page(a);
	__free_page(b);
}

static struct page *fault_page;
static unsigned int faults;

static int give_page(vaddr_t addr, unsigned int access)
{
	faults++;
	if (addr >= USER + PAGE_SIZE)
		return -EFAULT;
	map(addr & PAGE_MASK, fault_page, 3);
	return 0;
}

static void test_uaccess(void)
{
	char text[64] = "quire", back[64];
	char *user = (char *)USER + PAGE_SIZE - 8;
	u32 old = 0, word = 7;
	u64 wide;

	fault_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	faults = 0;
	sim_set_fault_handler(give_page);
	tap_is(copy_to_user(user, text, 6), 0, "a copy faults its page in");
	tap_is(faults, 1, "with one fault");
	tap_is(strncpy_from_user(back, user, 32), 5, "a string comes back");
	tap_is_str(back, "quire", "as it was");
	tap_is(strnlen_user(user, 32), 6, "its length, with the end");
	tap_is(strnlen_user(user, 3), 4, "more than the limit when there is no end before it");
	tap_is(copy_to_user(user, text, 20), 12, "a copy stops at the page that cannot be had");
	memset(back, 'x', sizeof(back));
	tap_is(copy_from_user(back, user, 20), 12, "so does one from there");
	tap_ok(back[8] == 0 && back[19] == 0 && back[20] == 'x', "and the rest is zeroed");
	tap_is(clear_user(user, 8), 0, "clearing");
	tap_ok(!get_user(wide, (u64 *)user) && wide == 0, "an eight-byte value");
	tap_is(put_user(word, (u32 *)user), 0, "a four-byte value");
	tap_is(get_user(word, (u32 *)(USER + PAGE_SIZE)), -EFAULT, "a bad pointer");
	tap_is(word, 0, "gives zero");
	tap_is(copy_from_user(back, (void *)(TASK_SIZE - 2), 4), 4, "beyond the end of user addresses");
	tap_is(copy_to_user((void *)~0ul, back, 4), 4, "and at the very end");
	tap_ok(!futex_cmpxchg_user(&old, (u32 *)user, 7, 9) && old == 7, "compare and exchange");
	tap_ok(!futex_cmpxchg_user(&old, (u32 *)user, 7, 1) && old == 9, "of what it is not");
	tap_ok(!futex_atomic_op_user(1, (u32 *)user, 5, &old) && old == 9, "add");
	tap_ok(!get_user_nofault(&old, (u32 *)user) && old == 14, "gave the sum");
	pte_clear(pgtable_find_pte(&pgt, USER));
	flush_tlb_page(&pgt, USER);
	tap_is(get_user_nofault(&old, (u32 *)user), -EFAULT, "without faults a page that is not there stays away");
	tap_is(fault_in_writeable((u32 *)user), 0, "until it is faulted in");
	tap_is(get_user_nofault(&old, (u32 *)user), 0, "and then it is");
	sim_set_fault_handler(NULL);
	pte_clear(pgtable_find_pte(&pgt, USER));
	flush_tlb_page(&pgt, USER);
	__free_page(fault_page);
}

static void test_all(bool five_levels)
{
	struct hosted_config config = { .mem_bytes = 16 << 20, .cpus = 1, .pgtable_l5 = five_levels };
	struct hosted_machine *machine = tables_machine_of(&config);

	pgtable_init(&pgt);
	pgtable_switch(&pgt);
	test_stale();
	test_uaccess();
	tables_free_all(&pgt);
	tap_machine_tables_end(machine);
}

int main(void)
{
	tap_plan(0);
	test_all(false);
	test_all(true);
	return tap_done();
}
