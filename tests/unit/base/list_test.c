/* SPDX-License-Identifier: MIT */
/* list_test.c - lists against an array under random operations, and each splice by hand. */
#include "base/list.h"
#include "tap.h"

#include <string.h>

#define NR_ITEMS 64

struct item {
	struct list_head link;
	struct hlist_node hash;
	int number;
};

static struct item items[NR_ITEMS];

/* [L1] all the way round; how many nodes. */
static int check_ring(const struct list_head *head)
{
	const struct list_head *n = head;
	int nr = 0;

	do {
		if (n->next->prev != n || n->prev->next != n)
			return -1;
		n = n->next;
		nr++;
	} while (n != head);
	return nr - 1;
}

static int same(struct list_head *head, const int *model, int nr)
{
	struct item *item;
	int i = 0;

	list_for_each_entry(item, head, link) {
		if (i == nr || item->number != model[i])
			return 0;
		i++;
	}
	list_for_each_entry_reverse(item, head, link)
		if (item->number != model[--i])
			return 0;
	return i == 0 && check_ring(head) == nr;
}

static void test_against_array(void)
{
	int model[NR_ITEMS], nr = 0, on[NR_ITEMS] = { 0 }, good = 1;
	LIST_HEAD(head);

	for (int step = 0; step < 20000 && good; step++) {
		int i = (int)tap_rand_below(NR_ITEMS), at;

		if (on[i]) {
			for (at = 0; model[at] != i; at++)
				;
			memmove(model + at, model + at + 1, sizeof(int) * (size_t)(nr - at - 1));
			nr--;
		}
		if (on[i] && tap_rand_below(3)) {
			list_del(&items[i].link);
			on[i] = 0;
		} else if (tap_rand_below(2)) {
			on[i] ? list_move(&items[i].link, &head) : list_add(&items[i].link, &head);
			memmove(model + 1, model, sizeof(int) * (size_t)nr++);
			model[0] = i;
			on[i] = 1;
		} else {
			on[i] ? list_move_tail(&items[i].link, &head)
			      : list_add_tail(&items[i].link, &head);
			model[nr++] = i;
			on[i] = 1;
		}
		good = same(&head, model, nr) && (int)list_count(&head) == nr &&
		       list_empty(&head) == !nr && list_is_singular(&head) == (nr == 1);
	}
	tap_ok(good, "20000 random list operations agree with an array");
}

static void fill(struct list_head *head, int from, int to)
{
	INIT_LIST_HEAD(head);
	for (int i = from; i < to; i++)
		list_add_tail(&items[i].link, head);
}

static void test_splice(void)
{
	const int abcd[] = { 0, 1, 2, 3 }, cdab[] = { 2, 3, 0, 1 };
	struct list_head a, b, cut;

	fill(&a, 0, 2);
	fill(&b, 2, 4);
	list_splice_init(&b, &a);
	tap_ok(same(&a, cdab, 4) && list_empty(&b), "splice puts a list in front");
	fill(&a, 0, 2);
	fill(&b, 2, 4);
	list_splice_tail_init(&b, &a);
	tap_ok(same(&a, abcd, 4) && list_empty(&b), "splice_tail puts it at the end");
	list_splice_init(&b, &a);
	tap_ok(same(&a, abcd, 4), "splicing an empty list changes nothing");
	list_cut_position(&cut, &a, &items[1].link);
	tap_ok(same(&cut, abcd, 2) && same(&a, abcd + 2, 2), "cut_position divides a list");
	list_cut_position(&cut, &a, &a);
	tap_ok(list_empty(&cut) && same(&a, abcd + 2, 2), "cutting at the head takes nothing");
	list_replace(&items[2].link, &items[9].link);
	tap_is(list_first_entry(&a, struct item, link)->number, 9, "replace takes the place");
}

static void test_safe_walk(void)
{
	struct list_head head;
	struct item *item, *next;
	int seen = 0;

	fill(&head, 0, 10);
	list_for_each_entry_safe(item, next, &head, link) {
		if (item->number % 2)
			list_del_init(&item->link);
		seen++;
	}
	tap_is(seen, 10, "a safe walk sees all while it deletes");
	tap_is(check_ring(&head), 5, "and leaves the rest");
	tap_ok(list_empty(&items[1].link), "list_del_init leaves a ring of one");
}

static void test_hlist(void)
{
	struct hlist_head head = HLIST_HEAD_INIT;
	struct hlist_node *next;
	struct item *item;
	int sum = 0;

	for (int i = 0; i < 10; i++)
		hlist_add_head(&items[i].hash, &head);
	hlist_for_each_entry_safe(item, next, &head, hash)
		if (item->number % 3 == 0)
			hlist_del_init(&item->hash);
	hlist_for_each_entry(item, &head, hash) {
		sum += item->number;
		if (*item->hash.pprev != &item->hash)
			sum = -1000;
	}
	tap_is(sum, 1 + 2 + 4 + 5 + 7 + 8, "an hlist keeps what was not deleted, [L4] holds");
	tap_ok(hlist_unhashed(&items[0].hash) && !hlist_unhashed(&items[1].hash),
	       "a node knows whether it is on a list");
}

int main(void)
{
	tap_plan(0);
	for (int i = 0; i < NR_ITEMS; i++)
		items[i].number = i;
	test_against_array();
	test_splice();
	test_safe_walk();
	test_hlist();
	return tap_done();
}
