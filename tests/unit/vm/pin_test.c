/* SPDX-License-Identifier: MIT */
/* pin_test.c - pinned pages stay the ones that their program sees: across fork, mprotect, relatives and their ends. */
#include "phys/memmap.h"
#include "vm_machine.h"

#define RW (PROT_READ | PROT_WRITE)

/* What is seen through a pin. */
static int through(const struct page *page)
{
	return *(const unsigned char *)page_address(page);
}

static void store_through(const struct page *page, unsigned char value)
{
	*(unsigned char *)page_address(page) = value;
}

static void test_fork(struct mm_struct *parent)
{
	unsigned long a = map_anon(parent, 4, RW, 0);
	struct page *pages[2];
	struct mm_struct *child;

	for (int i = 0; i < 4; i++)
		poke(a + i * PG, (unsigned char)(i + 1));
	tap_is(pin_user_pages(parent, a + PG, 2, FOLL_WRITE, pages), 2, "two pages are pinned");
	tap_ok(page_maybe_dma_pinned(pages[0]) && page_maybe_dma_pinned(pages[1]), "which shows");
	tap_is(dup_mm(parent, &child), 0, "fork");
	tap_ok(page_mapcount(pages[0]) == 1 && page_mapcount(pages[1]) == 1, "does not share them");
	tap_is(get_mm_rss(child), 4, "the child has as many pages");
	tap_is(poke(a + PG, 71), 0, "the parent writes");
	tap_is(through(pages[0]), 71, "what the pin sees");
	store_through(pages[1], 72);
	tap_is(peek(a + 2 * PG), 72, "a device writes what the parent sees");
	vm_run_on(child);
	tap_ok(peek(a) == 1 && peek(a + PG) == 2 && peek(a + 2 * PG) == 3 && peek(a + 3 * PG) == 4, "the child sees what was");
	tap_is(poke(a + PG, 99), 0, "and writes its own");
	tap_is(vm_check(), 0, "in order");
	vm_run_on(parent);
	mmput(child);
	tap_is(through(pages[0]), 71, "nobody but the parent writes the pinned page");
	unpin_user_pages_dirty(pages, 2);
	tap_ok(page_count(pages[0]) == 1 && PageDirty(pages[0]), "unpinned and dirty");
	dup_mm(parent, &child);
	tap_is(page_mapcount(pages[0]), 2, "from then on shared as any other");
	mmput(child);
	do_munmap(parent, a, 4 * PG);
}

static void test_after_fork(struct mm_struct *parent)
{
	unsigned long a = map_anon(parent, 2, RW, 0);
	struct page *pages[2], *before[2];
	struct mm_struct *child;

	poke(a, 1);
	poke(a + PG, 2);
	tap_is(get_user_pages(parent, a, 2, 0, before), 2, "what is there before");
	dup_mm(parent, &child);
	tap_is(pin_user_pages(parent, a, 2, 0, pages), 2, "shared pages are pinned for reading");
	tap_ok(pages[0] != before[0] && pages[1] != before[1], "as copies of the parent's own");
	tap_is(poke(a, 33), 0, "the parent writes");
	tap_is(through(pages[0]), 33, "and the pin sees it");
	tap_is(through(before[0]), 1, "the old page is the child's");
	unpin_user_pages(pages, 2);
	for (int i = 0; i < 2; i++)
		put_page(before[i]);
	mmput(child);
	do_munmap(parent, a, 2 * PG);
}

static void test_protection(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 1, RW, 0), zero = map_anon(mm, 1, RW, 0);
	struct page *page, *none;

	poke(a, 5);
	tap_is(pin_user_pages(mm, a, 1, 0, &page), 1, "pinned");
	do_mprotect(mm, a, PG, PROT_READ);
	do_mprotect(mm, a, PG, RW);
	tap_is(poke(a, 6), 0, "written after a detour through read-only");
	tap_is(through(page), 6, "it is still the same page");
	do_mprotect(mm, a, PG, PROT_READ);
	tap_is(pin_user_pages(mm, a, 1, FOLL_WRITE, &none), -EFAULT, "what cannot be written is not pinned for writing");
	do_munmap(mm, a, PG);
	tap_is(page_count(page), PAGE_PIN_BIAS, "the pin outlives the mapping");
	unpin_user_pages(&page, 1);
	tap_is(pin_user_pages(mm, zero, 1, 0, &page), 1, "the zero page can be pinned");
	tap_is(page_count(page) < PAGE_PIN_BIAS, 1, "and is not counted");
	unpin_user_pages(&page, 1);
	do_munmap(mm, zero, PG);
}

/* A debugger's write does not give the program a right. */
static void test_forced(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 2, RW, 0);
	char byte = 9;

	poke(a, 1);
	poke(a + PG, 2);
	do_mprotect(mm, a, PG, PROT_READ);
	tap_is(access_remote_vm(mm, a, &byte, 1, FOLL_WRITE), 0, "read-only memory is not written");
	tap_is(access_remote_vm(mm, a, &byte, 1, FOLL_WRITE | FOLL_FORCE), 1, "but by force");
	tap_is(peek(a), 9, "which is seen");
	tap_is(segv_code(a, 1), FAULT_SEGV_ACCERR, "the program still cannot");
	do_mprotect(mm, a, 2 * PG, PROT_NONE);
	byte = 0;
	tap_is(access_remote_vm(mm, a + PG, &byte, 1, FOLL_FORCE), 1, "memory that nobody may touch is read by force");
	tap_is(byte, 2, "as it is");
	byte = 7;
	tap_is(access_remote_vm(mm, a, &byte, 1, FOLL_WRITE | FOLL_FORCE), 1, "and written");
	tap_is(segv_code(a, 0), FAULT_SEGV_ACCERR, "and still not to be touched");
	do_mprotect(mm, a, PG, PROT_READ);
	tap_is(peek(a), 7, "until it may");
	tap_is(vm_check(), 0, "in order");
	do_munmap(mm, a, 2 * PG);
}

static void test_account(struct mm_struct *mm)
{
	struct mm_usage usage;

	tap_is(mm_account_pinned(mm, 3), 0, "three pages are accounted");
	mm_usage(mm, &usage);
	tap_is(usage.pinned_vm, 3, "as pinned");
	tap_is(mm_account_pinned(mm, -3), 0, "and given back");
	mm_usage(mm, &usage);
	tap_is(usage.pinned_vm, 0, "all of them");
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	tap_plan(0);
	test_fork(mm);
	test_after_fork(mm);
	test_protection(mm);
	test_forced(mm);
	test_account(mm);
	vm_machine_end(mm);
	return tap_done();
}
