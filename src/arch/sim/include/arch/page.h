/* SPDX-License-Identifier: MIT */
/*
 * page.h - page size and layout of the simulated ISA: physical memory and the array of struct pages are sparse
 * mappings of the process, so the direct map is an addition and the memmap has no tables.
 *
 * Locks: none. Sleeps: never. Cost: a few instructions. Allocates: never.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include "base/compiler.h"
#include "base/string.h"
#include "quire/types.h"
#include "quire_host.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)

/* As x86-64's on 64-bit hosts, 3 GiB on 32-bit ones. User addresses are numbers, not the host's pointers. */
#define TASK_SIZE (sizeof(long) == 8 ? (unsigned long)0x00007ffffffff000ull : 0xc0000000ul)

static __always_inline unsigned long arch_memmap_base(void)
{
	return (unsigned long)(uintptr_t)host_self.vmemmap_base;
}

static __always_inline void *phys_to_virt(paddr_t paddr)
{
	return host_self.phys_base + paddr;
}

static __always_inline paddr_t virt_to_phys(const void *virt)
{
	return (paddr_t)((const char *)virt - host_self.phys_base);
}

static __always_inline void clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

static __always_inline void copy_page(void *to, const void *from)
{
	memcpy(to, from, PAGE_SIZE);
}

#endif
