/* SPDX-License-Identifier: MIT */
/* boot_map.c - the direct map's and the memmap's entries, made once at boot. */
#include "arch/x86/boot_map.h"

#include "base/math.h"
#include "quire/errno.h"

pgprot_t arch_pgprot_supported(pgprot_t prot)
{
	return prot & this_quire()->arch->supported;
}

/* The node's own memory if it has any left. */
static paddr_t boot_alloc(const struct boot_map *map, unsigned int level)
{
	paddr_t where = map->memory->alloc(pt_size(level), pt_size(level), map->limit, map->nid);

	if (!where && map->nid >= 0)
		where = map->memory->alloc(pt_size(level), pt_size(level), map->limit, -1);
	if (where)
		cpu_clear_words(phys_to_virt(where), pt_size(level) / sizeof(long));
	return where;
}

pte_t *boot_new_table(const struct boot_map *map)
{
	paddr_t where = boot_alloc(map, 0);

	return where ? phys_to_virt(where) : NULL;
}

pte_t *boot_table_below(const struct boot_map *map, pte_t *entry, unsigned int at)
{
	if (pte_none(*entry)) {
		pte_t *table = boot_new_table(map);

		if (!table)
			return NULL;
		*entry = pfn_pte_table(virt_to_phys(table) >> PAGE_SHIFT, at);
	}
	return phys_to_virt((paddr_t)pte_table_pfn(*entry) << PAGE_SHIFT);
}

pte_t *boot_kernel_top(void)
{
	pte_t *root = phys_to_virt(this_quire()->arch->kernel_root);

	if (PGTABLE_ROOT_LEVEL == KERNEL_TOP_LEVEL)
		return root;
	return phys_to_virt((paddr_t)pte_table_pfn(root[pt_index(PAGE_OFFSET, PGTABLE_ROOT_LEVEL)]) << PAGE_SHIFT);
}

/* Part of [addr, end) that one entry at `level` covers. */
static vaddr_t entry_end(vaddr_t addr, vaddr_t end, unsigned int level)
{
	vaddr_t boundary = (addr + pt_size(level)) & ~(pt_size(level) - 1);

	return boundary - 1 < end - 1 ? boundary : end;
}

static int map_level(const struct boot_map *map, pte_t *table, unsigned int level, vaddr_t addr, vaddr_t end,
		     paddr_t phys)
{
	for (;;) {
		pte_t *entry = &table[pt_index(addr, level)];
		vaddr_t next = entry_end(addr, end, level);

		if (level <= map->max_level && next - addr == pt_size(level) && !(phys & (pt_size(level) - 1)) &&
		    pte_none(*entry)) {
			pfn_t pfn = phys >> PAGE_SHIFT;

			*entry = level ? pfn_pte_huge(pfn, map->prot) : pfn_pte(pfn, map->prot);
			map->bytes[level] += pt_size(level);
		} else if (level) {
			pte_t *below = boot_table_below(map, entry, level);

			if (!below || map_level(map, below, level - 1, addr, next, phys))
				return -ENOMEM;
		}
		if (next == end)
			return 0;
		phys += next - addr;
		addr = next;
	}
}

/* Frames [start, end) of RAM, in pieces of the same rights. */
static int map_range(struct boot_map *map, pte_t *top, paddr_t start, paddr_t end, const struct image_part *parts,
		     unsigned int nr_parts)
{
	int err = 0;

	while (!err && start < end) {
		pgprot_t prot = PAGE_KERNEL;
		paddr_t stop = end;

		for (unsigned int i = 0; i < nr_parts; i++) {
			const struct phys_range *part = &parts[i].range;

			if (start >= part->start && start < part->end) {
				prot = parts[i].prot;
				stop = min(stop, part->end);
			} else if (start < part->start) {
				stop = min(stop, part->start);
			}
		}
		map->prot = arch_pgprot_supported(prot);
		err = map_level(map, top, KERNEL_TOP_LEVEL, (vaddr_t)phys_to_virt(start),
				(vaddr_t)phys_to_virt(stop - 1) + 1, start);
		start = stop;
	}
	return err;
}

