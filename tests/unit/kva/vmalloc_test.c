/* SPDX-License-Identifier: MIT */
/* vmalloc_test.c - kernel ranges: contents, guards, lazy purge, stacks, and no memory. */
#include <string.h>

#include "../pgtable/tables_machine.h"
#include "phys/vmstat.h"
#include "quire/stats.h"
#include "quire/vmalloc.h"

#define RANGES 64

static unsigned long in_use(void)
{
	return phys_pages_in_use();
}

static void test_contents(void)
{
	unsigned long before = global_node_page_state(NR_VMALLOC_PAGES);
	char *a = vmalloc(3 * PAGE_SIZE + 1), *b = vzalloc(PAGE_SIZE);

	tap_ok(a && b && is_vmalloc_addr(a) && !((vaddr_t)a & ~PAGE_MASK), "two ranges");
	memset(a, 0x5a, 3 * PAGE_SIZE + 1);
	tap_ok(b[0] == 0 && b[PAGE_SIZE - 1] == 0, "vzalloc gives zeroes");
	tap_ok(((char *)page_address(vmalloc_to_page(a + 2 * PAGE_SIZE)))[7] == 0x5a, "the page behind an address");
	tap_is(page_owner(vmalloc_to_page(a)), PAGE_OWNER_VMALLOC, "knows its owner");
	tap_ok(!vmalloc_to_page(a - 1), "the guard below has no page");
	tap_is(global_node_page_state(NR_VMALLOC_PAGES) - before, 5, "five pages are counted");
	vfree(a);
	vfree(b);
	vfree(NULL);
	tap_is(global_node_page_state(NR_VMALLOC_PAGES), before, "and none after the end");
	vfree(a);
	tap_is(global_node_page_state(NR_VMALLOC_PAGES), before, "freeing twice frees nothing");
	tap_ok(!vmalloc(0) && !vmalloc(~0ul) && !vmalloc(~0ul - 2 * PAGE_SIZE), "sizes that cannot be");
}

static void test_random(void)
{
	char *ranges[RANGES] = { NULL };
	size_t sizes[RANGES];
	unsigned int wrong = 0, areas;

	area_purge();
	areas = this_kva()->nr_areas;
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int at = (unsigned int)tap_rand_below(RANGES);

		if (ranges[at]) {
			wrong += ranges[at][0] != (char)at || ranges[at][sizes[at] - 1] != (char)at;
			vfree(ranges[at]);
			ranges[at] = NULL;
			continue;
		}
		sizes[at] = 1 + tap_rand_below(6 * PAGE_SIZE);
		ranges[at] = vmalloc(sizes[at]);
		if (ranges[at])
			ranges[at][0] = ranges[at][sizes[at] - 1] = (char)at;
		if (i % 500 == 0)
			wrong += kva_check();
	}
	for (unsigned int i = 0; i < RANGES; i++)
		vfree(ranges[i]);
	tap_is(wrong, 0, "two thousand ranges come and go");
	area_purge();
	tap_is(this_kva()->nr_areas, areas, "after a purge no address of theirs is taken");
}

static void test_vmap(void)
{
	struct page *pages[3];
	char *where;

	for (unsigned int i = 0; i < 3; i++)
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
	where = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	tap_ok(where != NULL, "pages of others are mapped");
	where[PAGE_SIZE + 5] = 42;
	tap_is(((char *)page_address(pages[1]))[5], 42, "and are the same memory");
	vunmap(where);
	tap_is(page_count(pages[1]), 1, "and stay the owner's");
	for (unsigned int i = 0; i < 3; i++)
		__free_page(pages[i]);
	tap_ok(!ioremap(0x100000, PAGE_SIZE), "RAM is not a device");
	tap_ok(!ioremap(0x100000, 0) && !ioremap(~0ull - 5, 100), "nor is what has no size or wraps");
}

static void test_stacks(void)
{
	unsigned long before = global_node_page_state(NR_KERNEL_STACK_KB);
	char *stacks[STACK_CACHE_SLOTS + 2], *again;

	for (unsigned int i = 0; i < STACK_CACHE_SLOTS + 2; i++) {
		stacks[i] = kernel_stack_alloc(16384);
		memset(stacks[i], (int)i, 16384);
	}
	tap_is(global_node_page_state(NR_KERNEL_STACK_KB) - before, 16 * (STACK_CACHE_SLOTS + 2), "stacks are counted");
	tap_is(page_owner(vmalloc_to_page(stacks[0])), PAGE_OWNER_STACK, "their pages know what they are");
	for (unsigned int i = 0; i < STACK_CACHE_SLOTS + 2; i++)
		kernel_stack_free(stacks[i]);
	tap_is(global_node_page_state(NR_KERNEL_STACK_KB), before, "none of them is in use");
	tap_is(this_kva()->cpu[this_cpu()].nr_stacks, STACK_CACHE_SLOTS, "the CPU keeps some");
	again = kernel_stack_alloc(16384);
	tap_ok(again == stacks[STACK_CACHE_SLOTS - 1], "the last one kept comes first");
	kernel_stack_free(again);
	again = kernel_stack_alloc(8192);
	tap_ok(again && this_kva()->odd_stacks, "another size is made anew");
	kernel_stack_free(again);
	tap_is(kva_check(), 0, "ranges are in order");
}

static void test_kvmalloc(void)
{
	void *small = kvmalloc(100, GFP_KERNEL), *large = kvzalloc(9 << 20, GFP_KERNEL);

	tap_ok(small && !is_vmalloc_addr(small), "what is small comes from the slabs");
	tap_ok(large && is_vmalloc_addr(large), "what the buddy has no run for comes from vmalloc");
	kvfree(small);
	kvfree(large);
	tap_ok(!kvcalloc(~0ul, 16, GFP_KERNEL), "a product that overflows");
}

static void test_no_memory(void)
{
	unsigned long before = in_use(), tables = this_kva()->tables.pgtables_bytes;
	unsigned long pages = global_node_page_state(NR_VMALLOC_PAGES);

	tap_ok(!__vmalloc(nr_free_pages() * PAGE_SIZE + PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY), "more than the machine has");
	area_purge();
	tables = this_kva()->tables.pgtables_bytes - tables;
	tap_ok(in_use() <= before + tables / PAGE_SIZE + 1, "leaves nothing but tables behind");
	tap_is(global_node_page_state(NR_VMALLOC_PAGES), pages, "nor is more counted than before");
}

static void test_deferred(void)
{
	void *addr = vmalloc(PAGE_SIZE);
	struct quire_ctx *ctx = this_ctx();

	ctx->flags |= QUIRE_CTX_IRQ;
	vfree(addr);
	ctx->flags &= ~(u32)QUIRE_CTX_IRQ;
	tap_ok(vmalloc_to_page(addr) != NULL, "a handler's vfree waits");
	vfree(vmalloc(1));
	tap_ok(!vmalloc_to_page(addr), "for the next one outside");
	addr = vmalloc(PAGE_SIZE);
	irq_disable();
	vfree(addr);
	tap_ok(vmalloc_to_page(addr) != NULL, "so does one with interrupts off");
	irq_enable();
	vfree(vmalloc(1));
	tap_ok(!vmalloc_to_page(addr), "until they are on");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tables_machine(48 << 20, 1);
	test_contents();
	test_random();
	test_vmap();
	test_stacks();
	test_kvmalloc();
	test_no_memory();
	test_deferred();
	tap_machine_tables_end(machine);
	return tap_done();
}
