/* SPDX-License-Identifier: MIT */
/*
 * page.h - sizes, and where things lie in the address space of x86-64 with four or five levels of tables.
 *
 *	0000000000000000  user, up to TASK_SIZE: one page below the canonical border, 2^47 or 2^56
 *	ffff888000000000  direct map: physical address p at PAGE_OFFSET + p
 *	ffffc90000000000  vmalloc, ioremap, kernel stacks: one slot of the root table, 512 GiB
 *	ffffea0000000000  memmap: struct page of frame n at VMEMMAP_START + n * sizeof(struct page)
 *	ffffffff80000000  kernel image: physical address p at IMAGE_BASE + p
 *
 * The kernel's part is the same with both: it fits the last entry of a fifth level.
 *
 * [A1] virt_to_phys(phys_to_virt(p)) == p for every p in the direct map.
 *
 * Lock: none. Sleeps: never. Cost: one or two instructions. Allocates: never.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include "arch/cpu.h"
#include "base/string.h"
#include "quire/types.h"
#include "quire_host.h"
#include "sync/quire_state.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)

/* Physical addresses at which zones end: what ISA devices reach, and what devices with 32 address bits reach. The direct map
 * covers everything: there is no high memory. */
#define ARCH_ZONE_DMA_END (16ull << 20)
#define ARCH_ZONE_DMA32_END (4ull << 30)
#define ARCH_HAS_HIGHMEM 0
#define ARCH_LOWMEM_MAX (~0ull)
#define ARCH_LOWMEM_END ARCH_LOWMEM_MAX

/* The last user page stays unmapped: SYSRET to the first non-canonical address would fault in ring 0. */
#define USER_BYTES(bits) ((1ul << (bits)) - PAGE_SIZE)
/* Mappings lie below, unless the program asks for more by an address above it: many keep marks in the upper 16 bits. */
#define DEFAULT_MAP_WINDOW USER_BYTES(47)
/* Known from arch_init_mem_mapping() on. */
#define TASK_SIZE (this_quire()->task_size)

/* What the boot code has made of the CPU (CR4.LA57), from arch_init_mem_mapping() on. */
static __always_inline bool pgtable_l5_enabled(void)
{
	return this_quire()->pgtable_l5;
}

/* The upper bits repeat the highest that the tables translate; the CPU refuses all other addresses. */
static inline bool addr_is_canonical(vaddr_t addr)
{
	unsigned int unused = pgtable_l5_enabled() ? 7 : 16;

	return (vaddr_t)((long)(addr << unused) >> unused) == addr;
}

#define PAGE_OFFSET 0xffff888000000000ul
/* The direct map's share of the address space: RAM above is not used. 64 TiB. */
#define DIRECT_MAP_BYTES (1ul << 46)
#define VMALLOC_START 0xffffc90000000000ul
#define VMALLOC_END (VMALLOC_START + (1ul << 39))
#define VMEMMAP_START 0xffffea0000000000ul
#define IMAGE_BASE_VIRT 0xffffffff80000000ul

/* All addresses are known beforehand. */
struct arch_layout {
};

static inline void *phys_to_virt(paddr_t phys)
{
	return (void *)(phys + PAGE_OFFSET);
}

/* For addresses in the direct map only. */
static inline paddr_t virt_to_phys(const void *virt)
{
	return (vaddr_t)virt - PAGE_OFFSET;
}

/* For objects of the kernel image. */
#ifndef __pa_symbol
#define __pa_symbol(x) ((paddr_t)(vaddr_t)(x) - IMAGE_BASE_VIRT)
#endif

static inline vaddr_t arch_memmap_base(void)
{
	return VMEMMAP_START;
}

static inline void clear_page(void *page)
{
	cpu_clear_words(page, PAGE_SIZE / sizeof(long));
}

static inline void copy_page(void *to, const void *from)
{
	cpu_copy_words(to, from, PAGE_SIZE / sizeof(long));
}

#endif
