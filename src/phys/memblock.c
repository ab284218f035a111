/* SPDX-License-Identifier: MIT */
/* memblock.c - sets of physical ranges, and allocation from their difference. */
#include "phys/memblock.h"

#include "arch/page.h"
#include "base/math.h"
#include "base/string.h"
#include "quire/errno.h"
#include "quire/page.h"
#include "sync/ctx.h"
#include "sync/report.h"

void memblock_init(struct memblock *mb)
{
	memset(mb, 0, sizeof(*mb));
	mb->memory = (struct memblock_type){mb->memory_init, 0, INIT_MEMBLOCK_REGIONS, 0, "memory"};
	mb->reserved = (struct memblock_type){mb->reserved_init, 0, INIT_MEMBLOCK_REGIONS, 0, "reserved"};
	mb->current_limit = MEMBLOCK_ALLOC_ANYWHERE;
	this_quire()->memblock = mb;
}

static void note(const char *what, paddr_t base, paddr_t size)
{
	if (this_quire()->memblock->debug && size)
		quire_log(QUIRE_LOG_INFO, "%s: [0x%016llx-0x%016llx]", what, (unsigned long long)base,
			  (unsigned long long)(base + size - 1));
}

static void insert_region(struct memblock_type *type, unsigned int at, struct memblock_region region)
{
	memmove(&type->regions[at + 1], &type->regions[at], (type->cnt - at) * sizeof(region));
	type->regions[at] = region;
	type->cnt++;
	type->total_size += region.size;
}

static void remove_region(struct memblock_type *type, unsigned int at)
{
	type->total_size -= type->regions[at].size;
	type->cnt--;
	memmove(&type->regions[at], &type->regions[at + 1], (type->cnt - at) * sizeof(type->regions[0]));
}

/* Joins neighbours that touch and agree [E2]. */
static void merge_regions(struct memblock_type *type)
{
	unsigned int i = 0;

	while (i + 1 < type->cnt) {
		struct memblock_region *a = &type->regions[i], *b = a + 1;

		if (a->base + a->size != b->base || a->nid != b->nid || a->flags != b->flags) {
			i++;
			continue;
		}
		type->total_size += b->size; /* remove_region takes it off again */
		a->size += b->size;
		remove_region(type, i + 1);
	}
}

/* Regions that must be free in an array: two for a split at both ends, one for the array's own growth. */
#define SPARE_REGIONS 3

/* Room for two more regions. The old array stays reserved. */
static int make_room(struct memblock_type *type)
{
	struct memblock *mb = this_quire()->memblock;
	struct memblock_region *bigger;
	size_t bytes = 2 * (size_t)type->max * sizeof(*bigger);
	paddr_t where;

	if (type->cnt + SPARE_REGIONS <= type->max)
		return 0;
	if (!mb->can_resize) {
		quire_log(QUIRE_LOG_ERR, "memblock: more than %u %s regions before the direct map exists", type->max,
			  type->name);
		return -ENOMEM;
	}
	/* The reserved array must not grow while it grows: the spare slot is for this reservation. */
	type->max += SPARE_REGIONS;
	where = memblock_phys_alloc(ALIGN(bytes, (size_t)PAGE_SIZE), PAGE_SIZE);
	type->max -= SPARE_REGIONS;
	if (!where)
		return -ENOMEM;
	bigger = phys_to_virt(where);
	memcpy(bigger, type->regions, type->cnt * sizeof(*bigger));
	type->regions = bigger;
	type->max *= 2;
	return 0;
}

/* Splits regions at `base` and `end`; *first and *last get the indices of those inside: [first, last). */
static int isolate_range(struct memblock_type *type, paddr_t base, paddr_t end, unsigned int *first, unsigned int *last)
{
	unsigned int i;
	int err = make_room(type);

	*first = *last = 0;
	if (err)
		return err;
	for (i = 0; i < type->cnt; i++) {
		struct memblock_region *r = &type->regions[i], low = *r;
		paddr_t cut = r->base < base ? base : end;

		if (r->base + r->size <= base) {
			*first = *last = i + 1;
			continue;
		}
		if (r->base >= end)
			break;
		if (r->base < cut && cut < r->base + r->size) {
			low.size = cut - r->base;
			r->base = cut;
			r->size -= low.size;
			type->total_size -= low.size;
			insert_region(type, i, low);
			if (cut == base) {
				*first = *last = i + 1;
				continue;
			}
		}
		*last = i + 1;
	}
	return 0;
}

