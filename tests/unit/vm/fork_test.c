/* SPDX-License-Identifier: MIT */
/* fork_test.c - copies of address spaces: shared until written, each page copied once, the last owner reuses. */
#include "vm_machine.h"

static unsigned long reuses(void)
{
	return global_vm_event(PGREUSE);
}

static void test_cow(struct mm_struct *parent)
{
	unsigned long a = map_anon(parent, 16, PROT_READ | PROT_WRITE, 0), anon, before;
	struct mm_struct *child;

	for (int i = 0; i < 16; i++)
		poke(a + i * PG, (unsigned char)(i + 1));
	anon = global_node_page_state(NR_ANON_MAPPED);
	tap_is(dup_mm(parent, &child), 0, "fork");
	tap_is(get_mm_rss(child), 16, "the child maps as much");
	tap_is(global_node_page_state(NR_ANON_MAPPED), anon, "with no page more");
	tap_is(poke(a, 101), 0, "the parent writes");
	tap_is(global_node_page_state(NR_ANON_MAPPED), anon + 1, "which takes a copy");
	vm_run_on(child);
	tap_is(peek(a), 1, "the child sees what was");
	before = reuses();
	tap_is(poke(a, 201), 0, "the child writes the same page");
	tap_is(reuses(), before + 1, "being its last owner, without a copy");
	tap_is(poke(a + PG, 202), 0, "the child writes another one");
	tap_is(global_node_page_state(NR_ANON_MAPPED), anon + 2, "with a copy");
	vm_run_on(parent);
	tap_is(peek(a), 101, "the parent has its own");
	tap_is(peek(a + PG), 2, "and its old second page");
	tap_is(vm_check(), 0, "both in order");
	mmput(child);
	tap_is(global_node_page_state(NR_ANON_MAPPED), anon, "the child's end frees its copies");
	before = reuses();
	for (int i = 0; i < 16; i++)
		poke(a + i * PG, 55);
	tap_is(reuses(), before + 15, "then the parent reuses all it shared");
	tap_is(global_node_page_state(NR_ANON_MAPPED), anon, "with no page more");
	do_munmap(parent, a, 16 * PG);
}

static void test_generations(struct mm_struct *first)
{
	unsigned long a = map_anon(first, 1, PROT_READ | PROT_WRITE, 0);
	struct mm_struct *mm[6] = { first };

	poke(a, 1);
	for (int i = 1; i < 6; i++) {
		tap_is(dup_mm(mm[i - 1], &mm[i]), 0, "generation %d", i);
		if (i & 1) {
			vm_run_on(mm[i]);
			poke(a, (unsigned char)(i + 1));
		}
	}
	tap_is(vm_check(), 0, "six generations in order");
	for (int i = 5; i >= 0; i--) {
		vm_run_on(mm[i]);
		tap_is(peek(a), i & 1 ? i + 1 : i ? i : 1, "generation %d has the right page", i);
	}
	vm_run_on(first);
	for (int i = 5; i > 0; i--)
		mmput(mm[i]);
	do_munmap(first, a, PG);
}

static void test_advice(struct mm_struct *parent)
{
	unsigned long gone = map_anon(parent, 1, PROT_READ | PROT_WRITE, 0);
	unsigned long wiped = map_anon(parent, 1, PROT_READ | PROT_WRITE, 0), shared;
	struct mm_struct *child;

	shared = do_mmap(parent, 0, PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
	poke(gone, 1);
	poke(wiped, 2);
	poke(shared, 3);
	tap_is(do_madvise(parent, gone, PG, 10), 0, "MADV_DONTFORK");
	tap_is(do_madvise(parent, wiped, PG, 18), 0, "MADV_WIPEONFORK");
	tap_is(do_madvise(parent, shared, PG, 18), -EINVAL, "not on shared memory");
	dup_mm(parent, &child);
	vm_run_on(child);
	tap_is(segv_code(gone, 0), FAULT_SEGV_MAPERR, "the child has no copy of the one");
	tap_is(peek(wiped), 0, "and an empty one of the other");
	tap_is(peek(shared), 3, "shared memory is the same");
	tap_is(poke(shared, 33), 0, "also when written");
	vm_run_on(parent);
	tap_is(peek(shared), 33, "by either side");
	mmput(child);
	tap_is(peek(gone), 1, "the parent keeps its pages");
	do_munmap(parent, gone, PG);
	do_munmap(parent, wiped, PG);
	do_munmap(parent, shared, PG);
}

static void test_big(struct mm_struct *parent)
{
	unsigned long pages = 3000, a = map_anon(parent, pages, PROT_READ | PROT_WRITE, 0);
	struct mm_struct *child;
	unsigned long wrong = 0;

	for (unsigned long i = 0; i < pages; i++)
		poke(a + i * PG, (unsigned char)(i % 251));
	dup_mm(parent, &child);
	vm_run_on(child);
	for (unsigned long i = 0; i < pages; i += 3)
		poke(a + i * PG, 255);
	vm_run_on(parent);
	for (unsigned long i = 0; i < pages; i++)
		wrong += peek(a + i * PG) != (int)(i % 251);
	tap_is(wrong, 0, "no write of the child is seen in %lu pages", pages);
	tap_is(vm_check(), 0, "in order");
	mmput(child);
	do_munmap(parent, a, pages * PG);
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	tap_plan(0);
	test_cow(mm);
	test_generations(mm);
	test_advice(mm);
	test_big(mm);
	vm_machine_end(mm);
	return tap_done();
}
