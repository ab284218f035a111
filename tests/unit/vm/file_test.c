/* SPDX-License-Identifier: MIT */
/* file_test.c - mapped objects: private and shared, fault-around, truncation under a mapping, non-linear mappings. */
#include "vm_machine.h"

#include <string.h>

#include "object/pagecache.h"

static unsigned char pattern(u64 i)
{
	return (unsigned char)(i / PG + 1);
}

static void test_private(struct mm_struct *mm)
{
	struct test_file file;
	struct mmap_file handle;
	unsigned long a, faults;

	test_file_init(&file, "/bin/program", 40 * PG);
	test_file_fill(&file, pattern);
	handle = test_file_handle(&file, false);
	a = do_mmap(mm, 0, 40 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, &handle, 0);
	tap_ok(!IS_ERR_VALUE(a), "a private mapping of a read-only file may be written");
	tap_is(file.refs, 1, "it refers to the file");
	faults = global_vm_event(PGFAULT);
	for (int i = 0; i < 16; i++)
		tap_is(peek(a + i * PG), i + 1, "page %d", i);
	tap_ok(global_vm_event(PGFAULT) - faults <= 2, "sixteen pages in two faults at most");
	tap_is(poke(a + 3 * PG, 99), 0, "a write");
	tap_is(poke(a + 30 * PG, 98), 0, "and one to a page that was not read before");
	tap_is(peek(a + 3 * PG), 99, "is seen here");
	tap_is(peek(a + 30 * PG + 1), 31, "beside the file's other bytes");
	tap_is(get_mm_counter(mm, MM_ANONPAGES), 2, "two pages are the program's own");
	tap_is(vm_check(), 0, "in order");
	tap_ok(strstr(maps_text(mm), "rw-p 00000000 08:01 4711") != NULL, "maps shows device, inode");
	tap_ok(strstr(maps_text(mm), " /bin/program\n") != NULL, "and path");
	tap_is((long)do_mmap(mm, 0, PG, PROT_READ | PROT_WRITE, MAP_SHARED, &handle, 0), -EACCES, "but no shared writing");
	do_munmap(mm, a, 40 * PG);
	a = do_mmap(mm, 0, PG, PROT_READ, MAP_PRIVATE, &handle, 3 * PG);
	tap_is(peek(a), 4, "the file kept its own bytes");
	do_munmap(mm, a, PG);
	test_file_gone(&file);
}

static void test_shared(struct mm_struct *mm)
{
	struct test_file file;
	struct mmap_file handle;
	struct mm_struct *other;
	unsigned long a;

	test_file_init(&file, "/tmp/shared", 10 * PG + 100);
	handle = test_file_handle(&file, true);
	a = do_mmap(mm, 0, 12 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, &handle, 0);
	tap_is(peek(a + 5 * PG), 0, "a hole reads as zero");
	tap_is(poke(a + 5 * PG, 5), 0, "and can be written");
	tap_is(poke(a + 10 * PG + 200, 1), 0, "the last page's rest can be touched");
	tap_is(peek(a + 11 * PG), -EFAULT, "nothing behind it");
	tap_is(vm_machine.last[0].what, VM_FAULT_SIGBUS, "SIGBUS");
	tap_is(vm_machine.last[0].si_code, FAULT_BUS_ADRERR, "BUS_ADRERR");
	tap_is(dup_mm(mm, &other), 0, "a second address space");
	tap_is(get_mm_rss(other), 0, "which maps nothing yet");
	vm_run_on(other);
	tap_is(peek(a + 5 * PG), 5, "but finds the same page");
	tap_is(poke(a + 6 * PG, 6), 0, "writes another");
	vm_run_on(mm);
	tap_is(peek(a + 6 * PG), 6, "and the first sees it");
	file.bytes = 5 * PG + 10;
	truncate_inode_pages_range(&file.mapping, file.bytes, ~0ull);
	tap_is(peek(a + 6 * PG), -EFAULT, "truncated: the page is gone from the first");
	tap_is(peek(a + 5 * PG), 5, "what is left stays");
	tap_is(poke(a + 5 * PG + 10, 7), 0, "behind the end");
	vm_run_on(other);
	tap_is(peek(a + 6 * PG), -EFAULT, "and from the second");
	vm_run_on(mm);
	mmput(other);
	do_munmap(mm, a, 12 * PG);
	test_file_gone(&file);
}

/* Truncation takes private copies, too, as everywhere. */
static void test_truncate_private(struct mm_struct *mm)
{
	struct test_file file;
	struct mmap_file handle;
	unsigned long a;

	test_file_init(&file, "/tmp/cut", 4 * PG);
	test_file_fill(&file, pattern);
	handle = test_file_handle(&file, true);
	a = do_mmap(mm, 0, 4 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, &handle, 0);
	poke(a + 2 * PG, 77);
	file.bytes = PG;
	truncate_inode_pages_range(&file.mapping, PG, ~0ull);
	tap_is(peek(a + 2 * PG), -EFAULT, "the copy behind the end is gone");
	tap_is(peek(a), 1, "the file's first page is not");
	tap_is(vm_check(), 0, "in order");
	file.bytes = 4 * PG;
	tap_is(peek(a + 2 * PG), 0, "grown again, there are zeros");
	do_munmap(mm, a, 4 * PG);
	test_file_gone(&file);
}

