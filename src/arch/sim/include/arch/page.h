/* SPDX-License-Identifier: MIT */
/*
 * page.h - sizes, and where things lie on a simulated machine.
 *
 * Kernel addresses are addresses of the hosting process: the direct map is the host's sparse mapping of physical memory,
 * the memmap another one, and the vmalloc area a third one, into which the host maps frames as the kernel's tables say.
 * User addresses mean something to the software MMU alone, which has its own tables: user and kernel share no root.
 *
 * [A1] virt_to_phys(phys_to_virt(p)) == p for every p below the machine's physical end.
 *
 * Lock: none. Sleeps: never. Cost: a thread-local access. Allocates: never.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include "arch/cpu.h"
#include "quire/types.h"
#include "quire_host.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)

/* Physical addresses at which zones end: what ISA devices reach, what devices with 32 address bits reach, and what the
 * direct map covers (here: everything). */
#define ARCH_ZONE_DMA_END (16ull << 20)
#define ARCH_ZONE_DMA32_END (4ull << 30)
#define ARCH_HAS_HIGHMEM 0
#define ARCH_LOWMEM_MAX (~0ull)
#define ARCH_LOWMEM_END ARCH_LOWMEM_MAX

/* Mappings lie below the window, unless the program asks for more by an address above it. */
#define DEFAULT_MAP_WINDOW (sizeof(long) == 8 ? (unsigned long)0x7ffffffff000ull : 0xc0000000ul)
#define TASK_SIZE (pgtable_l5_enabled() ? (unsigned long)0xfffffffffff000ull : DEFAULT_MAP_WINDOW)

static inline bool pgtable_l5_enabled(void)
{
	return sizeof(long) == 8 && host_self.pgtable_l5;
}

#define DIRECT_MAP_BYTES host_self.phys_bytes
#define VMALLOC_START ((vaddr_t)host_self.vmalloc_base)
#define VMALLOC_END (VMALLOC_START + (vaddr_t)host_self.vmalloc_bytes)
#define PAGE_OFFSET ((vaddr_t)host_self.phys_base)
#define VMEMMAP_START ((vaddr_t)host_self.vmemmap_base)

static inline void *phys_to_virt(paddr_t phys)
{
	return host_self.phys_base + phys;
}

static inline paddr_t virt_to_phys(const void *virt)
{
	return (paddr_t)((const char *)virt - host_self.phys_base);
}

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
