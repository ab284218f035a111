/* SPDX-License-Identifier: MIT */
/*
 * page.h - page size, the kernel's virtual layout, and the arithmetic between physical and direct-map addresses.
 *
 *	0000000000000000 .. 00007fffffffefff   user
 *	ffff888000000000 .. ffffc87fffffffff   direct map of all RAM (64 TiB)
 *	ffffc90000000000 .. ffffe8ffffffffff   vmalloc, ioremap, kernel stacks
 *	ffffea0000000000 .. ffffeaffffffffff   vmemmap: struct pages
 *	ffffffff80000000 .. ffffffffbfffffff   kernel image
 *
 * Locks: none. Sleeps: never. Cost: a few instructions; a page clear is 512 steps of rep stosq. Allocates: never.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include "base/compiler.h"
#include "quire/types.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)

/* The last user page stays unmapped: SYSRET to the first non-canonical address would fault in ring 0. */
#define TASK_SIZE 0x00007ffffffff000ul

#define DIRECT_MAP_BASE 0xffff888000000000ul
#define DIRECT_MAP_END 0xffffc88000000000ul
#define VMALLOC_START 0xffffc90000000000ul
#define VMALLOC_END 0xffffe90000000000ul
#define VMEMMAP_BASE 0xffffea0000000000ul
#define KERNEL_IMAGE_BASE 0xffffffff80000000ul

static __always_inline unsigned long arch_memmap_base(void)
{
	return VMEMMAP_BASE;
}

/* The direct map's address of a physical one. The range must be RAM (or ACPI tables) that the direct map covers. */
static __always_inline void *phys_to_virt(paddr_t paddr)
{
	return (void *)(DIRECT_MAP_BASE + paddr);
}

/* Only for addresses of the direct map; for the kernel's image: __pa_symbol. */
static __always_inline paddr_t virt_to_phys(const void *virt)
{
	return (unsigned long)virt - DIRECT_MAP_BASE;
}

static __always_inline paddr_t __pa_symbol(const void *symbol)
{
	return (unsigned long)symbol - KERNEL_IMAGE_BASE;
}

static __always_inline void clear_page(void *page)
{
	unsigned long count = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+c"(count), "+D"(page) : "a"(0ul) : "memory");
}

static __always_inline void copy_page(void *to, const void *from)
{
	unsigned long count = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+c"(count), "+D"(to), "+S"(from) : : "memory");
}

#endif
