/* SPDX-License-Identifier: MIT */
/* frames_stress_test.c - all CPUs take, pass on and give back at once; every frame has one owner at a time. */
#include <stdatomic.h>
#include <string.h>

#include "phys_machine.h"
#include "sync/ctx.h"

#define CPUS 4
#define SLOTS 256

static struct {
	_Atomic(struct page *) slot[SLOTS]; /* frames on their way from one CPU to another */
	atomic_uint wrong;
	unsigned int rounds;
} shared;

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

/* The owner writes its mark; whoever takes the frame over must find it. */
static void mark(struct page *page, unsigned int order)
{
	for (unsigned int i = 0; i < 1u << order; i++)
		*(unsigned long *)page_address(page + i) = page_to_pfn(page);
	page->owner_word = order;
}

static void check_and_free(struct page *page)
{
	unsigned int order = page->owner_word;

	for (unsigned int i = 0; i < 1u << order; i++)
		if (*(unsigned long *)page_address(page + i) != page_to_pfn(page))
			atomic_fetch_add(&shared.wrong, 1);
	__free_pages(page, order);
}

static void worker(void *arg)
{
	static const gfp_t types[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE, __GFP_COLD};
	unsigned int seed = (unsigned int)tap_seed() + this_cpu() * 7919;

	for (unsigned int i = 0; i < shared.rounds; i++) {
		unsigned int r = next_random(&seed), order = r % 16 < 12 ? 0 : r % 16 == 15 ? r / 16 % 10 : r / 16 % 4;
		struct page *page = alloc_pages(GFP_NOWAIT | types[r / 64 % 4], order), *old;

		if (page)
			mark(page, order);
		old = atomic_exchange(&shared.slot[next_random(&seed) % SLOTS], page);
		if (old)
			check_and_free(old);
		if (r % 4096 == 0)
			drain_all_frames();
	}
}

static void drain(void *arg)
{
	drain_local_pages(NULL);
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = phys_machine(48 << 20, CPUS, 1);
	shared.rounds = tap_schedules > 1 ? 300 : 30000;
	tap_run(machine, CPUS, worker, NULL);
	tap_is(atomic_load(&shared.wrong), 0, "no frame had two owners");
	tap_is(phys_check(), 0, "every invariant holds");
	for (unsigned int i = 0; i < SLOTS; i++)
		if (shared.slot[i])
			check_and_free(shared.slot[i]);
	/* The other CPUs' lists are theirs: they empty them when they are asked. */
	tap_run(machine, CPUS, drain, NULL);
	tap_machine_frames_end(machine);
	return tap_done();
}
