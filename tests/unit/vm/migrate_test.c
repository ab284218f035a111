/* SPDX-License-Identifier: MIT */
/* migrate_test.c - pages move under programs that use them: what each call sees in between, and what is there afterwards. */
#include "vm_machine.h"

#include <stdatomic.h>
#include <string.h>

#include "object/migrate.h"
#include "pgtable/softpte.h"
#include "pgtable/walk.h"
#include "vm/fault_int.h"

#define CPUS 3
#define ROUNDS 150
#define AREA 16 /* pages of a shared area */

static unsigned long anon(struct mm_struct *mm, unsigned long pages)
{
	return map_anon(mm, pages, PROT_READ | PROT_WRITE, 0);
}

static pte_t entry_at(struct mm_struct *mm, unsigned long addr)
{
	pte_t *pte = pgtable_find_pte(&mm->pgt, addr);

	return pte ? pte_read(pte) : (pte_t){ 0 };
}

/* The page behind an address, isolated; NULL: it cannot be. */
static struct page *isolate_at(struct mm_struct *mm, unsigned long addr)
{
	struct page *page;

	if (get_user_pages(mm, addr, 1, 0, &page) != 1)
		return NULL;
	if (!isolate_lru_page(page)) {
		put_page(page);
		return NULL;
	}
	put_page(page);
	return page;
}

/* 0, or why the page behind the address did not move. */
static int move_at(struct mm_struct *mm, unsigned long addr)
{
	struct migrate_target target = { .get = migrate_get_page, .gfp = GFP_HIGHUSER_MOVABLE, .nid = NUMA_NO_NODE };
	struct page *page = isolate_at(mm, addr);
	int error = -ENOENT;

	if (page)
		migrate_pages(&page, 1, &target, MIGRATE_SYNC, &error);
	return error;
}

static pfn_t frame_at(struct mm_struct *mm, unsigned long addr)
{
	return pte_pfn(entry_at(mm, addr));
}

/* A device writes to the page: a fork in any moment of the attempt copies it for the child. */
static void test_pinned(struct mm_struct *mm, unsigned long a)
{
	struct page *pin, *page;

	tap_is(pin_user_pages(mm, a, 1, FOLL_WRITE, &pin), 1, "a pinned page");
	page = isolate_at(mm, a);
	lock_page(page);
	page->nr_migration = 0;
	try_to_migrate(page);
	tap_ok(pte_present(entry_at(mm, a)) && page->nr_migration == 0, "does not even set out");
	unlock_page(page);
	putback_lru_page(page);
	unpin_user_pages(&pin, 1);
}

static void test_moves(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 2), moved = global_vm_event(PGMIGRATE_SUCCESS), failed = global_vm_event(PGMIGRATE_FAIL);
	struct page *pin;
	pfn_t before;

	poke(a, 11);
	poke(a + PG - 1, 12);
	before = frame_at(mm, a);
	tap_is(move_at(mm, a), 0, "a page moves");
	tap_ok(frame_at(mm, a) != before && peek(a) == 11 && peek(a + PG - 1) == 12, "to another frame, with its contents");
	tap_ok(pte_write(entry_at(mm, a)) && pte_dirty(entry_at(mm, a)), "what its entry said it says again");
	tap_is(page_count(pfn_to_page(frame_at(mm, a))), 1, "one reference, of the entry");
	tap_is(page_count(pfn_to_page(before)), 0, "the old frame is free");
	tap_is(global_vm_event(PGMIGRATE_SUCCESS), moved + 1, "pgmigrate_success");
	tap_is(get_user_pages(mm, a, 1, FOLL_WRITE, &pin), 1, "somebody else refers to it");
	before = frame_at(mm, a);
	tap_is(move_at(mm, a), -EAGAIN, "then it does not move");
	tap_ok(frame_at(mm, a) == before && peek(a) == 11 && poke(a, 13) == 0, "and is as it was");
	tap_is(global_vm_event(PGMIGRATE_FAIL), failed + 1, "pgmigrate_fail");
	put_page(pin);
	test_pinned(mm, a);
	tap_is(move_at(mm, a), 0, "later it does");
	tap_is(peek(a), 13, "with what was written meanwhile");
	tap_is(vm_check() + vm_check_sums() + object_check(), 0, "all counts agree");
	do_munmap(mm, a, 2 * PG);
}