static void test_nonlinear(struct mm_struct *mm)
{
	struct test_file file;
	struct mmap_file handle;
	unsigned long a, wrong = 0;

	test_file_init(&file, "/tmp/index", 32 * PG);
	test_file_fill(&file, pattern);
	handle = test_file_handle(&file, true);
	a = do_mmap(mm, 0, 32 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, &handle, 0);
	for (unsigned long i = 0; i < 32; i++)
		tap_is(do_remap_file_pages(mm, a + i * PG, PG, 0, 31 - i, MAP_NONBLOCK), 0, "page %lu", i);
	for (unsigned long i = 0; i < 32; i++)
		wrong += peek(a + i * PG) != (int)(32 - i);
	tap_is(wrong, 0, "the file backwards");
	tap_is(poke(a, 200), 0, "a write through it");
	tap_is(do_remap_file_pages(mm, a + 4 * PG, PG, 0, 31, 0), 0, "the same page a second time");
	tap_is(peek(a + 4 * PG), 200, "shows it");
	file.bytes = 20 * PG;
	truncate_inode_pages_range(&file.mapping, file.bytes, ~0ull);
	tap_is(peek(a), -EFAULT, "truncation finds pages in any order");
	tap_is(peek(a + 31 * PG), 1, "and leaves the others");
	do_munmap(mm, a, 32 * PG);
	a = do_mmap(mm, 0, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, &handle, 0);
	tap_is(do_remap_file_pages(mm, a + PG, PG, 0, 19, 0), 0, "a page from far behind the mapping");
	tap_is(peek(a + PG), 20, "is shown");
	file.bytes = 10 * PG;
	truncate_inode_pages_range(&file.mapping, file.bytes, ~0ull);
	tap_is(peek(a + PG), -EFAULT, "until the file ends before it");
	tap_is(peek(a), 1, "those in place stay");
	tap_is(vm_check(), 0, "in order");
	do_munmap(mm, a, 4 * PG);
	test_file_gone(&file);
}

/* Which file lies at an address, for messages about it. */
static void test_file_at(struct mm_struct *mm)
{
	struct mm_file_place place;
	struct mmap_file handle;
	struct test_file file;
	unsigned long a, anon = map_anon(mm, 1, PROT_READ, 0);

	test_file_init(&file, "/usr/bin/a.out (deleted)", 9 * PG);
	handle = test_file_handle(&file, false);
	a = do_mmap(mm, 0, 4 * PG, PROT_READ, MAP_PRIVATE, &handle, 5 * PG);
	tap_ok(mm_file_at(mm, a + PG + 7, &place), "a mapped file is found");
	tap_ok(place.start == a && place.end == a + 4 * PG, "with its mapping");
	tap_is(place.offset, 6 * PG + 7, "and the offset in the file");
	tap_is_str(place.name, "a.out", "and its name alone");
	tap_ok(!mm_file_at(mm, anon, &place), "anonymous memory is no file");
	tap_ok(!mm_file_at(mm, a - PG, &place) || place.start < a, "nor is what lies below it");
	mmap_write_lock(mm);
	tap_ok(!mm_file_at(mm, a, &place), "who changes the mappings is not waited for");
	mmap_write_unlock(mm);
	do_munmap(mm, a, 4 * PG);
	do_munmap(mm, anon, PG);
	test_file_gone(&file);
}

/* Each address space that runs the file keeps writers out by itself. */
static void test_program(struct mm_struct *mm)
{
	struct mm_struct *child;
	struct test_file file;

	test_file_init(&file, "/bin/program", PG);
	mm_set_exe(mm, &file.mapping, &file);
	tap_ok(file.runners == 1 && file.refs == 1, "a program's file is held and denied");
	tap_ok(mm_get_exe(mm) == &file && file.refs == 2, "and given out with a reference");
	file.mapping.ops->put_file(&file);
	tap_is(dup_mm(mm, &child), 0, "a copy of the address space");
	tap_ok(file.runners == 2 && file.refs == 2, "does so as well");
	mm_set_exe(mm, NULL, NULL);
	tap_ok(file.runners == 1 && !mm_get_exe(mm), "the first runs something else");
	mmput(child);
	tap_is(file.runners, 0, "and the copy ends");
	test_file_gone(&file);
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	tap_plan(0);
	test_private(mm);
	test_shared(mm);
	test_truncate_private(mm);
	test_nonlinear(mm);
	test_file_at(mm);
	test_program(mm);
	vm_machine_end(mm);
	return tap_done();
}
