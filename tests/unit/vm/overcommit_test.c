/* SPDX-License-Identifier: MIT */
/* overcommit_test.c - how much memory is promised: the arithmetic of the three modes, and Committed_AS under every call. */
#include "vm_machine.h"

#include "phys/phys_state.h"
#include "vm/vm.h"

#define RW (PROT_READ | PROT_WRITE)

/* `call`, and by how many pages it changes what is promised. */
#define commits(pages, call, ...)                                                       \
	do {                                                                            \
		long before = (long)vm_committed_pages();                               \
		call;                                                                   \
		tap_is((long)vm_committed_pages() - before, (pages), __VA_ARGS__);      \
	} while (0)

/* ---- the decision, by values ---- */

static void test_decision(void)
{
	static const struct {
		const char *what;
		struct overcommit_view view;
		long pages;
		unsigned long committed;
		bool allowed;
	} cases[] = {
		{ "guess: as much as RAM and swap", { .mode = OVERCOMMIT_GUESS, .total_ram = 100, .total_swap = 20 }, 120, 900, true },
		{ "guess: a page more", { .mode = OVERCOMMIT_GUESS, .total_ram = 100, .total_swap = 20 }, 121, 0, false },
		{ "guess: giving back", { .mode = OVERCOMMIT_GUESS, .total_ram = 100 }, -1, 999, true },
		{ "always", { .mode = OVERCOMMIT_ALWAYS, .total_ram = 1 }, 1 << 30, 1ul << 30, true },
		{ "never: below the limit", { .mode = OVERCOMMIT_NEVER, .limit = 50, .cap_sys_admin = true }, 1, 49, true },
		{ "never: at the limit", { .mode = OVERCOMMIT_NEVER, .limit = 50, .cap_sys_admin = true }, 1, 50, false },
		{ "never: the administrators' reserve", { .mode = OVERCOMMIT_NEVER, .limit = 50, .admin_reserve = 8 }, 1, 42, false },
		{ "never: below it", { .mode = OVERCOMMIT_NEVER, .limit = 50, .admin_reserve = 8 }, 1, 41, true },
		{ "never: administrators may take it",
		  { .mode = OVERCOMMIT_NEVER, .limit = 50, .admin_reserve = 8, .cap_sys_admin = true }, 1, 49, true },
		{ "never: a 32nd of a small program",
		  { .mode = OVERCOMMIT_NEVER, .limit = 500, .user_reserve = 100, .mm_pages = 640, .has_mm = true,
		    .cap_sys_admin = true }, 1, 480, false },
		{ "never: no more than that",
		  { .mode = OVERCOMMIT_NEVER, .limit = 500, .user_reserve = 100, .mm_pages = 640, .has_mm = true,
		    .cap_sys_admin = true }, 1, 479, true },
		{ "never: the users' reserve for a big one",
		  { .mode = OVERCOMMIT_NEVER, .limit = 500, .user_reserve = 100, .mm_pages = 1 << 20, .has_mm = true,
		    .cap_sys_admin = true }, 1, 400, false },
		{ "never: not for objects of no program",
		  { .mode = OVERCOMMIT_NEVER, .limit = 500, .user_reserve = 100, .mm_pages = 1 << 20, .cap_sys_admin = true },
		  1, 499, true },
		{ "never: reserves larger than the limit", { .mode = OVERCOMMIT_NEVER, .limit = 5, .admin_reserve = 8 }, 1, 0, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is(overcommit_allows(&cases[i].view, cases[i].pages, cases[i].committed), cases[i].allowed, "%s",
		       cases[i].what);
}

static void test_limit(void)
{
	struct vm_state *vm = this_vm();
	unsigned long ram = this_phys()->totalram_pages;

	vm->overcommit_ratio = 50;
	tap_is(vm_commit_limit(), ram / 2, "half of RAM by default");
	vm->overcommit_ratio = 150;
	tap_is(vm_commit_limit(), (unsigned long)((u64)ram * 150 / 100), "another ratio");
	vm->overcommit_kbytes = 4096;
	tap_is(vm_commit_limit(), 1024, "kilobytes override it");
	vm->overcommit_kbytes = 0;
	vm->overcommit_ratio = 50;
	tap_ok(vm->admin_reserve_kbytes > 0 && vm->admin_reserve_kbytes <= 8192, "a reserve for administrators, of 8 MiB at most");
	tap_ok(vm->user_reserve_kbytes > 0 && vm->user_reserve_kbytes <= 131072, "one for users, of 128 MiB at most");
}

/* ---- Committed_AS ---- */

static void test_mmap(struct mm_struct *mm)
{
	unsigned long a = 0, b = 0;

	commits(10, a = map_anon(mm, 10, RW, 0), "private memory that can be written");
	commits(-3, do_munmap(mm, a + 2 * PG, 3 * PG), "a part of it unmapped");
	commits(0, do_munmap(mm, a + 2 * PG, 3 * PG), "and again");
	commits(3, do_mmap(mm, a, 10 * PG, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0), "mapped over: the difference");
	commits(-10, do_mmap(mm, a, 10 * PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
		"replaced by memory that can not");
	commits(0, do_munmap(mm, a, 10 * PG), "which costs nothing");
	commits(0, b = map_anon(mm, 10, RW, MAP_NORESERVE), "without reserve");
	commits(0, do_munmap(mm, b, 10 * PG), "nothing comes back");
	commits(0, do_mmap(mm, 0, PG, RW, MAP_ANONYMOUS, NULL, 0), "a call that fails");
}

static void test_shared(struct mm_struct *mm)
{
	unsigned long a = 0;

	commits(10, a = do_mmap(mm, 0, 10 * PG, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, NULL, 0), "shared memory, whoever writes");
	commits(0, do_munmap(mm, a, 4 * PG), "the object stays whole while a part is mapped");
	commits(-10, do_munmap(mm, a + 4 * PG, 6 * PG), "and goes with its last page");
	commits(0, a = do_mmap(mm, 0, 10 * PG, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0), "without reserve");
	commits(2, (poke(a, 1), poke(a + 5 * PG, 1)), "page by page as it is touched");
	commits(-1, do_madvise(mm, a, PG, 9 /* MADV_REMOVE */), "and punched out");
	commits(-1, do_munmap(mm, a, 10 * PG), "or unmapped");
}

static void test_files(struct mm_struct *mm)
{
	struct test_file file;
	struct mmap_file handle;
	unsigned long a = 0;

	test_file_init(&file, "/tmp/file", 8 * PG);
	handle = test_file_handle(&file, true);
	commits(0, a = do_mmap(mm, 0, 8 * PG, RW, MAP_SHARED, &handle, 0), "a file, shared");
	commits(0, do_munmap(mm, a, 8 * PG), "and unmapped");
	commits(8, a = do_mmap(mm, 0, 8 * PG, RW, MAP_PRIVATE, &handle, 0), "copies of it may be written");
	commits(-8, do_munmap(mm, a, 8 * PG), "and unmapped");
	commits(0, a = do_mmap(mm, 0, 8 * PG, PROT_READ, MAP_PRIVATE, &handle, 0), "read only");
	commits(3, do_mprotect(mm, a + PG, 3 * PG, RW), "a part becomes writable");
	commits(0, do_mprotect(mm, a + PG, 3 * PG, PROT_READ), "it stays promised: a file's copies may be there");
	commits(0, do_mprotect(mm, a + PG, 3 * PG, RW), "and is not promised twice");
	commits(-3, do_munmap(mm, a, 8 * PG), "until it is unmapped");
	test_file_gone(&file);
}

static void test_mprotect(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 10, PROT_READ, 0);

	commits(4, do_mprotect(mm, a, 4 * PG, RW), "memory becomes writable");
	commits(-4, do_mprotect(mm, a, 4 * PG, PROT_READ), "and not, untouched");
	commits(10, do_mprotect(mm, a, 10 * PG, RW), "all of it");
	poke(a, 1);
	commits(0, do_mprotect(mm, a, 10 * PG, PROT_READ), "once touched it stays promised");
	commits(0, do_mprotect(mm, a, 10 * PG, PROT_NONE), "whatever its rights");
	commits(-10, do_munmap(mm, a, 10 * PG), "until it is unmapped");
}

static void test_mremap(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 10, RW, 0), b = 0;

	poke(a, 1);
	commits(-4, do_mremap(mm, a, 10 * PG, 6 * PG, 0, 0), "mremap shrinks");
	commits(14, b = do_mremap(mm, a, 6 * PG, 20 * PG, MREMAP_MAYMOVE, 0), "grows, wherever to");
	commits(0, a = do_mremap(mm, b, 20 * PG, 20 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, b - (1ul << 30)), "moves");
	commits(20, b = do_mremap(mm, a, 20 * PG, 20 * PG, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), "leaves the old place");
	commits(-20, do_munmap(mm, a, 20 * PG), "which is unmapped");
	commits(-20, do_munmap(mm, b, 20 * PG), "as the new one");
}

static void test_heap_and_stack(struct mm_struct *mm)
{
	unsigned long heap = 0x10000000, stack;

	mm->layout.start_brk = mm->layout.brk = heap;
	commits(5, do_brk(mm, heap + 5 * PG), "the heap grows");
	commits(0, do_brk(mm, heap + 4 * PG + 1), "within a page");
	commits(-3, do_brk(mm, heap + 2 * PG), "shrinks");
	commits(-2, do_brk(mm, heap), "and is gone");
	stack = do_mmap(mm, 0x20000000, PG, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);
	commits(3, poke(stack - 3 * PG, 1), "a stack grows to where it is touched");
	commits(-4, do_munmap(mm, stack - 3 * PG, 4 * PG), "and is unmapped");
}

static void test_fork(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 10, RW, 0), b = map_anon(mm, 4, RW, 0), c = map_anon(mm, 2, PROT_READ, 0), d;
	struct mm_struct *child = NULL;

	d = do_mmap(mm, 0, 8 * PG, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
	poke(a, 1);
	do_madvise(mm, b, 4 * PG, 10 /* MADV_DONTFORK */);
	commits(10, dup_mm(mm, &child), "a child is promised what it may write, less what it does not get");
	commits(-2, do_munmap(child, a, 2 * PG), "and gives back its own");
	commits(0, do_munmap(mm, d, 8 * PG), "shared memory lives on in the child");
	commits(-16, mmput(child), "an end gives back all, the last shared object too");
	commits(-14, (do_munmap(mm, a, 10 * PG), do_munmap(mm, b, 4 * PG), do_munmap(mm, c, 2 * PG)), "and so does the parent");
}

/* ---- mode 2 ---- */

static void test_never(struct mm_struct *mm)
{
	struct vm_state *vm = this_vm();
	unsigned long a, b, limit = vm_committed_pages() + 40, more = this_phys()->totalram_pages + 1;
	struct mm_struct *child = NULL;

	vm->overcommit_mode = OVERCOMMIT_NEVER;
	vm->admin_reserve_kbytes = vm->user_reserve_kbytes = 0;
	vm->overcommit_kbytes = limit * (PG / 1024);
	a = map_anon(mm, 30, RW, 0);
	tap_ok(!IS_ERR_VALUE(a), "within the limit");
	commits(0, b = map_anon(mm, 10, RW, 0), "what would reach the limit is not promised");
	tap_is((long)b, -ENOMEM, "but refused at once");
	commits(0, b = map_anon(mm, 10, RW, MAP_NORESERVE), "nor does MAP_NORESERVE help");
	tap_is((long)b, -ENOMEM, "it is refused as well");
	commits(9, b = map_anon(mm, 9, RW, 0), "one page less is promised");
	tap_is(do_mprotect(mm, map_anon(mm, 4, PROT_READ, 0), 4 * PG, RW), -ENOMEM, "mprotect is refused");
	tap_is((long)do_mremap(mm, b, 9 * PG, 12 * PG, MREMAP_MAYMOVE, 0), -ENOMEM, "mremap");
	tap_is((long)do_mmap(mm, 0, 8 * PG, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0), -ENOMEM, "shared memory");
	commits(0, tap_is(dup_mm(mm, &child), -ENOMEM, "fork"), "and a fork that fails keeps nothing");
	mm->layout.start_brk = mm->layout.brk = 0x10000000;
	tap_is(do_brk(mm, 0x10000000 + 4 * PG), 0x10000000, "the heap stays");
	for (int i = 0; i < 30; i++)
		tap_ok(poke(a + i * PG, 1) == 0, "page %d of what was promised is there", i);
	vm->user_reserve_kbytes = 1 << 20;
	tap_is((long)map_anon(mm, 1, RW, 0), -ENOMEM, "a 32nd of the program is kept from it");
	vm->user_reserve_kbytes = 0;
	commits(-30, do_munmap(mm, a, 30 * PG), "what is given back");
	commits(20, a = map_anon(mm, 20, RW, 0), "can be promised again");
	do_munmap(mm, a, 20 * PG);
	do_munmap(mm, b, 9 * PG);
	vm->overcommit_kbytes = 0;
	vm->overcommit_mode = OVERCOMMIT_GUESS;
	tap_is((long)map_anon(mm, more, RW, 0), -ENOMEM, "guessing: more than all RAM is refused");
	vm->overcommit_mode = OVERCOMMIT_ALWAYS;
	commits(more, a = map_anon(mm, more, RW, 0), "always: it is promised");
	do_munmap(mm, a, more * PG);
	vm->overcommit_mode = OVERCOMMIT_GUESS;
}

int main(void)
{
	struct mm_struct *mm;

	tap_plan(0);
	mm = vm_machine_start(64 << 20, 1);
	test_decision();
	test_limit();
	test_mmap(mm);
	test_shared(mm);
	test_files(mm);
	test_mprotect(mm);
	test_mremap(mm);
	test_heap_and_stack(mm);
	test_fork(mm);
	test_never(mm);
	vm_machine_end(mm);
	return tap_done();
}