static void test_shared_by_fork(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 1);
	struct mm_struct *child;
	pfn_t before;

	poke(a, 21);
	tap_is(dup_mm(mm, &child), 0, "a page of two programs");
	before = frame_at(mm, a);
	tap_is(move_at(mm, a), 0, "moves");
	tap_ok(frame_at(mm, a) != before && frame_at(mm, a) == frame_at(child, a), "for both");
	tap_is(page_mapcount(pfn_to_page(frame_at(mm, a))), 2, "mapped twice");
	poke(a, 22);
	vm_run_on(child);
	tap_is(peek(a), 21, "and is still copied when one of them writes");
	vm_run_on(mm);
	tap_is(vm_check() + vm_check_sums(), 0, "in order");
	mmput(child);
	do_munmap(mm, a, PG);
}

static void test_locked(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 2);

	poke(a, 31);
	poke(a + PG, 31);
	tap_is(do_mlock(mm, a, 2 * PG, 0), 0, "locked memory");
	tap_is(move_at(mm, a), 0, "moves, too");
	tap_ok(PageMlocked(pfn_to_page(frame_at(mm, a))) && PageUnevictable(pfn_to_page(frame_at(mm, a))), "and is locked there");
	tap_is(vm_check_sums() + object_check(), 0, "counted once");
	do_munlock(mm, a, PG);
	tap_is(move_at(mm, a), 0, "unlocked");
	tap_ok(!PageMlocked(pfn_to_page(frame_at(mm, a))), "it is not locked any more");
	tap_is(vm_check_sums() + object_check(), 0, "counted right");
	do_munmap(mm, a, 2 * PG);
}

static unsigned char by_index(u64 i)
{
	return (unsigned char)(i / PG + 100);
}

static void test_file(struct mm_struct *mm)
{
	struct test_file file;
	struct mmap_file handle;
	unsigned long a, b;
	struct page *page;
	pfn_t before;

	test_file_init(&file, "moving", 4 * PG);
	test_file_fill(&file, by_index);
	handle = test_file_handle(&file, true);
	a = do_mmap(mm, 0, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, &handle, 0);
	b = do_mmap(mm, 0, 4 * PG, PROT_READ, MAP_PRIVATE, &handle, 0);
	tap_ok(peek(a + PG) == 101 && peek(b + PG) == 101 && poke(a + PG, 7) == 0, "a file's page, mapped twice and written");
	before = frame_at(mm, a + PG);
	tap_is(move_at(mm, a + PG), 0, "moves");
	page = find_get_page(&file.mapping, 1);
	tap_ok(page && page_to_pfn(page) != before && page_to_pfn(page) == frame_at(mm, a + PG), "in the cache as well");
	tap_ok(frame_at(mm, b + PG) == frame_at(mm, a + PG) && peek(b + PG) == 7 && peek(a + PG) == 7, "everywhere");
	tap_ok(page && PageDirty(page) && page_count(page) == 4, "dirty, and counted");
	if (page)
		put_page(page);
	do_munmap(mm, a, 4 * PG);
	do_munmap(mm, b, 4 * PG);
	tap_is(vm_check() + vm_check_sums() + object_check(), 0, "in order");
	test_file_gone(&file);
}

/* ---- what calls see while a page is on its way ---- */

static struct page *depart(struct mm_struct *mm, unsigned long addr)
{
	struct page *page = isolate_at(mm, addr);

	if (!page)
		return NULL;
	lock_page(page);
	page->nr_migration = 0;
	try_to_migrate(page);
	return page;
}

static void arrive(struct page *page)
{
	remove_migration_ptes(page, page);
	unlock_page(page);
	putback_lru_page(page);
}

