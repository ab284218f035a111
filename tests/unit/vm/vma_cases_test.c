/* SPDX-License-Identifier: MIT */
/*
 * vma_cases_test.c - a range between two neighbours becomes like them or not: all combinations, carried out, among them the eight
 * cases that Linux numbers; and the operations on VMAs by their names.
 *
 *	page  0     4     8    12        P, C, N: the rights before; C becomes `to`, or is new there
 *	      [  P  ][  C  ][  N  ]
 *
 *	1 2 3   C is new and joins both, P, N          6 7 8   C was a VMA of its own and joins both, P, N
 *	4       C was P's tail and joins N             5       C was N's head and joins P
 */
#include "vm_machine.h"

#include <string.h>

#include "vm/madvise.h"

#define BASE 0x40000000ul
#define PART 4u
#define PAGES (3 * PART)
#define FREE -1

enum kind { UNTOUCHED, ONE_FAMILY, OWN_FAMILIES, SHARED_FILE, PRIVATE_FILE, NR_KINDS };
static const char *const kind_names[NR_KINDS] = { "untouched", "one family", "own families", "shared file", "private file" };
static const unsigned long prots[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
#define NR_PROTS 3

static struct test_file file;
static struct mm_struct *mm;
static unsigned int hit[9];

/* A situation, and what is expected of it. */
struct situation {
	enum kind kind;
	int part[3], to;           /* indices into prots; FREE for a part that is new */
	unsigned long cut[4];      /* expected: where VMAs begin, and the end, in pages */
	unsigned int nr;
};

static unsigned char byte_of(unsigned int page)
{
	return (unsigned char)(page + 1);
}

static unsigned char file_byte(u64 i)
{
	return byte_of((unsigned int)(i / PG));
}

static bool map_pages(enum kind kind, unsigned int page, unsigned int nr, unsigned long prot)
{
	struct mmap_file handle = test_file_handle(&file, true);
	bool backed = kind == SHARED_FILE || kind == PRIVATE_FILE;
	unsigned long flags = MAP_FIXED | (kind == SHARED_FILE ? MAP_SHARED : MAP_PRIVATE) | (backed ? 0 : MAP_ANONYMOUS);

	return do_mmap(mm, BASE + page * PG, nr * PG, prot, flags, backed ? &handle : NULL, backed ? page * PG : 0) ==
	       BASE + page * PG;
}

static bool touch(unsigned int page, unsigned int nr)
{
	for (unsigned int i = page; i < page + nr; i++)
		if (poke(BASE + i * PG, byte_of(i)) != 0)
			return false;
	return true;
}

/* Three parts that are touched while nobody beside them is like them, and so are of three families. */
static bool build_strangers(void)
{
	const unsigned long middle = BASE + PART * PG;
	bool ok = map_pages(OWN_FAMILIES, 0, PART, prots[0]) && touch(0, PART);

	ok &= map_pages(OWN_FAMILIES, 2 * PART, PART, prots[0]) && touch(2 * PART, PART);
	ok &= map_pages(OWN_FAMILIES, PART, PART, PROT_NONE) && do_madvise(mm, middle, PART * PG, MADV_DONTDUMP) == 0;
	ok &= do_mprotect(mm, middle, PART * PG, prots[0]) == 0 && touch(PART, PART);
	return ok && do_madvise(mm, middle, PART * PG, MADV_DODUMP) == 0;
}

/* The parts as they are before. */
static bool build(const struct situation *s)
{
	bool ok = true;

	if (s->kind == OWN_FAMILIES)
		ok = build_strangers();
	else
		ok = map_pages(s->kind, 0, PAGES, prots[0]);
	if (s->kind == ONE_FAMILY)
		ok &= touch(0, PAGES);
	for (unsigned int i = 0; i < 3; i++) {
		if (s->part[i] == FREE)
			ok &= do_munmap(mm, BASE + i * PART * PG, PART * PG) == 0;
		else
			ok &= do_mprotect(mm, BASE + i * PART * PG, PART * PG, prots[s->part[i]]) == 0;
	}
	return ok;
}

/* Which of the numbered cases it is; 0: none. */
static unsigned int number_of(const struct situation *s)
{
	bool left = s->part[0] == s->to, right = s->part[2] == s->to;

	if (s->part[1] == FREE)
		return left ? (right ? 1 : 2) : right ? 3 : 0;
	if (s->part[0] == s->part[1])
		return s->part[2] != s->part[1] && right ? 4 : 0;
	if (s->part[2] == s->part[1])
		return left ? 5 : 0;
	return left ? (right ? 6 : 7) : right ? 8 : 0;
}

/* What is new is promised memory like its neighbours: these stay promised when they lose the right to write, unless nothing of them is
 * private yet. */
static bool same_promise(const struct situation *s)
{
	return s->part[1] != FREE || s->kind == UNTOUCHED || s->kind == SHARED_FILE || s->to == 0;
}

/* Neighbours are one VMA when their rights are the same and they are of one family, or one of them has none. */
static void expect(struct situation *s)
{
	bool own = s->kind == OWN_FAMILIES, fresh = s->part[1] == FREE, fits = same_promise(s) && (!own || fresh);
	bool left = s->part[0] == s->to && fits;
	bool right = s->part[2] == s->to && fits && !(own && left);

	s->nr = 0;
	s->cut[s->nr++] = 0;
	if (!left)
		s->cut[s->nr++] = PART;
	if (!right)
		s->cut[s->nr++] = 2 * PART;
	s->cut[s->nr] = PAGES;
}

/* Every look-up by every address says the same as the list. */
static unsigned int check_lookups(const struct situation *s)
{
	unsigned int wrong = 0;

	for (unsigned int page = 0; page < PAGES; page++) {
		unsigned long addr = BASE + page * PG;
		struct vm_area_struct *prev, *vma = find_vma(mm, addr + 5);
		unsigned int i = 0;

		while (s->cut[i + 1] <= page)
			i++;
		wrong += !vma || vma->vm_start != BASE + s->cut[i] * PG || vma->vm_end != BASE + s->cut[i + 1] * PG;
		wrong += find_vma_prev(mm, addr, &prev) != vma || (i ? !prev || prev->vm_end != vma->vm_start : prev == vma);
		wrong += find_vma_intersection(mm, addr, addr + 1) != vma;
		wrong += find_vma_intersection(mm, addr + PG - 1, addr + PAGES * PG) != vma;
		wrong += vma_lookup(mm, addr) != vma;
	}
	wrong += find_vma_intersection(mm, BASE - PG, BASE) != NULL || find_vma_intersection(mm, BASE + PAGES * PG, BASE + 50 * PG) != NULL;
	wrong += find_vma(mm, BASE - 1) != find_vma(mm, BASE);
	return wrong;
}

/* What was written is there, however its VMA has changed; what is new is empty. */
static unsigned int check_bytes(const struct situation *s)
{
	bool touched = s->kind != UNTOUCHED, backed = s->kind == SHARED_FILE || s->kind == PRIVATE_FILE;
	unsigned int wrong = do_mprotect(mm, BASE, PAGES * PG, PROT_READ | PROT_WRITE) != 0;

	for (unsigned int page = 0; page < PAGES; page++) {
		bool fresh = s->part[1] == FREE && page / PART == 1 && !backed;

		wrong += peek(BASE + page * PG) != (touched && !fresh ? byte_of(page) : 0);
	}
	return wrong;
}

static unsigned int run(struct situation *s)
{
	unsigned int wrong = !build(s);

	if (s->part[1] == FREE)
		wrong += !map_pages(s->kind, PART, PART, prots[s->to]);
	else
		wrong += do_mprotect(mm, BASE + PART * PG, PART * PG, prots[s->to]) != 0;
	expect(s);
	wrong += check_lookups(s) + mm_check(mm) + vm_check_sums();
	wrong += check_bytes(s) + mm_check(mm);
	wrong += do_munmap(mm, BASE, PAGES * PG) != 0;
	if (s->kind != OWN_FAMILIES && same_promise(s))
		hit[number_of(s)]++;
	return wrong;
}

static void test_all(enum kind kind)
{
	unsigned int nr = 0, wrong = 0;

	for (int p = 0; p < NR_PROTS; p++)
		for (int c = FREE; c < NR_PROTS; c++)
			for (int n = 0; n < NR_PROTS; n++)
				for (int to = 0; to < NR_PROTS; to++) {
					struct situation s = { .kind = kind, .part = { p, c, n }, .to = to };
					unsigned int bad = c == to ? 0 : run(&s);

					nr += c != to;
					if (bad && !wrong)
						tap_diag("%s: P %d C %d N %d becomes %d", kind_names[kind], p, c, n, to);
					wrong += bad;
				}
	tap_is(wrong, 0, "%s: %u situations", kind_names[kind], nr);
}

static void test_split(void)
{
	unsigned long a = map_anon(mm, 8, PROT_READ | PROT_WRITE, 0), count = mm->map_count, most = this_vm()->max_map_count;
	struct vm_area_struct *vma = vma_lookup(mm, a);

	mmap_write_lock(mm);
	tap_is(split_vma(mm, vma, a + 3 * PG, true), 0, "split_vma makes a VMA of the lower part");
	tap_ok(vma->vm_start == a + 3 * PG && vma->vm_prev->vm_start == a && vma->vm_prev->vm_end == a + 3 * PG, "and keeps the upper");
	tap_is(split_vma(mm, vma, a + 6 * PG, false), 0, "or of the upper");
	tap_ok(vma->vm_end == a + 6 * PG && vma->vm_next->vm_start == a + 6 * PG && vma->vm_next->vm_pgoff == vma->vm_pgoff + 3,
	       "and keeps the lower");
	tap_is(mm->map_count, count + 2, "both are counted");
	this_vm()->max_map_count = mm->map_count;
	tap_is(split_vma(mm, vma, a + 4 * PG, true), -ENOMEM, "no more than max_map_count");
	this_vm()->max_map_count = most;
	mmap_write_unlock(mm);
	tap_is(mm_check(mm), 0, "all is in order");
	do_munmap(mm, a, 8 * PG);
}

static void test_insert(void)
{
	struct vm_area_struct *vma, *before = find_vma(mm, BASE);
	struct mm_struct *other = mm_alloc();

	mmap_write_lock(other);
	vma = vma_alloc(other);
	vma->vm_start = BASE;
	vma->vm_end = BASE + 2 * PG;
	vma->vm_pgoff = BASE >> PAGE_SHIFT;
	vma_init_flags(vma, VM_READ | VM_MAYREAD);
	tap_is(insert_vm_struct(other, vma), 0, "insert_vm_struct");
	vm_stat_account(other, vma->vm_flags, 2);
	mmap_write_unlock(other);
	tap_ok(find_vma(other, 0) == vma && other->mmap == vma && other->last == vma, "puts it into tree and list");
	tap_is(mm_check(other), 0, "and its reverse map knows its rights");
	tap_ok(find_vma(mm, BASE) == before, "of that address space only");
	mmput(other);
}

static void test_unmapped_area(void)
{
	unsigned long a = map_anon(mm, 4, PROT_READ, 0), got, flags = MAP_PRIVATE | MAP_ANONYMOUS;

	mmap_write_lock(mm);
	tap_is(get_unmapped_area(mm, a, PG, 0, flags | MAP_FIXED, 0), a, "get_unmapped_area: MAP_FIXED is where it says");
	got = get_unmapped_area(mm, a, PG, 0, flags, 0);
	tap_ok(got != a && !IS_ERR_VALUE(got) && !find_vma_intersection(mm, got, got + PG), "a hint that is taken already");
	tap_is(get_unmapped_area(mm, BASE, PG, 0, flags, 0), BASE, "one that is free");
	tap_is((long)get_unmapped_area(mm, BASE + 1, PG, 0, flags | MAP_FIXED, 0), -EINVAL, "a place within a page");
	tap_is((long)get_unmapped_area(mm, TASK_SIZE - PG, 2 * PG, 0, flags | MAP_FIXED, 0), -ENOMEM, "beyond the end");
	tap_is((long)get_unmapped_area(mm, 0, TASK_SIZE, 0, flags, 0), -ENOMEM, "as much as there is not");
	mmap_write_unlock(mm);
	do_munmap(mm, a, 4 * PG);
}

int main(void)
{
	tap_plan(0);
	mm = vm_machine_start(32 << 20, 1);
	test_file_init(&file, "cases", PAGES * PG);
	test_file_fill(&file, file_byte);
	for (int kind = 0; kind < NR_KINDS; kind++)
		test_all((enum kind)kind);
	for (unsigned int number = 1; number <= 8; number++)
		tap_ok(hit[number] > 0, "case %u: %u times", number, hit[number]);
	test_split();
	test_insert();
	test_unmapped_area();
	test_file_gone(&file);
	vm_machine_end(mm);
	return tap_done();
}
