/* SPDX-License-Identifier: MIT */
/* direct_map.c - the kernel's GiB of 32-bit x86, with PAE and without, takes the place of the boot tables'. */
#include "arch/uaccess.h"
#include "arch/x86/boot_map.h"
#include "arch/x86/cpu_bits.h"
#include "arch/x86_32/layout.h"
#include "base/math.h"
#include "quire/config.h"
#include "quire/errno.h"

static paddr_t end_of_ram(const struct boot_memory *memory)
{
	paddr_t start, end, last = 0;

	for (unsigned int i = 0; memory->range(i, &start, &end); i++)
		last = max(last, end);
	return last;
}

/* The memmap is as long as RAM, to the end of the last two page blocks. */
static void make_layout(const struct boot_memory *memory)
{
	paddr_t end = end_of_ram(memory), whole = ALIGN(end, (paddr_t)PAGE_SIZE << (PAGEBLOCK_ORDER + 1));
	struct kernel_layout layout = kernel_layout_of(end, (whole >> PAGE_SHIFT) * QUIRE_STRUCT_PAGE_BYTES);

	this_quire()->memmap = (struct page *)layout.memmap;
	this_quire()->arch->layout = (struct arch_layout){
		.lowmem_end = layout.lowmem_end,
		.vmalloc_start = layout.vmalloc_start,
		.vmalloc_end = layout.vmalloc_end,
	};
}

/* Leaf tables for all of [start, end). */
static int make_tables(const struct boot_map *map, pte_t *root, vaddr_t start, vaddr_t end)
{
	for (vaddr_t addr = start; addr - start < end - start; addr += PMD_SIZE) {
		pte_t *table = root;

		for (unsigned int level = PGTABLE_ROOT_LEVEL; table && level; level--)
			table = boot_table_below(map, &table[pt_index(addr, level)], level);
		if (!table)
			return -ENOMEM;
	}
	return 0;
}

/* [AM2] What all roots copy is complete: with two levels the tables of vmalloc and of the memmap are named by the root itself. */
static int fill_root(struct boot_map *map, pte_t *root)
{
	int err = make_tables(map, root, PKMAP_BASE, FIXADDR_TOP);

	if (PGTABLE_ROOT_LEVEL == 1 && !err)
		err = make_tables(map, root, VMALLOC_START, VMALLOC_END);
	if (PGTABLE_ROOT_LEVEL == 1 && !err)
		err = make_tables(map, root, arch_memmap_base(), PKMAP_BASE);
	return err;
}

/* The new kernel's GiB is built below a root of its own and takes the place of the boot tables' entry by entry: each translates
 * what is in use to where the old one did. */
int arch_init_mem_mapping(const struct boot_memory *memory)
{
	const struct quire_boot *boot = this_quire()->boot;
	const struct image_part parts[] = {
		{ boot->init, PAGE_KERNEL_EXEC | X86_PTE_W },
		{ boot->text, PAGE_KERNEL_EXEC },
		{ boot->rodata, PAGE_KERNEL_RO },
	};
	struct boot_map map = { .memory = memory, .limit = LOWMEM_MAX_BYTES, .nid = -1 };
	pte_t *root, *scratch;
	int err = boot_make_state(memory, map.limit, ~(cpu_uses_nx() ? 0 : X86_PTE_NX));

	if (err)
		return err;
	make_layout(memory);
	map.limit = ARCH_LOWMEM_END;
	arch_sort_exception_table();
	scratch = boot_new_table(&map);
	if (!scratch)
		return -ENOMEM;
	map.bytes = this_quire()->arch->direct_map_bytes;
	map.max_level = PGTABLE_ROOT_LEVEL > 1 || cpu_uses_4m_pages() ? 1 : 0;
	err = boot_map_ram(&map, scratch, ARCH_LOWMEM_END, parts, ARRAY_SIZE(parts));
	if (!err)
		err = fill_root(&map, scratch);
	if (err)
		return err;
	root = phys_to_virt(this_quire()->arch->kernel_root);
	for (unsigned int i = PTRS_PER_USER_ROOT; i < pt_entries(PGTABLE_ROOT_LEVEL); i++)
		set_pte(&root[i], scratch[i]);
	arch_tlb_flush_user();
	arch_tlb_flush_all();
	memory->free(virt_to_phys(scratch), PAGE_SIZE);
	return 0;
}

void arch_seal_init(void)
{
	const struct phys_range *init = &this_quire()->boot->init;

	for (paddr_t at = init->start; at < init->end; at += PAGE_SIZE) {
		pte_t *pte = arch_kernel_pte((vaddr_t)phys_to_virt(at));

		if (pte)
			set_pte(pte, pfn_pte(at >> PAGE_SHIFT, arch_pgprot_supported(PAGE_KERNEL)));
	}
	arch_tlb_flush_all();
}
