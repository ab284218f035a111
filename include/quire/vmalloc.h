/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h - kernel ranges that are contiguous in virtual addresses only, each followed by a guard page.
 *
 * Context: all may sleep except where said; no spinning lock held; IRQs on.
 */
#ifndef QUIRE_VMALLOC_H
#define QUIRE_VMALLOC_H

#include "quire/gfp.h"
#include "quire/types.h"

enum vmap_kind { VM_ALLOC = 2, VM_MAP = 4, VM_IOREMAP = 1, VM_KSTACK = 8 };

void *vmalloc(size_t bytes);
void *vzalloc(size_t bytes);
void *__vmalloc(size_t bytes, gfp_t gfp);
void vfree(const void *addr); /* may be called from interrupts: then freed later */
/* Maps nr pages that the caller owns. prot: pgprot bits of arch/pte.h (PAGE_KERNEL...). NULL on failure. */
void *vmap(struct page **pages, unsigned int nr, enum vmap_kind kind, u64 prot);
void vunmap(const void *addr);
struct page *vmalloc_to_page(const void *addr);
bool is_vmalloc_addr(const void *addr);

/* Device memory; refuses ranges that are RAM (NULL and a log line). bytes > 0. */
void *ioremap(paddr_t phys, size_t bytes);     /* uncached      */
void *ioremap_cache(paddr_t phys, size_t bytes); /* write-back  */
void iounmap(const void *addr);

/* Kernel stacks: `bytes` (power of two, at least a page) with an unmapped guard page below, cached per CPU.
 * NULL when out of memory. */
void *kernel_stack_alloc(size_t bytes);
void kernel_stack_free(void *stack);

/* kmalloc when small or lucky, vmalloc otherwise. */
void *kvmalloc(size_t bytes, gfp_t gfp);
void *kvzalloc(size_t bytes, gfp_t gfp);
void *kvcalloc(size_t n, size_t bytes, gfp_t gfp);
void kvfree(const void *addr);

#endif
