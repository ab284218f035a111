/* SPDX-License-Identifier: MIT */
/* slab_test.c - object caches and kmalloc content, accounting, exhaustion. */
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "kmem/slab_int.h"
#include "phys/memmap.h"
#include "phys/phys.h"
#include "quire/stats.h"
#include "sync/ctx.h"
#include "tap.h"
#include "tap_machine.h"

static struct hosted_machine *machine_up(unsigned int cpus, uint64_t bytes, const char *cmdline)
{
	return tap_machine_objects(&(struct hosted_config){ .mem_bytes = bytes, .cpus = cpus, .cmdline = cmdline });
}

static unsigned long pages_in_use(void)
{
	drain_all_pages();
	return phys_pages_in_use();
}

static unsigned long cache_live(struct kmem_cache *cache)
{
	unsigned long live = 0;
	unsigned int i;

	for (i = 0; i < this_quire()->kmem->nr_nodes; i++)
		live += cache->node[i].nr_objects - cache->node[i].nr_free;
	for (i = 0; i < this_quire()->nr_cpus; i++)
		live -= cache->magazine[i]->avail;
	return live;
}

/* Random allocate and free against an array of what is live; every object carries its own number. */
static void test_model(void)
{
	enum { SLOTS = 2000 };
	const unsigned int steps = 60000 / (unsigned int)tap_pace;
	static const unsigned int sizes[] = { 1, 8, 24, 56, 64, 120, 200, 700, 1500, 4096, 6000 };
	struct hosted_machine *machine = machine_up(1, 64 << 20, "slab_debug=-");
	unsigned int s;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct kmem_cache *cache = kmem_cache_create("model", sizes[s], 0, SLAB_NO_MERGE, NULL);
		unsigned long before = pages_in_use(), live = 0, wrong = 0, step;
		static unsigned char *slot[SLOTS];

		memset(slot, 0, sizeof(slot));
		for (step = 0; step < steps; step++) {
			unsigned int i = (unsigned int)rand() % SLOTS;

			if (slot[i]) {
				wrong += slot[i][0] != (unsigned char)i || slot[i][sizes[s] - 1] != (unsigned char)i;
				kmem_cache_free(cache, slot[i]);
				slot[i] = NULL;
				live--;
				continue;
			}
			slot[i] = kmem_cache_alloc(cache, GFP_KERNEL);
			if (!slot[i])
				break;
			memset(slot[i], (int)i, sizes[s]);
			live++;
		}
		tap_is(step, steps, "size %u: no allocation fails", sizes[s]);
		tap_is(wrong, 0, "size %u: no object is shared", sizes[s]);
		tap_is(cache_live(cache), live, "size %u: live objects are counted", sizes[s]);
		tap_is(kmem_check(), 0, "size %u: invariants hold", sizes[s]);
		for (step = 0; step < SLOTS; step++)
			kmem_cache_free(cache, slot[step]);
		kmem_cache_shrink(cache);
		tap_is(pages_in_use(), before, "size %u: every page comes back", sizes[s]);
		kmem_cache_destroy(cache);
	}
	tap_machine_objects_end(machine);
}

static void test_kmalloc(void)
{
	struct hosted_machine *machine = machine_up(1, 64 << 20, NULL);
	size_t bytes, wrong = 0, small = 0;
	char *text;

	for (bytes = 1; bytes <= 70000; bytes += bytes < 300 ? 1 : 997) {
		unsigned char *p = kzalloc(bytes, GFP_KERNEL);
		size_t i;

		if (!p) {
			wrong++;
			break;
		}
		for (i = 0; i < bytes; i++)
			wrong += p[i] != 0;
		small += ksize(p) < bytes;
		memset(p, 0xee, bytes);
		kfree(p);
	}
	tap_is(wrong, 0, "kzalloc gives zeros at every size");
	tap_is(small, 0, "ksize is never less than was asked for");
	tap_ok(kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR, "kmalloc(0) is the zero-size pointer");
	kfree(ZERO_SIZE_PTR);
	kfree(NULL);
	tap_ok(!kcalloc(~(size_t)0 / 2, 3, GFP_KERNEL), "kcalloc refuses a product that overflows");
	tap_ok(!kmalloc((size_t)PAGE_SIZE << (MAX_ORDER + 1), GFP_KERNEL | __GFP_NOWARN), "more than the largest run fails");
	text = kstrdup("a gathering of leaves", GFP_KERNEL);
	text = krealloc(text, 9000, GFP_KERNEL);
	tap_is_str(text, "a gathering of leaves", "krealloc keeps the content");
	kfree(text);
	text = kmalloc(64, GFP_KERNEL | __GFP_DMA);
	tap_ok(text && virt_to_phys(text) < 16 << 20, "DMA objects lie below 16 MiB");
	kfree(text);
	for (bytes = 8; bytes <= 4096; bytes *= 2) {
		void *p = kmalloc(bytes, GFP_KERNEL);

		if ((uintptr_t)p % 8)
			wrong++;
		kfree(p);
	}
	tap_is(wrong, 0, "objects are aligned");
	tap_machine_objects_end(machine);
}

static unsigned long constructed;

static void ctor(void *object)
{
	memset(object, 0x5c, 40);
	constructed++;
}

static void test_ctor(void)
{
	struct hosted_machine *machine = machine_up(1, 64 << 20, NULL);
	struct kmem_cache *cache = kmem_cache_create("ctor", 40, 0, SLAB_TYPESAFE_BY_RCU, ctor);
	unsigned char *first[100];
	unsigned int i, wrong = 0;

	for (i = 0; i < 100; i++) {
		first[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		wrong += first[i][0] != 0x5c || first[i][39] != 0x5c;
	}
	for (i = 0; i < 100; i++)
		kmem_cache_free(cache, first[i]);
	for (i = 0; i < 100; i++) {
		first[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		wrong += first[i][0] != 0x5c || first[i][39] != 0x5c;
	}
	tap_is(wrong, 0, "objects keep what the constructor wrote while they are free");
	tap_ok(constructed >= 100, "each object was constructed");
	kmem_cache_free_bulk(cache, 100, (void **)first);
	kmem_cache_destroy(cache);
	tap_machine_objects_end(machine);
}

static void test_exhaustion(void)
{
	struct hosted_machine *machine = machine_up(1, 32 << 20, "slab_debug=-");
	struct kmem_cache *cache = kmem_cache_create("hungry", 512, 0, 0, NULL);
	unsigned long before = pages_in_use(), n = 0;
	void **list = NULL, **object;

	while ((object = kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN))) {
		*object = list;
		list = object;
		n++;
	}
	tap_ok(n > 20000, "most of 32 MiB became objects (%lu)", n);
	while (list) {
		object = *list;
		kmem_cache_free(cache, list);
		list = object;
	}
	kmem_cache_shrink(cache);
	tap_is(pages_in_use(), before, "after exhaustion every page comes back");
	tap_is(kmem_check(), 0, "and the invariants hold");
	tap_machine_objects_end(machine);
}

int main(void)
{
	tap_plan(0);
	test_model();
	test_kmalloc();
	test_ctor();
	test_exhaustion();
	return tap_done();
}
