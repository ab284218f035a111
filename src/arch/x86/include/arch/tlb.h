/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - this CPU's translation cache and root table, and what is remembered about them for each CPU.
 *
 * Kernel entries are global: a new root keeps them. There is no tagging by address space: a new root drops all others.
 *
 * Lock: none; each CPU acts on itself. Sleeps: never. Cost: one instruction, or two for a register. Allocates: never.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include "arch/pte.h"
#include "base/compiler.h"
#include "sync/ctx.h"

struct pgtable;
struct boot_memory;

/* Written by its own CPU with interrupts off. */
struct tlb_cpu {
	struct pgtable *loaded;  /* whose root is loaded, NULL: the kernel's own                    */
	u64 gen;                 /* loaded->tlb_gen up to which this CPU has flushed                */
	bool lazy;               /* runs a kernel thread on borrowed tables: no user address is used */
} __cacheline_aligned;

struct arch_state {
	struct arch_layout layout; /* (c) what of arch/page.h is decided at boot; first, because that looks for it there */
	paddr_t kernel_root;     /* (c) */
	u64 direct_map_bytes[3]; /* (c) by level */
	struct tlb_cpu *tlb;     /* (c) by CPU */
	u64 supported;           /* (c) bits of an entry that this CPU knows */
	const struct boot_memory *memory; /* (c) until the buddy has taken over */
};

static __always_inline struct tlb_cpu *this_tlb(void)
{
	return &this_quire()->arch->tlb[this_cpu()];
}

/* Changes beyond this many pages are flushed as a whole: 33 as elsewhere, about where a refill costs as much. */
#define TLB_SINGLE_PAGE_CEILING 33

/* Everything that is not global, and the CPU's copies of the root's entries where it has some. */
static __always_inline void arch_tlb_flush_user(void)
{
	unsigned long root;

	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(root) : : "memory");
}

/* One address, user or kernel, of the loaded root. */
static __always_inline void arch_tlb_flush_page(vaddr_t addr)
{
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
}

/* Everything: without the enable bit, global entries go too. */
static inline void arch_tlb_flush_all(void)
{
	const unsigned long pge = 1ul << 7;
	unsigned long cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4\n\tmov %1, %%cr4" : : "r"(cr4 & ~pge), "r"(cr4) : "memory");
}

/* Makes the root of an empty tree: nothing in the user's part, the kernel's entries in the other. */
static inline void arch_root_init(pte_t *root)
{
	const size_t words = sizeof(pte_t) / sizeof(long);
	const pte_t *kernel = phys_to_virt(this_quire()->arch->kernel_root);

	cpu_clear_words(root, PTRS_PER_USER_ROOT * words);
	cpu_copy_words(root + PTRS_PER_USER_ROOT, kernel + PTRS_PER_USER_ROOT, (PTRS_PER_TABLE - PTRS_PER_USER_ROOT) * words);
}

static __always_inline void arch_load_root(paddr_t root)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"((unsigned long)root) : "memory");
}

static __always_inline paddr_t arch_read_root(void)
{
	unsigned long root;

	__asm__ volatile("mov %%cr3, %0" : "=r"(root));
	return root & ~0xffful;
}

#endif
