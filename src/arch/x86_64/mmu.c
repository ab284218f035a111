/* SPDX-License-Identifier: MIT */
/* mmu.c - the direct map and the memmap's backing, made once at boot. */
#include "arch/mmu.h"

#include "arch/tlb.h"
#include "arch/uaccess.h"
#include "base/math.h"
#include "quire/errno.h"
#include "quire/quire.h"
#include "sync/report.h"

/* The tables of boot reach so far, before the direct map is complete. */
#define BOOT_MAPPED_BYTES (4ull << 30)
#define CPUID_EXTENDED 0x80000001u
#define CPUID_PAGES_1G (1u << 26)
#define MSR_EFER 0xc0000080u
#define EFER_NXE (1u << 11)
#define CR4_FIVE_LEVELS (1ul << 12)
#define CR4_PROTECTION_KEYS (1ul << 22)

/* All of the kernel's addresses lie below one entry of a fifth level, so that its tables begin at the fourth. */
#define KERNEL_TOP_LEVEL 3

/* One piece of work: where, what, how, and with which largest level. */
struct mapping {
	const struct boot_memory *memory;
	u64 *bytes;          /* by level, counted up; may be NULL */
	pgprot_t prot;
	unsigned int max_level;
	paddr_t limit;       /* of memory for tables */
	int nid;
};

static bool cpu_has_1g_pages(void)
{
	u32 a = 0x80000000u, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (a < CPUID_EXTENDED)
		return false;
	a = CPUID_EXTENDED;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d & CPUID_PAGES_1G;
}

static bool cpu_uses_nx(void)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_EFER));
	return lo & EFER_NXE;
}

static unsigned long read_cr4(void)
{
	unsigned long cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	return cr4;
}

/* As the NX bit: the host has set up the CPU before. */
static bool cpu_uses_pkeys(void)
{
	return read_cr4() & CR4_PROTECTION_KEYS;
}

bool arch_has_pkeys(void)
{
	return this_quire()->arch->supported & X86_PTE_PKEY;
}

pgprot_t arch_pgprot_supported(pgprot_t prot)
{
	return prot & this_quire()->arch->supported;
}

/* The node's own memory if it has any left. */
static paddr_t boot_alloc(const struct mapping *map, unsigned int level)
{
	paddr_t where = map->memory->alloc(pt_size(level), pt_size(level), map->limit, map->nid);

	if (!where && map->nid >= 0)
		where = map->memory->alloc(pt_size(level), pt_size(level), map->limit, -1);
	if (where)
		cpu_clear_words(phys_to_virt(where), pt_size(level) / sizeof(long));
	return where;
}

static pte_t *table_below(const struct mapping *map, pte_t *entry)
{
	paddr_t where;

	if (pte_none(*entry)) {
		where = boot_alloc(map, 0);
		if (!where)
			return NULL;
		*entry = pfn_pte_table(where >> PAGE_SHIFT);
	}
	return phys_to_virt((paddr_t)pte_pfn(*entry) << PAGE_SHIFT);
}

/* Part of [addr, end) that one entry at `level` covers. */
static vaddr_t entry_end(vaddr_t addr, vaddr_t end, unsigned int level)
{
	vaddr_t boundary = (addr + pt_size(level)) & ~(pt_size(level) - 1);

	return boundary - 1 < end - 1 ? boundary : end;
}

static int map_level(const struct mapping *map, pte_t *table, unsigned int level, vaddr_t addr, vaddr_t end,
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
			pte_t *below = table_below(map, entry);

			if (!below || map_level(map, below, level - 1, addr, next, phys))
				return -ENOMEM;
		}
		if (next == end)
			return 0;
		phys += next - addr;
		addr = next;
	}
}

/* Frames of [start, end) that lie in [from, to) too, with `prot`. */
static int map_part(struct mapping *map, pte_t *slots, paddr_t start, paddr_t end, paddr_t from, paddr_t to,
		    pgprot_t prot)
{
	start = max(start, from);
	end = min(end, to);
	if (start >= end)
		return 0;
	map->prot = arch_pgprot_supported(prot);
	return map_level(map, slots, KERNEL_TOP_LEVEL, (vaddr_t)phys_to_virt(start), (vaddr_t)phys_to_virt(end - 1) + 1, start);
}

static int map_ram(struct mapping *map, pte_t *top)
{
	const struct quire_boot *boot = this_quire()->boot;
	paddr_t text = boot->text.start, rodata_end = max(boot->rodata.end, boot->text.end), start, end;
	int err = 0;

	for (unsigned int i = 0; !err && map->memory->range(i, &start, &end); i++) {
		start = ALIGN(start, PAGE_SIZE);
		end = min(ALIGN_DOWN(end, PAGE_SIZE), (paddr_t)DIRECT_MAP_BYTES);
		err = map_part(map, top, start, end, 0, text, PAGE_KERNEL);
		if (!err)
			err = map_part(map, top, start, end, text, rodata_end, PAGE_KERNEL_RO);
		if (!err)
			err = map_part(map, top, start, end, rodata_end, ~0ull, PAGE_KERNEL);
	}
	return err;
}