static void test_entries_between(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 2), rss = get_mm_rss(mm) + 1;
	unsigned char vec[2];
	struct page *page;
	pte_t soft;
	u64 map;

	poke(a, 41);
	page = depart(mm, a);
	soft = entry_at(mm, a);
	tap_ok(page && softpte_type(soft) == SOFT_MIGRATION_WRITE && softpte_pfn(soft) == page_to_pfn(page), "on its way");
	tap_ok(pte_soft_flags(soft) == (SOFT_YOUNG | SOFT_DIRTY | SOFT_WRITTEN), "with what its entry said");
	tap_is(get_mm_rss(mm), rss, "still of the program's RSS");
	tap_ok(page_mapcount(page) == 0 && page_count(page) == 1, "nobody's but the mover's");
	mm_pagemap(mm, a, 1, &map);
	tap_ok((map >> 62 & 3) == 1 && (map & ((1ull << 55) - 1)) >> 5 == page_to_pfn(page), "pagemap: as if swapped");
	tap_is(vm_check(), 0, "in order");
	tap_is(do_mprotect(mm, a, PG, PROT_READ), 0, "its right to be written goes");
	tap_is((long)softpte_type(entry_at(mm, a)), SOFT_MIGRATION_READ, "from the entry, too");
	arrive(page);
	tap_ok(pte_present(entry_at(mm, a)) && !pte_write(entry_at(mm, a)) && segv_code(a, 1) == FAULT_SEGV_ACCERR, "and stays away");
	tap_is(do_mprotect(mm, a, PG, PROT_NONE), 0, "no rights at all");
	page = pfn_to_page(frame_at(mm, a));
	get_page(page);
	isolate_lru_page(page);
	put_page(page);
	lock_page(page);
	page->nr_migration = 0;
	try_to_migrate(page);
	arrive(page);
	tap_ok(pte_protnone(entry_at(mm, a)) && pte_pfn(entry_at(mm, a)) == page_to_pfn(page), "are none afterwards");
	(void)vec;
	do_munmap(mm, a, 2 * PG);
}

static void test_forked_between(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 1);
	struct mm_struct *child;
	struct page *page;

	poke(a, 51);
	page = depart(mm, a);
	tap_is(dup_mm(mm, &child), 0, "a fork meanwhile");
	tap_ok(softpte_type(entry_at(mm, a)) == SOFT_MIGRATION_READ && softpte_type(entry_at(child, a)) == SOFT_MIGRATION_READ,
	       "both may only read");
	tap_is(page->nr_migration, 2, "[MG1] two entries");
	arrive(page);
	tap_is(page_mapcount(page), 2, "both come back");
	vm_run_on(child);
	tap_ok(peek(a) == 51 && poke(a, 52) == 0, "the child writes");
	vm_run_on(mm);
	tap_is(peek(a), 51, "the parent does not see it");
	tap_is(vm_check() + vm_check_sums(), 0, "in order");
	mmput(child);
	do_munmap(mm, a, PG);
}

static void test_gone_and_moved_between(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 2), b, rss = get_mm_rss(mm);
	struct page *page;

	poke(a, 61);
	page = depart(mm, a);
	do_munmap(mm, a, PG);
	tap_ok(page->nr_migration == 0 && get_mm_rss(mm) == rss, "[MG1] unmapped meanwhile: forgotten");
	arrive(page);
	poke(a + PG, 62);
	page = depart(mm, a + PG);
	b = anon(mm, 8);
	b = do_mremap(mm, a + PG, PG, PG, MREMAP_MAYMOVE | MREMAP_FIXED, b);
	tap_ok(is_migration_pte(entry_at(mm, b)), "moved by mremap meanwhile");
	arrive(page);
	tap_is(peek(b), 62, "and found there");
	page = depart(mm, b);
	do_mlock(mm, b, PG, 4); /* nothing: unknown flags */
	do_munmap(mm, b, 8 * PG);
	arrive(page);
	tap_is(vm_check() + vm_check_sums(), 0, "in order");
}

/* ---- entries of swap ---- */

static unsigned int swap_ins;

/* Instead of a floor of swap: the page is one of zeros. */
static vm_fault_t swap_in_nothing(struct vm_fault *vmf)
{
	swap_ins += pte_to_swp_entry(vmf->orig).val == swp_entry(3, 77).val;
	pte_clear(vmf->pte);
	return 0;
}

