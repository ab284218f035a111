/* SPDX-License-Identifier: MIT */
/* memblock_test.c - regions merge, split, grow and are searched from both ends. */
#include "phys_machine.h"

static struct memblock mb;

static unsigned int regions(const struct memblock_type *type)
{
	paddr_t sum = 0;

	for (unsigned int i = 0; i < type->cnt; i++) {
		sum += type->regions[i].size;
		if (i && type->regions[i - 1].base + type->regions[i - 1].size > type->regions[i].base)
			return ~0u;
	}
	return sum == type->total_size ? type->cnt : ~0u;
}

static void merging(void)
{
	memblock_init(&mb);
	memblock_add(0x100000, 0x100000);
	memblock_add(0x300000, 0x100000);
	tap_is(regions(&mb.memory), 2, "two ranges apart are two regions");
	memblock_add(0x200000, 0x100000);
	tap_is(regions(&mb.memory), 1, "the one between joins them");
	memblock_add(0x180000, 0x1000000);
	tap_is(mb.memory.total_size, 0x1080000, "an overlapping range adds what is new");
	memblock_add(0, 0x2000000);
	tap_ok(regions(&mb.memory) == 1 && mb.memory.total_size == 0x2000000, "a range around all swallows all");
	memblock_remove(0x800000, 0x100000);
	tap_is(regions(&mb.memory), 2, "removing a middle leaves two");
	memblock_remove(0x7ff000, 0x200000);
	tap_is(mb.memory.total_size, 0x7ff000 + 0x2000000 - 0x9ff000, "removing over a hole trims both sides");
	memblock_set_node(0x1000000, 0x800000, 1);
	tap_is(regions(&mb.memory), 4, "another node's part is a region of its own");
	memblock_set_node(0x1000000, 0x800000, 0);
	tap_is(regions(&mb.memory), 2, "and joins again");
	memblock_cap(0x500000);
	tap_ok(memblock_end_of_DRAM() == 0x500000 && memblock_is_memory(0x4fffff) && !memblock_is_memory(0x500000),
	       "a cap ends memory");
	memblock_add(~(paddr_t)0 - 0xfff, 0x100000);
	tap_ok(regions(&mb.memory) == 2, "a range past the end of addresses is cut");
}

static void searching(void)
{
	memblock_init(&mb);
	memblock_add_node(0x100000, 0x100000, 0, 0);
	memblock_add_node(0x400000, 0x100000, 1, 0);
	tap_is(memblock_phys_alloc(0x1000, 0x1000), 0x4ff000, "top down: the last place");
	mb.bottom_up = true;
	tap_is(memblock_phys_alloc(0x1000, 0x1000), 0x100000, "bottom up: the first");
	mb.bottom_up = false;
	tap_is(memblock_phys_alloc_range(0x1000, 0x80000, 0, ~0ull, NUMA_NO_NODE), 0x480000, "aligned");
	tap_is(memblock_phys_alloc_try_nid(0x1000, 0x1000, 0), 0x1ff000, "near");
	tap_is(memblock_phys_alloc_try_nid(0xf8000, 0x1000, 0), 0x107000, "whole of what is left near");
	tap_is(memblock_phys_alloc_try_nid(0x10000, 0x1000, 0), 0x4ef000, "far when near is full");
	mb.current_limit = 0x480000;
	tap_is(memblock_phys_alloc(0x1000, 0x1000), 0x47f000, "below the limit");
	tap_is(memblock_phys_alloc(0x800000, 0x1000), 0, "too much");
	tap_is(memblock_phys_alloc(0, 0x1000), 0, "nothing");
	memblock_phys_free(0x47f000, 0x1000);
	tap_ok(!memblock_is_reserved(0x47f000) && memblock_is_reserved(0x480000), "a reservation is taken back");
}

/* Many regions: the arrays grow out of memblock itself. The model is one flag a page. */
static void growing(void)
{
	static bool model[4096];
	unsigned int seed = 3, wrong = 0;
	paddr_t pos, start, end;
	int nid;

	mb.can_resize = false;
	memblock_init(&mb);
	memblock_add(0x1000000, 0x2000000);
	mb.can_resize = true;
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int page, nr;
		bool reserve;

		seed = seed * 1103515245u + 12345u;
		page = 4096 + (seed >> 8) % 2048;
		nr = 1 + (seed >> 20) % 3;
		reserve = seed >> 7 & 1;
		if (reserve)
			memblock_reserve((paddr_t)page << 12, (paddr_t)nr << 12);
		else
			memblock_phys_free((paddr_t)page << 12, (paddr_t)nr << 12);
		for (unsigned int k = 0; k < nr; k++)
			model[page - 4096 + k] = reserve;
	}
	tap_ok(mb.reserved.max > INIT_MEMBLOCK_REGIONS && regions(&mb.reserved) != ~0u, "the array grew to %u regions", mb.reserved.max);
	for (unsigned int page = 0; page < 2048; page++)
		wrong += memblock_is_reserved((paddr_t)(4096 + page) << 12) != model[page];
	tap_is(wrong, 0, "every page is what the model says");
	for_each_free_mem_range(pos, &start, &end, &nid)
		for (paddr_t at = start; at < end; at += 0x1000)
			wrong += at < 0x1800000 && model[(at >> 12) - 4096];
	tap_is(wrong, 0, "no free range holds a reserved page");
}

int main(void)
{
	struct hosted_machine *machine = tap_world_create(&(struct hosted_config){.mem_bytes = 64 << 20, .cpus = 1, .log = stdout});

	tap_plan(0);
	hosted_quire(machine)->boot = hosted_boot_info(machine);
	merging();
	searching();
	growing();
	tap_world_destroy(machine);
	return tap_done();
}
