/* SPDX-License-Identifier: MIT */
/* mremap_test.c - grow, shrink, move; also mlock, mincore and madvise, which need mapped pages as well. */
#include "vm_machine.h"

static unsigned long filled(struct mm_struct *mm, unsigned long pages)
{
	unsigned long a = map_anon(mm, pages, PROT_READ | PROT_WRITE, 0);

	for (unsigned long i = 0; i < pages; i++)
		poke(a + i * PG, (unsigned char)(i % 250 + 1));
	return a;
}

static unsigned long wrong_bytes(unsigned long a, unsigned long pages)
{
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < pages; i++)
		wrong += peek(a + i * PG) != (int)(i % 250 + 1);
	return wrong;
}

static void test_in_place(struct mm_struct *mm)
{
	unsigned long a = filled(mm, 8);

	do_munmap(mm, a + 4 * PG, 4 * PG);
	tap_is(do_mremap(mm, a, 4 * PG, 8 * PG, 0, 0), a, "grows into free addresses");
	tap_is(wrong_bytes(a, 4), 0, "keeping its bytes");
	tap_is(peek(a + 7 * PG), 0, "new memory behind");
	tap_is(do_mremap(mm, a, 8 * PG, 2 * PG, 0, 0), a, "shrinks");
	tap_is(segv_code(a + 2 * PG, 0), FAULT_SEGV_MAPERR, "the rest is gone");
	tap_is(do_mremap(mm, a, 2 * PG, 2 * PG, 0, 0), a, "stays");
	tap_is((long)do_mremap(mm, a, 3 * PG, 4 * PG, 0, 0), -EFAULT, "old size beyond the mapping");
	tap_is((long)do_mremap(mm, a + 1, PG, PG, 0, 0), -EINVAL, "not aligned");
	tap_is((long)do_mremap(mm, a, PG, 0, 0, 0), -EINVAL, "to nothing");
	tap_is((long)do_mremap(mm, a, PG, PG, MREMAP_FIXED, a), -EINVAL, "FIXED without MAYMOVE");
	do_munmap(mm, a, 2 * PG);
}

static void test_move(struct mm_struct *mm, unsigned long pages)
{
	unsigned long a = filled(mm, pages), b = map_anon(mm, pages * 2, PROT_NONE, 0), rss = get_mm_rss(mm), to = b + PG;

	tap_is(do_mremap(mm, a, pages * PG, pages * PG, MREMAP_MAYMOVE | MREMAP_FIXED, to), to, "%lu pages move", pages);
	tap_is(wrong_bytes(to, pages), 0, "with their bytes");
	tap_is(get_mm_rss(mm), rss, "and nothing else");
	tap_is(segv_code(a, 0), FAULT_SEGV_MAPERR, "nothing is left behind");
	tap_is(vm_check(), 0, "in order");
	tap_is((long)do_mremap(mm, to, pages * PG, pages * PG, MREMAP_MAYMOVE | MREMAP_FIXED, to + PG), -EINVAL, "no overlap");
	a = do_mremap(mm, to, pages * PG, pages * 2 * PG, MREMAP_MAYMOVE, 0);
	tap_ok(!IS_ERR_VALUE(a), "grows by moving");
	tap_is(wrong_bytes(a, pages), 0, "with its bytes");
	poke(a + pages * PG, 1);
	do_munmap(mm, a, pages * 2 * PG);
	do_munmap(mm, b, pages * 2 * PG);
}

