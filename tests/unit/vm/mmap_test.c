/* SPDX-License-Identifier: MIT */
/* mmap_test.c - map, touch, protect, unmap: one program on one CPU. */
#include "vm_machine.h"

#include <string.h>

static void test_anonymous(struct mm_struct *mm)
{
	unsigned long free_before = global_node_page_state(NR_ANON_MAPPED);
	unsigned long a = map_anon(mm, 4, PROT_READ | PROT_WRITE, 0);

	tap_ok(!IS_ERR_VALUE(a), "four anonymous pages");
	tap_is(peek(a), 0, "they read as zero");
	tap_is(get_mm_rss(mm), 0, "reading costs no memory");
	tap_is(poke(a, 7), 0, "they can be written");
	tap_is(peek(a), 7, "and keep what was written");
	tap_is(peek(a + 1), 0, "the rest of the page is zero");
	tap_is(get_mm_rss(mm), 1, "one page of memory");
	tap_is(poke(a + 3 * PG, 9), 0, "a write without a read before it");
	tap_is(get_mm_rss(mm), 2, "two pages of memory");
	tap_is(global_node_page_state(NR_ANON_MAPPED), free_before + 2, "two anonymous pages are mapped in all");
	tap_is(do_munmap(mm, a, 4 * PG), 0, "unmapped");
	tap_is(get_mm_rss(mm), 0, "memory came back");
	tap_is(segv_code(a, 0), FAULT_SEGV_MAPERR, "nothing is there");
	tap_is(mm->map_count, 0, "no VMA is left");
	tap_is(mm->pgt.pgtables_bytes, 0, "no page table either");
}

static void test_protect(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 8, PROT_READ | PROT_WRITE, 0);

	for (int i = 0; i < 8; i++)
		poke(a + i * PG, (unsigned char)i);
	tap_is(do_mprotect(mm, a + 2 * PG, 3 * PG, PROT_READ), 0, "three pages in the middle become read-only");
	tap_is(mm->map_count, 3, "that makes three VMAs");
	tap_is(segv_code(a + 2 * PG, 1), FAULT_SEGV_ACCERR, "no write there");
	tap_is(peek(a + 2 * PG), 2, "but reading");
	tap_is(poke(a + 5 * PG, 50), 0, "writing goes on beside it");
	tap_is(do_mprotect(mm, a + 2 * PG, 3 * PG, PROT_NONE), 0, "then unreachable");
	tap_is(segv_code(a + 3 * PG, 0), FAULT_SEGV_ACCERR, "no reading");
	tap_is(vm_check(), 0, "in order while split");
	tap_is(do_mprotect(mm, a + 2 * PG, 3 * PG, PROT_READ | PROT_WRITE), 0, "and back");
	tap_is(mm->map_count, 1, "merged into one VMA");
	tap_is(poke(a + 2 * PG, 22), 0, "writable again");
	tap_is(peek(a + 3 * PG), 3, "nothing was lost");
	tap_is(do_mprotect(mm, a, 9 * PG, PROT_READ), -ENOMEM, "a hole in the range");
	tap_is(do_mprotect(mm, a + 1, PG, PROT_READ), -EINVAL, "not aligned");
	tap_is(do_munmap(mm, a + PG, PG), 0, "a hole in the middle");
	tap_is(mm->map_count, 2, "two VMAs");
	tap_is(segv_code(a + PG, 0), FAULT_SEGV_MAPERR, "nothing in the hole");
	tap_is(peek(a), 0, "its neighbours stay");
	tap_is(peek(a + 2 * PG), 22, "on both sides");
	do_munmap(mm, a, 8 * PG);
}

