/* SPDX-License-Identifier: MIT */
/* vma_tree_test.c - the tree against a sorted array: look-ups, changes and gap searches on thousands of VMAs. */
#include "vm_machine.h"

#include <stdlib.h>
#include <string.h>

#include "vm/vma_tree.h"

#define MAX_VMAS 4000
#define SPAN_PAGES 40000ul

static struct vma_tree tree;
static struct mm_struct fake_mm;
static struct vm_area_struct *model[MAX_VMAS]; /* in order */
static unsigned int nr;

static unsigned int model_floor(unsigned long addr)
{
	unsigned int i = 0;

	while (i < nr && model[i]->vm_start <= addr)
		i++;
	return i;
}

/* The list links that the tree's users keep. */
static void relink(void)
{
	for (unsigned int i = 0; i < nr; i++) {
		model[i]->vm_prev = i ? model[i - 1] : NULL;
		model[i]->vm_next = i + 1 < nr ? model[i + 1] : NULL;
	}
}

static int insert(unsigned long start, unsigned long end)
{
	unsigned int at = model_floor(start);
	struct vm_area_struct *vma;

	if (nr == MAX_VMAS || (at && model[at - 1]->vm_end > start) || (at < nr && model[at]->vm_start < end))
		return 0;
	vma = calloc(1, sizeof(*vma));
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_mm = &fake_mm;
	if ((at == nr ? vma_tree_append(&tree, vma) : vma_tree_insert(&tree, vma)) != 0)
		abort();
	memmove(&model[at + 1], &model[at], (nr - at) * sizeof(model[0]));
	model[at] = vma;
	nr++;
	relink();
	return 1;
}

static void erase(unsigned int at)
{
	vma_tree_erase(&tree, model[at]);
	free(model[at]);
	nr--;
	memmove(&model[at], &model[at + 1], (nr - at) * sizeof(model[0]));
	relink();
}

/* The model's answer to a gap request, by looking at every hole. */
static unsigned long model_gap(const struct gap_request *req, int topdown)
{
	unsigned long best = (unsigned long)-ENOMEM;

	for (unsigned int i = 0; i <= nr; i++) {
		unsigned long start = i ? model[i - 1]->vm_end : 0, end = i < nr ? model[i]->vm_start : ~0ul;

		start = start < req->low ? req->low : start;
		end = end > req->high ? req->high : end;
		if (end <= start || end - start < req->len)
			continue;
		if (!topdown)
			return start;
		best = end - req->len;
	}
	return best;
}

static unsigned int check_gaps(void)
{
	unsigned int wrong = 0;

	for (int i = 0; i < 40; i++) {
		struct gap_request req = { .len = (1 + tap_rand_below(30)) * PG, .low = tap_rand_below(SPAN_PAGES) * PG };

		req.high = req.low + tap_rand_below(SPAN_PAGES) * PG + PG;
		wrong += vma_tree_gap_topdown(&tree, &req) != model_gap(&req, 1);
		wrong += vma_tree_gap_bottomup(&tree, &req) != model_gap(&req, 0);
	}
	return wrong;
}

static unsigned int check_finds(void)
{
	unsigned int wrong = 0;

	for (int i = 0; i < 200; i++) {
		unsigned long addr = tap_rand_below((SPAN_PAGES + 10) * PG);
		unsigned int at = model_floor(addr);
		struct vm_area_struct *floor = at ? model[at - 1] : NULL;
		struct vm_area_struct *find = floor && floor->vm_end > addr ? floor : at < nr ? model[at] : NULL;

		wrong += vma_tree_floor(&tree, addr) != floor;
		wrong += vma_tree_find(&tree, addr) != find;
	}
	return wrong;
}

/* A start or an end moves into the hole beside it, or gives some of its own range up. */
static void resize(unsigned int at)
{
	struct vm_area_struct *vma = model[at];
	unsigned long low = at ? model[at - 1]->vm_end : 0, high = at + 1 < nr ? model[at + 1]->vm_start : ~0ul;
	unsigned long start = vma->vm_start, end = vma->vm_end;

	if (tap_rand_below(2))
		start = start > low + PG && tap_rand_below(2) ? start - PG : start + PG < end ? start + PG : start;
	else
		end = high - end > PG && tap_rand_below(2) ? end + PG : end - PG > start ? end - PG : end;
	vma_tree_set_range(&tree, vma, start, end);
}

static void test_random(void)
{
	unsigned int wrong = 0, broken = 0;

	for (int round = 0; round < 60; round++) {
		/* Growing and shrinking phases, random and in order. */
		unsigned int grow = round % 4 != 3;

		for (int i = 0; i < 300; i++) {
			unsigned long start = tap_rand_below(SPAN_PAGES) * PG;

			if (grow && round % 4 == 1)
				start = nr ? model[0]->vm_start - (1 + tap_rand_below(3)) * PG : SPAN_PAGES / 2 * PG;
			if (grow && start < SPAN_PAGES * PG)
				insert(start, start + (1 + tap_rand_below(4)) * PG);
			else if (nr)
				erase((unsigned int)tap_rand_below(nr));
			if (nr)
				resize((unsigned int)tap_rand_below(nr));
		}
		broken += vma_tree_check(&tree) != (long)nr;
		wrong += check_finds() + check_gaps();
	}
	tap_is(broken, 0, "the tree's invariants held");
	tap_is(wrong, 0, "finds and gaps agree with the model");
}

static void test_empty_again(void)
{
	while (nr)
		erase((unsigned int)tap_rand_below(nr));
	tap_is(vma_tree_check(&tree), 0, "empty");
	tap_ok(!tree.root && !tree.depth, "with no node left");
	for (unsigned int i = 0; i < 1000; i++)
		insert(i * 2 * PG, (i * 2 + 1) * PG);
	tap_is(vma_tree_check(&tree), 1000, "a thousand in rising order");
	tap_ok(tree.depth <= 4, "in a tree of depth %u", tree.depth);
	while (nr)
		erase(0);
	tap_ok(!tree.root, "and away from the front");
}

int main(void)
{
	struct mm_struct *mm = vm_machine_start(64 << 20, 1);

	tap_plan(0);
	vma_tree_init(&tree);
	test_random();
	test_empty_again();
	vm_machine_end(mm);
	return tap_done();
}
