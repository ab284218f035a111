/* SPDX-License-Identifier: MIT */
/* cold_test.c - MADV_COLD, MADV_PAGEOUT and MADV_FREE: what goes at once, what stays, and what is flushed for it. */
#include "object/pagecache.h"
#include "phys/memmap.h"
#include "vm_machine.h"

#define RW (PROT_READ | PROT_WRITE)
#define ADVISE_FREE 8
#define ADVISE_COLD 20
#define ADVISE_PAGEOUT 21
#define FILE_PAGES 40ul

static struct {
	struct address_space mapping;
	unsigned int reads;
	bool refuse;
} disk;

static u64 disk_size(struct address_space *mapping)
{
	return FILE_PAGES * PG;
}

static int disk_read(struct address_space *mapping, struct page *page)
{
	disk.reads++;
	*(unsigned char *)page_address(page) = (unsigned char)(page_index(page) + 1);
	SetPageUptodate(page);
	unlock_page(page);
	return 0;
}

static bool disk_may_manage(void *file)
{
	return !disk.refuse;
}

static const struct address_space_operations disk_ops = {
	.size = disk_size, .read_page = disk_read, .may_manage = disk_may_manage,
};

static unsigned long map_disk(struct mm_struct *mm, unsigned long flags)
{
	const struct mmap_file file = { &disk.mapping, &disk, true, true, true, false };

	return do_mmap(mm, 0, FILE_PAGES * PG, RW, flags, &file, 0);
}

static unsigned int wrong_bytes(unsigned long a)
{
	unsigned int wrong = 0;

	for (unsigned long i = 0; i < FILE_PAGES; i++)
		wrong += peek(a + i * PG) != (int)(i + 1);
	return wrong;
}

static void test_file(struct mm_struct *mm)
{
	unsigned long a = map_disk(mm, MAP_SHARED), b;
	struct page *page, *again;

	tap_is(wrong_bytes(a), 0, "a file's pages are read");
	tap_ok(disk.reads == FILE_PAGES && disk.mapping.nrpages == FILE_PAGES, "each once");
	tap_is(do_madvise(mm, a, FILE_PAGES * PG, ADVISE_COLD), 0, "cold");
	tap_is(disk.mapping.nrpages, FILE_PAGES, "they stay");
	disk.refuse = true;
	tap_is(do_madvise(mm, a, FILE_PAGES * PG, ADVISE_PAGEOUT), 0, "out, says who may not write the file");
	tap_is(disk.mapping.nrpages, FILE_PAGES, "and they stay");
	disk.refuse = false;
	poke(a + 30 * PG, 99);
	page = find_get_page(&disk.mapping, 25);
	b = map_disk(mm, MAP_SHARED);
	peek(b + 7 * PG);
	tap_is(do_madvise(mm, a, FILE_PAGES * PG, ADVISE_PAGEOUT), 0, "out, says who may");
	/* A fault maps the pages around as well. */
	tap_ok(disk.mapping.nrpages >= 3 && disk.mapping.nrpages < FILE_PAGES, "most have gone");
	tap_is(peek(a + 30 * PG), 99, "not the dirty one");
	again = find_get_page(&disk.mapping, 25);
	tap_ok(again == page, "nor the one that somebody uses");
	put_page(page);
	if (again)
		put_page(again);
	do_munmap(mm, b, FILE_PAGES * PG);
	tap_is(peek(a + 20 * PG), 21, "what went is read again");
	tap_ok(disk.reads > FILE_PAGES, "from the disk");
	tap_is(vm_check(), 0, "in order");
	do_munmap(mm, a, FILE_PAGES * PG);
	truncate_inode_pages_range(&disk.mapping, 0, ~0ull);
}