/* Adds what of [base, base + size) is not yet covered. */
static int add_range(struct memblock_type *type, paddr_t base, paddr_t size, int nid, u32 flags)
{
	paddr_t end = size > ~base ? ~(paddr_t)0 : base + size;
	unsigned int i;

	for (i = 0; base < end; i++) {
		int err = make_room(type);
		paddr_t stop = end;

		if (err)
			return err;
		if (i < type->cnt) {
			struct memblock_region *r = &type->regions[i];

			if (r->base + r->size <= base)
				continue;
			stop = max_t(paddr_t, base, min_t(paddr_t, end, r->base));
		}
		if (base < stop)
			insert_region(type, i++, (struct memblock_region){base, stop - base, flags, nid});
		base = stop;
		if (i < type->cnt && base < end)
			base = type->regions[i].base + type->regions[i].size;
	}
	merge_regions(type);
	return 0;
}

static int remove_range(struct memblock_type *type, paddr_t base, paddr_t size)
{
	paddr_t end = size > ~base ? ~(paddr_t)0 : base + size;
	unsigned int first, last;
	int err = isolate_range(type, base, end, &first, &last);

	if (err)
		return err;
	while (last > first)
		remove_region(type, --last);
	return 0;
}

int memblock_add_node(paddr_t base, paddr_t size, int nid, u32 flags)
{
	note("memblock_add", base, size);
	return add_range(&this_quire()->memblock->memory, base, size, nid, flags);
}

int memblock_add(paddr_t base, paddr_t size)
{
	return memblock_add_node(base, size, 0, MEMBLOCK_NONE);
}

int memblock_remove(paddr_t base, paddr_t size)
{
	note("memblock_remove", base, size);
	return remove_range(&this_quire()->memblock->memory, base, size);
}

int memblock_reserve(paddr_t base, paddr_t size)
{
	note("memblock_reserve", base, size);
	return add_range(&this_quire()->memblock->reserved, base, size, NUMA_NO_NODE, MEMBLOCK_NONE);
}

int memblock_phys_free(paddr_t base, paddr_t size)
{
	note("memblock_phys_free", base, size);
	return remove_range(&this_quire()->memblock->reserved, base, size);
}

/* Sets the node or, with NUMA_NO_NODE, adds flags in [base, base + size) of the memory. */
static int mark_range(paddr_t base, paddr_t size, int nid, u32 flags)
{
	struct memblock_type *type = &this_quire()->memblock->memory;
	unsigned int first, last;
	int err = isolate_range(type, base, base + size, &first, &last);

	if (err)
		return err;
	for (; first < last; first++) {
		type->regions[first].flags |= flags;
		if (nid != NUMA_NO_NODE)
			type->regions[first].nid = nid;
	}
	merge_regions(type);
	return 0;
}

int memblock_set_node(paddr_t base, paddr_t size, int nid)
{
	return mark_range(base, size, nid, 0);
}

int memblock_mark(paddr_t base, paddr_t size, u32 flag)
{
	return mark_range(base, size, NUMA_NO_NODE, flag);
}

void memblock_cap(paddr_t limit)
{
	memblock_remove(limit, ~(paddr_t)0 - limit);
}

/* ---- searching ---- */

bool memblock_next_free(paddr_t *pos, paddr_t *start, paddr_t *end, int *nid)
{
	struct memblock *mb = this_quire()->memblock;
	unsigned int i, j = 0;

	for (i = 0; i < mb->memory.cnt; i++) {
		struct memblock_region *m = &mb->memory.regions[i];
		paddr_t from = max_t(paddr_t, m->base, *pos), to = m->base + m->size;

		if (m->flags & MEMBLOCK_NOMAP)
			continue;
		while (from < to) {
			struct memblock_region *r;

			while (j < mb->reserved.cnt &&
			       mb->reserved.regions[j].base + mb->reserved.regions[j].size <= from)
				j++;
			r = &mb->reserved.regions[j];
			if (j < mb->reserved.cnt && r->base <= from) {
				from = r->base + r->size;
				continue;
			}
			*start = from;
			*end = j < mb->reserved.cnt ? min_t(paddr_t, to, r->base) : to;
			*nid = m->nid;
			*pos = *end;
			return true;
		}
	}
	return false;
}

