/* SPDX-License-Identifier: MIT */
/* gather_test.c - what is unmapped is not freed before every CPU has forgotten it; other CPUs, lazy ones, freed tables. */
#include <string.h>

#include "base/atomic.h"
#include "pgtable/walk.h"
#include "quire/stats.h"
#include "tables_machine.h"

#define USER 0x40000000ul
#define PAGES 700

static struct pgtable pgt;

static void map_pages(vaddr_t addr, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++, addr += PAGE_SIZE) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page || pgtable_populate(&pgt, addr, GFP_KERNEL))
			abort();
		set_pte(pgtable_find_pte(&pgt, addr), mk_pte(page, pgprot_user(3)));
	}
}

static void zap(struct mmu_gather *tlb, vaddr_t start, vaddr_t end)
{
	struct pgtable_cursor c;

	for_each_leaf_table(&c, &pgt, start, end) {
		vaddr_t addr = c.addr;

		spin_lock(c.ptl);
		for (pte_t *pte = c.pte; addr < c.end; pte++, addr += PAGE_SIZE) {
			pte_t old = ptep_get_and_clear(pte);

			if (!pte_present(old))
				continue;
			tlb_note_range(tlb, addr, addr + PAGE_SIZE);
			tlb_remove_page(tlb, pte_page(old));
		}
		spin_unlock(c.ptl);
	}
}

static void test_deferred(void)
{
	struct mmu_gather tlb;
	struct page *page;
	u32 value;

	map_pages(USER, 1);
	sim_load(USER, &value, 4);
	page = pte_page(pte_read(pgtable_find_pte(&pgt, USER)));
	tlb_gather_mmu(&tlb, &pgt, 0);
	zap(&tlb, USER, USER + PAGE_SIZE);
	tap_is(page_count(page), 1, "[GA1] a page in the gather is not free");
	tap_is(sim_load(USER, &value, 4), 0, "while the CPU still translates to it");
	tap_ok(tlb.start == USER && tlb.end == USER + PAGE_SIZE, "[GA2] one page is to be flushed");
	tlb_finish_mmu(&tlb);
	tap_is(page_count(page), 0, "now it is");
	tap_is(sim_load(USER, &value, 4), -EFAULT, "and nobody translates to it");
}

static void test_many(void)
{
	unsigned long free_before, flushed;
	struct mmu_gather tlb;

	map_pages(USER, PAGES);
	free_before = phys_pages_in_use();
	flushed = global_vm_event(NR_TLB_LOCAL_FLUSH_ALL);
	tlb_gather_mmu(&tlb, &pgt, 0);
	zap(&tlb, USER, USER + PAGES * PAGE_SIZE);
	pgtable_free_tables(&tlb, USER, USER + PAGES * PAGE_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	tap_ok(free_before - phys_pages_in_use() >= PAGES, "many pages and their tables came back");
	tap_is(global_vm_event(NR_TLB_LOCAL_FLUSH_ALL) - flushed, 1, "with one flush");
	tap_is(pgt.pgtables_bytes, 0, "no table is left");
}

/* ---- two CPUs ---- */

static atomic_t step;
static atomic_t seen_stale, seen_fault, was_lazy_stale, left_tables;

static void wait_for(int wanted)
{
	while (atomic_read_acquire(&step) < wanted)
		quire_host_relax();
}

static void go_on(int to)
{
	atomic_set_release(&step, to);
}

static void switch_to_tree(void)
{
	unsigned long flags = irq_save();

	pgtable_switch(&pgt);
	irq_restore(flags);
}

static void other_cpu(void)
{
	u32 value;

	switch_to_tree();
	sim_load(USER, &value, 4);
	go_on(1);
	wait_for(2);
	atomic_set(&seen_stale, sim_load(USER, &value, 4) == 0);
	go_on(3);
	wait_for(4);
	atomic_set(&seen_fault, sim_load(USER, &value, 4) == -EFAULT);
	/* Lazy: the next flush does not interrupt this CPU, but is made up for. */
	pgtable_enter_lazy();
	go_on(5);
	wait_for(6);
	switch_to_tree();
	atomic_set(&was_lazy_stale, sim_load(USER + PAGE_SIZE, &value, 4) == 0);
	pgtable_enter_lazy();
	go_on(7);
	wait_for(8);
	atomic_set(&left_tables, pgtable_loaded() == NULL);
	go_on(9);
}

static void first_cpu(void)
{
	struct mmu_gather tlb;
	unsigned long remote;
	u32 value;

	sim_load(USER + PAGE_SIZE, &value, 4);
	wait_for(1);
	tlb_gather_mmu(&tlb, &pgt, 0);
	zap(&tlb, USER, USER + PAGE_SIZE);
	go_on(2);
	wait_for(3);
	tlb_finish_mmu(&tlb);
	go_on(4);
	wait_for(5);
	remote = global_vm_event(NR_TLB_REMOTE_FLUSH_RECEIVED);
	tlb_gather_mmu(&tlb, &pgt, 0);
	zap(&tlb, USER + PAGE_SIZE, USER + 2 * PAGE_SIZE);
	tlb_flush_mmu(&tlb);
	tap_is(global_vm_event(NR_TLB_REMOTE_FLUSH_RECEIVED) - remote, 1, "a lazy CPU is not interrupted");
	go_on(6);
	wait_for(7);
	pgtable_free_tables(&tlb, USER, USER + 2 * PAGE_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	go_on(8);
	wait_for(9);
}

static void on_cpu(void *unused)
{
	if (this_cpu() == 0)
		first_cpu();
	else
		other_cpu();
}

static void test_two_cpus(struct hosted_machine *machine)
{
	map_pages(USER, 2);
	tap_run(machine, 2, on_cpu, NULL);
	tap_ok(atomic_read(&seen_stale), "the other CPU translates by the old entry until it is flushed");
	tap_ok(atomic_read(&seen_fault), "[T1] and not after the gather is finished");
	tap_ok(!atomic_read(&was_lazy_stale), "a CPU that was lazy has caught up before it runs a program");
	tap_ok(atomic_read(&left_tables), "and lets go of tables that are freed");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tables_machine(32 << 20, 2);
	pgtable_init(&pgt);
	switch_to_tree();
	test_deferred();
	test_many();
	test_two_cpus(machine);
	tables_free_all(&pgt);
	tap_machine_tables_end(machine);
	return tap_done();
}