static int make_state(const struct boot_memory *memory)
{
	size_t all = ALIGN(sizeof(struct arch_state), CACHE_LINE_BYTES) + this_quire()->nr_cpus * sizeof(struct tlb_cpu);
	paddr_t where = memory->alloc(all, CACHE_LINE_BYTES, BOOT_MAPPED_BYTES, -1);
	struct arch_state *state = phys_to_virt(where);

	if (!where)
		return -ENOMEM;
	cpu_clear_words(state, all / sizeof(long));
	state->kernel_root = arch_read_root();
	state->tlb = (struct tlb_cpu *)((char *)state + ALIGN(sizeof(*state), CACHE_LINE_BYTES));
	state->memory = memory;
	state->supported = ~((cpu_uses_nx() ? 0 : X86_PTE_NX) | (cpu_uses_pkeys() ? 0 : X86_PTE_PKEY));
	this_quire()->arch = state;
	this_quire()->pgtable_l5 = read_cr4() & CR4_FIVE_LEVELS;
	this_quire()->task_size = this_quire()->pgtable_l5 ? USER_BYTES(56) : USER_BYTES(47);
	return 0;
}

/* The table of KERNEL_TOP_LEVEL in the kernel's tree. */
static pte_t *kernel_top(void)
{
	pte_t *root = phys_to_virt(this_quire()->arch->kernel_root);

	if (!pgtable_l5_enabled())
		return root;
	return phys_to_virt((paddr_t)pte_table_pfn(root[pt_index(PAGE_OFFSET, PGTABLE_ROOT_LEVEL)]) << PAGE_SHIFT);
}

/*
 * The new direct map is built in a table of its own beside the boot tables', in memory that these reach, and takes their
 * place in one store.
 */
int arch_init_mem_mapping(const struct boot_memory *memory)
{
	struct mapping map = { .memory = memory, .limit = BOOT_MAPPED_BYTES, .nid = -1 };
	pte_t *top, *scratch;
	paddr_t where;
	int err = make_state(memory);

	if (err)
		return err;
	arch_sort_exception_table();
	where = boot_alloc(&map, 0);
	if (!where)
		return -ENOMEM;
	scratch = phys_to_virt(where);
	map.bytes = this_quire()->arch->direct_map_bytes;
	map.max_level = cpu_has_1g_pages() ? 2 : 1;
	err = map_ram(&map, scratch);
	top = kernel_top();
	if (err || !table_below(&map, &top[pt_index(VMALLOC_START, KERNEL_TOP_LEVEL)]) ||
	    !table_below(&map, &top[pt_index(VMEMMAP_START, KERNEL_TOP_LEVEL)]))
		return -ENOMEM;
	for (unsigned int i = 0; i < PTRS_PER_TABLE; i++)
		if (!pte_none(scratch[i]))
			top[i] = scratch[i];
	arch_tlb_flush_all();
	memory->free(where, PAGE_SIZE);
	return 0;
}

static int back_page(struct mapping *map, pte_t *top, vaddr_t addr, unsigned int level)
{
	pte_t *entry = &top[pt_index(addr, KERNEL_TOP_LEVEL)];
	u64 bytes[3] = { 0 };
	paddr_t where;

	for (unsigned int at = KERNEL_TOP_LEVEL; at > level; at--) {
		pte_t *below = pte_present(*entry) && pte_huge(*entry) ? NULL : table_below(map, entry);

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

/* A large page only where all of it is used: struct pages of 256 MiB. */
int arch_vmemmap_populate(vaddr_t start, vaddr_t end, int nid)
{
	struct arch_state *state = this_quire()->arch;
	struct mapping map = { .memory = state->memory, .prot = arch_pgprot_supported(PAGE_KERNEL), .nid = nid };
	pte_t *top = kernel_top();
	vaddr_t addr = start & PAGE_MASK;
	int err = 0;

	while (!err && addr < end) {
		bool large = !(addr & ~PMD_MASK) && end - addr >= PMD_SIZE;

		err = back_page(&map, top, addr, large ? 1 : 0);
		addr += large ? PMD_SIZE : PAGE_SIZE;
	}
	return err;
}

u64 arch_direct_map_bytes(unsigned int level)
{
	return level < 3 ? this_quire()->arch->direct_map_bytes[level] : 0;
}

paddr_t arch_kernel_root(void)
{
	return this_quire()->arch->kernel_root;
}
