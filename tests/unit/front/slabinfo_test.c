/* SPDX-License-Identifier: MIT */
/* slabinfo_test.c - /proc/slabinfo: version 2.1 as slabtop(1) reads it, and its figures against the caches. */
#include "quire/slab.h"
#include "tap_machine.h"
#include "texts.h"

#define OBJECTS 1000u
#define OBJECT_BYTES 200u

struct row {
	char name[128];
	unsigned int active, total, size, per_slab, pages, active_slabs, slabs, shared;
};

/* The very format of procps. */
static bool parse(const char *line, struct row *row)
{
	int limit, batch, factor;

	return sscanf(line, "%127s %u %u %u %u %u : tunables %d %d %d : slabdata %u %u %u", row->name, &row->active, &row->total,
		      &row->size, &row->per_slab, &row->pages, &limit, &batch, &factor, &row->active_slabs, &row->slabs,
		      &row->shared) == 12;
}

static bool find(const char *name, struct row *row)
{
	const char *line = text_of(quire_show_slabinfo);

	for (; *line; line = strchr(line, '\n') + 1)
		if (parse(line, row) && !strcmp(row->name, name))
			return true;
	memset(row, 0, sizeof(*row));
	return false;
}

static void form(void)
{
	const char *line = text_of(quire_show_slabinfo);
	unsigned int rows = 0, good = 0, consistent = 0;
	unsigned long pages = 0;
	struct row row;
	int major, minor;

	tap_is(sscanf(line, "slabinfo - version: %d.%d", &major, &minor), 2, "begins with its version");
	tap_is(major * 10 + minor, 21, "which is 2.1");
	line = strchr(line, '\n') + 1;
	tap_ok(!strncmp(line, "# name            <active_objs> <num_objs> <objsize>", 50), "then come the columns' names");
	for (line = strchr(line, '\n') + 1; *line; line = strchr(line, '\n') + 1, rows++) {
		good += parse(line, &row);
		consistent += row.active <= row.total && row.active_slabs <= row.slabs && row.total == row.slabs * row.per_slab &&
			      row.size * row.per_slab <= row.pages * 4096;
		pages += (unsigned long)row.slabs * row.pages;
	}
	tap_ok(rows > 10, "there are caches: %u", rows);
	tap_is(good, rows, "every row parses");
	tap_is(consistent, rows, "objects are slabs times objects per slab, and fit");
	tap_is(pages, global_node_page_state(NR_SLAB_RECLAIMABLE) + global_node_page_state(NR_SLAB_UNRECLAIMABLE),
	       "the slabs' pages are those that meminfo counts");
}

static void one_cache(void)
{
	struct kmem_cache *cache = kmem_cache_create("figures", OBJECT_BYTES, 8, 0, NULL);
	static void *objects[OBJECTS];
	struct row row;

	tap_ok(find("figures", &row) && !row.active && !row.slabs, "a new cache has a row, and nothing in it");
	tap_ok(row.size >= OBJECT_BYTES, "its objects are %u bytes", row.size);
	for (unsigned int i = 0; i < OBJECTS; i++)
		objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	find("figures", &row);
	tap_is(row.active, OBJECTS, "what is allocated is active, no more");
	tap_ok(row.slabs >= OBJECTS / row.per_slab, "in enough slabs");
	form();
	for (unsigned int i = 0; i < OBJECTS; i += 2)
		kmem_cache_free(cache, objects[i]);
	find("figures", &row);
	tap_is(row.active, OBJECTS / 2, "half of them freed are not");
	for (unsigned int i = 1; i < OBJECTS; i += 2)
		kmem_cache_free(cache, objects[i]);
	kmem_cache_shrink(cache);
	find("figures", &row);
	tap_is(row.active, 0, "none is left");
	kmem_cache_destroy(cache);
	tap_ok(!find("figures", &row), "a cache that is gone has no row");
}

int main(void)
{
	struct hosted_machine *machine;

	tap_plan(0);
	machine = tap_machine(64 << 20, 1, 1);
	form();
	one_cache();
	tap_machine_end(machine);
	return tap_done();
}