static void test_fixed(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 6, PROT_READ | PROT_WRITE, 0), b;

	for (int i = 0; i < 6; i++)
		poke(a + i * PG, (unsigned char)(i + 1));
	b = do_mmap(mm, a + 2 * PG, 2 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	tap_is(b, a + 2 * PG, "mapped over the middle");
	tap_is(mm->map_count, 1, "merged with both sides");
	tap_is(peek(a + 2 * PG), 0, "new memory there");
	tap_is(peek(a + PG), 2, "old memory beside it");
	tap_is((long)do_mmap(mm, a + PG, PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0), -EEXIST,
	       "FIXED_NOREPLACE does not replace");
	tap_is((long)do_mmap(mm, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0), -EINVAL, "no length");
	tap_is((long)do_mmap(mm, 0, TASK_SIZE + PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0), -ENOMEM, "too long");
	tap_is((long)do_mmap(mm, 0, PG, PROT_READ, MAP_ANONYMOUS, NULL, 0), -EINVAL, "neither shared nor private");
	do_munmap(mm, a, 6 * PG);
}

static void test_brk(struct mm_struct *mm)
{
	unsigned long start = 0x10000000;

	mm->layout.start_brk = start;
	mm->layout.brk = start;
	tap_is(do_brk(mm, 0), start, "brk(0) asks");
	tap_is(do_brk(mm, start + 10000), start + 10000, "the heap grows");
	tap_is(poke(start + 9999, 1), 0, "to its last byte");
	tap_is(do_brk(mm, start + 3 * PG + 5), start + 3 * PG + 5, "and grows");
	tap_is(mm->map_count, 1, "as one VMA");
	tap_ok(strstr(maps_text(mm), "[heap]") != NULL, "which maps calls the heap");
	tap_is(do_brk(mm, start + 1), start + 1, "it shrinks");
	tap_is(segv_code(start + 2 * PG, 0), FAULT_SEGV_MAPERR, "the end is gone");
	tap_is(do_brk(mm, start - 1), start + 1, "never below its start");
	do_brk(mm, start);
	tap_is(mm->map_count, 0, "and away");
}

static void test_stack(struct mm_struct *mm)
{
	unsigned long top = 0x7ffff000;

	tap_is(setup_stack_vma(mm, top, 4 * PG, 0), 0, "a stack");
	mm->layout.start_stack = top - 16;
	tap_is(poke(top - 1, 1), 0, "its top");
	tap_is(poke(top - 100 * PG, 1), 0, "it grows where it is touched");
	tap_is(find_vma(mm, top - PG)->vm_start, top - 100 * PG, "down to there");
	tap_ok(strstr(maps_text(mm), "[stack]") != NULL, "maps knows it");
	tap_is(do_mmap(mm, top - 400 * PG, PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0), top - 400 * PG,
	       "a mapping below");
	tap_is(segv_code(top - 390 * PG, 1), FAULT_SEGV_MAPERR, "the guard gap stays free");
	tap_is(poke(top - 140 * PG, 1), 0, "above the gap it grows");
	do_munmap(mm, top - 400 * PG, 400 * PG);
}

/* Both ways to place mappings, and who chooses. */
static void test_bottom_up(struct mm_struct *mm)
{
	unsigned long base = PAGE_ALIGN(DEFAULT_MAP_WINDOW / 3), a, b;

	arch_pick_bottomup_layout(mm, false);
	a = map_anon(mm, 1, PROT_READ, 0);
	b = map_anon(mm, 1, PROT_NONE, 0);
	tap_is(a, base, "from the bottom up, at a third of the address space");
	tap_is(b, base + PG, "and what comes next above it");
	do_munmap(mm, a, 2 * PG);
	arch_pick_mmap_layout(mm, 8 << 20, false);
	a = map_anon(mm, 1, PROT_READ, 0);
	tap_is(a, mm_layout(mm)->mmap_base - PG, "from the top down");
	do_munmap(mm, a, PG);
	this_vm()->legacy_va_layout = 1;
	arch_pick_mmap_layout(mm, 8 << 20, false);
	tap_ok(mm_layout(mm)->bottom_up && mm_layout(mm)->mmap_base == base, "legacy_va_layout chooses for those who begin");
	this_vm()->legacy_va_layout = 0;
	arch_pick_mmap_layout(mm, 8 << 20, false);
	tap_ok(!mm_layout(mm)->bottom_up, "until it is off again");
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	tap_plan(0);
	test_anonymous(mm);
	test_protect(mm);
	test_fixed(mm);
	test_brk(mm);
	test_stack(mm);
	test_bottom_up(mm);
	vm_machine_end(mm);
	return tap_done();
}
