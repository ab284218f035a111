/* SPDX-License-Identifier: MIT */
/* high_test.c - addresses above the window of 47 bits, on a machine with five levels of page tables and on one with four. */
#include "vm_machine.h"

#include <string.h>

#define HIGH (1ul << 48)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static bool is_low(unsigned long addr)
{
	return !IS_ERR_VALUE(addr) && addr < DEFAULT_MAP_WINDOW;
}

static bool is_high(unsigned long addr)
{
	return addr > DEFAULT_MAP_WINDOW && addr < TASK_SIZE;
}

static unsigned long map_at(struct mm_struct *mm, unsigned long hint, unsigned long pages, unsigned long flags)
{
	return do_mmap(mm, hint, pages * PG, RW, ANON | flags, NULL, 0);
}

/* Each way of placing mappings keeps to the window until the program names an address above it. */
static void test_places(struct mm_struct *mm)
{
	unsigned long a = map_at(mm, 0, 1, 0), b;

	tap_ok(is_low(a), "no hint: below the window's end");
	do_munmap(mm, a, PG);
	a = map_at(mm, DEFAULT_MAP_WINDOW - PG, 2, 0);
	tap_ok(is_low(a) && a != DEFAULT_MAP_WINDOW - PG, "a hint across its end is none");
	do_munmap(mm, a, 2 * PG);
	tap_is((long)map_at(mm, 0, DEFAULT_MAP_WINDOW / PG, MAP_NORESERVE), -ENOMEM, "nothing as large as the window");
	a = map_at(mm, HIGH, 1, 0);
	tap_is(a, HIGH, "a hint above it is taken");
	b = map_at(mm, HIGH, 1, 0);
	tap_ok(is_high(b) && b != a, "or asks for another place there");
	do_munmap(mm, b, PG);
	b = map_at(mm, ~0ul & ~(PG - 1), DEFAULT_MAP_WINDOW / PG, MAP_NORESERVE);
	tap_ok(is_high(b + DEFAULT_MAP_WINDOW - 1), "where there is room for more");
	do_munmap(mm, b, DEFAULT_MAP_WINDOW);
	b = do_mremap(mm, a, PG, 3 * PG, 0, 0);
	tap_is(b, a, "which grows where it is");
	b = do_mremap(mm, a, 3 * PG, 3 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, TASK_SIZE - 3 * PG);
	tap_is(b, TASK_SIZE - 3 * PG, "or moves to the end");
	tap_is((long)map_at(mm, TASK_SIZE - PG, 2, MAP_FIXED), -ENOMEM, "beyond which there is nothing");
	tap_is(do_munmap(mm, b, 3 * PG), 0, "and goes");
	tap_is(do_munmap(mm, TASK_SIZE, PG), -EINVAL, "what is not there does not");
	tap_is(mm->pgt.pgtables_bytes, 0, "no table was made");
	arch_pick_bottomup_layout(mm, false);
	a = map_at(mm, 0, 1, 0);
	tap_ok(is_low(a), "bottom up, no hint: below");
	b = map_at(mm, HIGH + 5, 1, MAP_32BIT);
	tap_ok(b < 1ul << 31, "MAP_32BIT weighs more than a hint");
	do_munmap(mm, b, PG);
	do_munmap(mm, a, PG);
	arch_pick_mmap_layout(mm, 8 << 20, false);
}

/* Tables of all levels come, are copied, moved and counted, and go. */
static void test_tables(struct mm_struct *mm)
{
	unsigned long at[4] = { 0x10000000, HIGH - PG, HIGH + (9ul << 48) + (7ul << 39), TASK_SIZE - 2 * PG };
	struct mm_struct *child;

	for (int i = 0; i < 4; i++) {
		tap_is(map_at(mm, at[i], 2, MAP_FIXED), at[i], "two pages at %lx", at[i]);
		tap_is(poke(at[i], (unsigned char)(i + 1)) | poke(at[i] + PG, (unsigned char)(i + 11)), 0, "which can be written");
	}
	/* Four tables for each; the second area touches two entries of the root, of which the first area has one. */
	tap_is(mm->pgt.pgtables_bytes / PG, 4 * 4 + 3, "tables of four levels below the root");
	tap_is(dup_mm(mm, &child), 0, "fork");
	tap_is(child->pgt.pgtables_bytes, mm->pgt.pgtables_bytes, "copies the tables");
	vm_run_on(child);
	for (int i = 0; i < 4; i++) {
		tap_ok(peek(at[i]) == i + 1 && peek(at[i] + PG) == i + 11, "the child's pages at %lx", at[i]);
		poke(at[i], 99);
	}
	tap_is(vm_check(), 0, "both in order");
	vm_run_on(mm);
	mmput(child);
	tap_ok(peek(at[2]) == 3 && peek(at[3]) == 4, "the parent's are its own");
	tap_is(do_mremap(mm, at[2], 2 * PG, 2 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, at[2] + (3ul << 48)), at[2] + (3ul << 48), "moved");
	tap_ok(peek(at[2] + (3ul << 48)) == 3 && peek(at[2] + (3ul << 48) + PG) == 13, "with what is in them");
	tap_is(segv_code(at[2], 0), FAULT_SEGV_MAPERR, "and gone from there");
	tap_is(do_mprotect(mm, at[3], PG, PROT_READ), 0, "mprotect");
	tap_is(segv_code(at[3], 1), FAULT_SEGV_ACCERR, "holds");
	tap_ok(strstr(maps_text(mm), "ffffffffffd000-ffffffffffe000 r--p") != NULL, "maps shows all digits");
	tap_is(do_munmap(mm, 0, TASK_SIZE), 0, "everything goes at once");
	tap_is(mm->pgt.pgtables_bytes, 0, "with all tables");
}

static void test_four_levels(struct mm_struct *mm)
{
	unsigned long a = map_at(mm, HIGH, 1, 0);

	tap_ok(is_low(a), "a hint above is none");
	tap_is((long)map_at(mm, HIGH, 1, MAP_FIXED), -ENOMEM, "nothing is mapped there");
	tap_is((long)do_mremap(mm, a, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, HIGH), -EINVAL, "nor moved there");
	tap_is(do_munmap(mm, HIGH, PG), -EINVAL, "nor taken away");
	do_munmap(mm, a, PG);
}

static void test_machine(bool five_levels, void (*test)(struct mm_struct *mm), void (*next)(struct mm_struct *mm))
{
	struct hosted_config config = { .mem_bytes = 32 << 20, .cpus = 1, .pgtable_l5 = five_levels };
	struct mm_struct *mm = vm_machine_start_on(tap_machine_config(&config));

	test(mm);
	if (next)
		next(mm);
	vm_machine_end(mm);
}

int main(void)
{
	tap_plan(0);
	test_machine(false, test_four_levels, NULL);
	test_machine(true, test_places, test_tables);
	return tap_done();
}