static void test_private(struct mm_struct *mm)
{
	unsigned long a = map_disk(mm, MAP_PRIVATE), before;

	tap_is(wrong_bytes(a), 0, "read through a private mapping");
	poke(a, 77);
	before = disk.mapping.nrpages;
	tap_is(do_madvise(mm, a, FILE_PAGES * PG, ADVISE_PAGEOUT), 0, "out");
	tap_ok(disk.mapping.nrpages < before, "the file's pages go");
	tap_is(peek(a), 77, "the program's own stays");
	do_munmap(mm, a, FILE_PAGES * PG);
	truncate_inode_pages_range(&disk.mapping, 0, ~0ull);
}

static void test_given_up(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 4, RW, 0), freed = global_vm_event(PGLAZYFREED);
	struct page *held;
	struct mm_struct *child;

	for (int i = 0; i < 4; i++)
		poke(a + i * PG, 5);
	tap_is(do_madvise(mm, a, 4 * PG, ADVISE_PAGEOUT), 0, "out, without swap");
	tap_is(get_mm_rss(mm), 4, "nothing goes");
	do_madvise(mm, a, 3 * PG, ADVISE_FREE);
	poke(a + PG, 6);
	get_user_pages(mm, a + 2 * PG, 1, 0, &held);
	do_madvise(mm, a, 4 * PG, ADVISE_PAGEOUT);
	tap_is(global_vm_event(PGLAZYFREED) - freed, 1, "of three that were given up one goes");
	tap_ok(peek(a) == 0 && get_mm_rss(mm) == 3, "and reads as zeros");
	tap_is(peek(a + PG), 6, "not the one that was written again");
	tap_is(peek(a + 2 * PG), 5, "nor the one that is held");
	tap_is(peek(a + 3 * PG), 5, "nor the one that was not given up");
	put_page(held);
	dup_mm(mm, &child);
	do_madvise(mm, a, 4 * PG, ADVISE_PAGEOUT);
	tap_is(get_mm_rss(mm), 3, "what a child shares stays");
	mmput(child);
	do_madvise(mm, a, 4 * PG, ADVISE_PAGEOUT);
	tap_is(get_mm_rss(mm), 2, "until it is alone again");
	tap_is(vm_check(), 0, "in order");
	do_munmap(mm, a, 4 * PG);
}

/* Nothing that was used since: nothing to flush. */
static unsigned long flushes_of(struct mm_struct *mm, unsigned long a, int advice)
{
	unsigned long before = global_vm_event(NR_TLB_LOCAL_FLUSH_ALL) + global_vm_event(NR_TLB_LOCAL_FLUSH_ONE);

	do_madvise(mm, a, 8 * PG, advice);
	return global_vm_event(NR_TLB_LOCAL_FLUSH_ALL) + global_vm_event(NR_TLB_LOCAL_FLUSH_ONE) - before;
}

static void test_flushes(struct mm_struct *mm)
{
	unsigned long a = map_anon(mm, 8, RW, 0);

	for (int i = 0; i < 8; i++)
		poke(a + i * PG, 5);
	tap_ok(flushes_of(mm, a, ADVISE_COLD) > 0, "pages that were used become cold: a flush");
	tap_is(flushes_of(mm, a, ADVISE_COLD), 0, "cold pages: none");
	tap_is(peek(a), 5, "used again");
	tap_ok(flushes_of(mm, a, ADVISE_PAGEOUT) > 0, "which is noticed");
	tap_is(flushes_of(mm, a, ADVISE_PAGEOUT), 0, "once");
	poke(a, 6);
	tap_ok(flushes_of(mm, a, ADVISE_FREE) > 0, "dirty pages are given up: a flush");
	tap_is(flushes_of(mm, a, ADVISE_FREE), 0, "clean ones: none");
	do_munmap(mm, a, 8 * PG);
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	address_space_init(&disk.mapping, &disk_ops, NULL, GFP_HIGHUSER_MOVABLE, 0);
	tap_plan(0);
	test_file(mm);
	test_private(mm);
	test_given_up(mm);
	test_flushes(mm);
	address_space_destroy(&disk.mapping);
	vm_machine_end(mm);
	return tap_done();
}