int boot_map_ram(struct boot_map *map, pte_t *top, paddr_t limit, const struct image_part *parts, unsigned int nr_parts)
{
	paddr_t start, end;
	int err = 0;

	for (unsigned int i = 0; !err && map->memory->range(i, &start, &end); i++)
		err = map_range(map, top, ALIGN(start, PAGE_SIZE), min(ALIGN_DOWN(end, PAGE_SIZE), limit), parts, nr_parts);
	return err;
}

int boot_make_state(const struct boot_memory *memory, paddr_t limit, u64 supported)
{
	size_t all = ALIGN(sizeof(struct arch_state), CACHE_LINE_BYTES) + this_quire()->nr_cpus * sizeof(struct tlb_cpu);
	paddr_t where = memory->alloc(all, CACHE_LINE_BYTES, limit, -1);
	struct arch_state *state = phys_to_virt(where);

	if (!where)
		return -ENOMEM;
	cpu_clear_words(state, all / sizeof(long));
	state->kernel_root = arch_read_root();
	state->tlb = (struct tlb_cpu *)((char *)state + ALIGN(sizeof(*state), CACHE_LINE_BYTES));
	state->memory = memory;
	state->supported = supported;
	this_quire()->arch = state;
	return 0;
}

static int back_page(struct boot_map *map, pte_t *top, vaddr_t addr, unsigned int level)
{
	pte_t *entry = &top[pt_index(addr, KERNEL_TOP_LEVEL)];
	u64 bytes[3] = { 0 }; /* of no interest */
	paddr_t where;

	for (unsigned int at = KERNEL_TOP_LEVEL; at > level; at--) {
		pte_t *below = pte_present(*entry) && pte_huge(*entry) ? NULL : boot_table_below(map, entry, at);

		if (!below)
			return pte_none(*entry) ? -ENOMEM : 0;
		entry = &below[pt_index(addr, at - 1)];
	}
	if (!pte_none(*entry))
		return 0;
	where = boot_alloc(map, level);
	if (!where)
		return -ENOMEM;
	map->bytes = bytes;
	map->max_level = level;
	return map_level(map, top, KERNEL_TOP_LEVEL, addr, addr + pt_size(level), where);
}

/* A large page only where all of it is used: on x86-64, struct pages of 256 MiB. */
int arch_vmemmap_populate(vaddr_t start, vaddr_t end, int nid)
{
	struct arch_state *state = this_quire()->arch;
	struct boot_map map = {
		.memory = state->memory, .prot = arch_pgprot_supported(PAGE_KERNEL), .nid = nid,
		.limit = ARCH_HAS_HIGHMEM ? ARCH_LOWMEM_END : 0,
	};
	pte_t *top = boot_kernel_top();
	vaddr_t addr = start & PAGE_MASK;
	int err = 0;

	while (!err && addr < end) {
		bool large = !(addr & ~PMD_MASK) && end - addr >= PMD_SIZE;

		err = back_page(&map, top, addr, large ? 1 : 0);
		addr += large ? PMD_SIZE : PAGE_SIZE;
	}
	return err;
}

pte_t *arch_kernel_pte(vaddr_t addr)
{
	pte_t *table = phys_to_virt(this_quire()->arch->kernel_root);

	for (unsigned int level = PGTABLE_ROOT_LEVEL; level; level--) {
		pte_t entry = pte_read(&table[pt_index(addr, level)]);

		if (!pte_is_table(entry))
			return NULL;
		table = phys_to_virt((paddr_t)pte_table_pfn(entry) << PAGE_SHIFT);
	}
	return &table[pt_index(addr, 0)];
}

u64 arch_direct_map_bytes(unsigned int level)
{
	return level < 3 ? this_quire()->arch->direct_map_bytes[level] : 0;
}

paddr_t arch_kernel_root(void)
{
	return this_quire()->arch->kernel_root;
}