static void test_dontunmap(struct mm_struct *mm)
{
	unsigned long a = filled(mm, 3), b;

	b = do_mremap(mm, a, 3 * PG, 3 * PG, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	tap_ok(!IS_ERR_VALUE(b) && b != a, "moved, the old range stays");
	tap_is(wrong_bytes(b, 3), 0, "the pages are at the new place");
	tap_is(peek(a), 0, "zeros at the old one");
	poke(a, 5);
	tap_is(peek(b), 1, "they are two mappings");
	tap_is(vm_check(), 0, "in order");
	do_munmap(mm, a, 3 * PG);
	do_munmap(mm, b, 3 * PG);
}

static void test_duplicate(struct mm_struct *mm)
{
	unsigned long a = do_mmap(mm, 0, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, NULL, 0), b;

	poke(a, 9);
	b = do_mremap(mm, a, 0, 2 * PG, MREMAP_MAYMOVE, 0);
	tap_ok(!IS_ERR_VALUE(b), "old size 0 makes a second mapping of shared memory");
	tap_is(peek(b), 9, "of the same page");
	poke(b, 10);
	tap_is(peek(a), 10, "both ways");
	do_munmap(mm, a, 2 * PG);
	do_munmap(mm, b, 2 * PG);
	a = map_anon(mm, 1, PROT_READ, 0);
	tap_is((long)do_mremap(mm, a, 0, PG, MREMAP_MAYMOVE, 0), -EINVAL, "but not of private memory");
	do_munmap(mm, a, PG);
}

static void test_mlock(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 8, PROT_READ | PROT_WRITE, 0);

	tap_is(do_mlock(mm, a + PG, 4 * PG, 0), 0, "mlock");
	tap_is(mm->locked_vm, 4, "four pages are locked");
	tap_is(get_mm_rss(mm), 4, "and there");
	tap_is(global_node_page_state(NR_MLOCK), 4, "as the statistics say");
	tap_is(global_node_page_state(NR_UNEVICTABLE), 4, "on the unevictable list");
	tap_is(do_madvise(mm, a + PG, PG, 4), -EINVAL, "DONTNEED does not take them");
	tap_is(do_munlock(mm, a + 2 * PG, PG), 0, "munlock of one");
	tap_is(global_node_page_state(NR_MLOCK), 3, "leaves three");
	tap_is(do_munlock(mm, a, 8 * PG), 0, "munlock of all");
	tap_is(mm->map_count, 1, "one VMA again");
	tap_is(global_node_page_state(NR_MLOCK), 0, "none locked");
	tap_is(do_mlock(mm, a, 9 * PG, 0), -ENOMEM, "a hole");
	do_munlock(mm, a, 8 * PG);
	tap_is(do_mlockall(mm, 3), 0, "mlockall");
	tap_is(get_mm_rss(mm), 8, "everything is there");
	do_munmap(mm, a, 8 * PG);
	a = map_anon(mm, 2, PROT_READ | PROT_WRITE, 0);
	tap_is(get_mm_rss(mm), 2, "and new memory at once");
	tap_is(do_munlockall(mm), 0, "munlockall");
	do_munmap(mm, a, 2 * PG);
}

static void test_madvise(struct mm_struct *mm)
{
	unsigned long a = filled(mm, 10);

	tap_is(do_madvise(mm, a + 2 * PG, 3 * PG, 4), 0, "MADV_DONTNEED");
	tap_is(get_mm_rss(mm), 7, "gives memory back");
	tap_is(peek(a + 3 * PG), 0, "zeros there");
	tap_is(peek(a + 6 * PG), 7, "the rest stays");
	tap_is(do_madvise(mm, a, 11 * PG, 4), -ENOMEM, "a hole is reported");
	tap_is(peek(a + 9 * PG), 0, "after doing the rest");
	tap_is(do_madvise(mm, a, PG, 77), -EINVAL, "no such advice");
	tap_is(do_madvise(mm, a, 4 * PG, 23), 0, "MADV_POPULATE_WRITE");
	tap_is(get_mm_rss(mm), 4, "puts pages there");
	tap_is(do_madvise(mm, a + PG, PG, 10), 0, "MADV_DONTFORK");
	tap_is(mm->map_count, 3, "splits");
	tap_is(do_madvise(mm, a + PG, PG, 11), 0, "MADV_DOFORK");
	tap_is(mm->map_count, 1, "merges");
	do_munmap(mm, a, 10 * PG);
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	tap_plan(0);
	test_in_place(mm);
	test_move(mm, 3);
	test_move(mm, 1500);
	test_dontunmap(mm);
	test_duplicate(mm);
	test_mlock(mm);
	test_madvise(mm);
	vm_machine_end(mm);
	return tap_done();
}
