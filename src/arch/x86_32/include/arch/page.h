/* SPDX-License-Identifier: MIT */
/*
 * page.h - sizes, and where things lie in the 32-bit address space of x86, with PAE and without.
 *
 *	00000000  user, up to TASK_SIZE
 *	c0000000  direct map of low memory, in which the kernel's image lies: physical address p at PAGE_OFFSET + p
 *	          8 MiB that stay free, so that who runs off its end is found out
 *	          vmalloc, ioremap, kernel stacks: at most 128 MiB (VMALLOC_START, VMALLOC_END)
 *	          memmap: struct page of frame n at arch_memmap_base() + n * sizeof(struct page), up to ...
 *	ff400000  PKMAP_BASE: kept for pages of high memory that are mapped for a while, 4 MiB
 *	ff800000  KMAP_LOCAL_BASE: kept for those that a CPU maps for a moment, 4 MiB
 *	ffc00000  FIXADDR_START: the host's fixed addresses, 4 MiB without the last page
 *
 * Low memory ends at 896 MiB, or earlier where the memmap of much memory needs the room (from 7 GiB on): what lies above is high
 * memory, which would have no address until it is mapped: nothing maps it yet, and it is left out at boot. The borders in the middle follow from the memory that there is, and stand in
 * struct arch_layout.
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

#define TASK_SIZE 0xc0000000ul
/* Mappings lie below: here, all that there is. */
#define DEFAULT_MAP_WINDOW TASK_SIZE
#define PAGE_OFFSET 0xc0000000ul

#define PKMAP_BASE 0xff400000ul
#define KMAP_LOCAL_BASE 0xff800000ul
#define FIXADDR_START 0xffc00000ul
#define FIXADDR_TOP 0xfffff000ul

/* What x86 with 32 bits decides at boot; the first member of struct arch_state. */
struct arch_layout {
	paddr_t lowmem_end;      /* (c) where the direct map and low memory end */
	vaddr_t vmalloc_start, vmalloc_end; /* (c) */
};

static inline const struct arch_layout *arch_layout(void)
{
	return (const struct arch_layout *)this_quire()->arch;
}

/* Physical addresses at which zones end: what ISA devices reach, and what the direct map covers. Devices with 32 address bits
 * reach all low memory: there is no zone for them. */
#define ARCH_ZONE_DMA_END (16ull << 20)
#define ARCH_ZONE_DMA32_END ARCH_ZONE_DMA_END
#define ARCH_HAS_HIGHMEM 1
#define ARCH_LOWMEM_MAX (896ull << 20)
#define ARCH_LOWMEM_END (arch_layout()->lowmem_end)

#define DIRECT_MAP_BYTES ARCH_LOWMEM_END
#define VMALLOC_START (arch_layout()->vmalloc_start)
#define VMALLOC_END (arch_layout()->vmalloc_end)
#define VMEMMAP_START arch_memmap_base()

static inline void *phys_to_virt(paddr_t phys)
{
	return (void *)((vaddr_t)phys + PAGE_OFFSET);
}

/* For addresses in the direct map only. */
static inline paddr_t virt_to_phys(const void *virt)
{
	return (vaddr_t)virt - PAGE_OFFSET;
}

/* For objects of the kernel image. */
#ifndef __pa_symbol
#define __pa_symbol(x) ((paddr_t)((vaddr_t)(x) - PAGE_OFFSET))
#endif

static inline vaddr_t arch_memmap_base(void)
{
	return (vaddr_t)this_quire()->memmap;
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