static void test_swap_entries(struct mm_struct *mm)
{
	unsigned long a = anon(mm, 1);

	poke(a, 71);
	do_madvise(mm, a, PG, 4);
	set_pte(pgtable_find_pte(&mm->pgt, a), swp_entry_to_pte(swp_entry(3, 77)));
	tap_is(peek(a), -EFAULT, "an entry of swap that nobody made");
	tap_ok(vm_machine.last[this_cpu()].what == VM_FAULT_SIGBUS && vm_machine.last[this_cpu()].si_code == FAULT_BUS_ADRERR,
	       "is SIGBUS");
	this_vm()->swap_in = swap_in_nothing;
	tap_ok(peek(a) == 0 && swap_ins == 1, "and goes to who knows of swap, once there is such a one");
	this_vm()->swap_in = NULL;
	do_munmap(mm, a, PG);
}

/* ---- beside each other ---- */

struct shared {
	struct mm_struct *mm;
	unsigned long area[CPUS]; /* [0]: what the mover's own business is done with */
	atomic_uint next, wrong, moved, writers;
};

static void leave(void)
{
	vm_run_on(NULL);
	pgtable_switch_kernel();
	vm_machine.running[this_cpu()] = NULL;
}

/* Moves the pages of the others again and again. */
static void move_all(struct shared *s)
{
	while (atomic_load(&s->writers))
		for (unsigned int i = 1; i < CPUS; i++)
			for (unsigned long p = 0; p < AREA; p++)
				s->moved += move_at(s->mm, s->area[i] + p * PG) == 0;
}

/* Each page's first byte is raised by its one writer; every round a page is given back, protected, or copied by a fork. */
static void write_own(struct shared *s, unsigned int me)
{
	unsigned char mark[AREA] = { 0 };
	unsigned long a = s->area[me];

	for (int round = 0; round < ROUNDS; round++) {
		unsigned long p = (unsigned long)(round * 7 + (int)me) % AREA;
		struct mm_struct *child;

		for (unsigned long i = 0; i < AREA; i++) {
			s->wrong += peek(a + i * PG) != mark[i];
			s->wrong += poke(a + i * PG, ++mark[i]) != 0;
		}
		if (round % 3 == 0) {
			s->wrong += do_madvise(s->mm, a + p * PG, PG, 4) != 0;
			mark[p] = 0;
		} else if (round % 3 == 1) {
			s->wrong += do_mprotect(s->mm, a + p * PG, PG, PROT_READ) != 0;
			s->wrong += segv_code(a + p * PG, 1) != FAULT_SEGV_ACCERR;
			s->wrong += do_mprotect(s->mm, a + p * PG, PG, PROT_READ | PROT_WRITE) != 0;
		} else if (round % 30 == 2) {
			s->wrong += dup_mm(s->mm, &child) != 0;
			s->wrong += poke(a + p * PG, ++mark[p]) != 0;
			vm_run_on(child);
			s->wrong += peek(a + p * PG) != (unsigned char)(mark[p] - 1);
			vm_run_on(s->mm);
			mmput(child);
		}
	}
	s->writers--;
}

static void beside(void *arg)
{
	struct shared *s = arg;
	unsigned int me = s->next++;

	mmget(s->mm);
	vm_run_on(s->mm);
	if (me == 0)
		move_all(s);
	else
		write_own(s, me);
	leave();
	mmput(s->mm);
}

static void test_beside(struct mm_struct *mm)
{
	struct shared s = { .mm = mm, .writers = CPUS - 1 };

	for (unsigned int i = 0; i < CPUS; i++)
		s.area[i] = anon(mm, AREA);
	tap_run(vm_machine.machine, CPUS, beside, &s);
	vm_run_on(mm);
	tap_is(s.wrong, 0, "pages move under writers, forks, rights and unmapping");
	tap_ok(s.moved > 0, "some did: %u", s.moved);
	tap_is(vm_check() + vm_check_sums(), 0, "in order");
}

int main(void)
{
	struct mm_struct *mm;

	tap_plan(0);
	mm = vm_machine_start(64 << 20, CPUS);
	test_moves(mm);
	test_shared_by_fork(mm);
	test_locked(mm);
	test_file(mm);
	test_entries_between(mm);
	test_forked_between(mm);
	test_gone_and_moved_between(mm);
	test_swap_entries(mm);
	test_beside(mm);
	vm_machine_end(mm);
	return tap_done();
}
