/* SPDX-License-Identifier: MIT */
/* vma_merge_test.c - which neighbours a range joins: every combination of the attributes that decide. */
#include "tap.h"
#include "vm/vma_merge.h"

#include <string.h>

#define P(n) ((unsigned long)(n) << PAGE_SHIFT)

static struct vma_attrs range_at(unsigned long start, unsigned long end)
{
	return (struct vma_attrs){ .start = P(start), .end = P(end), .flags = VM_READ | VM_WRITE, .pgoff = start };
}

static void check_positions(void)
{
	struct vma_attrs a = range_at(10, 20), r = range_at(20, 30), b = range_at(30, 40);

	tap_is(vma_merge_decide(&a, &r, &b), MERGE_BOTH, "adjacent on both sides");
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_LEFT, "only on the left");
	tap_is(vma_merge_decide(NULL, &r, &b), MERGE_RIGHT, "only on the right");
	tap_is(vma_merge_decide(NULL, &r, NULL), MERGE_NONE, "nobody there");
	a = range_at(10, 19);
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "a hole between");
	a = range_at(10, 20);
	a.pgoff++;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "offsets do not continue");
	b = range_at(30, 40);
	b.pgoff--;
	tap_is(vma_merge_decide(NULL, &r, &b), MERGE_NONE, "offsets do not continue on the right");
}

static void check_kinds(void)
{
	static const unsigned long special[] = { VM_IO, VM_PFNMAP, VM_DONTEXPAND };
	struct vma_attrs a = range_at(10, 20), r = range_at(20, 30);
	int file1, file2;

	a.flags |= VM_EXEC;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "other rights");
	a = range_at(10, 20);
	a.file = &file1;
	r.file = &file2;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "two open files");
	r.file = &file1;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_LEFT, "one open file");
	a.userfault = (const void *)&file1;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "one is watched");
	r.userfault = (const void *)&file2;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "by two monitors");
	r.userfault = (const void *)&file1;
	tap_is(vma_merge_decide(&a, &r, NULL), MERGE_LEFT, "by one");
	a.userfault = r.userfault = NULL;
	for (unsigned int i = 0; i < 3; i++) {
		a.flags = special[i];
		r.flags = special[i];
		tap_is(vma_merge_decide(&a, &r, NULL), MERGE_NONE, "special flag %#lx", special[i]);
	}
}

/* Families: 0 none, 1 and 2 two of them; forked or not. The rule, said another way. */
static int families_fit(int a, bool a_forked, int b, bool b_forked)
{
	if (a == b)
		return 1;
	if (a && b)
		return 0;
	return a ? !a_forked : !b_forked;
}

static void check_families(void)
{
	for (int i = 0; i < 3 * 3 * 3 * 8; i++) {
		struct vma_attrs a = range_at(10, 20), r = range_at(20, 30), b = range_at(30, 40);
		int fa = i % 3, fr = i / 3 % 3, fb = i / 9 % 3, bits = i / 27;
		int left, right, wanted;

		a.anon_id = (u64)fa;
		r.anon_id = (u64)fr;
		b.anon_id = (u64)fb;
		a.anon_forked = fa && (bits & 1);
		r.anon_forked = fr && (bits & 2);
		b.anon_forked = fb && (bits & 4);
		left = families_fit(fa, a.anon_forked, fr, r.anon_forked);
		right = families_fit(fb, b.anon_forked, fr, r.anon_forked);
		if (left && right && fa && fb && fa != fb)
			right = 0;
		wanted = left ? (right ? MERGE_BOTH : MERGE_LEFT) : right ? MERGE_RIGHT : MERGE_NONE;
		if (vma_merge_decide(&a, &r, &b) != (enum vma_merge_kind)wanted) {
			tap_ok(0, "families %d %d %d, forked %d", fa, fr, fb, bits);
			return;
		}
	}
	tap_ok(1, "all 216 combinations of families");
}

int main(void)
{
	tap_plan(0);
	check_positions();
	check_kinds();
	check_families();
	return tap_done();
}
