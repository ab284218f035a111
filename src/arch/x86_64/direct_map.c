/* SPDX-License-Identifier: MIT */
/* direct_map.c - the direct map of x86-64 takes the place of the boot tables', and what this CPU's entries may say. */
#include "arch/uaccess.h"
#include "arch/x86/boot_map.h"
#include "arch/x86/cpu_bits.h"
#include "base/math.h"
#include "quire/errno.h"

/* The tables of boot reach so far, before the direct map is complete. */
#define BOOT_MAPPED_BYTES (4ull << 30)

bool arch_has_pkeys(void)
{
	return this_quire()->arch->supported & X86_PTE_PKEY;
}

/*
 * The new direct map is built in a table of its own beside the boot tables', in memory that these reach, and takes their
 * place in one store.
 */
int arch_init_mem_mapping(const struct boot_memory *memory)
{
	const struct quire_boot *boot = this_quire()->boot;
	const struct image_part read_only = {
		{ boot->text.start, max(boot->rodata.end, boot->text.end) }, PAGE_KERNEL_RO,
	};
	struct boot_map map = { .memory = memory, .limit = BOOT_MAPPED_BYTES, .nid = -1 };
	pte_t *top, *scratch;
	int err = boot_make_state(memory, BOOT_MAPPED_BYTES,
				  ~((cpu_uses_nx() ? 0 : X86_PTE_NX) | (cpu_uses_pkeys() ? 0 : X86_PTE_PKEY)));

	if (err)
		return err;
	this_quire()->pgtable_l5 = cpu_uses_five_levels();
	this_quire()->task_size = this_quire()->pgtable_l5 ? USER_BYTES(56) : USER_BYTES(47);
	arch_sort_exception_table();
	scratch = boot_new_table(&map);
	if (!scratch)
		return -ENOMEM;
	map.bytes = this_quire()->arch->direct_map_bytes;
	map.max_level = cpu_has_1g_pages() ? 2 : 1;
	err = boot_map_ram(&map, scratch, DIRECT_MAP_BYTES, &read_only, 1);
	top = boot_kernel_top();
	if (err || !boot_table_below(&map, &top[pt_index(VMALLOC_START, KERNEL_TOP_LEVEL)], KERNEL_TOP_LEVEL) ||
	    !boot_table_below(&map, &top[pt_index(VMEMMAP_START, KERNEL_TOP_LEVEL)], KERNEL_TOP_LEVEL))
		return -ENOMEM;
	for (unsigned int i = 0; i < PTRS_PER_TABLE; i++)
		if (!pte_none(scratch[i]))
			top[i] = scratch[i];
	arch_tlb_flush_all();
	memory->free(virt_to_phys(scratch), PAGE_SIZE);
	return 0;
}