/* The place for an allocation, 0 for none. Searches upwards; from the top down the last match wins. */
static paddr_t find_place(paddr_t size, paddr_t align, paddr_t start, paddr_t end, int nid)
{
	bool bottom_up = this_quire()->memblock->bottom_up;
	paddr_t pos, from, to, found = 0;
	int on;

	for_each_free_mem_range(pos, &from, &to, &on) {
		from = max_t(paddr_t, from, start);
		to = min_t(paddr_t, to, end);
		if ((nid != NUMA_NO_NODE && nid != on) || from >= to)
			continue;
		from = ALIGN(from, align);
		if (from >= to || to - from < size)
			continue;
		if (bottom_up)
			return from;
		found = ALIGN_DOWN(to - size, align);
	}
	return found;
}

paddr_t memblock_phys_alloc_range(paddr_t size, paddr_t align, paddr_t start, paddr_t end, int nid)
{
	struct memblock *mb = this_quire()->memblock;
	paddr_t where;

	if (!size)
		return 0;
	start = max_t(paddr_t, start, PAGE_SIZE); /* 0 means failure, so frame 0 is not for use */
	end = min_t(paddr_t, end, mb->current_limit);
	where = find_place(size, align ? align : CACHE_LINE_BYTES, start, end, nid);
	if (!where || memblock_reserve(where, size))
		return 0;
	return where;
}

paddr_t memblock_phys_alloc(paddr_t size, paddr_t align)
{
	return memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ALLOC_ANYWHERE, NUMA_NO_NODE);
}

paddr_t memblock_phys_alloc_try_nid(paddr_t size, paddr_t align, int nid)
{
	paddr_t where = memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ALLOC_ANYWHERE, nid);

	return where || nid == NUMA_NO_NODE ? where : memblock_phys_alloc(size, align);
}

void *memblock_alloc_node(size_t size, size_t align, int nid)
{
	paddr_t where = memblock_phys_alloc_try_nid(size, align, nid);
	void *virt;

	if (!where)
		return NULL;
	virt = phys_to_virt(where);
	memset(virt, 0, size);
	return virt;
}

void *memblock_alloc(size_t size, size_t align)
{
	return memblock_alloc_node(size, align, NUMA_NO_NODE);
}

/* ---- questions ---- */

paddr_t memblock_phys_mem_size(void)
{
	return this_quire()->memblock->memory.total_size;
}

paddr_t memblock_reserved_size(void)
{
	return this_quire()->memblock->reserved.total_size;
}

paddr_t memblock_start_of_DRAM(void)
{
	struct memblock_type *memory = &this_quire()->memblock->memory;

	return memory->cnt ? memory->regions[0].base : 0;
}

paddr_t memblock_end_of_DRAM(void)
{
	struct memblock_type *memory = &this_quire()->memblock->memory;

	return memory->cnt ? memory->regions[memory->cnt - 1].base + memory->regions[memory->cnt - 1].size : 0;
}

static bool covers(const struct memblock_type *type, paddr_t addr)
{
	unsigned int low = 0, high = type->cnt;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (addr < type->regions[mid].base)
			high = mid;
		else if (addr - type->regions[mid].base >= type->regions[mid].size)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

bool memblock_is_memory(paddr_t addr)
{
	return covers(&this_quire()->memblock->memory, addr);
}

bool memblock_is_reserved(paddr_t addr)
{
	return covers(&this_quire()->memblock->reserved, addr);
}

static void dump(const struct memblock_type *type)
{
	unsigned int i;

	quire_log(QUIRE_LOG_INFO, " %s.cnt  = 0x%x", type->name, type->cnt);
	for (i = 0; i < type->cnt; i++) {
		struct memblock_region *r = &type->regions[i];

		quire_log(QUIRE_LOG_INFO, " %s[0x%x]\t[0x%016llx-0x%016llx], %#llx bytes on node %d flags: %#x", type->name, i,
			  (unsigned long long)r->base, (unsigned long long)(r->base + r->size - 1),
			  (unsigned long long)r->size, r->nid, r->flags);
	}
}

void memblock_dump_all(void)
{
	struct memblock *mb = this_quire()->memblock;

	if (!mb->debug)
		return;
	quire_log(QUIRE_LOG_INFO, "MEMBLOCK configuration:");
	quire_log(QUIRE_LOG_INFO, " memory size = 0x%016llx reserved size = 0x%016llx",
		  (unsigned long long)mb->memory.total_size, (unsigned long long)mb->reserved.total_size);
	dump(&mb->memory);
	dump(&mb->reserved);
}
