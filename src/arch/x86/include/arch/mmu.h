/* SPDX-License-Identifier: MIT */
/*
 * mmu.h - the kernel's own part of the page tables, made at boot from memory that the caller's table supplies.
 *
 *	arch_init_mem_mapping   direct map of all low memory with the largest pages the CPU has; per-CPU TLB state
 *	arch_vmemmap_populate   backs a part of the memmap
 *
 * [AM1] The direct map covers all low memory and never changes after boot; the image's text and read-only data are
 *       read-only in it too, and nothing is executable but, where the image has no addresses of its own, its text.
 * [AM2] Every root entry of the kernel half that is ever used is filled after arch_init_mem_mapping, so that the roots of
 *       address spaces copy them once.
 *
 * Lock: none; boot CPU. Sleeps: never. Fails: -ENOMEM. Allocates: from struct boot_memory.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include "arch/pte.h"
#include "quire/types.h"

/* Boot memory, as the floor above has it. */
struct boot_memory {
	/* The i-th range of RAM in rising order; false: there is none. */
	bool (*range)(unsigned int i, paddr_t *start, paddr_t *end);
	/* `size` bytes aligned to `align`, below `limit` (0: anywhere), of node `nid` if it has them. Not zeroed. 0: none. */
	paddr_t (*alloc)(paddr_t size, paddr_t align, paddr_t limit, int nid);
	void (*free)(paddr_t start, paddr_t size);
};

/* `memory` must stay valid until the buddy has taken over. */
int arch_init_mem_mapping(const struct boot_memory *memory);
/* Backs [start, end) of the memmap with zeroed frames of node `nid`; what is already backed stays. 0 or -ENOMEM. */
int arch_vmemmap_populate(vaddr_t start, vaddr_t end, int nid);

/* After entries of the kernel's own tables have changed: nothing to do where the CPU reads them itself. */
static inline void arch_sync_kernel_mappings(vaddr_t start, vaddr_t end)
{
}

/* The entry of a kernel address in its leaf table; NULL: there is none, or a large page is mapped. Never sleeps. */
pte_t *arch_kernel_pte(vaddr_t addr);

/* 32 bits, where the image is executed in the direct map: nothing of its init part is executable any more. All CPUs but this one
 * are quiet or flush for themselves. Before it is freed. */
void arch_seal_init(void);

/* Bytes of the direct map by page size, by level: 0: 4 KiB pages, 1: 2 MiB (4 MiB), 2: 1 GiB. */
u64 arch_direct_map_bytes(unsigned int level);
/* Physical address of the kernel's root table. */
paddr_t arch_kernel_root(void);

#endif
